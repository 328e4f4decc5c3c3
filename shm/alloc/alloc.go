package alloc

import (
	"errors"
	"fmt"

	"cutthrough/shm"
)

// Units, and offsets of the words; the package comment has the layout.
const (
	unitSize = 256 // bytes; also the alignment of blocks
	magic    = 0x434f4c4c41<<24 | 1

	geomOff = shm.SegmentHeader
	bumpOff = 128
	headOff = 192

	// maxRetries bounds the lock-free retry loops. A failed attempt is a success of another process,
	// so honest peers never come near the bound. A hostile peer that keeps changing a word costs a
	// call about 0.1 ms, not a hang.
	maxRetries = 1 << 12
)

// Errors of an [Allocator].
var (
	ErrExhausted    = errors.New("segment exhausted")
	ErrNotAllocated = errors.New("not an allocated block")
)

var (
	nameGeom  = shm.NewName("alloc.geom")
	nameBump  = shm.NewName("alloc.bump")
	nameHead  = shm.NewName("alloc.head")
	nameState = shm.NewName("alloc.state")
)

// Allocator is the view that one process has of the allocator of a segment. It keeps no state but
// the geometry, which follows from the size of the segment, and is safe for concurrent use, within
// a process and between processes.
type Allocator struct {
	seg     *shm.Segment
	units   uint64 // in the segment, all of it
	first   uint64 // unit of the first block
	classes int    // that a block of this segment can have
	table   uint64 // offset of alloc.state of unit 0
	bump    shm.Uint64
}

// Format puts an empty allocator into a segment whose memory is zero behind its header. Call it
// once, before the segment is shared. It returns [shm.ErrCorrupt] when the memory is in use
// already.
func Format(seg *shm.Segment) error {
	a := newAllocator(seg)
	geom := seg.Uint64(geomOff, nameGeom)
	if geom.Load() != 0 || a.bump.Load() != 0 {
		return fmt.Errorf("alloc: format allocator: memory is not zero: %w", shm.ErrCorrupt)
	}
	a.bump.Store(a.first)
	geom.Store(magic)
	return nil
}

// Open returns a view of the allocator in seg, or [shm.ErrCorrupt] when there is none.
func Open(seg *shm.Segment) (*Allocator, error) {
	if g := seg.Uint64(geomOff, nameGeom).Load(); g != magic {
		return nil, fmt.Errorf("alloc: open allocator: magic %#x: %w", g, shm.ErrCorrupt)
	}
	return newAllocator(seg), nil
}

func newAllocator(seg *shm.Segment) *Allocator {
	units := seg.Size() / unitSize
	classes, table, first := layout(units)
	return &Allocator{seg, units, first, classes, table, seg.Uint64(bumpOff, nameBump)}
}

// Alloc returns the offset of a block of at least n bytes, aligned to 256. The memory is not
// cleared: it holds what its last owner left there.
//
// Alloc takes a free block of the size class of n (see [Footprint]), else fresh memory, else a free
// block of at most twice the size of the class. It takes no larger one: a small allocation inside
// the largest block would deny that block to the fifo that the segment was sized for.
//
// It returns [ErrExhausted] when there is none of these; it may miss a larger block that is freed
// meanwhile. Other errors: [shm.ErrSize] when n is 0, and [shm.ErrCorrupt].
func (a *Allocator) Alloc(n uint64) (uint64, error) {
	if n == 0 {
		return 0, fmt.Errorf("alloc: allocate 0 bytes: %w", shm.ErrSize)
	}
	if n > (a.units-a.first)*unitSize {
		return 0, fmt.Errorf("alloc: allocate %d bytes: %w", n, ErrExhausted)
	}
	class := classOf(unitsOf(n))
	unit, err := a.pop(class)
	if unit == 0 && err == nil {
		unit, err = a.carve(class)
	}
	// Fresh memory never comes back. The loop begins with the free list of the class again: all
	// fresh memory may have been allocated and freed in between.
	for c := class; unit == 0 && err == nil && c < a.classes && classUnits(c) <= 2*classUnits(class); c++ {
		unit, err = a.pop(c)
	}
	if unit == 0 && err == nil {
		err = ErrExhausted
	}
	if err != nil {
		return 0, fmt.Errorf("alloc: allocate %d bytes: %w", n, err)
	}
	return unit * unitSize, nil
}

// Free returns the block at off to the allocator; off is an offset that Alloc returned in any
// process. It returns [ErrNotAllocated] and changes nothing when no block starts at off or the
// block is free. The other error is [shm.ErrCorrupt].
func (a *Allocator) Free(off uint64) error {
	unit := off / unitSize
	if off%unitSize != 0 || unit >= a.units {
		return fmt.Errorf("alloc: free block at %#x: %w", off, ErrNotAllocated)
	}
	state := a.state(unit)
	s := blockState(state.Load())
	if s.kind() != blockUsed {
		return fmt.Errorf("alloc: free block at %#x: %w", off, ErrNotAllocated)
	}
	if !a.fits(unit, s.class()) {
		return fmt.Errorf("alloc: free block at %#x: state %#x: %w", off, uint64(s), shm.ErrCorrupt)
	}
	if !state.CompareAndSwap(uint64(s), uint64(s.free(0))) {
		return fmt.Errorf("alloc: free block at %#x: freed twice: %w", off, ErrNotAllocated)
	}
	if err := a.push(unit, s); err != nil {
		return fmt.Errorf("alloc: free block at %#x: %w", off, err)
	}
	return nil
}

