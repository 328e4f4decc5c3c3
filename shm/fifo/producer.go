package fifo

import (
	"fmt"

	"cutthrough/shm"
	"cutthrough/shm/access"
)

// Producer is the writing side of a fifo. Only one goroutine may use it at a
// time, and a fifo has only one Producer.
//
// Bytes are staged first and become visible to the consumer in batches: every
// 2 KiB, when the producer looks for space and does not see enough, and at
// [Producer.Publish]. After staging bytes call [Producer.NeedsEvent], which publishes
// them, before turning to anything that may take long.
//
// A counter of the consumer that is impossible is ErrCorrupt, now and from
// every later call: the fifo is unusable, what was published stays readable.
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

// OpenProducer opens the writing side of the fifo at off, which the peer may
// have made up: ErrCorrupt when there is no consistent fifo. It continues where
// an earlier producer of the fifo had published.
func OpenProducer(s *shm.Segment, off uint64) (*Producer, error) {
	f, start, err := open(s, off)
	if err != nil {
		return nil, err
	}
	tail := f.tailWord.Load()
	head := f.headWord.Load()
	if tail-head > f.cap {
		return nil, fmt.Errorf("fifo: open producer of fifo at %#x: tail %#x, head %#x, capacity %d: %w", off, tail, head, f.cap, shm.ErrCorrupt)
	}
	return &Producer{shared: f, tail: tail, pos: (tail - start) % f.cap, published: tail, head: head, evented: tail}, nil
}

// Capacity returns how many bytes fit into the fifo.
func (p *Producer) Capacity() uint64 { return p.cap }

// Enqueue appends as much of b as fits and returns how many bytes that was: 0
// when the fifo is full, which is no error.
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

// Reserve returns up to n bytes of free space, as much as there is, for writing
// in place: first a, then b. Nothing is enqueued before [Producer.Commit]. The
// consumer's process can see and change the bytes at any time. The pieces are
// valid until Commit, Enqueue or the next Reserve.
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

// Commit enqueues the first n bytes of what Reserve returned. It panics when
// that is more than the space seen free.
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

// Publish makes all staged bytes visible to the consumer. It does nothing when
// there are none.
func (p *Producer) Publish() {
	if p.published != p.tail {
		p.publish(p.tail)
	}
}

// publish is small enough to be inlined, where Publish is not: a call around a store
// that is a full barrier has its caller wait for what it saved on the stack.
func (p *Producer) publish(tail uint64) {
	p.tailWord.Store(tail)
	p.published = tail
}

// Free publishes, looks at the consumer's counter and returns how many bytes fit now.
func (p *Producer) Free() (uint64, error) {
	if err := p.look(); err != nil {
		return 0, err
	}
	return p.free(), nil
}

// HasFree says whether n bytes are free now. It changes nothing and believes the
// consumer's counter: the test for [Doorbell].Wait of a producer that waits for that.
func (p *Producer) HasFree(n uint64) bool { return p.cap-(p.tail-p.headWord.Load()) >= n }

// advance counts the n bytes at tail, which are written, as enqueued.
func (p *Producer) advance(n uint64) {
	p.tail += n
	p.pos = p.after(p.pos, n)
}

// free returns how many bytes are known to be free; there may be more.
func (p *Producer) free() uint64 { return p.cap - (p.tail - p.head) }

// look publishes, so that neither side ever waits for what the other holds back,
// and then takes note of the consumer's counter. It is the only place that
// believes a value of the consumer: one load, and no further than it was told.
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
