// Package exec holds one execution of a simulated program as data: an [Execution] is what
// package sim records when [sim.Config.Record] is set, and it outlives the Runner that made it.
//
// Diagrams, JSON and trace files are clients of this value; none of them parses text that
// another one wrote. The package imports the standard library alone, so a tool that only reads
// executions does not link the simulator.
//
// # What is in it
//
// An Execution names its processes, tasks and shared objects, and lists its events in the
// order in which they happened. An event is a step (one access to shared memory or one call), an
// intervention (a choice other than the default), the beginning or end of a wait, a call or return of
// the recorded history, a mark, or a note. Steps carry the values that were read and written, the decoded
// message if the program has a decoder, the set of enabled tasks, and a vector clock.
//
// What another task was about to do at an event is not stored with the event: it is that task's next step, see
// [Execution.Pending].
//
// An Execution is read-only after the run and safe for concurrent use.
package exec
