// Package properties says what must hold and finds out whether it does: it
// holds the scenarios (generated configurations, workloads and faults over the
// real code of shm), the linearizability checks, and what connects
// explorations to traces.
//
// A scenario is one generator and one program. The generator draws from a
// [scenario.Source], so the same scenario is explored exhaustively, at random, by
// rapid and by the fuzzer; what it draws is text ([scenario.Input]), so a violation
// is a trace that people read, shrink, edit and replay.
package properties
