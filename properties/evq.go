package properties

import (
	"errors"
	"fmt"

	"cutthrough/model"
	"cutthrough/shm"
	"cutthrough/shm/evq"
	"cutthrough/sim"
)

var (
	nameQueueBell = shm.NewName("bell.queue")
	nameSpaceBell = shm.NewName("bell.space")
)

// queueAt is where the scenario puts its event queue: the first aligned offset
// behind the header.
const queueAt = 128

const maxQueueProducers = 4

var (
	producerNames = []string{"p0", "p1", "p2", "p3"}

	evqKeys = []key{
		{name: "slots", def: 2, min: 0, max: 6}, // log2
		{name: "producers", def: 2, min: 1, max: maxQueueProducers},
		{name: "faults", words: faultClasses},
	}
	evqVerbs = []verb{
		{"send", producerNames, nil},
		{"try", producerNames, nil},
		{"poll", []string{"cons"}, nil},
	}
)

func evqScenario() *Scenario {
	return &Scenario{
		Test: sim.Test{
			Name: "evq", Generate: genEvq, Compile: compileEvq,
			Sometimes: []string{"full", "empty", "consumer slept", "producer slept"},
		},
		Doc: "several producers and one consumer share a bounded event queue and sleep on it",
		Long: `Up to four producer processes post events of distinct values with evq.Writer: send, which
sleeps while the queue is full, and try, which does not wait. A consumer polls as often as it is told to and then
receives with evq.Reader, sleeping while the queue is empty, until all producers have
ended and nothing is left. slots is the base-2 logarithm of the number of slots.

The consumer has a task per producer that waits for the end of a control channel, by exit or death,
and rings the consumer's bell: a producer that dies after posting cannot ring it any
more. If the consumer dies, each producer learns of it the same way and closes its bell.

Checked: no event is lost, doubled or torn and the history is one of a bounded queue (Linearizable);
nobody sleeps for ever, also when a producer is killed or stopped at any access (NoLostWakeup,
NoDeadlock, NoLivelock); a producer that posts, finds the queue full or waits for room while the
consumer sleeps has rung it by then (Woken), so that nothing depends on one that may never run again;
no honest execution reports an error (HonestError).`,
	}
}

func genEvq(src sim.Source) sim.Case {
	b := &builder{src: src}
	b.number("slots", 0, 1, 2)
	n := b.number("producers", 2, 1, 3)
	b.word("faults", "none", "kill", "stop", "wake", "all")
	for i := range n {
		for range 1 + src.Intn(3, "posts") {
			b.op(producerNames[i], []string{"send", "try"}[src.Intn(2, "post")])
		}
	}
	for range src.Intn(4, "polls") {
		b.op("cons", "poll")
	}
	return b.c
}

func compileEvq(c sim.Case) (sim.Program, error) {
	cfg, ops, err := readCase(c, evqKeys, evqVerbs)
	if err != nil {
		return sim.Program{}, err
	}
	k := &evqCase{slots: 1 << cfg.numbers["slots"], polls: len(perProc(ops, "cons"))}
	for i := range maxQueueProducers {
		posts := perProc(ops, producerNames[i])
		if i < cfg.numbers["producers"] {
			k.posts = append(k.posts, posts)
		} else if len(posts) > 0 {
			return sim.Program{}, fmt.Errorf("workload has %s, config producers=%d", producerNames[i], cfg.numbers["producers"])
		}
	}
	k.checker = EventQueueChecker(k.slots)
	return sim.Program{Config: simConfig(cfg.words["faults"]), Setup: k.setup}, nil
}

// evqCase is a compiled case; executions share it and do not change it.
type evqCase struct {
	slots   int
	posts   [][]op
	polls   int
	checker *LinChecker
}

// evqConsumer is what the consumer process knows. Its tasks share it.
type evqConsumer struct {
	w       *sim.World
	r       *evq.Reader
	bell    shm.Doorbell
	nap     *nap
	running int // producers that have not ended
}

