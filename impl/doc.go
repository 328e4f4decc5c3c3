// Package impl is what an application uses of cutthrough: local ("cut-through") sessions between two
// applications on one machine, as [net.Conn] and [net.Listener]. The bytes of a session go through shared
// memory; a session layer (package server) places that memory and introduces the two sides to each other.
//
// [Attach] returns an [App], which can [App.Listen] and [App.Dial]. Closing is enough to release
// everything: of a [Session], a [Listener], or of the App, which closes all its sessions and listeners.
// What a closed session wrote is still read by its peer, unless [Session.Reset] threw it away.
//
// # Concurrency
//
// All methods of App, Listener and Session are safe for concurrent use. Concurrent reads of a session take
// turns, and so do writes; a read and a write do not. An App has two tasks of its own: one handles the
// messages of the session layer, the other the events of peers that no waiting call handles.
//
// # Locks
//
// The order is: the turn of a direction (held by the call that uses its fifo), then the lock of the
// application, then the lock of the session. A method whose name ends in Locked is called with the lock of
// its receiver, or the one that its comment names; no lock of an application or session is held while a task
// waits. Only sends on the control channel happen under the lock of the application: they keep the order of
// messages, and the session layer always reads.
//
// # Wake-ups
//
// Each pair of applications has two event queues, one for each reader. All peers of an application ring its one
// doorbell, so a ring does not say which queue has news. A call that waits asks for a ring of the queue of its
// session; the task that sleeps on the doorbell looks at those queues alone. The cost of a sleep is
// proportional to the peers that a call waits for, at 10 to 50 ns each (BenchmarkSleepWithPairs), not to the
// peers that there are. No summary word can make it proportional to the news: memory that tells of the news of
// all peers is memory that all peers can write, and one of them could erase the news of another. That takes a
// doorbell for each pair, whose sets the kernel keeps apart.
//
// # Limits
//
// A session has two fifos of at most [wire.MaxFifo] bytes and costs neither a descriptor nor a task. The
// session layer bounds what an application may have; what exceeds a bound is refused with a
// [wire.Status]. Memory that a peer spoils ends the sessions with that peer with shm.ErrCorrupt, and no others.
package impl
