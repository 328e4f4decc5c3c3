package properties

import (
	"errors"
	"io"
	"time"

	"cutthrough/model"
	"cutthrough/shm"
	"cutthrough/shm/fifo"
	"cutthrough/sim"
)

// Names of the properties of the fifo scenarios.
const (
	propStream = "Stream"       // bytes arrive in order, once, unchanged
	propLinear = "Linearizable" // the history is one of the specification
	propHonest = "HonestError"  // an honest peer is never taken for a corrupt one
)

// fifoAt is where the fifo scenarios put their fifo.
const fifoAt = shm.SegmentHeader

// startWords are the counters that a fifo starts with: free-running counters
// wrap, and must not notice.
var startWords = []string{"0", "2^64-3", "2^32-3", "2^63-3"}

var startValues = map[string]uint64{"0": 0, "2^32-3": 1<<32 - 3, "2^63-3": 1<<63 - 3, "2^64-3": 1<<64 - 3}

var fifoKeys = []key{
	{name: "fifo", def: 4, min: 1, max: 4096},
	{name: "start", words: startWords},
	{name: "faults", words: faultClasses},
}

var streamVerbs = []verb{
	{"write", []string{"prod"}, [][2]int{{0, 4096}}},
	{"stage", []string{"prod"}, [][2]int{{0, 4096}}},
	{"fill", []string{"prod"}, [][2]int{{0, 4096}}},
	{"publish", []string{"prod"}, nil},
	{"read", []string{"cons"}, [][2]int{{0, 4096}}},
	{"take", []string{"cons"}, [][2]int{{0, 4096}}},
	{"pieces", []string{"cons"}, [][2]int{{0, 4096}}},
	{"peek", []string{"cons"}, [][2]int{{0, 4096}, {0, 4096}}},
	{"drop", []string{"cons"}, [][2]int{{0, 4096}}},
	{"release", []string{"cons"}, nil},
}

func fifoStream() *Scenario {
	return &Scenario{
		Test: sim.Test{
			Name: "fifo-stream", Generate: genStream, Compile: compileStream,
			Sometimes: []string{"full", "empty", "wrapped", "partial"},
		},
		Doc: "one producer, one consumer, bytes through a fifo; nobody sleeps",
		Long: `A producer and a consumer process share one fifo. The producer appends with write
(copied, published), stage and publish (copied, published later) and fill
(zero-copy reserve and commit); the consumer takes with read, pieces (zero-copy) and drop,
which release the space at once, and with take, which leaves that to a later one or to release; peek looks
at bytes some way ahead. Every operation is tried once and moves as many bytes as it can.

Checked: the bytes are those of the stream, in order, once (Stream); the history of
calls and returns is one of a bounded byte queue, with operations of killed processes as
possibly done (Linearizable); no plain access races with another (NoRace); no honest
execution reports ErrCorrupt (HonestError). Capacities include 1 and odd ones, counters start
near 2^32, 2^63 and 2^64.

Not checked here: sleeping and waking (fifo-wakeup), lying peers (fifo-hostile).`,
	}
}

func genStream(src sim.Source) sim.Case {
	b := &builder{src: src}
	size := b.number("fifo", 2, 4, 1, 3, 5, 7, 8, 13, 16)
	b.word("start", startWords...)
	b.word("faults", "none", "kill", "stop", "all")
	for range 1 + src.Intn(5, "producer operations") {
		n := 1 + src.Intn(size+1, "bytes")
		switch src.Intn(4, "producer operation") {
		case 0:
			b.op("prod", "write", n)
		case 1:
			b.op("prod", "fill", n)
		case 2:
			b.op("prod", "stage", n)
		case 3:
			b.op("prod", "publish")
		}
	}
	for range 1 + src.Intn(5, "consumer operations") {
		n := 1 + src.Intn(size+1, "bytes")
		switch verb := []string{"read", "pieces", "drop", "peek", "take", "release"}[src.Intn(6, "consumer operation")]; verb {
		case "peek":
			b.op("cons", verb, src.Intn(size+1, "offset"), n)
		case "release":
			b.op("cons", verb)
		default:
			b.op("cons", verb, n)
		}
	}
	return b.c
}

func compileStream(c sim.Case) (sim.Program, error) {
	cfg, ops, err := readCase(c, fifoKeys, streamVerbs)
	if err != nil {
		return sim.Program{}, err
	}
	capacity := cfg.numbers["fifo"]
	checker := ByteQueueChecker(capacity)
	prodOps, consOps := perProc(ops, "prod"), perProc(ops, "cons")
	setup := func(w *sim.World) {
		f := newFifoWorld(w, uint64(capacity), startValues[cfg.words["start"]])
		p, err := fifo.OpenProducer(f.prodSeg, fifoAt)
		must(err)
		r, err := fifo.OpenConsumer(f.consSeg, fifoAt)
		must(err)
		ps, cs := &streamProducer{w: w, p: p}, &streamConsumer{w: w, c: r}
		f.prod.Go("prod", func() { ps.run(prodOps) })
		f.cons.Go("cons", func() { cs.run(consOps) })
		w.AtEnd(propLinear, func() error { return linError(checker.Check(w.History(), 0)) })
	}
	return sim.Program{Config: simConfig(cfg.words["faults"]), Setup: setup}, nil
}

