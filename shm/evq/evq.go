package evq

import (
	"errors"
	"fmt"
	"math/bits"

	"cutthrough/shm"
)

// Offsets of the words; the package comment has the layout.
const (
	magic = 0x51564531 // high half of evq.geom

	sleepOff = 8
	wantOff  = 12
	tailOff  = 64
	slotOff  = 128
	align    = 64

	// maxRetries bounds the lock-free retry loops. A failed attempt is a success of another process,
	// so honest peers never come near the bound. A hostile peer that keeps changing a word costs a
	// call about 0.1 ms, not a hang.
	maxRetries = 1 << 12
)

// MaxSlots is the largest number of slots of a queue.
const MaxSlots = 1 << 20

const maxProducers = 32 // one bit each in evq.want

// ErrFull says that there is no room for an event.
var ErrFull = errors.New("event queue is full")

// Errors of a caller that breaks its contract.
var (
	errKind       = errors.New("event kind 0 is reserved")
	errProducerID = errors.New("no such producer")
)

var (
	nameGeom  = shm.NewName("evq.geom")
	nameSleep = shm.NewName("evq.sleep")
	nameWant  = shm.NewName("evq.want")
	nameTail  = shm.NewName("evq.tail")
	nameSlot  = shm.NewName("evq.slot")
)

// Event is what a queue carries. The meaning of Arg depends on Kind. Kind 0 is reserved.
type Event struct {
	Kind uint8
	Arg  uint32
}

// Size returns the number of bytes of a segment that a queue with slots slots occupies.
func Size(slots uint32) uint64 { return slotOff + 8*uint64(slots) }

// Init makes an empty queue with slots slots, a power of two from 1 to [MaxSlots], in the
// Size(slots) bytes at off, a multiple of 64. The old contents of the memory do not matter. It
// returns [shm.ErrSize] when the queue does not fit or has no such size. No process may use the
// queue meanwhile.
func Init(seg *shm.Segment, off uint64, slots uint32) error {
	if !validSlots(uint64(slots)) {
		return fmt.Errorf("evq: init: %d slots: %w (a power of two up to %d)", slots, shm.ErrSize, MaxSlots)
	}
	if off < shm.SegmentHeader || !seg.Contains(off, Size(slots), align) {
		return fmt.Errorf("evq: init queue of %d slots at %#x: %w", slots, off, shm.ErrSize)
	}
	q := sharedAt(seg, off, uint64(slots))
	q.sleep.Store(0)
	q.want.Store(0)
	q.tail.Store(0)
	for at := range uint64(slots) {
		q.slot(at).Store(uint64(emptySlot(0)))
	}
	seg.Uint64(off, nameGeom).Store(magic<<32 | uint64(slots))
	return nil
}

// shared holds the handles of the shared words of a queue, and its geometry. It is immutable.
type shared struct {
	seg   *shm.Segment
	base  uint64 // offset of slot 0
	mask  uint64 // slots - 1
	shift int    // log2(slots)

	sleep shm.Uint32
	want  shm.Uint32
	tail  shm.Uint64
}

func validSlots(n uint64) bool { return n > 0 && n <= MaxSlots && n&(n-1) == 0 }

func sharedAt(seg *shm.Segment, off, slots uint64) shared {
	return shared{
		seg: seg, base: off + slotOff, mask: slots - 1, shift: bits.Len64(slots) - 1,
		sleep: seg.Uint32(off+sleepOff, nameSleep),
		want:  seg.Uint32(off+wantOff, nameWant),
		tail:  seg.Uint64(off+tailOff, nameTail),
	}
}

// open checks the offset and the geometry, either of which a peer may have forged. It is the only
// reader of the geometry.
func open(seg *shm.Segment, off uint64) (shared, error) {
	if off < shm.SegmentHeader || !seg.Contains(off, Size(1), align) {
		return shared{}, fmt.Errorf("evq: open at %#x: %w", off, shm.ErrCorrupt)
	}
	geom := seg.Uint64(off, nameGeom).Load()
	slots := geom & (1<<32 - 1)
	if geom>>32 != magic || !validSlots(slots) || !seg.Contains(off, Size(uint32(slots)), align) {
		return shared{}, fmt.Errorf("evq: open at %#x: geometry %#x: %w", off, geom, shm.ErrCorrupt)
	}
	return sharedAt(seg, off, slots), nil
}

// slot returns the slot of position at.
func (q *shared) slot(at uint64) shm.Uint64 { return q.seg.Uint64(q.base+8*(at&q.mask), nameSlot) }

// lap returns the lap of position at.
func (q *shared) lap(at uint64) uint64 { return at >> q.shift }

// Producer posts events to a queue. It has no state of its own: any number of tasks may use it
// concurrently, except for [Producer.ArmSpace].
type Producer struct {
	shared
	bit uint32 // in evq.want
}

// OpenProducer opens the queue at off as producer id, 0 to 31. No other process may use the same id
// for this queue. It returns an error when id is out of range, and [shm.ErrCorrupt] when there is
// no queue at off.
func OpenProducer(seg *shm.Segment, off uint64, id int) (*Producer, error) {
	if id < 0 || id >= maxProducers {
		return nil, fmt.Errorf("evq: open at %#x as producer %d: %w", off, id, errProducerID)
	}
	q, err := open(seg, off)
	if err != nil {
		return nil, err
	}
	return &Producer{q, 1 << id}, nil
}

