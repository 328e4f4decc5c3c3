// Package model holds the protocol as pure state machines: no clock, no I/O, no
// concurrency, nothing but the standard library. A state is a comparable value,
// a step is a function from state to state, and everything is deterministic.
//
// Sequential specifications ([Spec]) say what each shared object answers when
// its operations come one at a time: [ByteQueue] for a fifo, [EventQueue] for an
// event queue, [Ranges] for an allocator. Package properties asks whether a
// concurrent history of the real objects has such an order. Inputs and outputs
// are small comparable structs that print as a failure report wants to read
// them: "enqueue 3 at 0", "2".
//
// The model of the session layer and its exhaustive checker live here too.
package model
