package core

import (
	"errors"
	"slices"
	"time"

	"cutthrough/impl/layer"
	"cutthrough/impl/wire"
	"cutthrough/properties/oracle"
	"cutthrough/sim"
	"cutthrough/sim/scenario"
)

// fuzzer drives one core of the session layer.
type fuzzer struct {
	w        *sim.World
	l        *layer.Core
	now      time.Duration
	later    bool
	mon      *oracle.Messages
	paths    *oracle.Sessions
	names    *oracle.DirectoryOracle
	memory   *oracle.Memory
	apps     map[string]*fuzzApp
	channels layer.Channel
	ids      int
	said     uint64 // hash of all messages of the layer
	creating []wire.Handle
	working  []layer.Event // that report the work on memory that the layer has asked for
	failing  bool          // the layer is told that a segment was not created
	objects  []wire.Handle // that messages have named, in order
}

// fuzzApp is an application whose messages are the operations of the workload.
type fuzzApp struct {
	id      int
	ch      layer.Channel // 0 when it is not there
	user    uint32
	since   time.Duration // it has had no application on its channel
	context uint64
	inbox   []wire.Message // notifications that it has not answered
	replies []wire.Message // to its last message
	hungUp  bool
}

func newFuzzer(w *sim.World, cfg layer.Config, later bool) *fuzzer {
	x := &fuzzer{w: w, l: layer.New(cfg), later: later, names: oracle.NewDirectoryOracle(cfg), apps: map[string]*fuzzApp{}}
	x.mon = oracle.NewMessages(w.Fail, oracle.Setting{DelayedSegments: later})
	x.paths = oracle.NewSessions(w.Fail, x.mon)
	x.memory = oracle.NewMemory(w.Fail, x.mon, cfg)
	for _, name := range fuzzApps {
		x.apps[name] = &fuzzApp{}
	}
	return x
}

func (x *fuzzer) do(o scenario.Op) {
	switch do := o.Do.(type) {
	case worldOp:
		do.do(x)
	case fuzzAppOp:
		p := x.apps[o.Proc]
		x.open(p)
		do.act(x, p)
	}
}

// step has the layer take one event, and sees to what it wants done.
func (x *fuzzer) step(ev layer.Event) {
	for events := []layer.Event{ev}; len(events) > 0; {
		ev, events = events[0], events[1:]
		ev.Now = x.now
		before, _ := x.l.Live()
		x.memory.Begin()
		x.memory.Worked(ev)
		for _, fx := range slices.Clone(x.l.Step(ev)) {
			x.memory.Apply(fx)
			switch fx.Kind {
			case layer.EffectSend:
				x.deliver(fx.Channel, fx.Msg)
			case layer.EffectHangup:
				x.appOf(fx.Channel).hungUp = true
			case layer.EffectCreate:
				if x.creating = append(x.creating, fx.Segment); !x.later {
					events = append(events, layer.Event{Kind: layer.EventCreated, Segment: fx.Segment})
					x.creating = nil
				}
			case layer.EffectZero:
				x.working = append(x.working, layer.Event{Kind: layer.EventZeroed, Segment: fx.Segment, Blocks: fx.Blocks})
			case layer.EffectDestroy:
				x.working = append(x.working, layer.Event{Kind: layer.EventReleased, Segment: fx.Segment})
			}
		}
		if !x.later {
			events = append(events, x.working...)
			x.working = nil
		}
		if err := x.l.CheckInvariants(); err != nil {
			x.w.Fail(oracle.Invariant, "after %v: %v", ev.Msg, err)
		}
		if after, _ := x.l.Live(); after < before {
			x.w.Sometimes("freed")
		}
	}
}

// appOf returns the application behind a channel.
func (x *fuzzer) appOf(ch layer.Channel) *fuzzApp {
	for _, name := range fuzzApps {
		if p := x.apps[name]; p.ch == ch {
			return p
		}
	}
	x.w.Fail(oracle.SegmentLifecycle, "channel %d is not open", ch)
	return nil
}

