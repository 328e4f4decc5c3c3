package evq

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cutthrough/shm"
	"cutthrough/shm/access"
	"cutthrough/shm/internal/shmtest"
)

// queueScenario is some producers that each send events, and the consumer.
type queueScenario struct {
	slots       uint32
	events      []int // of each producer
	preemptions int
}

// setup spawns the tasks. The consumer ends when it has all events of the producers
// but the first skip, whose events it may or may not get.
func (sc queueScenario) setup(t *testing.T, s *shmtest.Sched, skip int) (check func()) {
	seg := s.View(t, queueAt(t, sc.slots, uint64(sc.slots)<<24-1))
	bell := s.NewBell()
	var peers []shm.Ringer
	sends := make([]*shmtest.Task, len(sc.events))
	missing := 0
	for id, events := range sc.events {
		own := s.NewBell()
		peers = append(peers, own)
		w := Writer{Queue: openProducer(t, seg, id), Peer: bell, Bell: own, Now: noTime}
		sends[id] = s.Spawn(fmt.Sprint("producer ", id), func() {
			for i := range events {
				if err := w.Send(Event{uint8(id + 1), uint32(i)}, shm.Forever); err != nil {
					t.Error(err)
				}
			}
		})
		if id >= skip {
			missing += events
		}
	}
	r := Reader{Queue: openConsumer(t, seg), Peers: peers, Bell: bell, Now: noTime}
	next := make([]uint32, len(sc.events))
	s.Spawn("consumer", func() {
		for missing > 0 {
			ev, err := r.Recv(shm.Forever)
			if err != nil {
				t.Error(err)
				return
			}
			id := int(ev.Kind) - 1
			if ev.Arg != next[id] {
				t.Errorf("event %d of producer %d, want %d", ev.Arg, id, next[id])
			}
			if next[id]++; id >= skip {
				missing--
			}
		}
	})
	return func() {
		if skip == 0 {
			if ev, ok, err := r.Queue.Poll(); ok || err != nil {
				t.Errorf("left over: %v, %v", ev, err)
			}
		}
	}
}

// TestQueueWakeUps explores producers and a consumer that sleep: none of them sleeps for
// ever, no event is lost, doubled or out of order.
func TestQueueWakeUps(t *testing.T) {
	for _, sc := range []queueScenario{
		{1, []int{2}, 3},
		{2, []int{4}, 2},
		{1, []int{1, 1}, 2},
		{2, []int{2, 2}, 1},
		{1, []int{1, 1, 1}, 0},
	} {
		t.Run(fmt.Sprint(sc), func(t *testing.T) {
			runs := shmtest.Explore(t, sc.preemptions, func(s *shmtest.Sched) func() { return sc.setup(t, s, 0) })
			if t.Logf("%d executions", runs); runs < 100 {
				t.Error("too few")
			}
		})
	}
}

// TestQueueProducerStops stops a producer for ever before each of its accesses, rings
// included. The other producer and the consumer do not notice.
func TestQueueProducerStops(t *testing.T) {
	for _, sc := range []queueScenario{
		{1, []int{1, 1}, 1},
		{2, []int{2, 3}, 0},
	} {
		t.Run(fmt.Sprint(sc), func(t *testing.T) {
			stopped := true
			for k := 1; stopped; k++ {
				stopped = false
				shmtest.Explore(t, sc.preemptions, func(s *shmtest.Sched) func() {
					check := sc.setup(t, s, 1)
					s.Tasks[0].StopAt = k
					s.Tasks[0].MayWait = true // when the consumer has what it wants
					return func() {
						stopped = stopped || s.Tasks[0].Stopped()
						check()
					}
				})
			}
		})
	}
}

// TestQueueFillerStops is one interleaving with a stop that needs a preemption more than
// the searches above have: a producer about to ask for room is preempted, the consumer
// drains the queue and goes to sleep, a producer fills it and stops before
// ringing. Now the producer will wait, so it must ring.
func TestQueueFillerStops(t *testing.T) {
	seg := queueAt(t, 1, 0)
	filler, c := openProducer(t, seg, 0), openConsumer(t, seg)
	post(t, filler, 1)
	view, y := shmtest.Hooked(t, seg)
	bell := &countBell{}
	w := Writer{Queue: openProducer(t, view, 1), Peer: bell, Bell: &countBell{}, Now: noTime}
	y.OnAccess = func(_ int, _ uint64, name shm.Name, op access.Op) {
		if name == nameWant && op == access.CAS {
			if events := poll(t, c); len(events) != 1 || c.ArmNonEmpty() {
				t.Errorf("consumer found %v and stays awake", events)
			}
			post(t, filler, 2)
		}
	}
	if err := w.Send(Event{1, 3}, shm.Forever); err != shm.ErrDeadline || bell.rings != 1 {
		t.Errorf("Send = %v after %d rings of the consumer's bell", err, bell.rings)
	}
}

