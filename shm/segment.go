package shm

import (
	"errors"
	"fmt"
)

// Sizes of a segment.
const (
	SegmentHeader = 64      // bytes before the first usable offset
	MinSegment    = 4096    // bytes
	MaxSegment    = 1 << 40 // bytes; offsets fit in 40 bits
)

// Values of header words; the package comment has the layout.
const (
	segMagic   = 0x3147455355524854 // "THRUSEG1", little endian
	segVersion = 1
)

// Errors of shared memory. Match them with errors.Is: they come wrapped with what was found.
var (
	ErrCorrupt = errors.New("corrupt shared memory") // a word that a peer can write has an impossible value
	ErrVersion = errors.New("unsupported layout version")
	ErrSize    = errors.New("size out of range")
)

var (
	nameSegMagic   = NewName("seg.magic")
	nameSegVersion = NewName("seg.version")
	nameSegSize    = NewName("seg.size")
	nameSegGen     = NewName("seg.gen")
)

// Segment is the view that one process has of a piece of shared memory. It is immutable except for
// Close, and safe for concurrent use.
type Segment struct {
	mem   []byte
	hook  AccessHook // nil in production
	gen   uint64
	desc  Desc
	unmap func() error
}

// Desc is a descriptor that can be sent over a [Conn]. Only the Host that made it knows its
// content.
type Desc interface {
	Close() error
}

// FormatSegment writes a header into mem and returns a view of it. Hosts call it. mem is zero,
// 8-aligned and of MinSegment to MaxSegment bytes, a multiple of 8, or the error is [ErrSize]. hook
// is nil in production; desc and unmap may be nil. It panics when generation is 0.
func FormatSegment(mem []byte, generation uint64, hook AccessHook, desc Desc, unmap func() error) (*Segment, error) {
	if err := CheckSegmentSize(uint64(len(mem))); err != nil {
		return nil, err
	}
	if generation == 0 {
		panic("shm: generation 0")
	}
	s := &Segment{mem, hook, generation, desc, unmap}
	s.Uint64(8, nameSegVersion).Store(segVersion)
	s.Uint64(16, nameSegSize).Store(uint64(len(mem)))
	s.Uint64(24, nameSegGen).Store(generation)
	s.Uint64(0, nameSegMagic).Store(segMagic)
	return s, nil
}

// AttachSegment checks the header in mem, which another process wrote, and returns a view of it.
// Hosts call it. hook is nil in production; desc and unmap may be nil. On error ([ErrCorrupt],
// [ErrVersion], [ErrSize]) it neither keeps nor closes desc and unmap.
func AttachSegment(mem []byte, hook AccessHook, desc Desc, unmap func() error) (*Segment, error) {
	if err := CheckSegmentSize(uint64(len(mem))); err != nil {
		return nil, err
	}
	s := &Segment{mem, hook, 0, desc, unmap}
	if m := s.Uint64(0, nameSegMagic).Load(); m != segMagic {
		return nil, fmt.Errorf("shm: segment magic %#x: %w", m, ErrCorrupt)
	}
	if v := s.Uint64(8, nameSegVersion).Load(); v != segVersion {
		return nil, fmt.Errorf("shm: segment layout %d, want %d: %w", v, segVersion, ErrVersion)
	}
	if n := s.Uint64(16, nameSegSize).Load(); n != uint64(len(mem)) {
		return nil, fmt.Errorf("shm: segment header says %d bytes, mapping has %d: %w", n, len(mem), ErrCorrupt)
	}
	if s.gen = s.Uint64(24, nameSegGen).Load(); s.gen == 0 {
		return nil, fmt.Errorf("shm: segment generation 0: %w", ErrCorrupt)
	}
	return s, nil
}

// CheckSegmentSize returns [ErrSize] when n bytes are no size of a segment: MinSegment to
// MaxSegment, a multiple of 8.
func CheckSegmentSize(n uint64) error {
	if n < MinSegment || n > MaxSegment || n%8 != 0 {
		return fmt.Errorf("shm: segment of %d bytes: %w (%d to %d, a multiple of 8)", n, ErrSize, MinSegment, uint64(MaxSegment))
	}
	return nil
}

// NewHeapSegment returns a formatted segment of size bytes on the Go heap, without a hook or a
// descriptor: for tests and examples. The race detector sees accesses to its ranges.
func NewHeapSegment(size uint64) (*Segment, error) {
	if err := CheckSegmentSize(size); err != nil {
		return nil, err
	}
	return FormatSegment(HeapBytes(size), 1, nil, nil, nil)
}

// Size returns the length of the segment in bytes.
func (s *Segment) Size() uint64 { return uint64(len(s.mem)) }

// Generation returns the generation that was written or read when this view was made.
func (s *Segment) Generation() uint64 { return s.gen }

// Desc returns the descriptor to pass to a peer, or nil for a heap segment. The segment keeps
// owning it.
func (s *Segment) Desc() Desc { return s.desc }

// Contains says whether the n bytes at off lie in the segment, header included, and off is a
// multiple of align, a power of two. It accepts any values, so it checks offsets from peers.
func (s *Segment) Contains(off, n, align uint64) bool {
	size := uint64(len(s.mem))
	return off <= size && n <= size-off && off&(align-1) == 0
}

// Close unmaps the segment and closes its descriptor. No handle of a word or range of it may be
// used afterwards, nor concurrently. The second call does nothing and returns nil.
func (s *Segment) Close() error {
	unmap, desc := s.unmap, s.desc
	s.unmap, s.desc = nil, nil
	var errs []error
	if unmap != nil {
		errs = append(errs, unmap())
	}
	if desc != nil {
		errs = append(errs, desc.Close())
	}
	return errors.Join(errs...)
}
