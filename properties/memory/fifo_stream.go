package memory

import (
	"errors"
	"io"
	"iter"
	"time"

	"cutthrough/model"
	"cutthrough/properties/oracle"
	"cutthrough/shm"
	"cutthrough/shm/fifo"
	"cutthrough/sim"
	"cutthrough/sim/lin"
	"cutthrough/sim/scenario"
)

// fifoAt is where the fifo scenarios put their fifo.
const fifoAt = shm.SegmentHeader

// startWords are the initial counters of a fifo: free-running counters wrap, and the wrap must have no effect.
var startWords = []string{"0", "2^64-3", "2^32-3", "2^63-3"}

var startValues = map[string]uint64{"0": 0, "2^32-3": 1<<32 - 3, "2^63-3": 1<<63 - 3, "2^64-3": 1<<64 - 3}

var fifoKeys = []scenario.Key{
	{Name: "fifo", Default: 4, Min: 1, Max: 4096},
	{Name: "start", Words: startWords},
	{Name: "faults", Words: scenario.FaultClasses()},
}

func fifoStream() *scenario.Scenario {
	return &scenario.Scenario{
		Name: "fifo-stream", Verbs: streamVerbs, Generate: genStream, Scope: streamScope, Compile: compileStream,
		Sometimes: []string{"full", "empty", "wrapped", "partial"},
		Doc:       "one producer and one consumer pass bytes through a fifo, without sleeping",
		Long: `A producer and a consumer process share one fifo. The producer appends with write (copied and published),
stage and publish (copied, published later) and fill (zero-copy reserve and commit). The consumer takes with read,
pieces (zero-copy) and drop, which release the space at once, and with take, which releases it with a later operation
or with release; peek reads bytes at an offset. Each operation is tried once and moves as many bytes as possible.

Checked: the bytes are those of the stream, in order, once (Stream); the history of
calls and returns is one of a bounded byte queue, where operations of killed processes may or
may not have taken effect (Linearizable); no plain access races with another (NoRace); no honest
execution reports ErrCorrupt (NoFalseCorrupt). Capacities include 1 and odd ones, counters start
near 2^32, 2^63 and 2^64.

Not checked here: sleeping and waking (fifo-wakeup), hostile peers (fifo-hostile).

Scope N: all workloads of at most N operations, without faults, on fifos of 1 and 2 bytes, with up to one byte more than
they hold; counters begin at 0 and 2^32-3.`,
	}
}

func genStream(src scenario.Source) scenario.Input {
	b := &scenario.Builder{Src: src, Verbs: streamVerbs}
	size := b.Number("fifo", 2, 4, 1, 3, 5, 7, 8, 13, 16)
	b.Word("start", startWords...)
	b.Word("faults", "none", "kill", "stop", "all")
	for range 1 + src.Intn(5, "producer operations") {
		n := 1 + src.Intn(size+1, "bytes")
		switch src.Intn(4, "producer operation") {
		case 0:
			b.Op("prod", write{n})
		case 1:
			b.Op("prod", fill{n})
		case 2:
			b.Op("prod", stage{n})
		case 3:
			b.Op("prod", publish{})
		}
	}
	for range 1 + src.Intn(5, "consumer operations") {
		n := 1 + src.Intn(size+1, "bytes")
		switch src.Intn(6, "consumer operation") {
		case 0:
			b.Op("cons", read{n})
		case 1:
			b.Op("cons", pieces{n})
		case 2:
			b.Op("cons", drop{n})
		case 3:
			b.Op("cons", peek{src.Intn(size+1, "offset"), n})
		case 4:
			b.Op("cons", take{n})
		case 5:
			b.Op("cons", release{})
		}
	}
	return b.Input
}

// streamScope has fifos of one and two bytes, and operations on up to one byte more than they hold. Counters begin at 0, and
// for two bytes so that they pass 2^32.
func streamScope(n int) iter.Seq[scenario.Input] {
	menus := func(size int) []scenario.Menu {
		prod := scenario.Menu{Proc: "prod", Min: 1, Ops: []any{publish{}}}
		cons := scenario.Menu{Proc: "cons", Min: 1, Ops: []any{release{}}}
		for i := range size + 1 {
			prod.Ops = append(prod.Ops, write{i + 1}, stage{i + 1}, fill{i + 1})
			cons.Ops = append(cons.Ops, read{i + 1}, take{i + 1}, pieces{i + 1}, drop{i + 1}, peek{0, i + 1})
		}
		return []scenario.Menu{prod, cons}
	}
	return scope(n, streamVerbs, []func(*scenario.Builder) []scenario.Menu{
		sized(1, "0", menus(1)...), sized(2, "2^32-3", menus(2)...),
	})
}

