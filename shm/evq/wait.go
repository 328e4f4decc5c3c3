package evq

import (
	"fmt"
	"math/bits"
	"time"

	"cutthrough/shm"
	"cutthrough/shm/internal/spin"
)

// Sleeping and waking.
//
// All word operations are sequentially consistent. In both directions the sleeper stores "I sleep"
// and then reads the slot, and the other side writes the slot and then reads "I sleep": at least
// one of them sees the store of the other.
//
// The consumer sleeps while evq.sleep is odd: an even epoch + 1. A producer that finds it odd rings
// the consumer's bell first and then clears the word, with a CAS from the value that it read. In
// this order a producer that dies in between leaves the word set, and the next producer rings. If
// it cleared first, its death would leave a consumer asleep that all producers take for awake. The
// epoch makes a late clear fail, so that it cannot undo a later sleep.
//
// Bit id of evq.want is set while producer id waits for room. After it has drained a slot, the
// consumer clears all bits at once and rings all producers that it finds there: if it chose one,
// that producer might be dead.
//
// A producer that finds the queue full also rings a sleeping consumer, and before it waits it does
// so after its last look. Otherwise one producer that stops between filling the last slot and
// ringing would stop all producers.
//
// One case has no solution here: the last producer posts and is killed before it rings. The process
// that learns of the death from the kernel (the session layer) rings the consumer, and after the
// death of a consumer its producers. A superfluous ring is harmless, because each sleeper looks
// again when it wakes.

// Wake rings the consumer's bell if the consumer sleeps. It returns the error of the bell.
func (p *Producer) Wake(consumer shm.Ringer) error {
	s := p.sleep.Load()
	if s&1 == 0 {
		return nil
	}
	if err := consumer.Ring(); err != nil {
		return fmt.Errorf("evq: wake event queue consumer: %w", err)
	}
	p.sleep.CompareAndSwap(s, s&^1) // lost: another producer rang, or the consumer woke
	return nil
}

// ArmSpace asks the consumer for a ring when there is room, and then looks again. If it returns
// true there is room, or an error that Post will return. If it returns false the caller may wait on
// its bell, and the consumer has been woken. A request that was not needed costs one ring. One task
// of a process at a time may call it. Errors: [shm.ErrCorrupt], or that of the consumer's bell.
func (p *Producer) ArmSpace(consumer shm.Ringer) (ready bool, err error) {
	for range maxRetries {
		w := p.want.Load()
		if w&p.bit == 0 && !p.want.CompareAndSwap(w, w|p.bit) {
			continue
		}
		if p.hasRoom() {
			return true, nil
		}
		return false, p.Wake(consumer)
	}
	return false, fmt.Errorf("evq: wait for room: request word changed %d times: %w", maxRetries, shm.ErrCorrupt)
}

// ArmNonEmpty asks the producers for a ring at the next event, and then looks again. If it returns
// true the next Poll returns an event or an error, and no ring is asked for. If it returns false
// the caller may wait on its bell, and calls [Consumer.Disarm] when it stops waiting, or else its
// producers ring once more.
//
// Call it again before every wait, also when the last one ended without an event: a producer whose event was
// taken before it looked rings for nothing, and clears the request after that.
func (c *Consumer) ArmNonEmpty() (ready bool) {
	c.epoch += 2
	c.sleep.Store(c.epoch | 1)
	if c.NonEmpty() {
		c.Disarm()
		return true
	}
	return false
}

// Disarm tells the producers that the consumer is awake and needs no ring.
func (c *Consumer) Disarm() { c.sleep.Store(c.epoch) }

// TakeSpaceWaiters returns and clears the set of producers that wait for room, bit id for producer
// id; the caller rings each. Call it after Poll: a producer that starts to wait between an earlier
// call and the Poll would be missed.
func (c *Consumer) TakeSpaceWaiters() uint32 {
	if c.want.Load() == 0 {
		return 0
	}
	return c.want.Swap(0)
}

