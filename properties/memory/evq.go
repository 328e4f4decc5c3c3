package memory

import (
	"errors"
	"fmt"
	"iter"

	"cutthrough/model"
	"cutthrough/properties/oracle"
	"cutthrough/shm"
	"cutthrough/shm/evq"
	"cutthrough/sim"
	"cutthrough/sim/lin"
	"cutthrough/sim/scenario"
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

	evqKeys = []scenario.Key{
		{Name: "slots", Default: 2, Min: 0, Max: 6}, // log2
		{Name: "producers", Default: 2, Min: 1, Max: maxQueueProducers},
		{Name: "faults", Words: scenario.FaultClasses()},
	}
	evqVerbs = scenario.Verbs{
		scenario.VerbOf("send", producerNames, send{}),
		scenario.VerbOf("try", producerNames, try{}),
		scenario.VerbOf("poll", []string{"cons"}, poll{}),
	}
)

// Operations of producers, and of the consumer.
type (
	send struct{} // waits for room
	try  struct{} // does not
	poll struct{}
)

// post is an operation of a producer.
type post interface {
	post(wr *evq.Writer, ev evq.Event) error
}

func (send) post(wr *evq.Writer, ev evq.Event) error { return wr.Send(ev, shm.Forever) }
func (try) post(wr *evq.Writer, ev evq.Event) error  { return wr.TrySend(ev) }

func evqScenario() *scenario.Scenario {
	return &scenario.Scenario{
		Name: "evq", Verbs: evqVerbs, Generate: genEvq, Scope: evqScope, Compile: compileEvq,
		Sometimes: []string{"full", "empty", "consumer slept", "producer slept"},
		Doc:       "several producers and one consumer share a bounded event queue and sleep on it",
		Long: `Up to four producer processes post events of distinct values with evq.Writer: send sleeps while the queue
is full, try does not wait. A consumer makes the polls of the workload, and then receives with evq.Reader, which
sleeps while the queue is empty, until all producers have ended and the queue is empty. slots is the base-2 logarithm
of the number of slots.

The consumer has a task for each producer that waits for the end of a control channel, by exit or death, and rings
the consumer's bell, because a producer that dies after a post cannot ring it. If the consumer dies, each producer
learns of it the same way and closes its bell.

Checked: no event is lost, doubled or torn, and the history is one of a bounded queue (Linearizable); no process
sleeps for ever, even if a producer is killed or stopped at any access (NoLostWakeup, NoDeadlock, NoLivelock); a
producer that posts, finds the queue full or waits for room while the consumer sleeps has rung the consumer by then
(ConsumerProgress), so that the wakeup does not depend on a process that may never run again; no honest execution
reports an error (NoFalseCorrupt).

Scope N: all workloads of at most N operations, without faults, of one and two producers, with 1 and 2 slots.`,
	}
}

func genEvq(src scenario.Source) scenario.Input {
	b := &scenario.Builder{Src: src, Verbs: evqVerbs}
	b.Number("slots", 0, 1, 2)
	n := b.Number("producers", 2, 1, 3)
	b.Word("faults", "none", "kill", "stop", "wake", "all")
	for i := range n {
		for range 1 + src.Intn(3, "posts") {
			b.Op(producerNames[i], []post{send{}, try{}}[src.Intn(2, "post")])
		}
	}
	for range src.Intn(4, "polls") {
		b.Op("cons", poll{})
	}
	return b.Input
}

// evqScope has queues of one and two slots, and up to two producers.
func evqScope(n int) iter.Seq[scenario.Input] {
	queue := func(slots, producers int) func(b *scenario.Builder) []scenario.Menu {
		return func(b *scenario.Builder) []scenario.Menu {
			b.Set("slots", slots)
			b.Set("producers", producers)
			var menus []scenario.Menu
			for i := range producers {
				menus = append(menus, scenario.Menu{Proc: producerNames[i], Min: 1, Ops: []any{send{}, try{}}, Like: i > 0})
			}
			return append(menus, scenario.Menu{Proc: "cons", Ops: []any{poll{}}})
		}
	}
	return scope(n, evqVerbs, []func(*scenario.Builder) []scenario.Menu{queue(0, 1), queue(1, 1), queue(0, 2), queue(1, 2)})
}

