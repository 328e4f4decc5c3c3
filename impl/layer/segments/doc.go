// Package segments places shared memory: segments in the address space of the session layer, and the
// fifos and event queues inside each.
//
// It computes addresses and touches no memory. Not safe for concurrent use; it shares nothing with
// the core, so that several may use it under one lock.
package segments
