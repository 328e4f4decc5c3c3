// Package model holds sequential specifications: for each shared object, what its operations may
// answer when they come one at a time. The packages below it hold the models of the protocols.
//
// # Specifications
//
// A [Spec] has an initial state and a step: from a state, an input and an output it returns the next
// state, or says that this output is wrong. [ByteQueue] specifies a fifo, [EventQueue] an event queue,
// [Ranges] an allocator, [Directory] the listeners of a session layer. States, inputs and outputs are
// small values that print as a failure report shows them: "enqueue 3 at 0", "2". Package sim/lin asks
// whether a concurrent history of the real objects has an order that a specification accepts.
//
// # Models
//
// Packages signal, evq, valloc and negotiation are the protocols as state machines small enough that
// every state can be visited. Package check does that, package monitor follows a run of real code in
// such a machine, package catalog names configurations and deliberate mistakes and draws
// counterexamples, and package models lists all models. docs/MODEL.md describes them.
//
// # Rules
//
// Everything here is a pure function: no clock, no I/O, no goroutine, nothing but the standard
// library. Nothing is shared with the code that is specified, because then its mistakes would be
// shared too. Values are safe for concurrent use as long as no caller changes them.
package model
