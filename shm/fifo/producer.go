package fifo

import (
	"fmt"

	"cutthrough/shm"
	"cutthrough/shm/access"
)

// Producer is the writing side of a fifo. One goroutine at a time may use it, and a fifo has one
// Producer at a time.
//
// Bytes are staged first. They become visible to the consumer in batches: when 2 KiB are staged,
// when the producer sees too little space and reads the consumer's counter, and at
// [Producer.Publish]. Call [Producer.NeedsEvent], which publishes, after the last bytes and before
// work that may take long.
//
// An impossible counter of the consumer is [shm.ErrCorrupt], now and from every later call: the
// fifo is unusable, and the published bytes stay readable.
type Producer struct {
	shared
	tail      uint64 // bytes staged or published: where the next byte goes
	pos       uint64 // the position of tail in the data area, below cap
	published uint64 // what fifo.tail holds; published <= tail <= published+batch
	head      uint64 // the consumer's counter when last looked at; tail-cap <= head <= published
	evented   uint64 // published when NeedsEvent was last asked
	err       error  // sticky
	_         [64]byte
}

// OpenProducer opens the writing side of the fifo at off. It continues where an earlier producer of
// the fifo had published. The peer may have chosen off and written the header: [shm.ErrCorrupt]
// when they do not describe a fifo.
func OpenProducer(s *shm.Segment, off uint64) (*Producer, error) {
	f, start, err := open(s, off)
	if err != nil {
		return nil, err
	}
	tail := f.tailWord.Load()
	head := f.headWord.Load()
	if tail-head > f.cap {
		return nil, fmt.Errorf("fifo: open producer at %#x: tail %#x, head %#x, capacity %d: %w", off, tail, head, f.cap, shm.ErrCorrupt)
	}
	return &Producer{shared: f, tail: tail, pos: (tail - start) % f.cap, published: tail, head: head, evented: tail}, nil
}

// Capacity returns the capacity of the fifo in bytes.
func (p *Producer) Capacity() uint64 { return p.cap }

// Enqueue stages the part of b that fits and returns its length: 0 when the fifo is full, which is
// no error. The only error is [shm.ErrCorrupt].
func (p *Producer) Enqueue(b []byte) (int, error) {
	n := uint64(len(b))
	if n > p.free() || p.err != nil {
		if err := p.look(); err != nil {
			return 0, err
		}
		n = min(n, p.free())
	}
	for rest := b[:n]; len(rest) > 0; {
		part := rest[:min(uint64(len(rest)), p.batch-(p.tail-p.published))]
		first := p.contiguous(p.pos, uint64(len(part)))
		p.data.CopyIn(p.pos, part[:first])
		if first < uint64(len(part)) {
			p.data.CopyIn(0, part[first:])
		}
		p.advance(uint64(len(part)))
		if p.tail-p.published >= p.batch {
			p.publish(p.tail)
		}
		rest = rest[len(part):]
	}
	return int(n), nil
}

// Reserve returns up to n bytes of free space, for writing in place: first a, then b. The bytes are
// enqueued by [Producer.Commit]; until then the pieces are valid, unless Enqueue or Reserve is
// called.
//
// The process of the consumer can read and change the bytes at any time.
func (p *Producer) Reserve(n uint64) (a, b []byte, err error) {
	if n > p.free() || p.err != nil {
		if err := p.look(); err != nil {
			return nil, nil, err
		}
		n = min(n, p.free())
	}
	a, b = p.pieces(p.pos, n)
	return a, b, nil
}

// Commit stages the first n bytes of the pieces that Reserve returned. It panics when n exceeds the
// space that was seen free.
func (p *Producer) Commit(n uint64) {
	if n > p.free() {
		panic(fmt.Sprintf("fifo: commit of %d bytes, %d are free", n, p.free()))
	}
	p.touch(access.Write, p.pos, n)
	p.advance(n)
	if p.tail-p.published >= p.batch {
		p.publish(p.tail)
	}
}

// Publish makes all staged bytes visible to the consumer. It does nothing when no bytes are staged.
func (p *Producer) Publish() {
	if p.published != p.tail {
		p.publish(p.tail)
	}
}

// publish is small enough to be inlined, unlike Publish. A call around a store that is a full
// barrier makes the caller wait for the registers that it spilled.
func (p *Producer) publish(tail uint64) {
	p.tailWord.Store(tail)
	p.published = tail
}

// SetState says what this side does from now on. Publish before a state that ends the stream, and ring the consumer
// after it. Unlike the other methods it may be called concurrently with them.
func (p *Producer) SetState(s State) { p.writerState.Store(uint32(s)) }

// PeerState returns what the consumer does. The only error is [shm.ErrCorrupt]. It may be called like SetState.
func (p *Producer) PeerState() (State, error) { return loadState(p.readerState, nameReader, p.off) }

// Free publishes, reads the consumer's counter and returns how many bytes fit now. The only error
// is [shm.ErrCorrupt].
func (p *Producer) Free() (uint64, error) {
	if err := p.look(); err != nil {
		return 0, err
	}
	return p.free(), nil
}

// hasFree says whether n bytes are free now. It has no side effects and does not check the
// consumer's counter, as the test of [shm.Waiter] requires.
func (p *Producer) hasFree(n uint64) bool { return p.cap-(p.tail-p.headWord.Load()) >= n }

// advance counts the n bytes at tail, which are written, as enqueued.
func (p *Producer) advance(n uint64) {
	p.tail += n
	p.pos = p.after(p.pos, n)
}

// free returns how many bytes are known to be free; there may be more.
func (p *Producer) free() uint64 { return p.cap - (p.tail - p.head) }

// look publishes and then reads the consumer's counter. It publishes first so that neither side
// waits for bytes that the other holds back. It is the only reader of fifo.head: one load, and a
// head beyond the published bytes is corrupt.
func (p *Producer) look() error {
	if p.err != nil {
		return p.err
	}
	if p.published != p.tail {
		p.publish(p.tail)
	}
	head := p.headWord.Load()
	if queued := p.published - p.head; head-p.head > queued {
		p.err = p.corrupt(nameHead, p.head, head, queued)
		return p.err
	}
	p.head = head
	return nil
}
