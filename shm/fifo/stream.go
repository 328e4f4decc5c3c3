package fifo

import (
	"fmt"
	"time"

	"cutthrough/shm"
	"cutthrough/shm/internal/spin"
)

// Writer sends a byte stream through a fifo and sleeps while it is full. All
// fields but Spin must be set. Only one goroutine may use it at a time.
//
// Closing, end of stream and deadlines that move are the business of the Bell: an
// error of its Wait ends the call and is returned as it is.
type Writer struct {
	Fifo *Producer
	Peer shm.Doorbell         // the one the consumer waits on
	Bell shm.Doorbell         // the one this side waits on
	Now  func() time.Duration // that of the Host: a slow but steady consumer must not outlast a deadline
	Spin int                  // how many times to look for progress before going to sleep, at most; see SpinDefault

	need  uint64      // free bytes that it waits for
	ready func() bool // whether they are free; made once, because a closure is an allocation
	watch spin.Watcher
}

// Write enqueues all of b, publishes it and rings the consumer if it sleeps. It
// returns how many bytes were enqueued and, when that is not all, why:
// ErrDeadline, ErrCorrupt, or what a doorbell returned. deadline is a time of
// [Host].Now, or Forever.
func (w *Writer) Write(b []byte, deadline time.Duration) (int, error) {
	done := 0
	for {
		n, err := w.Fifo.Enqueue(b[done:])
		done += n
		if err == nil {
			err = w.Flush()
		}
		if err != nil || done == len(b) {
			return done, err
		}
		// Waking up for less than half of the fifo would not pay, unless it is all
		// that is left.
		need := min(uint64(len(b)-done), (w.Fifo.Capacity()+1)/2)
		if err := w.sleep(need, deadline); err != nil {
			return done, err
		}
	}
}

// Drain publishes everything and returns when the consumer has dequeued all of it; errors
// are as for Write.
func (w *Writer) Drain(deadline time.Duration) error {
	for {
		free, err := w.Fifo.Free()
		if err == nil {
			err = w.Flush()
		}
		if err != nil || free == w.Fifo.Capacity() {
			return err
		}
		if err := w.sleep(w.Fifo.Capacity(), deadline); err != nil {
			return err
		}
	}
}

// Flush publishes what was enqueued through Fifo directly and rings the consumer if it
// sleeps. It returns what the doorbell returned.
func (w *Writer) Flush() error {
	if w.Fifo.NeedsEvent() {
		if err := w.Peer.Ring(); err != nil {
			return fmt.Errorf("fifo: ring the consumer: %w", err)
		}
	}
	return nil
}

// sleep returns when need bytes may be free. The caller has flushed.
func (w *Writer) sleep(need uint64, deadline time.Duration) error {
	if deadline != shm.Forever && w.Now() >= deadline {
		return shm.ErrDeadline
	}
	if w.ready == nil {
		w.ready = func() bool { return w.Fifo.HasFree(w.need) }
	}
	w.need = need
	if w.watch.Until(w.ready, w.Spin) {
		return nil
	}
	if now, err := w.Fifo.ArmDequeue(need); now || err != nil {
		return err
	}
	return w.Bell.Wait(w.ready, deadline)
}

// Reader receives a byte stream through a fifo and sleeps while it is empty. All
// fields but Spin must be set. Only one goroutine may use it at a time. See
// [Writer] for what it leaves to the Bell.
type Reader struct {
	Fifo *Consumer
	Peer shm.Doorbell         // the one the producer waits on
	Bell shm.Doorbell         // the one this side waits on
	Now  func() time.Duration // that of the Host
	Spin int                  // how many times to look for progress before going to sleep, at most; see SpinDefault

	ready func() bool // made once, because a method value is an allocation
	watch spin.Watcher
}

// Read waits until there are bytes, dequeues as many as there are and fit into b,
// rings the producer if it waits for that, and returns how many. It returns 0 only for an
// empty b or with an error: ErrDeadline, ErrCorrupt, or what a doorbell
// returned. deadline is a time of [Host].Now, or Forever.
func (r *Reader) Read(b []byte, deadline time.Duration) (int, error) {
	for {
		n, err := r.Fifo.Dequeue(b)
		if err == nil {
			err = r.notify()
		}
		if err != nil || n > 0 || len(b) == 0 {
			return n, err
		}
		if err := r.sleep(deadline); err != nil {
			return 0, err
		}
	}
}

// notify releases what was dequeued and rings the producer if it asked for that.
func (r *Reader) notify() error {
	ring, err := r.Fifo.NeedsDequeueNotify()
	if err == nil && ring {
		if err = r.Peer.Ring(); err != nil {
			return fmt.Errorf("fifo: ring the producer: %w", err)
		}
	}
	return err
}

// sleep returns when there may be bytes. The caller has notified.
func (r *Reader) sleep(deadline time.Duration) error {
	if deadline != shm.Forever && r.Now() >= deadline {
		return shm.ErrDeadline
	}
	if r.ready == nil {
		r.ready = r.Fifo.HasNews
	}
	if r.watch.Until(r.ready, r.Spin) {
		return nil
	}
	if now, err := r.Fifo.ArmEvent(); now || err != nil {
		return err
	}
	return r.Bell.Wait(r.ready, deadline)
}

// SpinDefault is a Spin that takes about twice as long as being woken from sleep on
// another core: 50 to 100 us.
const SpinDefault = spin.Default
