package memory

import (
	"fmt"
	"iter"

	"cutthrough/model"
	"cutthrough/properties/oracle"
	"cutthrough/shm"
	"cutthrough/shm/fifo"
	"cutthrough/sim"
	"cutthrough/sim/scenario"
)

var (
	nameProdBell = shm.NewName("bell.prod")
	nameConsBell = shm.NewName("bell.cons")
)

// drain is an operation of a producer: it waits until the fifo is empty.
type drain struct{}

var wakeupVerbs = scenario.Verbs{
	scenario.VerbOf("write", []string{"prod"}, write{}, scenario.Number("bytes", 0, maxBytes, func(o *write) *int { return &o.bytes })),
	scenario.VerbOf("drain", []string{"prod"}, drain{}),
	scenario.VerbOf("read", []string{"cons"}, read{}, scenario.Number("bytes", 1, maxBytes, func(o *read) *int { return &o.bytes })),
}

func fifoWakeup() *scenario.Scenario {
	return &scenario.Scenario{
		Name: "fifo-wakeup", Verbs: wakeupVerbs, Generate: genWakeup, Scope: wakeupScope, Compile: compileWakeup,
		Sometimes: []string{"writer slept", "reader slept", "drained"},
		Doc:       "both sides sleep on doorbells: event flag and dequeue notification",
		Long: `A producer writes with fifo.Writer, which sleeps while the fifo is full, and drains, which
sleeps until it is empty; a consumer reads with fifo.Reader, which sleeps while it is empty,
in the sizes of its read operations, over and over, until it has everything. Both wake each
other through the event flag and the dequeue notification.

Checked: no process sleeps for ever (NoLostWakeup, NoDeadlock) or spins (NoLivelock); the bytes are
those of the stream (Stream) and all of them (Delivered). With faults=kill each process has
a task that waits for the end of a control channel and closes the own bell; then the survivor
must get an error, never hang.

Not checked here: other tasks that sleep on the same bell; deadlines.

Scope N: all workloads of at most N operations, without faults, on fifos of 1 and 2 bytes, with up to two bytes more than
they hold; counters begin at 0 and 2^32-3.`,
	}
}

func genWakeup(src scenario.Source) scenario.Input {
	b := &scenario.Builder{Src: src, Verbs: wakeupVerbs}
	size := b.Number("fifo", 2, 1, 3, 4, 8)
	b.Word("start", startWords...)
	b.Word("faults", "none", "wake", "kill", "stop", "all")
	for range 1 + src.Intn(4, "writes") {
		b.Op("prod", write{1 + src.Intn(2*size+1, "bytes")})
		if src.Intn(3, "drain") == 1 {
			b.Op("prod", drain{})
		}
	}
	for range 1 + src.Intn(3, "reads") {
		b.Op("cons", read{1 + src.Intn(size+2, "bytes")})
	}
	return b.Input
}

// wakeupScope has fifos of one and two bytes, and writes of up to two bytes more than they hold.
func wakeupScope(n int) iter.Seq[scenario.Input] {
	menus := func(size int) []scenario.Menu {
		prod := scenario.Menu{Proc: "prod", Min: 1, Ops: []any{drain{}}}
		cons := scenario.Menu{Proc: "cons", Min: 1}
		for i := range size + 2 {
			prod.Ops = append(prod.Ops, write{i + 1})
		}
		for i := range size + 1 {
			cons.Ops = append(cons.Ops, read{i + 1})
		}
		return []scenario.Menu{prod, cons}
	}
	return scope(n, wakeupVerbs, []func(*scenario.Builder) []scenario.Menu{
		sized(1, "0", menus(1)...), sized(2, "2^32-3", menus(2)...),
	})
}

func compileWakeup(c scenario.Input) (scenario.Program, error) {
	cfg, ops, err := scenario.ReadInput(c, fifoKeys, wakeupVerbs)
	if err != nil {
		return scenario.Program{}, err
	}
	k := &wakeupCase{
		capacity: uint64(cfg.Number("fifo")), start: startValues[cfg.Word("start")],
		mortal:   cfg.Word("faults") == "kill" || cfg.Word("faults") == "all",
		producer: scenario.OpsOf[any](ops, "prod"), reads: scenario.OpsOf[read](ops, "cons"),
	}
	for _, o := range k.producer {
		if o, ok := o.(write); ok {
			k.total += o.bytes
		}
	}
	if len(k.reads) == 0 && k.total > 0 {
		return scenario.Program{}, fmt.Errorf("workload writes %d bytes and has no read", k.total)
	}
	return scenario.Program{Config: scenario.FaultConfig(cfg.Word("faults")), Setup: k.setup}, nil
}

// wakeupCase is a compiled case; executions share it and do not change it.
type wakeupCase struct {
	capacity, start uint64
	mortal          bool
	producer        []any // write and drain
	reads           []read
	total           int
}

func (k *wakeupCase) setup(w *sim.World) {
	f := newFifoWorld(w, k.capacity, k.start)
	p, err := fifo.OpenProducer(f.prodSeg, fifoAt)
	scenario.Must(err)
	c, err := fifo.OpenConsumer(f.consSeg, fifoAt)
	scenario.Must(err)
	prodBell, consBell := f.prod.NewLocalDoorbell(nameProdBell), f.cons.NewLocalDoorbell(nameConsBell)
	wr := &fifo.Writer{Fifo: p, Peer: f.prod.OpenBell(consBell, nameConsBell), Bell: sleeper{prodBell, w, "writer slept"}, Now: f.prod.Now}
	rd := &fifo.Reader{Fifo: c, Peer: f.cons.OpenBell(prodBell, nameProdBell), Bell: sleeper{consBell, w, "reader slept"}, Now: f.cons.Now}
	read := 0
	f.prod.Go("prod", func() { k.produce(w, wr) })
	f.cons.Go("cons", func() { k.consume(w, rd, &read) })
	if k.mortal {
		a, b := w.ConnPair(f.prod, f.cons)
		f.prod.GoDaemon("prod-watch", func() { watch(a, prodBell) })
		f.cons.GoDaemon("cons-watch", func() { watch(b, consBell) })
	}
	w.AtEnd(oracle.Delivered, func() error {
		if !f.prod.Dead() && !f.cons.Dead() && read != k.total {
			return fmt.Errorf("%d bytes were written, %d read", k.total, read)
		}
		return nil
	})
}

func (k *wakeupCase) produce(w *sim.World, wr *fifo.Writer) {
	at := 0
	for _, o := range k.producer {
		var err error
		switch o := o.(type) {
		case drain:
			if err = wr.Drain(shm.Forever); err == nil {
				w.Sometimes("drained")
			}
		case write:
			buf := make([]byte, o.bytes)
			model.FillStream(buf, at)
			var n int
			n, err = wr.Write(buf, shm.Forever)
			at += n
		}
		if k.gone(w, err) {
			return
		}
	}
}

func (k *wakeupCase) consume(w *sim.World, rd *fifo.Reader, read *int) {
	for i := 0; *read < k.total; i++ {
		buf := make([]byte, k.reads[i%len(k.reads)].bytes)
		n, err := rd.Read(buf, shm.Forever)
		oracle.CheckStream(w, buf[:n], *read)
		*read += n
		if k.gone(w, err) {
			return
		}
	}
}

// gone says whether the peer is gone; any other error is a violation.
func (k *wakeupCase) gone(w *sim.World, err error) bool {
	if err == nil {
		return false
	}
	if !k.mortal || !goneError(err) {
		w.Fail(oracle.NoFalseCorrupt, "%v", err)
	}
	return true
}
