package evq

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cutthrough/shm"
	"cutthrough/shm/internal/shmtest"
)

const testQueueOff = 256 // offset of the event queue under test

// queueAt makes an event queue in a heap segment whose next position is at.
func queueAt(tb testing.TB, slots uint32, at uint64) *shm.Segment {
	tb.Helper()
	seg := shmtest.HeapSegment(tb, max(shm.MinSegment, testQueueOff+Size(slots)))
	initQueueAt(tb, seg, slots, at)
	return seg
}

func initQueueAt(tb shmtest.Fataler, seg *shm.Segment, slots uint32, at uint64) {
	tb.Helper()
	if err := Init(seg, testQueueOff, slots); err != nil {
		tb.Fatal(err)
	}
	q := sharedAt(seg, testQueueOff, uint64(slots))
	q.tail.Store(at)
	for p := at; p != at+uint64(slots); p++ {
		q.slot(p).Store(uint64(emptySlot(q.lap(p))))
	}
}

func openProducer(tb shmtest.Fataler, seg *shm.Segment, id int) *Producer {
	tb.Helper()
	p, err := OpenProducer(seg, testQueueOff, id)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func openConsumer(tb shmtest.Fataler, seg *shm.Segment) *Consumer {
	tb.Helper()
	c, err := OpenConsumer(seg, testQueueOff)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// post posts events of kind 1 with these arguments.
func post(tb shmtest.Fataler, p *Producer, args ...uint32) {
	tb.Helper()
	for _, arg := range args {
		postEvent(tb, p, Event{1, arg})
	}
}

func postEvent(tb shmtest.Fataler, p *Producer, ev Event) {
	tb.Helper()
	if err := p.Post(ev); err != nil {
		tb.Fatalf("post %v: %v", ev, err)
	}
}

// poll takes events until there are none.
func poll(tb shmtest.Fataler, c *Consumer) (events []Event) {
	tb.Helper()
	for {
		ev, ok, err := c.Poll()
		if err != nil {
			tb.Fatal(err)
		}
		if !ok {
			return events
		}
		events = append(events, ev)
	}
}

func noTime() time.Duration { return 0 }

// countBell is a Doorbell on which no task waits.
type countBell struct {
	rings int
	err   error
}

func (b *countBell) Ring() error                           { b.rings++; return b.err }
func (b *countBell) Wait(func() bool, time.Duration) error { return shm.ErrDeadline }
func (b *countBell) Desc() shm.Desc                        { return nil }
func (b *countBell) Close() error                          { return nil }

func TestInitQueue(t *testing.T) {
	seg := shmtest.HeapSegment(t, shm.MinSegment)
	if _, err := OpenConsumer(seg, testQueueOff); !errors.Is(err, shm.ErrCorrupt) {
		t.Errorf("open before init: %v", err)
	}
	for _, tc := range []struct {
		off   uint64
		slots uint32
		want  error
	}{
		{64, 1, nil}, {64, 4, nil}, {4096 - 136 - 56, 1, nil}, {2048 - 128, 256, nil},
		{64, 0, shm.ErrSize}, {64, 3, shm.ErrSize}, {64, 6, shm.ErrSize}, {64, MaxSlots * 2, shm.ErrSize}, {64, math.MaxUint32, shm.ErrSize},
		{0, 1, shm.ErrSize}, {32, 1, shm.ErrSize}, {72, 1, shm.ErrSize}, {4096 - 128, 1, shm.ErrSize}, {2048 - 64, 256, shm.ErrSize},
		{4096, 1, shm.ErrSize}, {1 << 40, 1, shm.ErrSize}, {math.MaxUint64 - 63, 1, shm.ErrSize}, {64, 512, shm.ErrSize},
	} {
		if err := Init(seg, tc.off, tc.slots); !errors.Is(err, tc.want) {
			t.Errorf("InitQueue(%#x, %d) = %v, want %v", tc.off, tc.slots, err, tc.want)
		}
		_, err := OpenProducer(seg, tc.off, 0)
		if tc.want == nil && err != nil {
			t.Errorf("open at %#x: %v", tc.off, err)
		}
	}
	for _, off := range []uint64{0, 8, 63, 65, 4096 - 64, 4096, 1 << 40, math.MaxUint64 - 63} {
		_, err1 := OpenProducer(seg, off, 0)
		_, err2 := OpenConsumer(seg, off)
		if !errors.Is(err1, shm.ErrCorrupt) || !errors.Is(err2, shm.ErrCorrupt) {
			t.Errorf("open at %#x: %v, %v", off, err1, err2)
		}
	}
	for id, want := range map[int]error{-1: errProducerID, 0: nil, 31: nil, 32: errProducerID} {
		if _, err := OpenProducer(seg, 64, id); !errors.Is(err, want) {
			t.Errorf("producer %d: %v, want %v", id, err, want)
		}
	}
}

// TestQueueBasic is conformance case C-08 for one ring: fill, refuse one more, drain in
// the order of posting with the right content, empty at the end; at all capacities,
// and where positions and laps wrap.
func TestQueueBasic(t *testing.T) {
	for _, slots := range []uint32{1, 2, 4, 64} {
		for _, start := range []uint64{0, 1, uint64(slots)<<24 - 1, uint64(slots)<<24 - uint64(slots), 1<<32 - 1, math.MaxUint64} {
			seg := queueAt(t, slots, start)
			p, c := openProducer(t, seg, 0), openConsumer(t, seg)
			if c.Slots() != int(slots) {
				t.Errorf("%d slots, opened with %d", slots, c.Slots())
			}
			for lap := range uint32(4) {
				var want []Event
				for i := range slots {
					ev := Event{Kind: uint8(255 - i), Arg: math.MaxUint32 - i - lap}
					if err := p.Post(ev); err != nil {
						t.Fatalf("%d slots from %d: post %d of lap %d: %v", slots, start, i, lap, err)
					}
					want = append(want, ev)
				}
				for range 3 {
					if err := p.Post(Event{1, 1}); err != ErrFull {
						t.Fatalf("%d slots from %d: post to a full queue: %v", slots, start, err)
					}
				}
				if diff := cmp.Diff(want, poll(t, c)); diff != "" {
					t.Fatalf("%d slots from %d, lap %d: %s", slots, start, lap, diff)
				}
			}
		}
	}
}

func TestPostKindZero(t *testing.T) {
	seg := queueAt(t, 1, 0)
	if err := openProducer(t, seg, 0).Post(Event{0, 1}); !errors.Is(err, errKind) {
		t.Error(err)
	}
	if events := poll(t, openConsumer(t, seg)); events != nil {
		t.Error(events)
	}
}

// TestInitQueueForgets shows that a recycled queue holds nothing of its last users.
func TestInitQueueForgets(t *testing.T) {
	seg := shmtest.HeapSegment(t, shm.MinSegment)
	for i := range shmtest.Bytes(seg)[testQueueOff:] {
		shmtest.Bytes(seg)[testQueueOff+i] = 0xa5
	}
	if err := Init(seg, testQueueOff, 16); err != nil {
		t.Fatal(err)
	}
	p, c := openProducer(t, seg, 0), openConsumer(t, seg)
	if events, waiters := poll(t, c), c.TakeSpaceWaiters(); events != nil || waiters != 0 {
		t.Error(events, waiters)
	}
	bell := &countBell{}
	if err := p.Wake(bell); err != nil || bell.rings != 0 {
		t.Error("woke a consumer that does not sleep", err)
	}
	post(t, p, 1)
	if got := poll(t, c); len(got) != 1 {
		t.Error(got)
	}
}

// queueModel is the event queue as it should be.
type queueModel struct {
	slots   int
	events  []Event
	asleep  bool   // the consumer has asked for a ring
	waiters uint32 // producers that have
}

// TestQueueAgainstModel plays calls of three producers and a consumer, which at times
// is another one.
func TestQueueAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := queueModel{slots: 1 << rapid.IntRange(0, 3).Draw(t, "log2 slots")}
		seg, err := shm.NewHeapSegment(shm.MinSegment)
		if err != nil {
			t.Fatal(err)
		}
		start := rapid.OneOf(rapid.Just(uint64(0)), rapid.Just(uint64(m.slots)<<24-3), rapid.Uint64()).Draw(t, "start")
		initQueueAt(t, seg, uint32(m.slots), start)
		producers := []*Producer{openProducer(t, seg, 0), openProducer(t, seg, 7), openProducer(t, seg, 31)}
		c := openConsumer(t, seg)
		producer := func(t *rapid.T) *Producer { return rapid.SampledFrom(producers).Draw(t, "producer") }
		t.Repeat(map[string]func(*rapid.T){
			"post": func(t *rapid.T) {
				ev := Event{rapid.Uint8Min(1).Draw(t, "kind"), rapid.Uint32().Draw(t, "arg")}
				var want error
				if len(m.events) == m.slots {
					want = ErrFull
				} else {
					m.events = append(m.events, ev)
				}
				if err := producer(t).Post(ev); err != want {
					t.Fatalf("Post = %v, want %v", err, want)
				}
			},
			"poll": func(t *rapid.T) {
				ev, ok, err := c.Poll()
				if err != nil || ok != (len(m.events) > 0) || ok && ev != m.events[0] {
					t.Fatalf("Poll = %v, %v, %v; want the first of %v", ev, ok, err, m.events)
				}
				if ok {
					m.events = m.events[1:]
				}
			},
			"wake": func(t *rapid.T) {
				bell := &countBell{}
				if err := producer(t).Wake(bell); err != nil || (bell.rings == 1) != m.asleep {
					t.Fatalf("Wake rang %d times, %v; asleep %v", bell.rings, err, m.asleep)
				}
				m.asleep = false
			},
			"wake fails": func(t *rapid.T) {
				bell := &countBell{err: shm.ErrClosed}
				if err := producer(t).Wake(bell); errors.Is(err, shm.ErrClosed) != m.asleep {
					t.Fatalf("Wake = %v, asleep %v", err, m.asleep)
				}
			},
			"arm consumer": func(t *rapid.T) {
				m.asleep = !c.ArmNonEmpty()
				if m.asleep != (len(m.events) == 0) {
					t.Fatalf("may sleep %v with %v", m.asleep, m.events)
				}
			},
			"disarm consumer": func(*rapid.T) {
				c.Disarm()
				m.asleep = false
			},
			"arm producer": func(t *rapid.T) {
				p := producer(t)
				bell := &countBell{}
				ready, err := p.ArmSpace(bell)
				if err != nil || ready != (len(m.events) < m.slots) || (bell.rings == 1) != (!ready && m.asleep) {
					t.Fatalf("ArmSpace = %v, %v, rang %d times; asleep %v, %v", ready, err, bell.rings, m.asleep, m.events)
				}
				m.waiters |= p.bit
				m.asleep = m.asleep && ready
			},
			"take waiters": func(t *rapid.T) {
				if got := c.TakeSpaceWaiters(); got != m.waiters {
					t.Fatalf("waiters %#x, want %#x", got, m.waiters)
				}
				m.waiters = 0
			},
			"another consumer": func(t *rapid.T) {
				c = openConsumer(t, seg)
			},
		})
	})
}