func (x *fuzzer) observe(ch layer.Channel, made bool, m wire.Message) {
	x.mon.Observe(ch, made, m)
	if !x.later { // else the client of an accept is not known
		x.paths.Observe(ch, made, m)
	}
}

// deliver gives a message of the layer to an application.
func (x *fuzzer) deliver(ch layer.Channel, m wire.Message) {
	x.observe(ch, true, m)
	for _, n := range [...]uint64{uint64(ch), uint64(m.Type), uint64(m.Handle), uint64(uint32(m.Status))} {
		x.said = (x.said ^ n) * 0x100000001b3
	}
	p := x.appOf(ch)
	if m.Handle != 0 && !slices.Contains(x.objects, m.Handle) {
		x.objects = append(x.objects, m.Handle)
	}
	if m.RequestID != 0 {
		p.replies = append(p.replies, m)
		if m.Type == wire.ConnectReply && m.Status == wire.OK {
			x.w.Sometimes("established")
		}
		return
	}
	if m.Type == wire.ConnectReply && x.failing && m.Status != wire.NoMemory {
		x.w.Fail(oracle.SegmentLifecycle, "%v, because a segment was not created", m)
	}
	if m.Type == wire.Accept {
		x.names.Asked(m)
	}
	p.inbox = append(p.inbox, m)
}

// open connects an application to the layer, unless it is connected.
func (x *fuzzer) open(p *fuzzApp) {
	if p.ch != 0 {
		return
	}
	x.channels++
	x.ids++
	*p = fuzzApp{id: x.ids, ch: x.channels, user: p.user, since: x.now}
	x.names.Connected(p.id, p.user)
	peer := wire.Peer{UID: p.user, PID: uint32(p.id)}
	x.mon.Opened(p.ch, peer)
	x.step(layer.Event{Kind: layer.EventOpen, Channel: p.ch, User: p.user, Peer: peer})
}

// say sends a message of an application, and checks the answer as far as the directory decides it.
func (x *fuzzer) say(p *fuzzApp, m wire.Message) {
	p.context++
	m.RequestID = uint64(p.id)<<32 | p.context
	p.replies = nil
	x.observe(p.ch, false, m)
	want := x.names.Expect(p.id, m)
	if m.Type == wire.Detach && x.names.Attached(p.id) {
		p.since = x.now
	}
	x.step(layer.Event{Kind: layer.EventMessage, Channel: p.ch, Msg: m})
	if err := x.names.Compare(p.id, m, want, p.replies); err != nil {
		x.w.Fail(oracle.Directory, "application %d: %v: %v", p.id, m, err)
	}
}

// sendLayerMessage sends a message of an application that only the layer may send.
func (x *fuzzer) sendLayerMessage(p *fuzzApp) {
	attached := x.names.Attached(p.id)
	x.step(layer.Event{Kind: layer.EventMessage, Channel: p.ch, Msg: wire.Message{Type: wire.Accept}})
	if p.hungUp != attached {
		x.w.Fail(oracle.SegmentLifecycle, "application %d, attached: %v, sent a message that only the layer may send; hung up: %v", p.id, attached, p.hungUp)
	}
	if p.hungUp {
		x.die(p)
	}
}

// die ends an application's channel.
func (x *fuzzer) die(p *fuzzApp) {
	x.mon.Gone(p.id)
	x.names.Left(p.id)
	ch := p.ch
	p.ch, p.inbox = 0, nil
	x.step(layer.Event{Kind: layer.EventGone, Channel: ch})
	// The layer may read messages that were sent before the end of the channel after it.
	x.step(layer.Event{Kind: layer.EventMessage, Channel: ch, Msg: wire.Message{Type: wire.Attach}})
}

