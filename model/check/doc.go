// Package check explores state machines completely: a [Model] says what the
// initial states are and where each step leads, and [Run] visits every state
// that can be reached, nearest first, and says which [Property] holds, with a
// shortest run to prove it where one does not.
//
// The search is one breadth-first search, whatever the number of workers: states
// are found in the order in which a queue would give them, so that counts,
// verdicts and counterexamples are functions of the model alone and may be
// pinned in tests. A counterexample is the first of the shortest, in the order
// in which [Model.Init] and [Model.Next] offer things.
//
// What it says:
//
//   - A property of kind [Always] or [Deadlock] holds if every state was seen,
//     and is violated by a shortest run.
//   - A property of kind [Sometimes] holds if a state was found, and is violated
//     if every state was seen and none will do.
//   - A property of kind [Eventually] is decided last, on the graph of all
//     states, under weak fairness of the actions that it names ([Fair]). It is
//     violated by a run that ends in a cycle, or in a state where the run may
//     stop for ever.
//   - An action that no step was taken by is reported ([Result.Untaken]): its
//     guard is wrong, or the configuration does not need it.
//   - A search that did not see everything is [Incomplete], and says why.
//
// What it costs: 8 bytes a state for a 64-bit fingerprint in a table that is
// between three and four fifths full, and the states of the level being explored
// and the next; large ones wait as the bytes in which they differ from their
// neighbours. Two states with one fingerprint are taken for one, and what lies
// behind the second may be missed. [Result.CollisionBound] says how likely that
// is, [Options.Seed] gives independent second opinions, and [Options.Exact] does
// without fingerprints. Properties of kind Eventually take a graph of all states
// in memory, about 35 bytes a state and 6 a step, which one worker builds.
//
// Up to half of the time of a search goes to the table, much of it in waiting for
// memory. The work is shared out to at most 16 workers, table by table and page
// by page, without a lock.
package check
