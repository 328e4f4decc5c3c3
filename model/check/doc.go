// Package check explores state machines completely: a [Model] says what the initial states are and
// where each step leads, and [Run] visits every state that can be reached, nearest first, and decides
// each [Property], with a shortest run as the proof where one is violated.
//
// # How to use it
//
// Write the state as a comparable type of fixed size without pointers, and give a type the methods of
// [Model]: Init, Next, the names of actions, and Properties, which are made by [Invariant],
// [StepInvariant], [NoDeadlock], [Reachable], [Inevitable] and [LeadsTo]. Call [Run], and look at the
// [Outcome] of each property in the [Result]. The example does all of this in one page. A model may
// add more: a symmetry, names for its states, a bound on what is explored ([Bounded]).
//
// # What it says
//
//   - A property of kind [Always] or [Deadlock] holds if every state was seen, and is violated by a
//     shortest run.
//   - A property of kind [Sometimes] holds if a state was found, and is violated if every state was
//     seen and none fits.
//   - A property of kind [Eventually] is decided last, on the graph of all states, under weak fairness
//     of the actions that it names ([Fair]). It is violated by a run that ends in a cycle, or in a
//     state where the run may stop for ever.
//   - An action that no step has taken is reported ([Result.Untaken]): its guard is wrong, or the
//     configuration does not need it.
//   - A search that did not see everything is [Incomplete], and says why.
//
// The search is one breadth-first search, whatever the number of workers: states are found in the
// order in which a queue would give them. So counts, verdicts and counterexamples are functions of
// the model alone, and tests may pin them. A counterexample is the first of the shortest, in the
// order in which [Model.Init] and [Model.Next] emit.
//
// # What it costs
//
// A state costs 8 bytes for a 64-bit fingerprint in a table that is between three and four fifths
// full. The states themselves are kept for the level being explored and the next; large ones wait as
// the bytes in which they differ from their neighbours. Two states with one fingerprint are taken for
// one, and what lies behind the second may be missed: [Result.CollisionBound] says how likely that is,
// [Options.Seed] gives independent second opinions, and [Options.Exact] does without fingerprints.
// Properties of kind Eventually need a graph of all states in memory, about 35 bytes a state and 6 a
// step, which one worker builds.
//
// Up to half of the time of a search goes to the table, much of it in waiting for memory. The work is
// shared out to at most 16 workers, table by table and page by page, without a lock.
//
// # Concurrency and errors
//
// Workers call the functions of a Model at the same time, so these must be pure. A [Search] is not
// safe for concurrent use. A model that breaks its contract, as far as that is noticed, is an
// [ErrModel]; a checkpoint that does not fit is an [ErrCheckpoint]. A cancelled context ends a search
// early and is no error: the result is [Incomplete].
package check