// TestQueueWakeOnce pins how many rings there are: one for a sleeping consumer, none for
// one that is awake, one for each waiting producer.
func TestQueueWakeOnce(t *testing.T) {
	seg := queueAt(t, 2, 0)
	bell, own := &countBell{}, &countBell{}
	broken, other := &countBell{err: shm.ErrClosed}, &countBell{}
	w := Writer{Queue: openProducer(t, seg, 0), Peer: bell, Bell: own, Now: noTime}
	peers := []shm.Ringer{own, broken, nil, other}
	r := Reader{Queue: openConsumer(t, seg), Peers: peers, Bell: &countBell{}, Now: noTime}
	send := func(want error) {
		t.Helper()
		if err := w.TrySend(Event{1, 1}); err != want {
			t.Fatalf("TrySend = %v, want %v", err, want)
		}
	}
	recv := func() {
		t.Helper()
		if _, ok, err := r.TryRecv(); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	rings := func(step string, want ...int) {
		t.Helper()
		if diff := cmp.Diff(want, []int{bell.rings, own.rings, broken.rings, other.rings}); diff != "" {
			t.Fatalf("%s: rings of consumer, producers 0, 1, 3: %s", step, diff)
		}
	}
	send(nil)
	rings("consumer awake", 0, 0, 0, 0)
	recv()
	if r.Queue.ArmNonEmpty() {
		t.Fatal("ready but empty")
	}
	send(nil)
	send(nil)
	send(ErrFull)
	rings("consumer asleep", 1, 0, 0, 0)
	r.Queue.Disarm()
	for id := range 5 {
		if now, err := openProducer(t, seg, id).ArmSpace(bell); now || err != nil {
			t.Fatal(now, err)
		}
	}
	recv()
	rings("producers asleep", 1, 1, 1, 1)
	recv()
	rings("producers awake", 1, 1, 1, 1)
	if r.Queue.ArmNonEmpty() {
		t.Fatal("ready but empty")
	}
	post(t, w.Queue, 1, 2)
	send(ErrFull)
	rings("full, and the consumer asleep: the producer that filled it has not rung", 2, 1, 1, 1)
}

// TestQueueSleepErrors covers deadlines and bells that fail.
func TestQueueSleepErrors(t *testing.T) {
	seg := queueAt(t, 1, 0)
	now := time.Second
	clock := func() time.Duration { return now }
	failing := &waitBell{}
	w := Writer{Queue: openProducer(t, seg, 0), Peer: &countBell{}, Bell: failing, Now: clock}
	r := Reader{Queue: openConsumer(t, seg), Bell: failing, Now: clock}

	if ev, err := r.Recv(now); err != shm.ErrDeadline {
		t.Errorf("Recv from an empty queue, deadline now: %v, %v", ev, err)
	}
	if err := w.Send(Event{1, 1}, 0); err != nil {
		t.Errorf("Send with room, deadline past: %v", err)
	}
	if err := w.Send(Event{1, 2}, 0); err != shm.ErrDeadline {
		t.Errorf("Send to a full queue, deadline past: %v", err)
	}
	if failing.waits != 0 {
		t.Errorf("waited %d times past the deadline", failing.waits)
	}
	failing.err = shm.ErrClosed
	if err := w.Send(Event{1, 2}, shm.Forever); err != shm.ErrClosed {
		t.Errorf("Send, bell closed: %v", err)
	}
	if ev, err := r.Recv(0); err != nil || ev != (Event{1, 1}) {
		t.Errorf("Recv of an event, deadline past: %v, %v", ev, err)
	}
	if ev, err := r.Recv(shm.Forever); err != shm.ErrClosed {
		t.Errorf("Recv, bell closed: %v, %v", ev, err)
	}
	bell := &countBell{}
	if err := w.Queue.Wake(bell); err != nil || bell.rings != 0 {
		t.Error("Recv gave up, and is taken to sleep still")
	}
	// A bell that rings all the time does not outlast the deadline.
	failing.err, failing.tick = nil, func() { now += time.Millisecond }
	if ev, err := r.Recv(now + 10*time.Millisecond); err != shm.ErrDeadline || failing.waits > 20 {
		t.Errorf("Recv: %v, %v after %d waits", ev, err, failing.waits)
	}
	if r.Queue.ArmNonEmpty() {
		t.Fatal("ready but empty")
	}
	w.Peer = &countBell{err: shm.ErrClosed}
	if err := w.Send(Event{1, 3}, shm.Forever); !errors.Is(err, shm.ErrClosed) {
		t.Errorf("Send, consumer's bell closed: %v", err)
	}
	if ev, err := r.Recv(0); err != nil || ev.Arg != 3 {
		t.Errorf("the event of a failed ring: %v, %v", ev, err)
	}
	if err := w.Send(Event{0, 3}, shm.Forever); !errors.Is(err, errKind) {
		t.Errorf("Send of kind 0: %v", err)
	}
}

// TestQueueSpin shows that a spin ends a wait without a ring being asked for.
func TestQueueSpin(t *testing.T) {
	seg := queueAt(t, 1, 0)
	p := openProducer(t, seg, 0)
	view, y := shmtest.Hooked(t, seg)
	r := Reader{Queue: openConsumer(t, view), Bell: &waitBell{err: shm.ErrClosed}, Now: noTime, Spin: 2048}
	y.OnAccess = func(n int, _ uint64, name shm.Name, _ access.Op) {
		if n == 4 {
			post(t, p, 1)
		}
		if name == nameSleep {
			t.Error("asked for a ring")
		}
	}
	if ev, err := r.Recv(shm.Forever); err != nil || ev.Arg != 1 {
		t.Error(ev, err)
	}
	post(t, p, 2)
	view, y = shmtest.Hooked(t, seg)
	w := Writer{Queue: openProducer(t, view, 1), Peer: &countBell{}, Bell: &waitBell{err: shm.ErrClosed}, Now: noTime, Spin: 2048}
	y.OnAccess = func(n int, _ uint64, name shm.Name, _ access.Op) {
		if n == 8 {
			poll(t, openConsumer(t, seg))
		}
		if name == nameWant {
			t.Error("asked for a ring")
		}
	}
	if err := w.Send(Event{1, 3}, shm.Forever); err != nil {
		t.Error(err)
	}
}

// waitBell is a Doorbell whose Wait returns err, or returns at once for no reason.
type waitBell struct {
	countBell
	waits int
	err   error
	tick  func()
}

func (b *waitBell) Wait(func() bool, time.Duration) error {
	if b.waits++; b.tick != nil {
		b.tick()
	}
	return b.err
}
