package shm

import (
	"errors"
	"fmt"
	"math/bits"
)

// An event queue carries small events from up to 32 producers to one consumer.
// It is bounded and lock-free: a process that dies or stops for ever at any
// access blocks no other. Sleeping and waking are in evq_wait.go.
//
// Layout, from a 64-byte aligned offset:
//
//	0    evq.geom   uint64           magic and number of slots; written by InitQueue, read at open
//	8    evq.sleep  uint32           see QueueConsumer.ArmNonEmpty
//	12   evq.want   uint32           see QueueProducer.ArmSpace
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
	evqMagic = 0x51564531 // high half of evq.geom

	evqSleepOff = 8
	evqWantOff  = 12
	evqTailOff  = 64
	evqSlotOff  = 128
	evqAlign    = 64
)

// Limits of one event queue.
const (
	MaxQueueSlots = 1 << 20
	MaxProducers  = 32
)

// Errors of an event queue.
var (
	ErrFull       = errors.New("event queue is full")
	ErrEventKind  = errors.New("event kind 0 is reserved")
	ErrProducerID = errors.New("no such producer")
)

var (
	nameEvqGeom  = NewName("evq.geom")
	nameEvqSleep = NewName("evq.sleep")
	nameEvqWant  = NewName("evq.want")
	nameEvqTail  = NewName("evq.tail")
	nameEvqSlot  = NewName("evq.slot")
)

// Event is what an event queue carries. What Arg means depends on Kind, which
// is not 0. A consumer must expect any Kind and Arg: its producers are peers.
type Event struct {
	Kind uint8
	Arg  uint32
}

// QueueBytes returns the size in bytes of an event queue with slots slots.
func QueueBytes(slots uint32) uint64 { return evqSlotOff + 8*uint64(slots) }

// InitQueue makes an empty event queue with slots slots, a power of two from 1
// to MaxQueueSlots, in the QueueBytes(slots) bytes at off, a multiple of 64,
// whatever they hold. ErrSize. Nobody may use the queue meanwhile.
func InitQueue(seg *Segment, off uint64, slots uint32) error {
	if !evqSlots(uint64(slots)) {
		return fmt.Errorf("shm: init event queue: %d slots: %w (a power of two up to %d)", slots, ErrSize, MaxQueueSlots)
	}
	if off < SegmentHeader || !seg.Contains(off, QueueBytes(slots), evqAlign) {
		return fmt.Errorf("shm: init event queue of %d slots at %#x: %w", slots, off, ErrSize)
	}
	q := newQueue(seg, off, uint64(slots))
	q.sleep.Store(0)
	q.want.Store(0)
	q.tail.Store(0)
	for at := range uint64(slots) {
		q.slot(at).Store(uint64(emptySlot(0)))
	}
	seg.Uint64(off, nameEvqGeom).Store(evqMagic<<32 | uint64(slots))
	return nil
}

// evq is what both ends of an event queue know of it. It is immutable.
type evq struct {
	seg   *Segment
	base  uint64 // offset of slot 0
	mask  uint64 // slots - 1
	shift int    // log2(slots)

	sleep Uint32
	want  Uint32
	tail  Uint64
}

func evqSlots(n uint64) bool { return n > 0 && n <= MaxQueueSlots && n&(n-1) == 0 }

func newQueue(seg *Segment, off, slots uint64) evq {
	return evq{
		seg: seg, base: off + evqSlotOff, mask: slots - 1, shift: bits.Len64(slots) - 1,
		sleep: seg.Uint32(off+evqSleepOff, nameEvqSleep),
		want:  seg.Uint32(off+evqWantOff, nameEvqWant),
		tail:  seg.Uint64(off+evqTailOff, nameEvqTail),
	}
}

// openQueue reads the geometry, once.
func openQueue(seg *Segment, off uint64) (evq, error) {
	if off < SegmentHeader || !seg.Contains(off, QueueBytes(1), evqAlign) {
		return evq{}, fmt.Errorf("shm: open event queue at %#x: %w", off, ErrCorrupt)
	}
	geom := seg.Uint64(off, nameEvqGeom).Load()
	slots := geom & (1<<32 - 1)
	if geom>>32 != evqMagic || !evqSlots(slots) || !seg.Contains(off, QueueBytes(uint32(slots)), evqAlign) {
		return evq{}, fmt.Errorf("shm: open event queue at %#x: geometry %#x: %w", off, geom, ErrCorrupt)
	}
	return newQueue(seg, off, slots), nil
}