// linError turns a result into the error of a property. A check that cannot
// decide is as bad as one that fails: it must be made to decide.
func linError(r LinResult) error {
	if r.Verdict == Linearizable {
		return nil
	}
	return errors.New(r.String())
}

// must is for setup, which a checked case cannot make fail.
func must(err error) {
	if err != nil {
		panic(err)
	}
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
	must(err)
	must(fifo.Init(f.prodSeg, fifoAt, capacity, start))
	f.consSeg = f.cons.View(f.prodSeg)
	return f
}

// streamProducer does the producer's operations and records them.
type streamProducer struct {
	w  *sim.World
	p  *fifo.Producer
	at int
}

func (s *streamProducer) run(ops []op) {
	for _, o := range ops {
		if o.verb != "publish" {
			s.enqueue(o.verb, o.args[0])
		}
		if o.verb != "stage" {
			id := s.w.Call(model.ByteIn{Op: model.Publish, At: s.at})
			s.p.Publish()
			s.w.Return(id, model.ByteOut{})
		}
	}
}

func (s *streamProducer) enqueue(verb string, want int) {
	id := s.w.Call(model.ByteIn{Op: model.Enqueue, N: want, At: s.at})
	n, err := s.do(verb, want)
	if err != nil {
		s.w.Fail(propHonest, "%s %d: %v", verb, want, err)
	}
	s.w.Return(id, model.ByteOut{N: n})
	if n < want {
		s.w.Sometimes("full")
	}
	s.at += n
	if uint64(s.at) > s.p.Capacity() {
		s.w.Sometimes("wrapped")
	}
}

// do appends up to n bytes of the stream.
func (s *streamProducer) do(verb string, n int) (int, error) {
	if verb == "fill" {
		a, b, err := s.p.Reserve(uint64(n))
		if err != nil {
			return 0, err
		}
		model.FillStream(a, s.at)
		model.FillStream(b, s.at+len(a))
		s.p.Commit(uint64(len(a) + len(b)))
		return len(a) + len(b), nil
	}
	buf := make([]byte, n)
	model.FillStream(buf, s.at)
	return s.p.Enqueue(buf)
}

// streamConsumer does the consumer's operations, checks the bytes and records.
type streamConsumer struct {
	w  *sim.World
	c  *fifo.Consumer
	at int
}

var consumerOps = map[string]model.ByteOp{
	"read": model.Dequeue, "take": model.Dequeue, "pieces": model.Dequeue, "peek": model.Peek, "drop": model.Drop,
}

func (s *streamConsumer) run(ops []op) {
	for _, o := range ops {
		if o.verb != "release" {
			s.dequeue(o)
		}
		if o.verb != "take" && o.verb != "peek" {
			id := s.w.Call(model.ByteIn{Op: model.Release, At: s.at})
			s.c.Release()
			s.w.Return(id, model.ByteOut{})
		}
	}
}

func (s *streamConsumer) dequeue(o op) {
	in := model.ByteIn{Op: consumerOps[o.verb], N: o.args[0], At: s.at}
	if in.Op == model.Peek {
		in.At, in.N = s.at+o.args[0], o.args[1]
	}
	id := s.w.Call(in)
	got, n, err := s.do(o)
	if err != nil {
		s.w.Fail(propHonest, "%s %v: %v", o.verb, o.args, err)
	}
	checkBytes(s.w, got, in.At)
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

// do takes bytes or peeks at them, as many as the operation asks for and there are.
func (s *streamConsumer) do(o op) (got []byte, count int, err error) {
	n := o.args[0]
	switch o.verb {
	case "drop":
		k, err := s.c.Drop(uint64(n))
		return nil, int(k), err
	case "pieces":
		a, b, err := s.c.ReadPieces(uint64(n))
		if err != nil {
			return nil, 0, err
		}
		got = append(append(got, a...), b...)
		_, err = s.c.Drop(uint64(len(got)))
		return got, len(got), err
	case "peek":
		got = make([]byte, o.args[1])
		k, err := s.c.Peek(uint64(n), got)
		return got[:k], k, err
	}
	got = make([]byte, n)
	k, err := s.c.Dequeue(got)
	return got[:k], k, err
}

// checkBytes fails the execution unless got is the stream at position at.
func checkBytes(w *sim.World, got []byte, at int) {
	if i := model.CheckStream(got, at); i >= 0 {
		w.Fail(propStream, "byte %d of the stream is %d, want %d", at+i, got[i], model.StreamByte(at+i))
	}
}

// watch is the pattern of a survivor: a task that learns of its peer's end from
// the kernel, by the end of a control channel, and closes the bell that its own
// process sleeps on.
func watch(c shm.Conn, bell shm.Doorbell) {
	_, _, err := c.Recv(make([]byte, 1), shm.Forever)
	if errors.Is(err, io.EOF) {
		_ = bell.Close()
	}
}

// sleeper is a doorbell that marks when somebody has slept on it and was woken.
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

// goneError says whether err is what a survivor gets.
func goneError(err error) bool { return errors.Is(err, shm.ErrClosed) }