// Post appends an event. It does not wake the consumer: call [Producer.Wake] after it, also when it
// returned ErrFull. [Writer.TrySend] does both.
//
// Post returns [ErrFull] itself, not wrapped, when there is no room; an error when the kind is 0;
// and [shm.ErrCorrupt].
func (p *Producer) Post(ev Event) error {
	if ev.Kind == 0 {
		return fmt.Errorf("evq: post event: %w", errKind)
	}
	for range maxRetries {
		at := p.tail.Load()
		slot, lap := p.slot(at), p.lap(at)
		s := slotWord(slot.Load())
		switch ahead := s.ahead(lap); {
		case s == emptySlot(lap):
			if slot.CompareAndSwap(uint64(s), uint64(eventSlot(lap, ev))) {
				p.tail.CompareAndSwap(at, at+1) // lost: another producer helped
				return nil
			}
		case ahead >= 0:
			// The position is filled, perhaps drained already: the tail that was read
			// is old, or its mover was killed.
			p.tail.CompareAndSwap(at, at+1)
		case ahead == -1 && s.kind() != 0:
			return ErrFull
		default:
			return fmt.Errorf("evq: post event: tail %d, slot %#x: %w", at, uint64(s), shm.ErrCorrupt)
		}
	}
	return fmt.Errorf("evq: post event: tail changed %d times: %w", maxRetries, shm.ErrCorrupt)
}

// hasRoom says whether Post would return anything but ErrFull.
//
// The queue is full if the position at the tail still holds the event of the lap before: until that
// is drained, the tail that was read cannot be old.
func (p *Producer) hasRoom() bool {
	at := p.tail.Load()
	s := slotWord(p.slot(at).Load())
	return s.ahead(p.lap(at)) != -1 || s.kind() == 0
}

// Consumer takes events from a queue. One task at a time may use it, and a queue has one Consumer
// at a time.
type Consumer struct {
	shared
	head  uint64 // next position to drain; equal to the real one modulo 2^24 laps
	epoch uint32 // value of evq.sleep while awake; even
}

// OpenConsumer opens the queue at off as its consumer. It continues after the last event that an
// earlier consumer took. It returns [shm.ErrCorrupt] when there is no consistent queue at off.
func OpenConsumer(seg *shm.Segment, off uint64) (*Consumer, error) {
	q, err := open(seg, off)
	if err != nil {
		return nil, err
	}
	// Drained slots are a lap ahead of the last slot of the queue, and come first.
	lap := slotWord(q.slot(q.mask).Load()).lap()
	var drained uint64
	for at := range q.mask {
		switch s := slotWord(q.slot(at).Load()); {
		case s.ahead(lap) == 1 && drained == at:
			drained++
		case s.ahead(lap) != 0:
			return nil, fmt.Errorf("evq: open at %#x: slot %d is %#x in lap %d: %w", off, at, uint64(s), lap, shm.ErrCorrupt)
		}
	}
	return &Consumer{shared: q, head: lap<<q.shift | drained, epoch: q.sleep.Load() &^ 1}, nil
}

// Slots returns the number of events that fit in the queue.
func (c *Consumer) Slots() int { return int(c.mask) + 1 }

// Poll takes the oldest event, if there is one. It does not wake producers: call
// [Consumer.TakeSpaceWaiters] after it. [Reader.TryRecv] does both. The only error is
// [shm.ErrCorrupt].
func (c *Consumer) Poll() (Event, bool, error) {
	slot, lap := c.slot(c.head), c.lap(c.head)
	s := slotWord(slot.Load())
	if s == emptySlot(lap) {
		return Event{}, false, nil
	}
	if s.ahead(lap) != 0 || s.kind() == 0 {
		return Event{}, false, fmt.Errorf("evq: poll event: head %d, slot %#x: %w", c.head, uint64(s), shm.ErrCorrupt)
	}
	slot.Store(uint64(emptySlot(lap + 1))) // no producer touches a slot that holds an event
	c.head++
	return s.event(), true, nil
}

// NonEmpty says whether Poll would return an event or an error. It is one load.
func (c *Consumer) NonEmpty() bool {
	return slotWord(c.slot(c.head).Load()) != emptySlot(c.lap(c.head))
}

// slotWord is the value of evq.slot.
type slotWord uint64

func emptySlot(lap uint64) slotWord { return slotWord(lap << 40) }

func eventSlot(lap uint64, ev Event) slotWord {
	return slotWord(lap<<40 | uint64(ev.Kind)<<32 | uint64(ev.Arg))
}

func (s slotWord) lap() uint64  { return uint64(s >> 40) }
func (s slotWord) kind() uint8  { return uint8(s >> 32) }
func (s slotWord) event() Event { return Event{s.kind(), uint32(s)} }

// ahead returns how many laps the slot is ahead of lap, modulo 2^24, from -2^23
// to 2^23-1.
func (s slotWord) ahead(lap uint64) int { return int(int64(uint64(s)&^(1<<40-1)-lap<<40) >> 40) }