// slot returns the slot of position at.
func (q *evq) slot(at uint64) Uint64 { return q.seg.Uint64(q.base+8*(at&q.mask), nameEvqSlot) }

// lap returns the lap of position at.
func (q *evq) lap(at uint64) uint64 { return at >> q.shift }

// QueueProducer posts events to an event queue. It has no state of its own: any
// number of tasks may use it concurrently, but for ArmSpace.
type QueueProducer struct {
	evq
	bit uint32 // in evq.want
}

// OpenQueueProducer opens the event queue at off as producer id, 0 to
// MaxProducers-1, which no other process may use for this queue. ErrProducerID,
// ErrCorrupt.
func OpenQueueProducer(seg *Segment, off uint64, id int) (*QueueProducer, error) {
	if id < 0 || id >= MaxProducers {
		return nil, fmt.Errorf("shm: open event queue at %#x as producer %d: %w", off, id, ErrProducerID)
	}
	q, err := openQueue(seg, off)
	if err != nil {
		return nil, err
	}
	return &QueueProducer{q, 1 << id}, nil
}

// Post appends an event. It does not wake the consumer: call Wake after it, also
// when Post returned ErrFull. [QueueWriter] does both.
//
// ErrFull, returned as such, when there is no room; ErrEventKind; ErrCorrupt.
func (p *QueueProducer) Post(ev Event) error {
	if ev.Kind == 0 {
		return fmt.Errorf("shm: post event: %w", ErrEventKind)
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
			return fmt.Errorf("shm: post event: tail %d, slot %#x: %w", at, uint64(s), ErrCorrupt)
		}
	}
	return fmt.Errorf("shm: post event: tail changed %d times: %w", maxRetries, ErrCorrupt)
}

// hasRoom says whether Post would do something else than return ErrFull.
//
// The queue is full if the position at the tail still holds the event of the lap
// before: as long as that is not drained, the tail that was read cannot be old.
func (p *QueueProducer) hasRoom() bool {
	at := p.tail.Load()
	s := slotWord(p.slot(at).Load())
	return s.ahead(p.lap(at)) != -1 || s.kind() == 0
}

// QueueConsumer takes events from an event queue. One task at a time may use it,
// and no queue has two.
type QueueConsumer struct {
	evq
	head  uint64 // next position to drain; equal to the real one modulo 2^24 laps
	epoch uint32 // value of evq.sleep while awake; even
}

// OpenQueueConsumer opens the event queue at off as its consumer and goes on where
// the last one, if any, took its last event. ErrCorrupt.
func OpenQueueConsumer(seg *Segment, off uint64) (*QueueConsumer, error) {
	q, err := openQueue(seg, off)
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
			return nil, fmt.Errorf("shm: open event queue at %#x: slot %d is %#x in lap %d: %w", off, at, uint64(s), lap, ErrCorrupt)
		}
	}
	return &QueueConsumer{evq: q, head: lap<<q.shift | drained, epoch: q.sleep.Load() &^ 1}, nil
}

// Slots returns how many events fit in the queue.
func (c *QueueConsumer) Slots() int { return int(c.mask) + 1 }

// Poll takes the oldest event, if there is one. It wakes no producer: call
// TakeSpaceWaiters after it. [QueueReader] does both. ErrCorrupt.
func (c *QueueConsumer) Poll() (Event, bool, error) {
	slot, lap := c.slot(c.head), c.lap(c.head)
	s := slotWord(slot.Load())
	if s == emptySlot(lap) {
		return Event{}, false, nil
	}
	if s.ahead(lap) != 0 || s.kind() == 0 {
		return Event{}, false, fmt.Errorf("shm: poll event: head %d, slot %#x: %w", c.head, uint64(s), ErrCorrupt)
	}
	slot.Store(uint64(emptySlot(lap + 1))) // no producer touches a slot that holds an event
	c.head++
	return s.event(), true, nil
}

// nonEmpty says whether Poll would find something: an event or an error.
func (c *QueueConsumer) nonEmpty() bool {
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
