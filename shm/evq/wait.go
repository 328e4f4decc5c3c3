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
// All word operations are sequentially consistent, so in both directions the
// argument is the store-load one: the sleeper stores "I sleep" and then reads the
// slot, the other side writes the slot and then reads "I sleep"; one of the two
// sees the other's store.
//
// Consumer. evq.sleep is odd while it sleeps: an even epoch + 1. A producer
// that finds it odd rings the consumer's bell first and clears the word after,
// with a CAS from the very value it read. In that order a producer that dies or
// stops in between leaves the word set, and the next one rings; clearing first
// would leave a consumer that sleeps and producers who think that it was woken. The epoch
// makes a clear that comes late fail, instead of undoing a later sleep.
//
// Producers. Bit id of evq.want is set while producer id waits for room. The
// consumer, after it has drained a slot, clears all bits at once and rings
// everyone it finds: to choose one would be to bet that this one is alive.
//
// Between them: a producer that finds the queue full rings a sleeping consumer too,
// and before it waits it does so after it has looked for the last time. Otherwise one
// producer that stops between filling the last slot and ringing would stop them all.
//
// What cannot be solved here: the last producer posts, and is killed before it
// rings. Whoever learns of the death (the session layer, from the kernel) rings the
// consumer, and for a dead consumer its producers. A bell rung for nothing
// is harmless: everybody who wakes looks again.

// Wake rings the consumer's bell if the consumer sleeps. It returns the error of
// the bell.
func (p *Producer) Wake(consumer shm.Doorbell) error {
	s := p.sleep.Load()
	if s&1 == 0 {
		return nil
	}
	if err := consumer.Ring(); err != nil {
		return fmt.Errorf("evq: wake event queue consumer: %w", err)
	}
	p.sleep.CompareAndSwap(s, s&^1) // lost: somebody else rang, or it has woken
	return nil
}

// ArmSpace asks the consumer for a ring when there is room, and then looks again:
// if it returns true there is room (or an error that Post will report), else the
// caller may wait for its bell; the consumer has been woken. A request that was not
// needed costs one ring. One task of a process at a time. ErrCorrupt, or the error
// of the consumer's bell.
func (p *Producer) ArmSpace(consumer shm.Doorbell) (ready bool, err error) {
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

// ArmNonEmpty asks producers for a ring at the next event, and then looks again:
// if it returns true the next Poll finds an event (or an error) and nobody will
// ring, else the caller may wait for its bell, and calls Disarm when it stops waiting.
func (c *Consumer) ArmNonEmpty() (ready bool) {
	c.epoch += 2
	c.sleep.Store(c.epoch | 1)
	if c.nonEmpty() {
		c.Disarm()
		return true
	}
	return false
}

// Disarm tells producers that the consumer is awake: no ring needed.
func (c *Consumer) Disarm() { c.sleep.Store(c.epoch) }

// TakeSpaceWaiters returns the producers that wait for room, bit id for producer
// id, and forgets them: the caller rings each. Call it after Poll, not before: a
// producer that starts to wait in between would be missed.
func (c *Consumer) TakeSpaceWaiters() uint32 {
	if c.want.Load() == 0 {
		return 0
	}
	return c.want.Swap(0)
}

// Writer is a producer that wakes the consumer, and sleeps while the queue is
// full. All fields but Spin must be set. Only one goroutine may use it at a time.
type Writer struct {
	Queue *Producer
	Peer  shm.Doorbell // the one the consumer waits on
	Bell  shm.Doorbell // the one this side waits on
	Now   func() time.Duration
	Spin  int // how many times to look for room before going to sleep, at most; see SpinDefault

	ready func() bool // made once: a method value is an allocation
	watch spin.Watcher
}

// TrySend posts an event and rings the consumer if it sleeps. ErrFull, returned as
// such, errKind, ErrCorrupt, or what the consumer's doorbell returned; in
// that case the event is in the queue, unless it was full.
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

// Send is TrySend that waits for room. ErrDeadline, or what its own doorbell
// returned. deadline is a time of [Host].Now, or Forever.
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

// Reader is the consumer, which wakes producers, and sleeps while the queue is
// empty. All fields but Spin must be set. Only one goroutine may use it at a time.
type Reader struct {
	Queue *Consumer
	Peers []shm.Doorbell // the one that producer id waits on is Peers[id]; nil if it never waits
	Bell  shm.Doorbell   // the one this side waits on
	Now   func() time.Duration
	Spin  int // how many times to look for an event before going to sleep, at most; see SpinDefault

	ready func() bool // made once: a method value is an allocation
	watch spin.Watcher
}

// TryRecv takes the oldest event, if there is one, and rings the producers that
// wait for room. ErrCorrupt.
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
			// One producer that cannot be rung, because it is gone, must not keep the
			// others asleep, nor the event that was taken from the caller.
			_ = r.Peers[id].Ring()
		}
	}
}

// Recv takes the oldest event, waits until there is one, and rings the producers
// that wait for room. ErrDeadline, ErrCorrupt, or what its own doorbell
// returned. deadline is a time of [Host].Now, or Forever.
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
		r.ready = r.Queue.nonEmpty
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
