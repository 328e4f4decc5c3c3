package fifo

import (
	"fmt"
	"math"

	"cutthrough/shm"
	"cutthrough/shm/access"
)

// Offsets of the words; the package comment has the layout.
const (
	capOff      = 0
	startOff    = 8
	magicOff    = 16
	writerOff   = 32
	readerOff   = 36
	ntfSentOff  = 64
	tailOff     = 128
	headOff     = 256
	hasEventOff = 384
	wantNtfOff  = 512
	headerSize  = 640

	magic = 0x314f464946555254 // "TRUFIFO1", little endian

	align = 64 // of the offset of a fifo
)

// publishBatch is the number of bytes that a side moves at most before it stores its counter. A
// store costs more than the copy of a small message, so fewer stores are better; beyond about this
// many bytes the peer waits for work that is already there.
const publishBatch = 2048

var (
	nameCap      = shm.NewName("fifo.cap")
	nameStart    = shm.NewName("fifo.start")
	nameMagic    = shm.NewName("fifo.magic")
	nameTail     = shm.NewName("fifo.tail")
	nameHead     = shm.NewName("fifo.head")
	nameData     = shm.NewName("fifo.data")
	nameScrub    = shm.NewName("fifo.scrub")
	nameHasEvent = shm.NewName("fifo.has_event")
	nameWantNtf  = shm.NewName("fifo.want_deq_ntf")
	nameNtfSent  = shm.NewName("fifo.deq_ntf_sent")
	nameWriter   = shm.NewName("fifo.producer_state")
	nameReader   = shm.NewName("fifo.consumer_state")
)

// Size returns the number of bytes of a segment that a fifo of the given capacity occupies, header
// included: a multiple of 64. For a capacity above [shm.MaxSegment] it returns the largest uint64,
// which fits in no segment.
func Size(capacity uint64) uint64 {
	if capacity > shm.MaxSegment {
		return math.MaxUint64
	}
	return headerSize + (capacity+align-1)&^(align-1)
}

// Init formats an empty fifo of capacity bytes at off. Both counters begin at start; any value
// works, and values near a power of two test the wrap-around.
//
// The old contents of the memory do not matter, and the data area is not cleared. Init returns
// [shm.ErrSize] when capacity is 0, when off is 0 or not a multiple of 64, and when the fifo does
// not fit. Neither side may have the fifo open.
func Init(s *shm.Segment, off, capacity, start uint64) error {
	if capacity == 0 || off == 0 || !s.Contains(off, Size(capacity), align) {
		return fmt.Errorf("fifo: init %d bytes at %#x of a segment of %d: %w", capacity, off, s.Size(), shm.ErrSize)
	}
	f := sharedAt(s, off)
	f.hasEvent.Store(0)
	f.wantNtf.Store(0)
	f.ntfSent.Store(0)
	f.headWord.Store(start)
	f.tailWord.Store(start)
	f.writerState.Store(uint32(StateIdle))
	f.readerState.Store(uint32(StateIdle))
	s.Uint64(off+capOff, nameCap).Store(capacity)
	s.Uint64(off+startOff, nameStart).Store(start)
	s.Uint64(off+magicOff, nameMagic).Store(magic)
	return nil
}

// Scrub zeroes the written part of the fifo at off before its memory is reused. capacity and start
// are the arguments of [Init]; Scrub panics when the fifo does not fit in the segment. Neither side
// may have the fifo open.
//
// A producer that forges fifo.tail can leave bytes behind. Only the two owners of this fifo could
// have written them, so nothing leaks to a third process.
func Scrub(s *shm.Segment, off, capacity, start uint64) {
	// Staged bytes lie beyond the tail, also those of a producer that died while it copied.
	written := min(sharedAt(s, off).tailWord.Load()-start, capacity)
	r := s.Range(off, headerSize+min(written+publishBatch, capacity), nameScrub)
	r.Touch(access.Write, 0, r.Len())
	clear(r.UnsafeBytes(0, r.Len()))
}

// shared holds the handles of the shared words of a fifo, and its geometry, which is fixed.
type shared struct {
	tailWord, headWord shm.Uint64
	wantNtf            shm.Uint64
	hasEvent, ntfSent  shm.Uint32

	writerState, readerState shm.Uint32
	data                     shm.Range
	cap                      uint64
	batch                    uint64 // min(publishBatch, cap): bytes moved before the own counter is stored
	off                      uint64
}

// sharedAt returns the words of the fifo at off, without a geometry.
func sharedAt(s *shm.Segment, off uint64) shared {
	return shared{
		tailWord: s.Uint64(off+tailOff, nameTail),
		headWord: s.Uint64(off+headOff, nameHead),
		hasEvent: s.Uint32(off+hasEventOff, nameHasEvent),
		wantNtf:  s.Uint64(off+wantNtfOff, nameWantNtf),
		ntfSent:  s.Uint32(off+ntfSentOff, nameNtfSent),
		off:      off,

		writerState: s.Uint32(off+writerOff, nameWriter),
		readerState: s.Uint32(off+readerOff, nameReader),
	}
}

// open checks the offset and the header, either of which a peer may have forged, and returns the
// words and the start value of the counters. It is the only reader of the geometry.
func open(s *shm.Segment, off uint64) (shared, uint64, error) {
	if off == 0 || !s.Contains(off, headerSize, align) {
		return shared{}, 0, fmt.Errorf("fifo: open: no fifo can be at %#x: %w", off, shm.ErrCorrupt)
	}
	if m := s.Uint64(off+magicOff, nameMagic).Load(); m != magic {
		return shared{}, 0, fmt.Errorf("fifo: open at %#x: magic %#x: %w", off, m, shm.ErrCorrupt)
	}
	capacity := s.Uint64(off+capOff, nameCap).Load()
	if capacity == 0 || !s.Contains(off, Size(capacity), align) {
		return shared{}, 0, fmt.Errorf("fifo: open at %#x: capacity %d: %w", off, capacity, shm.ErrCorrupt)
	}
	f := sharedAt(s, off)
	f.cap = capacity
	f.batch = min(publishBatch, capacity)
	f.data = s.Range(off+headerSize, capacity, nameData)
	return f, s.Uint64(off+startOff, nameStart).Load(), nil
}

// contiguous returns how many of the n bytes at position pos lie before the end of the data area;
// the rest lie at its beginning.
func (f *shared) contiguous(pos, n uint64) uint64 { return min(n, f.cap-pos) }

// after returns the position n <= cap bytes after pos.
func (f *shared) after(pos, n uint64) uint64 {
	if pos += n; pos >= f.cap {
		pos -= f.cap
	}
	return pos
}

// touch declares an access in place to the n bytes at position pos.
func (f *shared) touch(op access.Op, pos, n uint64) {
	first := f.contiguous(pos, n)
	f.data.Touch(op, pos, first)
	f.data.Touch(op, 0, n-first)
}

// pieces returns the n bytes at position pos. The second piece is empty unless they go round the
// end of the data area.
func (f *shared) pieces(pos, n uint64) (a, b []byte) {
	first := f.contiguous(pos, n)
	return f.data.UnsafeBytes(pos, first), f.data.UnsafeBytes(0, n-first)
}

// corrupt returns the error that ends the use of one side of a fifo.
func (f *shared) corrupt(word shm.Name, from, to, limit uint64) error {
	return fmt.Errorf("fifo: at %#x: %s went from %#x to %#x, at most %d bytes are possible: %w",
		f.off, word, from, to, limit, shm.ErrCorrupt)
}
