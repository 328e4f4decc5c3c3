package fifo

import (
	"fmt"

	"cutthrough/shm"
	"cutthrough/shm/access"
)

// Consumer is the reading side of a fifo. One goroutine at a time may use it, and a fifo has one
// Consumer at a time.
//
// The space of dequeued bytes is released in batches: when 2 KiB are dequeued, when the consumer
// sees too few bytes and reads the producer's counter, and at [Consumer.Release]. Call
// [Consumer.NeedsDequeueNotify], which releases, after the last bytes and before work that may take
// long.
//
// An impossible counter of the producer is [shm.ErrCorrupt], now and from every later call: the
// fifo is unusable.
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

// OpenConsumer opens the reading side of the fifo at off. It continues where an earlier consumer of
// the fifo had released. The peer may have chosen off and written the header: [shm.ErrCorrupt] when
// they do not describe a fifo.
func OpenConsumer(s *shm.Segment, off uint64) (*Consumer, error) {
	f, start, err := open(s, off)
	if err != nil {
		return nil, err
	}
	head := f.headWord.Load()
	tail := f.tailWord.Load()
	if tail-head > f.cap {
		return nil, fmt.Errorf("fifo: open consumer at %#x: tail %#x, head %#x, capacity %d: %w", off, tail, head, f.cap, shm.ErrCorrupt)
	}
	return &Consumer{shared: f, head: head, pos: (head - start) % f.cap, released: head, tail: tail, notified: head}, nil
}

// Capacity returns the capacity of the fifo in bytes.
func (c *Consumer) Capacity() uint64 { return c.cap }

// Dequeue moves as many bytes to b as there are and fit, and returns their number: 0 when the fifo
// is empty, which is no error. The only error is [shm.ErrCorrupt].
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

// Peek copies the bytes that lie off bytes behind the head to b, without dequeuing them, and
// returns their number: 0 when the fifo holds off bytes or fewer.
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

// Drop dequeues up to n bytes without copying them and returns their number.
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

// ReadPieces returns the next bytes, at most limit, for reading in place: first a, then b. Both are
// empty when the fifo is. The bytes stay enqueued until [Consumer.Drop] and are valid until they
// are dequeued.
//
// The process of the producer can change the bytes at any time: check copies, not the pieces.
func (c *Consumer) ReadPieces(limit uint64) (a, b []byte, err error) {
	n, err := c.ready(limit)
	if err != nil {
		return nil, nil, err
	}
	c.touch(access.Read, c.pos, n)
	a, b = c.pieces(c.pos, n)
	return a, b, nil
}

// Release returns the space of all dequeued bytes to the producer. It does nothing when there is
// none.
func (c *Consumer) Release() {
	if c.released != c.head {
		c.release(c.head)
	}
}

// release is apart from Release for the reason given at [Producer].publish.
func (c *Consumer) release(head uint64) {
	c.headWord.Store(head)
	c.released = head
}

// SetState says what this side does from now on. Ring the producer after a state in which it takes no more. Unlike the
// other methods it may be called concurrently with them.
func (c *Consumer) SetState(s State) { c.readerState.Store(uint32(s)) }

// PeerState returns what the producer does. After StateClosed there are all the bytes that there will be. The only
// error is [shm.ErrCorrupt]. It may be called like SetState.
func (c *Consumer) PeerState() (State, error) { return loadState(c.writerState, nameWriter, c.off) }

// Readable releases, reads the producer's counter and returns how many bytes can be dequeued now.
// The only error is [shm.ErrCorrupt].
func (c *Consumer) Readable() (uint64, error) {
	if err := c.look(); err != nil {
		return 0, err
	}
	return c.known(), nil
}

// hasNews says whether the producer's counter differs from its last value seen by this side. It has
// no side effects, as the test of [shm.Waiter] requires.
func (c *Consumer) hasNews() bool { return c.tailWord.Load() != c.tail }

// ready returns the smaller of n and the number of bytes that can be dequeued. It reads the
// producer's counter only when the bytes already seen are fewer than n.
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

// known returns how many bytes are known to be in the fifo; there may be more.
func (c *Consumer) known() uint64 { return c.tail - c.head }

// look releases and then reads the producer's counter. It releases first so that neither side waits
// for space that the other holds back. It is the only reader of fifo.tail: one load, and a tail
// beyond the free space is corrupt.
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
