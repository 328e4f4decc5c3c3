// Package shm is shared memory between processes that do not trust each other: typed words and
// ranges in a segment, and the ports to the operating system that a local session needs.
//
// A [Segment] is memory that several processes map, usually at different addresses. It is used
// through handles only: [Segment.Uint32] and [Segment.Uint64] return atomic words, [Segment.Range]
// returns plain bytes. A [Host] is the operating system as one process sees it: segments,
// doorbells, control channels, a clock, tasks and locks.
//
// The packages below this one are built from these parts:
//
//   - fifo is a byte stream, evq an event queue, alloc an allocator. Each is a structure in a
//     segment.
//   - oshost is the real Host, for Linux. hosttest is a test suite for any Host.
//   - access names the operations of accesses and calls.
//
// # Layout
//
// A segment begins with a header of 64 bytes. The process that creates the segment writes it before
// it shares the segment; every other process reads it once, when it attaches.
//
//	0   seg.magic    uint64
//	8   seg.version  uint64
//	16  seg.size     uint64  bytes, the whole segment
//	24  seg.gen      uint64  generation, never 0; differs between a recycled segment and its ancestor
//	32  reserved     zero
//
// Processes exchange offsets, never pointers. Offset 0 means none.
//
// # Trust
//
// A value read from shared memory is input. Code loads it once, checks the copy against private
// knowledge, and uses only the copy; a bad value is [ErrCorrupt] and ends the use of that one
// structure. A value that this process computed is state: a wrong one is a bug and a panic.
//
// # Memory order
//
// All word operations are sequentially consistent, as Go atomics are. Plain bytes are ordered by
// the words around them.
//
// # Simulation
//
// Each access passes an [AccessHook], if the segment has one, under its stable [Name], such as
// "fifo.tail". Each system call passes the Host. A simulator supplies both and runs the same code
// under its own scheduler; there is no other difference between production and simulation. Without
// a hook an access costs one predicted branch, and inlines also into other packages.
//
// # Concurrency
//
// Words are safe for concurrent use by tasks and processes. The bytes of a Range are plain memory:
// the protocol around them decides which task may use which part. A Host and everything that it
// returns are safe for concurrent use, with the exceptions noted at [Waiter] and
// [Segment.Close].
//
// # Limits
//
// A segment has [MinSegment] to [MaxSegment] bytes, a message at most [MaxMessage] bytes and
// [MaxDescs] descriptors, and a process at most 65,535 names.
package shm
