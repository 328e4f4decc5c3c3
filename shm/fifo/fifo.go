package fifo

import (
	"fmt"
	"math"

	"cutthrough/shm"
	"cutthrough/shm/access"
)

// A fifo is a byte stream in shared memory with one producer and one consumer,
// which may be in different processes and do not trust each other.
//
//	0    fifo.cap    uint64  bytes of data area   written by Init, read by
//	8    fifo.start  uint64  first counter value  Open*, never again
//	16   fifo.magic  uint64
//	64   sig.has     uint32  a dequeue notification is in flight
//	128  fifo.tail   uint64  counts bytes enqueued: written by the producer only
//	256  fifo.head   uint64  counts bytes dequeued: written by the consumer only
//	384  sig.event   uint32  an event is in flight
//	512  sig.want    uint64  free bytes for which the producer wants a notification
//	640  data        [cap]byte
//
// Every word that one side writes while the other looks at it has a cache line
// to itself, and the neighbour that a prefetcher fetches along with it too.
//
// The counters run freely through all 64 bits and wrap. head <= tail <= head+cap
// in modular arithmetic always: the producer only advances tail into space it
// has seen free, the consumer only advances head over bytes it has seen. So each
// side may work with an old copy of the other's counter: real space and real
// data can only be more. Publishing order is all the synchronisation there is:
// bytes are written before the tail that covers them is stored, and read
// before the head that gives them away is stored.
//
// Each side keeps its own counter, its position in the data area, the geometry
// and the last seen counter of the peer privately, and believes only those.
// Positions are not counter % cap, which jumps where the counter wraps unless cap is
// a power of two; they are derived from the distance to start when a side opens the
// fifo and move in step with the counter from then on.
const (
	capOff     = 0
	startOff   = 8
	magicOff   = 16
	hasOff     = 64
	tailOff    = 128
	headOff    = 256
	eventOff   = 384
	wantOff    = 512
	headerSize = 640

	magic = 0x314f464946555254 // "TRUFIFO1", little endian

	// align is what the offset of a fifo must be a multiple of.
	align = 64
)

// publishBatch is how many bytes either side moves at most before it stores its
// counter. The store costs more than copying a small message, so fewer are better;
// beyond about this many bytes the peer waits for work that is already there.
const publishBatch = 2048

var (
	nameCap   = shm.NewName("fifo.cap")
	nameStart = shm.NewName("fifo.start")
	nameMagic = shm.NewName("fifo.magic")
	nameTail  = shm.NewName("fifo.tail")
	nameHead  = shm.NewName("fifo.head")
	nameData  = shm.NewName("fifo.data")
	nameScrub = shm.NewName("fifo.scrub")
	nameEvent = shm.NewName("sig.event")
	nameWant  = shm.NewName("sig.want")
	nameHas   = shm.NewName("sig.has")
)

// Size returns the number of bytes of a segment that a fifo of the given
// capacity occupies, header included: a multiple of align. For a capacity above
// [MaxSegment] it returns the largest uint64, which fits nowhere.
func Size(capacity uint64) uint64 {
	if capacity > shm.MaxSegment {
		return math.MaxUint64
	}
	return headerSize + (capacity+align-1)&^(align-1)
}

// Init formats an empty fifo of capacity bytes (1 or more, any number) at
// off, whatever the memory held before; the data area is not cleared. Both
// counters begin at start, which matters only to tests of their wrap-around.
// It fails with ErrSize when the fifo does not fit there or off is 0 or not a multiple
// of align. Neither side may have the fifo open.
func Init(s *shm.Segment, off, capacity, start uint64) error {
	if capacity == 0 || off == 0 || !s.Contains(off, Size(capacity), align) {
		return fmt.Errorf("fifo: fifo of %d bytes at %#x of a segment of %d: %w", capacity, off, s.Size(), shm.ErrSize)
	}
	f := sharedAt(s, off)
	f.event.Store(0)
	f.want.Store(0)
	f.has.Store(0)
	f.headWord.Store(start)
	f.tailWord.Store(start)
	s.Uint64(off+capOff, nameCap).Store(capacity)
	s.Uint64(off+startOff, nameStart).Store(start)
	s.Uint64(off+magicOff, nameMagic).Store(magic)
	return nil
}

// Scrub zeroes the fifo of capacity bytes at off, whose counters began at start, as
// far as it was written: what gets the memory next finds only zeroes. A producer that forges its
// counter can keep bytes from being zeroed, of which none is a secret from the two sides of this
// fifo. It panics when the fifo does not fit there. Neither side may have the fifo open.
func Scrub(s *shm.Segment, off, capacity, start uint64) {
	// What was staged may be there too, and a producer that died while it copied.
	written := min(sharedAt(s, off).tailWord.Load()-start, capacity)
	r := s.Range(off, headerSize+min(written+publishBatch, capacity), nameScrub)
	r.Touch(access.Write, 0, r.Len())
	clear(r.UnsafeBytes(0, r.Len()))
}

// shared are the shared words of a fifo, and what is known of it for good.
type shared struct {
	tailWord, headWord shm.Uint64
	want               shm.Uint64
	event, has         shm.Uint32
	data               shm.Range
	cap                uint64
	batch              uint64 // bytes moved before the own counter is stored: publishBatch, or cap if that is less
	off                uint64
}

func sharedAt(s *shm.Segment, off uint64) shared {
	return shared{
		tailWord: s.Uint64(off+tailOff, nameTail),
		headWord: s.Uint64(off+headOff, nameHead),
		event:    s.Uint32(off+eventOff, nameEvent),
		want:     s.Uint64(off+wantOff, nameWant),
		has:      s.Uint32(off+hasOff, nameHas),
		off:      off,
	}
}

// open checks the offset and the header, both of which a peer may have made
// up, and returns the words with the start value of the counters. It is the
// only reader of the geometry.
func open(s *shm.Segment, off uint64) (shared, uint64, error) {
	if off == 0 || !s.Contains(off, headerSize, align) {
		return shared{}, 0, fmt.Errorf("fifo: open fifo: no fifo can be at %#x: %w", off, shm.ErrCorrupt)
	}
	if m := s.Uint64(off+magicOff, nameMagic).Load(); m != magic {
		return shared{}, 0, fmt.Errorf("fifo: open fifo at %#x: magic %#x: %w", off, m, shm.ErrCorrupt)
	}
	capacity := s.Uint64(off+capOff, nameCap).Load()
	if capacity == 0 || !s.Contains(off, Size(capacity), align) {
		return shared{}, 0, fmt.Errorf("fifo: open fifo at %#x: capacity %d: %w", off, capacity, shm.ErrCorrupt)
	}
	f := sharedAt(s, off)
	f.cap = capacity
	f.batch = min(publishBatch, capacity)
	f.data = s.Range(off+headerSize, capacity, nameData)
	return f, s.Uint64(off+startOff, nameStart).Load(), nil
}

// contiguous returns how many of the n bytes at position pos come before the end
// of the data area; the rest are at its beginning.
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

// pieces returns the n bytes at position pos, the second piece empty unless they
// go round the end of the data area.
func (f *shared) pieces(pos, n uint64) (a, b []byte) {
	first := f.contiguous(pos, n)
	return f.data.UnsafeBytes(pos, first), f.data.UnsafeBytes(0, n-first)
}

// corrupt makes the error that ends the use of one side of a fifo.
func (f *shared) corrupt(word shm.Name, from, to, limit uint64) error {
	return fmt.Errorf("fifo: fifo at %#x: %s went from %#x to %#x, at most %d bytes are possible: %w",
		f.off, word, from, to, limit, shm.ErrCorrupt)
}
