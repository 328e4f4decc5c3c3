package evq

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"cutthrough/shm"
)

// TestQueueStress runs producers and the consumer in goroutines that sleep for real.
// Every event must arrive once, those of one producer in order.
func TestQueueStress(t *testing.T) {
	for _, slots := range []uint32{1, 2, 64} {
		t.Run(fmt.Sprint(slots, " slots"), func(t *testing.T) { stressQueue(t, slots) })
	}
}

func stressQueue(t *testing.T, slots uint32) {
	const producers, events = 3, 4000
	seg := queueAt(t, slots, uint64(slots)<<24-100)
	bell := make(chanBell, 1)
	var peers []shm.Ringer
	var wg sync.WaitGroup
	defer wg.Wait()
	for id := range producers {
		own := make(chanBell, 1)
		peers = append(peers, own)
		w := Writer{Queue: openProducer(t, seg, id), Peer: bell, Bell: own, Now: noTime, Spin: id}
		wg.Go(func() {
			for i := range uint32(events) {
				if err := w.Send(Event{uint8(id + 1), i}, shm.Forever); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	r := Reader{Queue: openConsumer(t, seg), Peers: peers, Bell: bell, Now: noTime}
	var next [producers]uint32
	for range producers * events {
		ev, err := r.Recv(shm.Forever)
		if err != nil {
			t.Fatal(err)
		}
		if id := ev.Kind - 1; ev.Arg != next[id] {
			t.Fatalf("event %d of producer %d, want %d", ev.Arg, id, next[id])
		}
		next[ev.Kind-1]++
	}
	if ev, ok, err := r.TryRecv(); ok || err != nil {
		t.Fatal(ev, err)
	}
}

// chanBell is a Doorbell between goroutines.
type chanBell chan struct{}

// lostWakeUp bounds how long a test waits for a ring that will never come.
const lostWakeUp = 20 * time.Second

func (b chanBell) Ring() error {
	select {
	case b <- struct{}{}:
	default:
	}
	return nil
}

func (b chanBell) Wait(_ func() bool, deadline time.Duration) error {
	select {
	case <-b:
		return nil
	case <-time.After(lostWakeUp):
		return errors.New("lost wake-up")
	}
}

func (b chanBell) Desc() shm.Desc { return nil }
func (b chanBell) Close() error   { return nil }

func BenchmarkQueuePostPoll(b *testing.B) {
	seg := queueAt(b, 64, 0)
	p, c := openProducer(b, seg, 0), openConsumer(b, seg)
	for b.Loop() {
		if err := p.Post(Event{1, 2}); err != nil {
			b.Fatal(err)
		}
		if _, ok, err := c.Poll(); !ok || err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkQueueSendRecv is the same with the words for sleeping, both sides awake.
func BenchmarkQueueSendRecv(b *testing.B) {
	seg := queueAt(b, 64, 0)
	bell := &countBell{}
	w := Writer{Queue: openProducer(b, seg, 0), Peer: bell, Bell: bell, Now: noTime}
	r := Reader{Queue: openConsumer(b, seg), Bell: bell, Now: noTime}
	for b.Loop() {
		if err := w.TrySend(Event{1, 2}); err != nil {
			b.Fatal(err)
		}
		if _, ok, err := r.TryRecv(); !ok || err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkQueueTwoProducers counts events that two goroutines send to a third.
func BenchmarkQueueTwoProducers(b *testing.B) {
	seg := queueAt(b, 1024, 0)
	bell := make(chanBell, 1)
	var peers []shm.Ringer
	for id := range 2 {
		own := make(chanBell, 1)
		peers = append(peers, own)
		w := Writer{Queue: openProducer(b, seg, id), Peer: bell, Bell: own, Now: noTime, Spin: 2048}
		go func() {
			for range (b.N + id) / 2 {
				if err := w.Send(Event{1, 2}, shm.Forever); err != nil {
					b.Error(err)
				}
			}
		}()
	}
	r := Reader{Queue: openConsumer(b, seg), Peers: peers, Bell: bell, Now: noTime, Spin: 2048}
	for range b.N {
		if _, err := r.Recv(shm.Forever); err != nil {
			b.Fatal(err)
		}
	}
}
