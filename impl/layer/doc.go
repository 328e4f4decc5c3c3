// Package layer is the core of the session layer: a state machine that is driven.
//
// [Core.Step] takes one [Event] to completion (a message arrived, a channel ended, a segment was created,
// time has passed) and returns the [Effect]s that must be done about it, in order. The core has no clock,
// no I/O, no locks, and no iteration of a map can be observed: its state and its effects are a function of
// its [Config] and of the events so far. [Core.Clone] copies it between two steps.
//
// Between two steps the core is in one of the states that docs/PROTOCOL.md allows;
// [Core.CheckInvariants] says which property does not hold otherwise. Package server is the driver that
// runs a core for applications of other processes.
//
// A [Core] is not safe for concurrent use: one task drives it, or several under a lock.
package layer