// answer answers the oldest notification of an application: 0 as it should, 1 with an error, 2 twice, 3 not at all.
func (x *fuzzer) answer(p *fuzzApp, how int) {
	if len(p.inbox) == 0 {
		return
	}
	m := p.inbox[0]
	p.inbox = p.inbox[1:]
	if how == 3 || m.CloseMode == wire.CloseWrite {
		return
	}
	reply := wire.Message{Type: m.Type.Reply(), Handle: m.Handle}
	if how == 1 {
		reply.Status = wire.Refused
	}
	x.say(p, reply)
	if how == 2 {
		x.say(p, reply)
	}
}

// serve lets all applications answer as they should until there are no more notifications. Memory that is over is
// not worked on meanwhile.
func (x *fuzzer) serve() {
	for busy := true; busy; {
		busy = false
		for len(x.creating) > 0 {
			x.created(false)
		}
		for _, name := range fuzzApps {
			for p := x.apps[name]; len(p.inbox) > 0; busy = true {
				x.answer(p, 0)
			}
		}
	}
}

var errNoSegment = errors.New("no segment")

// created reports success or failure of the creation of the oldest segment that the layer waits for.
func (x *fuzzer) created(failed bool) {
	if len(x.creating) == 0 {
		return
	}
	h := x.creating[0]
	x.creating = x.creating[1:]
	ev := layer.Event{Kind: layer.EventCreated, Segment: h}
	if failed {
		ev.Err = errNoSegment
		x.memory.NotCreated(h)
	}
	x.failing = failed
	x.step(ev)
	x.failing = false
}

// work reports the oldest piece of work on memory as done.
func (x *fuzzer) work() {
	if len(x.working) == 0 {
		return
	}
	ev := x.working[0]
	x.working = x.working[1:]
	x.step(ev)
}

// pass lets time pass. A channel that was open for the time of a handshake without an application is hung up, and
// no other is.
func (x *fuzzer) pass(d time.Duration) {
	x.now += d
	x.step(layer.Event{Kind: layer.EventTick})
	for _, name := range fuzzApps {
		p := x.apps[name]
		if p.ch == 0 {
			continue
		}
		if late := !x.names.Attached(p.id) && x.now >= p.since+fuzzHandshake; p.hungUp != late {
			x.w.Fail(oracle.HandshakeBound, "channel %d is open since %v, attached: %v, at %v it is hung up: %v",
				p.ch, p.since, !late, x.now, p.hungUp)
		}
		if p.hungUp {
			x.w.Sometimes("evicted")
			x.die(p)
		}
	}
}

// end lets hours pass without messages, and then all applications die.
func (x *fuzzer) end() {
	for len(x.creating)+len(x.working) > 0 {
		x.created(false)
		x.work()
	}
	for range 3 {
		x.pass(time.Hour)
	}
	x.mon.EndStep()
	x.paths.EndStep()
	if x.mon.CheckLiveness() {
		x.w.Sometimes("overdue")
	}
	for _, name := range fuzzApps {
		if p := x.apps[name]; p.ch != 0 {
			x.die(p)
		}
	}
	for len(x.working) > 0 {
		x.work()
	}
	sessions, segments := x.l.Live()
	if at, ok := x.l.Deadline(); ok || sessions+segments+x.memory.Segments() > 0 {
		x.w.Fail(oracle.Reclaimed, "all have gone, and there are %d sessions, %d segments, %v exist, a timer: %v, at %v",
			sessions, segments, x.memory.Segments(), ok, at)
	}
}

// object returns the handle of the k-th newest object of a kind; 0 if there is none. The largest k gives a handle
// that does not exist so far: the next generation of the newest index.
func (x *fuzzer) object(kind wire.Kind, k int) wire.Handle {
	for i := len(x.objects) - 1; i >= 0; i-- {
		if h := x.objects[i]; h.Kind() == kind {
			if k == maxNewest {
				return h + 1<<32
			}
			if k == 0 {
				return h
			}
			k--
		}
	}
	return 0
}
