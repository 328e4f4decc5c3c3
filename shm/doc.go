// Package shm is production shared memory for local sessions on Linux: sealed
// memfd segments, an allocator, fifos and event queues inside them, doorbells
// and control channels between processes. It needs nothing else of this module.
//
// Trust: a value read from shared memory is input. It is loaded once, checked
// against what this process knows privately, and then only the copy is used; a
// bad value is [ErrCorrupt] and ends that one fifo or queue. A value this
// process computed is state; if it is wrong, that is a bug and a panic.
//
// Simulation: every access goes through [Uint32], [Uint64] or [Range], and every
// system call through [Host]. A simulator supplies a [AccessHook] and a Host and
// runs this very code under its own scheduler. There is no other difference
// between production and simulation.
//
// Memory order: all word operations are sequentially consistent (Go atomics),
// plain bytes are ordered by the words around them.
package shm
