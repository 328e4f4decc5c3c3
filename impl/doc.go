// Package impl is what an application uses of cutthrough: local ("cut-through") sessions between two
// applications on one machine, as [net.Conn] and [net.Listener]. The bytes of a session go through shared
// memory; a session layer (package server) places that memory and introduces the two sides to each other.
//
// [Attach] returns an [App]. With it, [Listen] and [Dialer] take networks and addresses in the form of package net, as
// [Resolve] explains; [App.Listen] and [App.Dial] take URIs. Closing is enough to release
// everything: of a [Session], a [Listener], or of the App, which closes all its sessions and listeners.
// What a closed session wrote is still read by its peer, unless [Session.Reset] threw it away.
//
// # Concurrency
//
// All methods of App, Listener and Session are safe for concurrent use. Concurrent reads of a session take
// turns, and so do writes; a read and a write do not. An App has one task of its own for each session layer, which handles
// its messages. The events of a peer are handled by the calls that wait for it.
//
// # Locks
//
// The order is: the turn of a direction (held by the call that uses its fifo), then the lock of the
// application, then the lock of a peer (another application, with its event queue and doorbell), then the lock of the
// session. A method whose name ends in Locked is called with the lock of
// its receiver, or the one that its comment names; no lock of an application, peer or session is held while a task
// waits or sends a message.
//
// # A session layer that does not answer
//
// Messages to the session layer wait in a queue while it is stopped or slow. Established sessions go on. [App.Dial],
// [App.ListenContext] and [AttachContext] end with their context, and what was not sent by then is never sent, but
// for one message that is being sent.
// [Session.Close] and [Session.CloseWrite] return at once. [Listener.Close] and [App.Close] wait for
// Options.CloseWait at most. What they close is closed for the session layer, and for the peer, when it goes on.
//
// # A session layer that ends
//
// Sessions go on, and their ends are told without it. [App.Dial] and [App.Listen] fail with [ErrLayerGone] until the
// application has attached to the next session layer at the same address, which it does by itself unless
// Options.NoReturn says otherwise. Listeners are bound there; [Listener.Accept] waits meanwhile. Options.Observe is told of
// the end, of each refusal, and of the new attachment.
//
// # Wake-ups
//
// Each pair of applications has an event queue and a doorbell for each direction. They belong to the pair alone: a peer
// can ring this application's end and nothing else, and what it does there concerns the sessions with that peer only.
// Of the calls that wait for one peer, one leads: it takes the events and sleeps on the doorbell of that peer. The
// others sleep until it wakes them, and when it leaves, one of them leads. So a sleep costs the same however many peers
// there are, and calls that wait for different peers share no lock. While no call waits for a peer, its events stay in
// the queue and it rings no doorbell.
//
// A doorbell tells that the peer is dead or has left. Sessions that the peer has closed say so in their fifos; the others
// end with [ErrPeerGone].
//
// # Limits
//
// A session has two fifos of at most [wire.MaxFifo] bytes and costs neither a descriptor nor a task; another
// application that this one has sessions with costs two descriptors. The session layer bounds what an application may have; what exceeds a bound is refused with a
// [wire.Status]. Memory that a peer spoils ends the sessions with that peer with shm.ErrCorrupt, and no others. In a
// bubble of testing/synctest only an App can be used that was attached in it.
package impl
