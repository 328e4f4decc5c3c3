package memory

import (
	"bytes"
	"errors"
	"fmt"

	"cutthrough/properties/oracle"
	"cutthrough/shm"
	"cutthrough/shm/fifo"
	"cutthrough/sim"
	"cutthrough/sim/scenario"
)

var hostileKeys = []scenario.Key{
	{Name: "fifo", Default: 4, Min: 1, Max: 4096},
	{Name: "start", Words: startWords},
	{Name: "victim", Words: []string{"prod", "cons"}},
	{Name: "lies", Default: 1, Min: 0, Max: 8},
}

func fifoHostile() *scenario.Scenario {
	return &scenario.Scenario{
		Name: "fifo-hostile", Verbs: streamVerbs, Generate: genHostile, Compile: compileHostile,
		Sometimes: []string{"refused"},
		Doc:       "the peer writes any value into its words of the fifo at any time",
		Long: `The operations of fifo-stream, with a hostile peer: right before each load of a word that the peer may
write, the peer may have stored any of these values: 0, 1, one more, one less, far away, the top bit flipped.

Checked: the victim's calls return no error or ErrCorrupt, and ErrCorrupt again after the first one; each byte that
they read lies in the data area of the fifo, and they write no byte outside it (HostileIsContained). They return
(NoLivelock) and do not panic (NoPanic).`,
	}
}

func genHostile(src scenario.Source) scenario.Input {
	b := &scenario.Builder{Src: src, Verbs: streamVerbs}
	size := b.Number("fifo", 2, 4, 1, 3, 7, 8)
	b.Word("start", startWords...)
	b.Word("victim", "prod", "cons")
	b.Number("lies", 1, 2, 3)
	for range 1 + src.Intn(4, "producer operations") {
		if src.Intn(2, "producer operation") == 1 {
			b.Op("prod", fill{1 + src.Intn(size+1, "bytes")})
		} else {
			b.Op("prod", write{1 + src.Intn(size+1, "bytes")})
		}
	}
	for range 1 + src.Intn(4, "consumer operations") {
		verb, n := src.Intn(4, "consumer operation"), 1+src.Intn(size+1, "bytes")
		switch verb {
		case 0:
			b.Op("cons", read{n})
		case 1:
			b.Op("cons", pieces{n})
		case 2:
			b.Op("cons", peek{src.Intn(size+1, "offset"), n})
		case 3:
			b.Op("cons", drop{n})
		}
	}
	return b.Input
}

func compileHostile(c scenario.Input) (scenario.Program, error) {
	cfg, ops, err := scenario.ReadInput(c, hostileKeys, streamVerbs)
	if err != nil {
		return scenario.Program{}, err
	}
	capacity, start, victim := uint64(cfg.Number("fifo")), startValues[cfg.Word("start")], cfg.Word("victim")
	prodOps, consOps := scenario.OpsOf[any](ops, "prod"), scenario.OpsOf[any](ops, "cons")
	setup := func(w *sim.World) {
		f := newFifoWorld(w, capacity, start)
		after := canary(f.prodSeg, fifoAt+fifo.Size(capacity))
		w.AtEnd(oracle.HostileIsContained, after)
		p, err := fifo.OpenProducer(f.prodSeg, fifoAt)
		scenario.Must(err)
		r, err := fifo.OpenConsumer(f.consSeg, fifoAt)
		scenario.Must(err)
		ps, cs := &streamProducer{w: w, p: p}, &streamConsumer{w: w, c: r}
		f.prod.Go("prod", func() { runVictim(w, "prod", prodOps, victim == "prod", ps.try) })
		f.cons.Go("cons", func() { runVictim(w, "cons", consOps, victim == "cons", cs.try) })
		if victim == "prod" {
			f.cons.Hostile(shm.NewName("fifo.head"), shm.NewName("fifo.has_event"))
		} else {
			f.prod.Hostile(shm.NewName("fifo.tail"), shm.NewName("fifo.want_deq_ntf"), shm.NewName("fifo.deq_ntf_sent"))
		}
	}
	config := scenario.FaultConfig("hostile")
	config.MaxFaults = cfg.Number("lies")
	config.Races = false // a hostile peer that forges its counter makes races that only hurt itself
	return scenario.Program{Config: config, Setup: setup}, nil
}

// foreign is a byte that the stream does not contain: bytes of the stream are smaller, and 0 is memory that was
// never written.
const foreign = 0xff

// canary fills the segment from off on with foreign bytes and returns a check
// that they are still there.
func canary(s *shm.Segment, off uint64) func() error {
	r := s.Range(off, s.Size()-off, shm.NewName("fifo.canary"))
	want := bytes.Repeat([]byte{foreign}, int(r.Len()))
	r.CopyIn(0, want)
	return func() error {
		if !bytes.Equal(r.UnsafeBytes(0, r.Len()), want) {
			return errors.New("bytes behind the fifo were overwritten")
		}
		return nil
	}
}

// runVictim does the operations of one side. Those of the victim must be contained; those of the hostile peer may
// return any error.
func runVictim(w *sim.World, proc string, ops []any, victim bool, do func(any) error) {
	var first error
	for _, o := range ops {
		err := do(o)
		switch {
		case err == nil && first != nil && victim:
			w.Fail(oracle.HostileIsContained, "%v succeeds after %v", streamVerbs.Text(proc, o), first)
		case err == nil:
		case !errors.Is(err, shm.ErrCorrupt):
			w.Fail(oracle.HostileIsContained, "%v: %v", streamVerbs.Text(proc, o), err)
		default:
			first = err
			w.Sometimes("refused")
		}
	}
}

// try does one operation of a producer with a hostile peer.
func (s *streamProducer) try(op any) error {
	o, ok := op.(enqueuer)
	if !ok {
		s.p.Publish()
		return nil
	}
	n, err := o.enqueue(s.p, s.at)
	s.at += n
	s.p.Publish()
	if err == nil && uint64(n) > s.p.Capacity() {
		return fmt.Errorf("accepted %d bytes, the fifo has %d", n, s.p.Capacity())
	}
	s.p.NeedsEvent()
	return err
}

// try does one operation of a consumer with a hostile peer.
func (s *streamConsumer) try(op any) error {
	o, ok := op.(dequeuer)
	if !ok {
		s.c.Release()
		return nil
	}
	got, n, err := o.dequeue(s.c)
	if uint64(n) > s.c.Capacity() {
		return fmt.Errorf("returned %d bytes, the fifo has %d", n, s.c.Capacity())
	}
	for i, b := range got {
		if b == foreign {
			return fmt.Errorf("byte %d is %#x, which was never in the fifo", i, b)
		}
	}
	if err == nil {
		s.c.Release()
		_, err = s.c.NeedsDequeueNotify()
	}
	return err
}
