package fifo

import (
	"fmt"
	"time"

	"cutthrough/shm"
	"cutthrough/shm/internal/spin"
)

// Writer sends a byte stream through a fifo and sleeps while the fifo is full. Set all fields but
// Spin, which may be 0. One goroutine at a time may use it.
//
// A caller that has more reasons to stop than a deadline (the stream has ended, the deadline moves)
// calls TryWrite and Wait in turns, and checks them in between. Write is that loop with one reason.
type Writer struct {
	Fifo *Producer
	Peer shm.Ringer           // rung for the consumer
	Bell shm.Waiter           // this side waits on it
	Now  func() time.Duration // [shm.Host].Now: a slow but steady consumer must not outlast a deadline
	Spin int                  // limit of tests for progress before each sleep; see SpinDefault

	need  uint64      // free bytes that a wait is for
	ready func() bool // says whether they are free; made once, because a closure is an allocation
	watch spin.Watcher
}

// Write enqueues all of b, publishes it, and rings the consumer if it sleeps. It returns the number
// of bytes enqueued and, if that is less than len(b), the reason: [shm.ErrDeadline],
// [shm.ErrCorrupt], or the error of Peer or Bell. deadline is a time of [shm.Host].Now, or
// [shm.Forever].
func (w *Writer) Write(b []byte, deadline time.Duration) (int, error) {
	done := 0
	for {
		n, err := w.TryWrite(b[done:])
		done += n
		if err != nil || done == len(b) {
			return done, err
		}
		if err := w.Wait(len(b)-done, deadline); err != nil {
			return done, err
		}
	}
}

// TryWrite enqueues as much of b as fits, publishes it, and rings the consumer if it sleeps. It
// returns the number of bytes enqueued. Errors: [shm.ErrCorrupt], or that of Peer.
func (w *Writer) TryWrite(b []byte) (int, error) {
	n, err := w.Fifo.Enqueue(b)
	if err == nil {
		err = w.Flush()
	}
	return n, err
}

// Wait returns nil when n bytes may fit, or enough of them to pay for a wake-up: half of the fifo. It may
// return nil early. Call it after TryWrite. Errors: [shm.ErrDeadline], [shm.ErrCorrupt], or that of
// Bell.
func (w *Writer) Wait(n int, deadline time.Duration) error {
	return w.wait(min(uint64(n), (w.Fifo.Capacity()+1)/2), deadline)
}

// Drain publishes all bytes and returns when the consumer has dequeued them. Errors are as for
// Write.
func (w *Writer) Drain(deadline time.Duration) error {
	for {
		free, err := w.Fifo.Free()
		if err == nil {
			err = w.Flush()
		}
		if err != nil || free == w.Fifo.Capacity() {
			return err
		}
		if err := w.wait(w.Fifo.Capacity(), deadline); err != nil {
			return err
		}
	}
}

// Flush publishes bytes that were enqueued through Fifo directly, and rings the consumer if it
// sleeps. It returns the error of the doorbell.
func (w *Writer) Flush() error {
	if w.Fifo.NeedsEvent() {
		if err := w.Peer.Ring(); err != nil {
			return fmt.Errorf("fifo: ring the consumer: %w", err)
		}
	}
	return nil
}

// wait returns when need bytes may be free. The caller has flushed.
func (w *Writer) wait(need uint64, deadline time.Duration) error {
	if deadline != shm.Forever && w.Now() >= deadline {
		return shm.ErrDeadline
	}
	if w.ready == nil {
		w.ready = func() bool { return w.Fifo.hasFree(w.need) }
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

// Reader receives a byte stream through a fifo and sleeps while the fifo is empty. Set all fields
// but Spin, which may be 0. One goroutine at a time may use it. TryRead and Wait are for callers with
// more reasons to stop than a deadline, as with [Writer].
type Reader struct {
	Fifo *Consumer
	Peer shm.Ringer           // rung for the producer
	Bell shm.Waiter           // this side waits on it
	Now  func() time.Duration // [shm.Host].Now
	Spin int                  // limit of tests for progress before each sleep; see SpinDefault

	ready func() bool // made once, because a method value is an allocation
	watch spin.Watcher
}

// Read waits until there are bytes, dequeues as many as fit into b, rings the producer if it waits
// for the space, and returns their number. The number is 0 only for an empty b or with an error:
// [shm.ErrDeadline], [shm.ErrCorrupt], or the error of Peer or Bell. deadline is a time of
// [shm.Host].Now, or [shm.Forever].
func (r *Reader) Read(b []byte, deadline time.Duration) (int, error) {
	for {
		n, err := r.TryRead(b)
		if err != nil || n > 0 || len(b) == 0 {
			return n, err
		}
		if err := r.Wait(deadline); err != nil {
			return 0, err
		}
	}
}

// TryRead dequeues as many bytes as there are and fit into b, rings the producer if it waits for the
// space, and returns their number, which may be 0. Errors: [shm.ErrCorrupt], or that of Peer.
func (r *Reader) TryRead(b []byte) (int, error) {
	n, err := r.Fifo.Dequeue(b)
	if err == nil {
		err = r.notify()
	}
	return n, err
}

// notify releases the dequeued bytes and rings the producer if it asked for that.
func (r *Reader) notify() error {
	ring, err := r.Fifo.NeedsDequeueNotify()
	if err == nil && ring {
		if err = r.Peer.Ring(); err != nil {
			return fmt.Errorf("fifo: ring the producer: %w", err)
		}
	}
	return err
}

// Wait returns nil when there may be bytes. Call it after TryRead. Errors: [shm.ErrDeadline],
// [shm.ErrCorrupt], or that of Bell.
func (r *Reader) Wait(deadline time.Duration) error {
	if deadline != shm.Forever && r.Now() >= deadline {
		return shm.ErrDeadline
	}
	if r.ready == nil {
		r.ready = r.Fifo.hasNews
	}
	if r.watch.Until(r.ready, r.Spin) {
		return nil
	}
	if now, err := r.Fifo.ArmEvent(); now || err != nil {
		return err
	}
	return r.Bell.Wait(r.ready, deadline)
}

// SpinDefault is a value of Spin whose spins take about twice as long as a wake-up on another core:
// 50 to 100 us.
const SpinDefault = 2048
