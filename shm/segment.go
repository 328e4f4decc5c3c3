package shm

import (
	"errors"
	"fmt"
)

// Segment header: the first 64 bytes. It is written once, before the segment
// is shared, and read once, when a process attaches.
//
//	0  magic       uint64
//	8  version     uint64
//	16 size        uint64  bytes, the whole segment
//	24 generation  uint64  never 0; tells a recycled segment from its ancestor
//	32 reserved    zero
const (
	segMagic      = 0x3147455355524854 // "THRUSEG1", little endian
	segVersion    = 1
	SegmentHeader = 64      // bytes before the first usable offset
	MinSegment    = 4096    // bytes
	MaxSegment    = 1 << 40 // bytes; offsets fit in 40 bits
)

// Errors of attaching a segment. They are wrapped with what was found.
var (
	ErrCorrupt = errors.New("corrupt shared memory") // a word written by the peer has an impossible value
	ErrVersion = errors.New("unsupported layout version")
	ErrSize    = errors.New("size out of range")
)

var (
	nameSegMagic   = NewName("seg.magic")
	nameSegVersion = NewName("seg.version")
	nameSegSize    = NewName("seg.size")
	nameSegGen     = NewName("seg.gen")
)

// Segment is one process's view of a piece of shared memory. Offsets, never
// pointers, are what processes exchange; offset 0 means none. A Segment is
// immutable but for Close and safe for concurrent use.
type Segment struct {
	mem   []byte
	y     AccessHook
	gen   uint64
	desc  Desc
	unmap func() error
}

// Desc is a descriptor that can be sent over a [Conn]. What is inside is the
// business of the Host that made it.
type Desc interface {
	Close() error
}

// FormatSegment writes a header into mem, which must be zero, 8-aligned and of MinSegment to
// MaxSegment bytes, and returns a view of it through y (nil in production).
// Hosts call it; desc and unmap may be nil.
func FormatSegment(mem []byte, generation uint64, y AccessHook, desc Desc, unmap func() error) (*Segment, error) {
	if err := CheckSegmentSize(uint64(len(mem))); err != nil {
		return nil, err
	}
	if generation == 0 {
		panic("shm: generation 0")
	}
	s := &Segment{mem, y, generation, desc, unmap}
	s.Uint64(8, nameSegVersion).Store(segVersion)
	s.Uint64(16, nameSegSize).Store(uint64(len(mem)))
	s.Uint64(24, nameSegGen).Store(generation)
	s.Uint64(0, nameSegMagic).Store(segMagic)
	return s, nil
}

// AttachSegment checks the header in mem, which another process wrote, and
// returns a view of it through y (nil in production). Hosts call it; desc and
// unmap may be nil. On error (ErrCorrupt, ErrVersion, ErrSize) nothing is kept.
func AttachSegment(mem []byte, y AccessHook, desc Desc, unmap func() error) (*Segment, error) {
	if err := CheckSegmentSize(uint64(len(mem))); err != nil {
		return nil, err
	}
	s := &Segment{mem, y, 0, desc, unmap}
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

func CheckSegmentSize(n uint64) error {
	if n < MinSegment || n > MaxSegment || n%8 != 0 {
		return fmt.Errorf("shm: segment of %d bytes: %w (%d to %d, a multiple of 8)", n, ErrSize, MinSegment, uint64(MaxSegment))
	}
	return nil
}

// NewHeapSegment returns a formatted segment of size bytes on the Go heap.
func NewHeapSegment(size uint64) (*Segment, error) {
	if err := CheckSegmentSize(size); err != nil {
		return nil, err
	}
	return FormatSegment(HeapBytes(size), 1, nil, nil, nil)
}

// Size returns the length of the segment in bytes.
func (s *Segment) Size() uint64 { return uint64(len(s.mem)) }

// Generation returns the generation that was read when the segment was mapped.
func (s *Segment) Generation() uint64 { return s.gen }

// Desc returns the descriptor to pass to a peer, or nil when there is none (a
// heap segment). The segment keeps owning it.
func (s *Segment) Desc() Desc { return s.desc }

// Contains says whether the n bytes at off lie in the usable part of the segment or
// its header and off is a multiple of align, a power of two.
func (s *Segment) Contains(off, n, align uint64) bool {
	size := uint64(len(s.mem))
	return off <= size && n <= size-off && off&(align-1) == 0
}

// Close unmaps the segment and closes its descriptor. No word or range handle
// of it may be used afterwards. The second call does nothing and returns nil; not
// safe to call concurrently with any use of the segment.
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