func compileEvq(c scenario.Input) (scenario.Program, error) {
	cfg, ops, err := scenario.ReadInput(c, evqKeys, evqVerbs)
	if err != nil {
		return scenario.Program{}, err
	}
	k := &evqCase{slots: 1 << cfg.Number("slots"), polls: len(scenario.OpsOf[poll](ops, "cons"))}
	for i := range maxQueueProducers {
		posts := scenario.OpsOf[post](ops, producerNames[i])
		if i < cfg.Number("producers") {
			k.posts = append(k.posts, posts)
		} else if len(posts) > 0 {
			return scenario.Program{}, fmt.Errorf("workload has %s, config producers=%d", producerNames[i], cfg.Number("producers"))
		}
	}
	k.checker = lin.EventQueue(k.slots)
	config := scenario.FaultConfig(cfg.Word("faults"))
	config.BoundedLoops = true // a loop that fails 4,096 times gives up, which an honest peer must never bring about
	return scenario.Program{Config: config, Setup: k.setup}, nil
}

// evqCase is a compiled case; executions share it and do not change it.
type evqCase struct {
	slots   int
	posts   [][]post
	polls   int
	checker *lin.Checker
}

// evqConsumer is the state of the consumer process, shared by its tasks.
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
	scenario.Must(err)
	scenario.Must(evq.Init(seg, queueAt, uint32(k.slots)))
	q, err := evq.OpenConsumer(seg, queueAt)
	scenario.Must(err)
	bell := cons.NewLocalDoorbell(nameQueueBell)
	x := &evqConsumer{w: w, nap: &nap{owner: cons}, running: len(k.posts)}
	x.bell = napBell{bell, x.nap}
	var spaceBells []shm.Ringer
	var watches []func()
	for i, posts := range k.posts {
		p := w.Process(producerNames[i]).Mortal()
		space := p.NewLocalDoorbell(nameSpaceBell)
		waits := &nap{owner: p}
		spaceBells = append(spaceBells, napRinger{cons.OpenBell(space, nameSpaceBell), waits})
		qp, err := evq.OpenProducer(p.View(seg), queueAt, i)
		scenario.Must(err)
		wr := &evq.Writer{
			Queue: qp, Peer: napRinger{p.OpenBell(bell, nameQueueBell), x.nap},
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
	w.AtEnd(oracle.Linearizable, func() error { return k.checker.Check(w.History(), 0).Err() })
}

// eventValue returns a value that is distinct in the execution and identifies the producer.
func eventValue(producer, i int) uint32 { return uint32(1+producer)<<16 | uint32(1+i) }

func (k *evqCase) produce(w *sim.World, wr *evq.Writer, id int, posts []post, consumer *nap) {
	for i, o := range posts {
		v, slept := eventValue(id, i), consumer.unrung()
		call := w.Call(model.EventIn{Op: model.Post, V: uint64(v)})
		err := o.post(wr, evq.Event{Kind: uint8(1 + id), Arg: v})
		switch {
		case err == nil:
			w.Return(call, model.EventOut{Status: model.OK})
		case err == evq.ErrFull && o == try{}:
			w.Sometimes("full")
			w.Return(call, model.EventOut{Status: model.Full})
		case errors.Is(err, shm.ErrClosed): // the consumer died: the event may be in the queue
			return
		default:
			w.Fail(oracle.NoFalseCorrupt, "%v: %v", evqVerbs.Text(producerNames[id], o), err)
		}
		if slept != 0 && consumer.unrung() == slept {
			w.Fail(oracle.ConsumerProgress, "%v is over, the consumer has slept all the while and was not rung", evqVerbs.Text(producerNames[id], o))
		}
	}
}

// watch waits for the end of a producer, by exit or death. Then it rings the bell, because a dead producer may not
// have rung it, and closes the bell after the last producer.
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

// poll takes one event and returns true, or returns false if the queue is empty.
func (x *evqConsumer) poll() bool {
	call := x.w.Call(model.EventIn{Op: model.Poll})
	ev, ok, err := x.r.TryRecv()
	return x.took(call, ev, ok, err)
}

func (x *evqConsumer) took(call int, ev evq.Event, ok bool, err error) bool {
	switch {
	case err != nil:
		x.w.Fail(oracle.NoFalseCorrupt, "receive: %v", err)
	case !ok:
		x.w.Sometimes("empty")
		x.w.Return(call, model.EventOut{Status: model.Empty})
	case ev.Kind != uint8(ev.Arg>>16):
		x.w.Fail(oracle.Linearizable, "event %#x has kind %d: torn", ev.Arg, ev.Kind)
	default:
		x.w.Return(call, model.EventOut{Status: model.OK, V: uint64(ev.Arg)})
	}
	return ok
}