func (k *evqCase) setup(w *sim.World) {
	cons := w.Process("cons").Mortal()
	seg, err := cons.CreateSegment(shm.MinSegment)
	must(err)
	must(evq.Init(seg, queueAt, uint32(k.slots)))
	q, err := evq.OpenConsumer(seg, queueAt)
	must(err)
	bell, err := cons.NewDoorbell(nameQueueBell)
	must(err)
	x := &evqConsumer{w: w, nap: &nap{owner: cons}, running: len(k.posts)}
	x.bell = napBell{bell, x.nap}
	var spaceBells []shm.Doorbell
	var watches []func()
	for i, posts := range k.posts {
		p := w.Process(producerNames[i]).Mortal()
		space, err := p.NewDoorbell(nameSpaceBell)
		must(err)
		waits := &nap{owner: p}
		spaceBells = append(spaceBells, napBell{cons.OpenBell(space, nameSpaceBell), waits})
		qp, err := evq.OpenProducer(p.View(seg), queueAt, i)
		must(err)
		wr := &evq.Writer{
			Queue: qp, Peer: napBell{p.OpenBell(bell, nameQueueBell), x.nap},
			Bell: sleeper{spaceBell{napBell{space, waits}, w, x.nap}, w, "producer slept"}, Now: p.Now,
		}
		mine, theirs := w.ConnPair(p, cons)
		p.Go(producerNames[i], func() {
			k.produce(w, wr, i, posts, x.nap)
			_ = mine.Close()
		})
		p.GoDaemon(producerNames[i]+"-watch", func() { watch(mine, space) })
		watches = append(watches, func() { x.watch(theirs) })
	}
	x.r = &evq.Reader{Queue: q, Peers: spaceBells, Bell: sleeper{x.bell, w, "consumer slept"}, Now: cons.Now}
	cons.Go("cons", func() { x.run(k.polls) })
	for i, f := range watches {
		cons.GoDaemon("watch-"+producerNames[i], f)
	}
	w.AtEnd(propLinear, func() error { return linError(k.checker.Check(w.History(), 0)) })
}

// eventValue makes all events of an execution distinct, and says who posted them.
func eventValue(producer, i int) uint32 { return uint32(1+producer)<<16 | uint32(1+i) }

func (k *evqCase) produce(w *sim.World, wr *evq.Writer, id int, posts []op, consumer *nap) {
	for i, o := range posts {
		v, slept := eventValue(id, i), consumer.unrung()
		call := w.Call(model.EventIn{Op: model.Post, V: uint64(v)})
		ev := evq.Event{Kind: uint8(1 + id), Arg: v}
		var err error
		if o.verb == "try" {
			err = wr.TrySend(ev)
		} else {
			err = wr.Send(ev, shm.Forever)
		}
		switch {
		case err == nil:
			w.Return(call, model.EventOut{Status: model.OK})
		case err == evq.ErrFull && o.verb == "try":
			w.Sometimes("full")
			w.Return(call, model.EventOut{Status: model.Full})
		case errors.Is(err, shm.ErrClosed): // the consumer died: the event may be in the queue
			return
		default:
			w.Fail(propHonest, "%s: %v", o.verb, err)
		}
		if slept != 0 && consumer.unrung() == slept {
			w.Fail(propWoken, "%s is over, the consumer has slept all the while, and nobody has rung it", o.verb)
		}
	}
}

// watch learns that a producer has ended, by exit or death. It rings the bell,
// which a dead producer may have failed to do, and closes it after the last one.
func (x *evqConsumer) watch(c shm.Conn) {
	_, _, _ = c.Recv(make([]byte, 1), shm.Forever)
	if x.running--; x.running == 0 {
		_ = x.bell.Close()
		return
	}
	_ = x.bell.Ring()
}

func (x *evqConsumer) run(polls int) {
	for range polls {
		x.poll()
	}
	for {
		call := x.w.Call(model.EventIn{Op: model.Poll})
		ev, err := x.r.Recv(shm.Forever)
		if errors.Is(err, shm.ErrClosed) {
			x.w.Return(call, model.EventOut{Status: model.Empty}) // it has looked before it slept
			break
		}
		x.took(call, ev, true, err)
	}
	for x.poll() {
	}
}

// poll tries to take one event and says whether there was one.
func (x *evqConsumer) poll() bool {
	call := x.w.Call(model.EventIn{Op: model.Poll})
	ev, ok, err := x.r.TryRecv()
	return x.took(call, ev, ok, err)
}

func (x *evqConsumer) took(call int, ev evq.Event, ok bool, err error) bool {
	switch {
	case err != nil:
		x.w.Fail(propHonest, "receive: %v", err)
	case !ok:
		x.w.Sometimes("empty")
		x.w.Return(call, model.EventOut{Status: model.Empty})
	case ev.Kind != uint8(ev.Arg>>16):
		x.w.Fail(propLinear, "event %#x has kind %d: torn", ev.Arg, ev.Kind)
	default:
		x.w.Return(call, model.EventOut{Status: model.OK, V: uint64(ev.Arg)})
	}
	return ok
}
