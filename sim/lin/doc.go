// Package lin decides whether histories of concurrent operations are linearizable.
//
// A [Checker] is made for one sequential specification: [ByteQueue], [EventQueue], [Ranges] and
// [Directory] are those of this module's model, and [New] takes one of your own. The history is
// what [sim.World.Call] and [sim.World.Return] recorded.
//
// There are two deciders: one that is near linear, where there is one for the specification, or
// else searches histories of few operations; and porcupine (Wing and Gong's search with Lowe's memoisation), general and
// exponential. Wherever both answer they agree: the tests play them against each other.
//
// Checkers do not change and may be used concurrently. Limits: a search may take exponential
// time; keep histories short (some 20 operations), clients few (at most four in one
// partition), and states small.
package lin
