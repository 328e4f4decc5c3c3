// Package alloc hands out blocks of a shared segment to all processes that map it. It is lock-free:
// a process that dies or stops for ever at any access blocks no other process, and no block is
// handed out twice.
//
// [Format] puts an allocator into a segment and [Open] returns a view of it. [Allocator.Alloc] and
// [Allocator.Free] exchange offsets, which mean the same in every process. [SegmentSize] computes
// how large a segment must be.
//
// The sessions of this module place their fifos and queues by a table of the session layer and do
// not use this package. It is a showcase of a recoverable lock-free structure, which the simulator
// explores.
//
// # Layout
//
// Memory is counted in units of 256 bytes, so that a unit number of the largest segment fits in 32
// bits. Behind the segment header lie:
//
//	64   alloc.geom   uint64            magic; written by Format, read by Open
//	128  alloc.bump   uint64            first unit never handed out; a hint
//	192  alloc.head   uint64 per class  free lists
//	...  alloc.state  uint64 per unit   state of the block that starts there; 0 elsewhere
//	...  blocks, up to the end of the segment
//
// No metadata lies in the blocks. A reader of a free list that was overtaken therefore reads a
// stale state word, never the payload of a new owner, and an owner that writes beyond its block
// hits the payload of a neighbour, never the lists. The price is 8 bytes per 256.
//
// A block keeps its place and size class for ever; blocks are neither split nor merged. Only these
// words change:
//
//	alloc.state  void -> used              fresh memory: one CAS is the hand-out, bump follows
//	             used -> free              Free: a CAS, so that only one of two frees succeeds
//	             free -> used              Alloc, after it took the block off its list
//	             link of a free block      Free, before the block is on a list
//	alloc.head   (tag, unit) -> (tag+1, ·) Alloc and Free
//
// The free lists are Treiber stacks. Alloc reads the head and then the link of the first block, and
// moves the head to that link by CAS. The tag makes the CAS fail when the list was changed in
// between, even if the same block is first again (ABA).
//
// # Death
//
// A death leaks at most one block besides the blocks that the dead process owned: the block that it
// was moving. Between the CAS on alloc.head and the CAS on alloc.state a block is marked free and
// on no list; [Allocator.Stats] counts it as Lost. The segment has no counters: a counter and a
// list cannot change in one step, so the first death between the two changes would make them
// disagree for ever.
//
// # Trust
//
// A word that no history of honest processes explains is [shm.ErrCorrupt]. Retry loops are bounded,
// so a process that keeps changing a word costs its peers about 0.1 ms a call.
//
// # Concurrency
//
// An [Allocator] is safe for concurrent use, within a process and between processes. There are no
// locks.
//
// # Limits
//
// Blocks have 256 bytes to the size of the segment, in 8 size classes per doubling: a block is at
// most an eighth larger than requested, or 255 bytes.
//
// The lists are Treiber's stack with a counted head. The helped bump pointer is that of Michael and
// Scott's lagging tail. Eight size classes per doubling are common in general allocators.
package alloc
