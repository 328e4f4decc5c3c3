package memory

import (
	"cutthrough/model"
	"cutthrough/shm/fifo"
	"cutthrough/sim/scenario"
)

// Operations of a producer.
type (
	write   struct{ bytes int } // copies and publishes
	stage   struct{ bytes int } // copies, and publishes with a later operation
	fill    struct{ bytes int } // reserves space, fills it in place, and publishes
	publish struct{}
)

// Operations of a consumer.
type (
	read    struct{ bytes int } // copies and releases the space
	take    struct{ bytes int } // copies, and releases the space with a later operation
	pieces  struct{ bytes int } // reads in place, and releases the space
	peek    struct{ offset, bytes int }
	drop    struct{ bytes int }
	release struct{}
)

// maxBytes bounds the bytes of an operation on a fifo.
const maxBytes = 4096

var streamVerbs = scenario.Verbs{
	scenario.VerbOf("write", []string{"prod"}, write{}, scenario.Number("bytes", 0, maxBytes, func(o *write) *int { return &o.bytes })),
	scenario.VerbOf("stage", []string{"prod"}, stage{}, scenario.Number("bytes", 0, maxBytes, func(o *stage) *int { return &o.bytes })),
	scenario.VerbOf("fill", []string{"prod"}, fill{}, scenario.Number("bytes", 0, maxBytes, func(o *fill) *int { return &o.bytes })),
	scenario.VerbOf("publish", []string{"prod"}, publish{}),
	scenario.VerbOf("read", []string{"cons"}, read{}, scenario.Number("bytes", 0, maxBytes, func(o *read) *int { return &o.bytes })),
	scenario.VerbOf("take", []string{"cons"}, take{}, scenario.Number("bytes", 0, maxBytes, func(o *take) *int { return &o.bytes })),
	scenario.VerbOf("pieces", []string{"cons"}, pieces{}, scenario.Number("bytes", 0, maxBytes, func(o *pieces) *int { return &o.bytes })),
	scenario.VerbOf("peek", []string{"cons"}, peek{},
		scenario.Number("offset", 0, maxBytes, func(o *peek) *int { return &o.offset }),
		scenario.Number("bytes", 0, maxBytes, func(o *peek) *int { return &o.bytes })),
	scenario.VerbOf("drop", []string{"cons"}, drop{}, scenario.Number("bytes", 0, maxBytes, func(o *drop) *int { return &o.bytes })),
	scenario.VerbOf("release", []string{"cons"}, release{}),
}

// enqueuer is an operation that appends bytes of the stream.
type enqueuer interface {
	wants() int
	// enqueue appends up to as many bytes as it wants. It does not publish them. at is their place in the stream.
	enqueue(p *fifo.Producer, at int) (int, error)
}

func (o write) wants() int { return o.bytes }
func (o stage) wants() int { return o.bytes }
func (o fill) wants() int  { return o.bytes }

func (o write) enqueue(p *fifo.Producer, at int) (int, error) { return stage(o).enqueue(p, at) }

func (o stage) enqueue(p *fifo.Producer, at int) (int, error) {
	buf := make([]byte, o.bytes)
	model.FillStream(buf, at)
	return p.Enqueue(buf)
}

func (o fill) enqueue(p *fifo.Producer, at int) (int, error) {
	a, b, err := p.Reserve(uint64(o.bytes))
	if err != nil {
		return 0, err
	}
	model.FillStream(a, at)
	model.FillStream(b, at+len(a))
	p.Commit(uint64(len(a) + len(b)))
	return len(a) + len(b), nil
}

// dequeuer is an operation that takes bytes or peeks at them.
type dequeuer interface {
	// call returns the operation as its model has it; at is the place of the consumer in the stream.
	call(at int) model.ByteIn
	// dequeue takes bytes or peeks at them, up to as many as it wants. It does not release their space.
	dequeue(c *fifo.Consumer) (got []byte, count int, err error)
}

func (o read) call(at int) model.ByteIn   { return model.ByteIn{Op: model.Dequeue, N: o.bytes, At: at} }
func (o take) call(at int) model.ByteIn   { return model.ByteIn{Op: model.Dequeue, N: o.bytes, At: at} }
func (o pieces) call(at int) model.ByteIn { return model.ByteIn{Op: model.Dequeue, N: o.bytes, At: at} }
func (o peek) call(at int) model.ByteIn {
	return model.ByteIn{Op: model.Peek, N: o.bytes, At: at + o.offset}
}
func (o drop) call(at int) model.ByteIn { return model.ByteIn{Op: model.Drop, N: o.bytes, At: at} }

func (o read) dequeue(c *fifo.Consumer) ([]byte, int, error) { return take(o).dequeue(c) }

func (o take) dequeue(c *fifo.Consumer) ([]byte, int, error) {
	got := make([]byte, o.bytes)
	n, err := c.Dequeue(got)
	return got[:n], n, err
}

func (o pieces) dequeue(c *fifo.Consumer) ([]byte, int, error) {
	a, b, err := c.ReadPieces(uint64(o.bytes))
	if err != nil {
		return nil, 0, err
	}
	got := append(append([]byte(nil), a...), b...)
	_, err = c.Drop(uint64(len(got)))
	return got, len(got), err
}

func (o peek) dequeue(c *fifo.Consumer) ([]byte, int, error) {
	got := make([]byte, o.bytes)
	n, err := c.Peek(uint64(o.offset), got)
	return got[:n], n, err
}

func (o drop) dequeue(c *fifo.Consumer) ([]byte, int, error) {
	n, err := c.Drop(uint64(o.bytes))
	return nil, int(n), err
}
