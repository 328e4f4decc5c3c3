package fifo

import (
	"fmt"

	"cutthrough/shm"
	"cutthrough/shm/access"
)

// Consumer is the reading side of a fifo. Only one goroutine may use it at a
// time, and a fifo has only one Consumer.
//
// The space of dequeued bytes goes back to the producer in batches: every 2
// KiB, when the consumer looks for bytes and does not see enough, and at
// [Consumer.Release]. After taking bytes call [Consumer.NeedsDequeueNotify],
// which releases them, before turning to anything that may take long.
//
// A counter of the producer that is impossible is ErrCorrupt, now and from
// every later call: the fifo is unusable.
type Consumer struct {
	shared
	head     uint64 // bytes dequeued: where the next byte is
	pos      uint64 // the position of head in the data area, below cap
	released uint64 // what fifo.head holds; released <= head <= released+batch
	tail     uint64 // the producer's counter when last looked at; head <= tail <= released+cap
	notified uint64 // released when NeedsDequeueNotify was last asked
	err      error  // sticky
	_        [64]byte
}

// OpenConsumer opens the reading side of the fifo at off, which the peer may
// have made up: ErrCorrupt when there is no consistent fifo. It continues where
// an earlier consumer of the fifo had released.
func OpenConsumer(s *shm.Segment, off uint64) (*Consumer, error) {
	f, start, err := open(s, off)
	if err != nil {
		return nil, err
	}
	head := f.headWord.Load()
	tail := f.tailWord.Load()
	if tail-head > f.cap {
		return nil, fmt.Errorf("fifo: open consumer of fifo at %#x: tail %#x, head %#x, capacity %d: %w", off, tail, head, f.cap, shm.ErrCorrupt)
	}
	return &Consumer{shared: f, head: head, pos: (head - start) % f.cap, released: head, tail: tail, notified: head}, nil
}

// Capacity returns how many bytes fit into the fifo.
func (c *Consumer) Capacity() uint64 { return c.cap }

// Dequeue moves bytes to b and returns how many: as many as there are and fit,
// 0 when the fifo is empty, which is no error.
func (c *Consumer) Dequeue(b []byte) (int, error) {
	n := uint64(len(b))
	if n > c.known() || c.err != nil {
		if err := c.look(); err != nil {
			return 0, err
		}
		n = min(n, c.known())
	}
	first := c.contiguous(c.pos, n)
	c.data.CopyOut(b[:first], c.pos)
	if first < n {
		c.data.CopyOut(b[first:n], 0)
	}
	c.advance(n)
	if c.head-c.released >= c.batch {
		c.release(c.head)
	}
	return int(n), nil
}

// Peek copies the bytes from off bytes behind the head on to b, without
// dequeuing them, and returns how many: 0 when there are not more than off.
func (c *Consumer) Peek(off uint64, b []byte) (int, error) {
	n, err := c.ready(off + uint64(len(b))) // a sum that wraps is less than off
	if err != nil || n <= off {
		return 0, err
	}
	n -= off
	pos := c.after(c.pos, off)
	first := c.contiguous(pos, n)
	c.data.CopyOut(b[:first], pos)
	if first < n {
		c.data.CopyOut(b[first:n], 0)
	}
	return int(n), nil
}

// Drop dequeues up to n bytes without copying them and returns how many.
func (c *Consumer) Drop(n uint64) (uint64, error) {
	n, err := c.ready(n)
	if err != nil {
		return 0, err
	}
	c.touch(access.Read, c.pos, n)
	c.advance(n)
	if c.head-c.released >= c.batch {
		c.release(c.head)
	}
	return n, nil
}

// ReadPieces returns the next bytes, at most limit, for reading in place: first a,
// then b; both are empty when the fifo is. They stay enqueued until [Consumer.Drop]
// and valid until they are dequeued. The producer's process can change them at any
// time, so check copies, not the pieces.
func (c *Consumer) ReadPieces(limit uint64) (a, b []byte, err error) {
	n, err := c.ready(limit)
	if err != nil {
		return nil, nil, err
	}
	c.touch(access.Read, c.pos, n)
	a, b = c.pieces(c.pos, n)
	return a, b, nil
}

// Release gives the space of all dequeued bytes back to the producer. It does
// nothing when there is none.
func (c *Consumer) Release() {
	if c.released != c.head {
		c.release(c.head)
	}
}

// release is apart from Release for the reason that [Producer] has.
func (c *Consumer) release(head uint64) {
	c.headWord.Store(head)
	c.released = head
}

// Readable releases, looks at the producer's counter and returns how many bytes can be
// dequeued now.
func (c *Consumer) Readable() (uint64, error) {
	if err := c.look(); err != nil {
		return 0, err
	}
	return c.known(), nil
}

// HasNews says whether the producer's counter differs from what this side last saw of
// it. It changes nothing: the test for [Doorbell].Wait of a consumer that waits for bytes.
func (c *Consumer) HasNews() bool { return c.tailWord.Load() != c.tail }

// ready returns n or, if that is less, how many bytes can be dequeued. It looks
// at the producer's counter only when the bytes already seen do not do.
func (c *Consumer) ready(n uint64) (uint64, error) {
	if n > c.known() || c.err != nil {
		if err := c.look(); err != nil {
			return 0, err
		}
	}
	return min(n, c.known()), nil
}

// advance counts the n bytes at head, which have been read, as dequeued.
func (c *Consumer) advance(n uint64) {
	c.head += n
	c.pos = c.after(c.pos, n)
}

// known returns how many bytes are known to be inside; there may be more.
func (c *Consumer) known() uint64 { return c.tail - c.head }

// look releases, so that neither side ever waits for what the other holds back,
// and then takes note of the producer's counter. It is the only place that
// believes a value of the producer: one load, never less than before and never
// more than fits.
func (c *Consumer) look() error {
	if c.err != nil {
		return c.err
	}
	if c.released != c.head {
		c.release(c.head)
	}
	tail := c.tailWord.Load()
	if free := c.cap - c.known(); tail-c.tail > free {
		c.err = c.corrupt(nameTail, c.tail, tail, free)
		return c.err
	}
	c.tail = tail
	return nil
}
