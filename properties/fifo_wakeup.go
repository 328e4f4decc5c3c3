package properties

import (
	"fmt"

	"cutthrough/model"
	"cutthrough/shm"
	"cutthrough/shm/fifo"
	"cutthrough/sim"
)

// propDelivered: everything that was written, and nothing else, is read.
const propDelivered = "Delivered"

var (
	nameProdBell = shm.NewName("bell.prod")
	nameConsBell = shm.NewName("bell.cons")
)

var wakeupVerbs = []verb{
	{"write", []string{"prod"}, [][2]int{{0, 4096}}},
	{"drain", []string{"prod"}, nil},
	{"read", []string{"cons"}, [][2]int{{1, 4096}}},
}

func fifoWakeup() *Scenario {
	return &Scenario{
		Test: sim.Test{
			Name: "fifo-wakeup", Generate: genWakeup, Compile: compileWakeup,
			Sometimes: []string{"writer slept", "reader slept", "drained"},
		},
		Doc: "both sides sleep on doorbells: event flag and dequeue notification",
		Long: `A producer writes with fifo.Writer, which sleeps while the fifo is full, and drains, which
sleeps until it is empty; a consumer reads with fifo.Reader, which sleeps while it is empty,
in the sizes of its read operations, over and over, until it has everything. Both wake each
other through the event flag and the dequeue notification (want and has).

Checked: nobody sleeps for ever (NoLostWakeup, NoDeadlock) or spins (NoLivelock); the bytes are
those of the stream (Stream) and all of them (Delivered). With faults=kill each process has
a task that waits for the end of a control channel and closes the own bell; then the survivor
must get an error, never hang.

Not checked here: who else may sleep on the same bell; deadlines.`,
	}
}

func genWakeup(src sim.Source) sim.Case {
	b := &builder{src: src}
	size := b.number("fifo", 2, 1, 3, 4, 8)
	b.word("start", startWords...)
	b.word("faults", "none", "wake", "kill", "stop", "all")
	drained := false
	for range 1 + src.Intn(4, "writes") {
		b.op("prod", "write", 1+src.Intn(2*size+1, "bytes"))
		if drained = src.Intn(3, "drain") == 1; drained {
			b.op("prod", "drain")
		}
	}
	for range 1 + src.Intn(3, "reads") {
		b.op("cons", "read", 1+src.Intn(size+2, "bytes"))
	}
	return b.c
}

func compileWakeup(c sim.Case) (sim.Program, error) {
	cfg, ops, err := readCase(c, fifoKeys, wakeupVerbs)
	if err != nil {
		return sim.Program{}, err
	}
	k := &wakeupCase{
		capacity: uint64(cfg.numbers["fifo"]), start: startValues[cfg.words["start"]],
		mortal: cfg.words["faults"] == "kill" || cfg.words["faults"] == "all",
		writes: perProc(ops, "prod"), reads: perProc(ops, "cons"),
	}
	for _, o := range k.writes {
		if o.verb == "write" {
			k.total += o.args[0]
		}
	}
	if len(k.reads) == 0 && k.total > 0 {
		return sim.Program{}, fmt.Errorf("workload writes %d bytes and has no read", k.total)
	}
	return sim.Program{Config: simConfig(cfg.words["faults"]), Setup: k.setup}, nil
}

// wakeupCase is a compiled case; executions share it and do not change it.
type wakeupCase struct {
	capacity, start uint64
	mortal          bool
	writes, reads   []op
	total           int
}

func (k *wakeupCase) setup(w *sim.World) {
	f := newFifoWorld(w, k.capacity, k.start)
	p, err := fifo.OpenProducer(f.prodSeg, fifoAt)
	must(err)
	c, err := fifo.OpenConsumer(f.consSeg, fifoAt)
	must(err)
	prodBell, err := f.prod.NewDoorbell(nameProdBell)
	must(err)
	consBell, err := f.cons.NewDoorbell(nameConsBell)
	must(err)
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
	w.AtEnd(propDelivered, func() error {
		if !f.prod.Dead() && !f.cons.Dead() && read != k.total {
			return fmt.Errorf("%d bytes were written, %d read", k.total, read)
		}
		return nil
	})
}

func (k *wakeupCase) produce(w *sim.World, wr *fifo.Writer) {
	at := 0
	for _, o := range k.writes {
		var err error
		if o.verb == "drain" {
			if err = wr.Drain(shm.Forever); err == nil {
				w.Sometimes("drained")
			}
		} else {
			buf := make([]byte, o.args[0])
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
		buf := make([]byte, k.reads[i%len(k.reads)].args[0])
		n, err := rd.Read(buf, shm.Forever)
		checkBytes(w, buf[:n], *read)
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
		w.Fail(propHonest, "%v", err)
	}
	return true
}
