package evq

import (
	"errors"
	"fmt"
	"math/bits"

	"cutthrough/shm"
)

// An event queue carries small events from up to 32 producers to one consumer.
// It is bounded and lock-free: a process that dies or stops for ever at any
// access blocks no other. Sleeping and waking are in evq_wait.go.
//
// Layout, from a 64-byte aligned offset:
//
//	0    evq.geom   uint64           magic and number of slots; written by Init, read at open
//	8    evq.sleep  uint32           see Consumer.ArmNonEmpty
//	12   evq.want   uint32           see Producer.ArmSpace
//	64   evq.tail   uint64           next position to fill; a hint, see Post
//	128  evq.slot   uint64 per slot
//
// Position p is slot p mod slots in lap p / slots. A slot is one word, so an event
// is there or it is not: no slot is claimed but unfilled, and there is nothing to give
// back when the queue is full.
//
//	bits 0 to 31   argument
//	bits 32 to 39  kind; 0: the slot is empty
//	bits 40 to 63  lap, modulo 2^24
//
// A slot goes from empty(lap) to event(lap) by one producer's CAS, and to
// empty(lap+1) by the consumer's store. The slots are the only truth: a slot's
// lap and kind say whether a position is still to be filled, filled, or drained.
// So the tail may lag (who should have moved it was killed) and is moved on by
// whoever notices; and there is no shared head: the consumer knows its own
// position, and one that opens the queue later finds it from the laps.
//
// A producer that stops between its two accesses to a slot for exactly 2^24 laps
// may fill a position ahead of the tail. Its event is delivered when the
// positions before it have been filled; nothing is lost or delivered twice.
//
// From the field: positions and laps after Vyukov's bounded queue (which claims a
// slot before it fills it), the helped tail after Michael and Scott.
const (
	magic = 0x51564531 // high half of evq.geom

	sleepOff = 8
	wantOff  = 12
	tailOff  = 64
	slotOff  = 128
	align    = 64

	// maxRetries bounds the lock-free retry loops. A failed attempt is another
	// process's success, so honest peers never come near it; a peer that keeps
	// changing a word costs a call about 0.1 ms, not a hang.
	maxRetries = 1 << 12
)

// Limits of one event queue.
const (
	MaxSlots     = 1 << 20
	maxProducers = 32
)

// Errors of an event queue.
var (
	ErrFull       = errors.New("event queue is full")
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

// Event is what an event queue carries. What Arg means depends on Kind, which
// is not 0. A consumer must expect any Kind and Arg: its producers are peers.
type Event struct {
	Kind uint8
	Arg  uint32
}

// Size returns the size in bytes of an event queue with slots slots.
func Size(slots uint32) uint64 { return slotOff + 8*uint64(slots) }

// Init makes an empty event queue with slots slots, a power of two from 1
// to MaxSlots, in the Size(slots) bytes at off, a multiple of 64,
// whatever they hold. ErrSize. Nobody may use the queue meanwhile.
func Init(seg *shm.Segment, off uint64, slots uint32) error {
	if !validSlots(uint64(slots)) {
		return fmt.Errorf("evq: init event queue: %d slots: %w (a power of two up to %d)", slots, shm.ErrSize, MaxSlots)
	}
	if off < shm.SegmentHeader || !seg.Contains(off, Size(slots), align) {
		return fmt.Errorf("evq: init event queue of %d slots at %#x: %w", slots, off, shm.ErrSize)
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

// evq is what both ends of an event queue know of it. It is immutable.
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

// open reads the geometry, once.
func open(seg *shm.Segment, off uint64) (shared, error) {
	if off < shm.SegmentHeader || !seg.Contains(off, Size(1), align) {
		return shared{}, fmt.Errorf("evq: open event queue at %#x: %w", off, shm.ErrCorrupt)
	}
	geom := seg.Uint64(off, nameGeom).Load()
	slots := geom & (1<<32 - 1)
	if geom>>32 != magic || !validSlots(slots) || !seg.Contains(off, Size(uint32(slots)), align) {
		return shared{}, fmt.Errorf("evq: open event queue at %#x: geometry %#x: %w", off, geom, shm.ErrCorrupt)
	}
	return sharedAt(seg, off, slots), nil
}

// slot returns the slot of position at.
func (q *shared) slot(at uint64) shm.Uint64 { return q.seg.Uint64(q.base+8*(at&q.mask), nameSlot) }

// lap returns the lap of position at.
func (q *shared) lap(at uint64) uint64 { return at >> q.shift }

// Producer posts events to an event queue. It has no state of its own: any
// number of tasks may use it concurrently, but for ArmSpace.
type Producer struct {
	shared
	bit uint32 // in evq.want
}

// OpenProducer opens the event queue at off as producer id, 0 to
// maxProducers-1, which no other process may use for this queue. errProducerID,
// ErrCorrupt.
func OpenProducer(seg *shm.Segment, off uint64, id int) (*Producer, error) {
	if id < 0 || id >= maxProducers {
		return nil, fmt.Errorf("evq: open event queue at %#x as producer %d: %w", off, id, errProducerID)
	}
	q, err := open(seg, off)
	if err != nil {
		return nil, err
	}
	return &Producer{q, 1 << id}, nil
}

// Post appends an event. It does not wake the consumer: call Wake after it, also
// when Post returned ErrFull. [Writer] does both.
//
// ErrFull, returned as such, when there is no room; errKind; ErrCorrupt.
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
				p.tail.CompareAndSwap(at, at+1) // lost: somebody helped
				return nil
			}
		case ahead >= 0:
			// The position is filled, perhaps drained already: the tail that was read
			// is old, or its mover has been killed.
			p.tail.CompareAndSwap(at, at+1)
		case ahead == -1 && s.kind() != 0:
			return ErrFull
		default:
			return fmt.Errorf("evq: post event: tail %d, slot %#x: %w", at, uint64(s), shm.ErrCorrupt)
		}
	}
	return fmt.Errorf("evq: post event: tail changed %d times: %w", maxRetries, shm.ErrCorrupt)
}

// hasRoom says whether Post would do something else than return ErrFull.
//
// The queue is full if the position at the tail still holds the event of the lap
// before: as long as that is not drained, the tail that was read cannot be old.
func (p *Producer) hasRoom() bool {
	at := p.tail.Load()
	s := slotWord(p.slot(at).Load())
	return s.ahead(p.lap(at)) != -1 || s.kind() == 0
}

// Consumer takes events from an event queue. One task at a time may use it,
// and no queue has two.
type Consumer struct {
	shared
	head  uint64 // next position to drain; equal to the real one modulo 2^24 laps
	epoch uint32 // value of evq.sleep while awake; even
}

// OpenConsumer opens the event queue at off as its consumer and goes on where
// the last one, if any, took its last event. ErrCorrupt.
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
			return nil, fmt.Errorf("evq: open event queue at %#x: slot %d is %#x in lap %d: %w", off, at, uint64(s), lap, shm.ErrCorrupt)
		}
	}
	return &Consumer{shared: q, head: lap<<q.shift | drained, epoch: q.sleep.Load() &^ 1}, nil
}

// Slots returns how many events fit in the queue.
func (c *Consumer) Slots() int { return int(c.mask) + 1 }

// Poll takes the oldest event, if there is one. It wakes no producer: call
// TakeSpaceWaiters after it. [Reader] does both. ErrCorrupt.
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

// nonEmpty says whether Poll would find something: an event or an error.
func (c *Consumer) nonEmpty() bool {
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