func compileStream(c scenario.Input) (scenario.Program, error) {
	cfg, ops, err := scenario.ReadInput(c, fifoKeys, streamVerbs)
	if err != nil {
		return scenario.Program{}, err
	}
	capacity := cfg.Number("fifo")
	checker := lin.ByteQueue(capacity)
	prodOps, consOps := scenario.OpsOf[any](ops, "prod"), scenario.OpsOf[any](ops, "cons")
	setup := func(w *sim.World) {
		f := newFifoWorld(w, uint64(capacity), startValues[cfg.Word("start")])
		p, err := fifo.OpenProducer(f.prodSeg, fifoAt)
		scenario.Must(err)
		r, err := fifo.OpenConsumer(f.consSeg, fifoAt)
		scenario.Must(err)
		ps, cs := &streamProducer{w: w, p: p}, &streamConsumer{w: w, c: r}
		f.prod.Go("prod", func() { ps.run(prodOps) })
		f.cons.Go("cons", func() { cs.run(consOps) })
		w.AtEnd(oracle.Linearizable, func() error { return checker.Check(w.History(), 0).Err() })
	}
	return scenario.Program{Config: scenario.FaultConfig(cfg.Word("faults")), Setup: setup}, nil
}

// fifoWorld is two processes with a segment that holds one fifo.
type fifoWorld struct {
	prod, cons       *sim.Process
	prodSeg, consSeg *shm.Segment
}

func newFifoWorld(w *sim.World, capacity, start uint64) *fifoWorld {
	f := &fifoWorld{prod: w.Process("prod").Mortal(), cons: w.Process("cons").Mortal()}
	size := max(shm.MinSegment, (fifoAt+fifo.Size(capacity)+7)&^7)
	var err error
	f.prodSeg, err = f.prod.CreateSegment(size)
	scenario.Must(err)
	scenario.Must(fifo.Init(f.prodSeg, fifoAt, capacity, start))
	f.consSeg = f.cons.View(f.prodSeg)
	return f
}

// streamProducer does the producer's operations and records them.
type streamProducer struct {
	w  *sim.World
	p  *fifo.Producer
	at int
}

func (s *streamProducer) run(ops []any) {
	for _, o := range ops {
		if o, ok := o.(enqueuer); ok {
			s.enqueue(o)
		}
		if _, later := o.(stage); !later {
			id := s.w.Call(model.ByteIn{Op: model.Publish, At: s.at})
			s.p.Publish()
			s.w.Return(id, model.ByteOut{})
		}
	}
}

func (s *streamProducer) enqueue(o enqueuer) {
	id := s.w.Call(model.ByteIn{Op: model.Enqueue, N: o.wants(), At: s.at})
	n, err := o.enqueue(s.p, s.at)
	if err != nil {
		s.w.Fail(oracle.NoFalseCorrupt, "%v: %v", streamVerbs.Text("prod", o), err)
	}
	s.w.Return(id, model.ByteOut{N: n})
	if n < o.wants() {
		s.w.Sometimes("full")
	}
	s.at += n
	if uint64(s.at) > s.p.Capacity() {
		s.w.Sometimes("wrapped")
	}
}

// streamConsumer does the consumer's operations, checks the bytes and records.
type streamConsumer struct {
	w  *sim.World
	c  *fifo.Consumer
	at int
}

func (s *streamConsumer) run(ops []any) {
	for _, o := range ops {
		if o, ok := o.(dequeuer); ok {
			s.dequeue(o)
		}
		switch o.(type) {
		case take, peek:
		default:
			id := s.w.Call(model.ByteIn{Op: model.Release, At: s.at})
			s.c.Release()
			s.w.Return(id, model.ByteOut{})
		}
	}
}

func (s *streamConsumer) dequeue(o dequeuer) {
	in := o.call(s.at)
	id := s.w.Call(in)
	got, n, err := o.dequeue(s.c)
	if err != nil {
		s.w.Fail(oracle.NoFalseCorrupt, "%v: %v", streamVerbs.Text("cons", o), err)
	}
	oracle.CheckStream(s.w, got, in.At)
	s.w.Return(id, model.ByteOut{N: n})
	switch {
	case n == 0 && in.N > 0:
		s.w.Sometimes("empty")
	case n < in.N:
		s.w.Sometimes("partial")
	}
	if in.Op != model.Peek {
		s.at += n
	}
}

// watch waits for the end of the peer, which the kernel reports as the end of a control channel, and then closes the
// bell that its own process sleeps on.
func watch(c shm.Conn, bell shm.Doorbell) {
	_, _, err := c.Recv(make([]byte, 1), shm.Forever)
	if errors.Is(err, io.EOF) {
		_ = bell.Close()
	}
}

// sleeper is a doorbell that marks a sleep that was ended by a ring.
type sleeper struct {
	shm.Doorbell
	w    *sim.World
	mark string
}

// Wait implements [shm.Doorbell].
func (s sleeper) Wait(ready func() bool, deadline time.Duration) error {
	err := s.Doorbell.Wait(ready, deadline)
	if err == nil {
		s.w.Sometimes(s.mark)
	}
	return err
}

// goneError says whether err is an error that a call may return after the peer has died.
func goneError(err error) bool { return errors.Is(err, shm.ErrClosed) }