// Writer is a producer that wakes the consumer, and sleeps while the queue is full. Set all fields
// but Spin, which may be 0. One goroutine at a time may use it.
type Writer struct {
	Queue *Producer
	Peer  shm.Ringer           // rung for the consumer
	Bell  shm.Waiter           // this side waits on it
	Now   func() time.Duration // [shm.Host].Now
	Spin  int                  // limit of looks for room before each sleep; 2048 take 50 to 100 us

	ready func() bool // made once: a method value is an allocation
	watch spin.Watcher
}

// TrySend posts an event and rings the consumer if it sleeps. It returns [ErrFull] itself when
// there is no room, other errors of [Producer.Post], or the error of the consumer's doorbell. In
// the last case the event is in the queue, unless it was full.
func (w *Writer) TrySend(ev Event) error {
	err := w.Queue.Post(ev)
	if err != nil && err != ErrFull {
		return err
	}
	if ringErr := w.Queue.Wake(w.Peer); ringErr != nil {
		return ringErr
	}
	return err
}

// Send is TrySend that waits for room. It also returns [shm.ErrDeadline], or the error of its own
// doorbell. deadline is a time of [shm.Host].Now, or [shm.Forever].
func (w *Writer) Send(ev Event, deadline time.Duration) error {
	for {
		if err := w.TrySend(ev); err != ErrFull {
			return err
		}
		if err := w.sleep(deadline); err != nil {
			return err
		}
	}
}

// sleep returns when there may be room.
func (w *Writer) sleep(deadline time.Duration) error {
	if deadline != shm.Forever && w.Now() >= deadline {
		return shm.ErrDeadline
	}
	if w.ready == nil {
		w.ready = w.Queue.hasRoom
	}
	if w.watch.Until(w.ready, w.Spin) {
		return nil
	}
	if now, err := w.Queue.ArmSpace(w.Peer); now || err != nil {
		return err
	}
	return w.Bell.Wait(w.ready, deadline)
}

// Reader is a consumer that wakes producers, and sleeps while the queue is empty. Set all fields
// but Spin, which may be 0. One goroutine at a time may use it.
type Reader struct {
	Queue *Consumer
	Peers []shm.Ringer         // Peers[id] is rung for producer id; nil if it never waits
	Bell  shm.Waiter           // this side waits on it
	Now   func() time.Duration // [shm.Host].Now
	Spin  int                  // limit of looks for an event before each sleep

	ready func() bool // made once: a method value is an allocation
	watch spin.Watcher
}

// TryRecv takes the oldest event, if there is one, and rings the producers that wait for room. The
// only error is [shm.ErrCorrupt].
func (r *Reader) TryRecv() (Event, bool, error) {
	ev, ok, err := r.Queue.Poll()
	if ok {
		r.wakeProducers()
	}
	return ev, ok, err
}

func (r *Reader) wakeProducers() {
	for waiters := r.Queue.TakeSpaceWaiters(); waiters != 0; waiters &= waiters - 1 {
		if id := bits.TrailingZeros32(waiters); id < len(r.Peers) && r.Peers[id] != nil {
			// The error of a bell, whose producer is gone, must neither keep the other
			// producers asleep nor withhold the event from the caller.
			_ = r.Peers[id].Ring()
		}
	}
}

// Recv waits for an event, takes the oldest, and rings the producers that wait for room. Errors:
// [shm.ErrDeadline], [shm.ErrCorrupt], or that of its own doorbell. deadline is a time of
// [shm.Host].Now, or [shm.Forever].
func (r *Reader) Recv(deadline time.Duration) (Event, error) {
	for {
		if ev, ok, err := r.TryRecv(); ok || err != nil {
			return ev, err
		}
		if err := r.sleep(deadline); err != nil {
			return Event{}, err
		}
	}
}

// sleep returns when there may be an event.
func (r *Reader) sleep(deadline time.Duration) error {
	if deadline != shm.Forever && r.Now() >= deadline {
		return shm.ErrDeadline
	}
	if r.ready == nil {
		r.ready = r.Queue.NonEmpty
	}
	if r.watch.Until(r.ready, r.Spin) {
		return nil
	}
	if r.Queue.ArmNonEmpty() {
		return nil
	}
	err := r.Bell.Wait(r.ready, deadline)
	r.Queue.Disarm()
	return err
}
