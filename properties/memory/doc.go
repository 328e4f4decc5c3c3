// Package memory has the scenarios of the structures in shared memory: fifos, event queues and the allocator. It also
// exports counterexamples of their models as traces of these scenarios.
//
// Its functions may be called concurrently.
package memory