// pop takes the first block off the free list of class and returns its unit, or 0 when the list is
// empty.
func (a *Allocator) pop(class int) (uint64, error) {
	head := a.head(class)
	h := listHead(head.Load())
	for range maxRetries {
		unit := h.unit()
		if unit == 0 {
			return 0, nil
		}
		if !a.fits(unit, class) {
			return 0, fmt.Errorf("free list %d starts at unit %d: %w", class, unit, shm.ErrCorrupt)
		}
		state := a.state(unit)
		s := blockState(state.Load())
		sane := s.kind() == blockFree && s.class() == class
		if sane && head.CompareAndSwap(uint64(h), uint64(h.to(s.link()))) {
			if !state.CompareAndSwap(uint64(s), uint64(s.use())) {
				return 0, fmt.Errorf("unit %d changed after it left free list %d: %w", unit, class, shm.ErrCorrupt)
			}
			return unit, nil
		}
		// An overtaken reader sees a state that no first block has; the head has moved on then.
		was := h
		h = listHead(head.Load())
		if !sane && h == was {
			return 0, fmt.Errorf("free list %d starts with state %#x: %w", class, uint64(s), shm.ErrCorrupt)
		}
	}
	return 0, fmt.Errorf("free list %d changed %d times: %w", class, maxRetries, shm.ErrCorrupt)
}

// push puts a block on its free list. The caller has marked the block free; s is its state before.
// No honest process writes the state until the CAS succeeds. push does not check where the list
// starts: the pop that finds a bad start does.
func (a *Allocator) push(unit uint64, s blockState) error {
	head, state := a.head(s.class()), a.state(unit)
	for range maxRetries {
		h := listHead(head.Load())
		state.Store(uint64(s.free(h.unit())))
		if head.CompareAndSwap(uint64(h), uint64(h.to(unit))) {
			return nil
		}
	}
	return fmt.Errorf("free list %d changed %d times: %w", s.class(), maxRetries, shm.ErrCorrupt)
}

// carve takes a block from fresh memory and returns its unit, or 0 when too little is left.
//
// The CAS that describes the block at the bump pointer is the hand-out. The pointer moves past the
// block afterwards, and every process that finds the pointer at a described block moves it. So a
// process killed in between leaves no hole: blocks lie back to back, and each is described.
func (a *Allocator) carve(class int) (uint64, error) {
	fresh := newBlock(class)
	for range maxRetries {
		unit := a.bump.Load()
		if unit < a.first || unit > a.units {
			return 0, fmt.Errorf("bump pointer at unit %d: %w", unit, shm.ErrCorrupt)
		}
		if classUnits(class) > a.units-unit {
			return 0, nil
		}
		state := a.state(unit)
		s := blockState(state.Load())
		if s == 0 {
			if !state.CompareAndSwap(0, uint64(fresh)) {
				continue
			}
			a.bump.CompareAndSwap(unit, unit+classUnits(class)) // lost: another process helped
			return unit, nil
		}
		if !s.known() || !a.fits(unit, s.class()) {
			return 0, fmt.Errorf("unit %d at the bump pointer has state %#x: %w", unit, uint64(s), shm.ErrCorrupt)
		}
		a.bump.CompareAndSwap(unit, unit+classUnits(s.class()))
	}
	return 0, fmt.Errorf("bump pointer changed %d times: %w", maxRetries, shm.ErrCorrupt)
}

// fits says whether a block of class at unit lies within the part of the segment that has blocks.
func (a *Allocator) fits(unit uint64, class int) bool {
	return class < a.classes && unit >= a.first && unit <= a.units && classUnits(class) <= a.units-unit
}

func (a *Allocator) head(class int) shm.Uint64 {
	return a.seg.Uint64(headOff+8*uint64(class), nameHead)
}

func (a *Allocator) state(unit uint64) shm.Uint64 {
	return a.seg.Uint64(a.table+8*unit, nameState)
}

// listHead is the value of alloc.head: the first unit in bits 0 to 31, 0 when
// the list is empty, and a tag that every change increments in bits 32 to 63.
type listHead uint64

func (h listHead) unit() uint64 { return uint64(h) & (1<<32 - 1) }

// to returns the head that follows h and starts at unit. The tag of h repeats after 2^32 changes; a
// process that stops for exactly that many still fails, because pop compares the generation of the
// block.
func (h listHead) to(unit uint64) listHead { return (h>>32+1)<<32 | listHead(unit) }

// blockState is the value of alloc.state.
//
//	bits 0 to 31   unit of the next block, while on a free list; else 0
//	bits 32 to 39  class; never changes
//	bits 40 to 41  kind
//	bits 42 to 63  generation, incremented by every hand-out, so that a late free fails
//	               instead of freeing the block of the next owner
type blockState uint64

// Kinds of a block. Void is 0: the table of a fresh segment is zero.
const (
	blockFree = 1
	blockUsed = 2

	kindShift  = 40
	generation = 1 << 42
)

func newBlock(class int) blockState {
	return generation | blockUsed<<kindShift | blockState(class)<<32
}

func (s blockState) link() uint64 { return uint64(s) & (1<<32 - 1) }
func (s blockState) class() int   { return int(s >> 32 & 0xff) }
func (s blockState) kind() int    { return int(s >> kindShift & 3) }
func (s blockState) known() bool  { return s.kind() == blockFree || s.kind() == blockUsed }

// free returns the state of the block while it is free and linked to unit link.
func (s blockState) free(link uint64) blockState {
	return s&^(3<<kindShift|(1<<32-1)) | blockFree<<kindShift | blockState(link)
}

// use returns the state of the block in the hands of its next owner.
func (s blockState) use() blockState {
	return (s&^(3<<kindShift|(1<<32-1)) | blockUsed<<kindShift) + generation
}
