// Package monitor says whether what was observed of a run is a path of a model, where some of the
// model's steps are seen as events and the others are hidden.
//
// # How to use it
//
// Write the model as a [Machine]: Hidden emits the states after a step that is not observed, Step
// those after an event, Allowed names the events that are possible, for the message. [New] makes a
// [Monitor] of one run; the program under test gives each event to [Monitor.Observe] as it happens.
// A verdict other than [Accepted] is final, and [Monitor.String] explains it.
//
// # How it works
//
// A Monitor keeps every state that the model may be in after what was observed, as the simulation of
// a nondeterministic automaton does (the subset construction, done as the run goes). It never guesses
// which hidden steps the run has taken, so [Rejected] means that no choice of them explains the
// event. An event costs time and memory in proportion to the states that are possible then.
//
// # Limits
//
// At most [Machine.Limit] states are kept. A run that allows more is [Inconclusive], never rejected.
// A Monitor says nothing about events that should have come and did not: it knows safety, not
// liveness. It is not safe for concurrent use; the caller decides the order of events.
package monitor
