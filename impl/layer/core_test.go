package layer

import (
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cutthrough/impl/layer/segments"
	"cutthrough/impl/wire"
)

// rig drives a Core with applications that answer as they like, and checks
// what an honest application could observe.
type rig struct {
	t        *rapid.T
	l        *Core
	now      time.Duration
	next     Channel
	apps     []*rigApp
	segments map[wire.Handle]uint64           // created and not destroyed
	used     map[wire.Handle][]segments.Block // what has been formatted and not scrubbed
	creating []wire.Handle
	working  []Event // that report what was zeroed and released
	ctx      uint64
	watch    func(Event, []Effect) // if not nil, gets every step
}

type rigApp struct {
	ch       Channel
	attached bool
	inbox    []wire.Message // notifications not handled yet
	asked    map[uint64]wire.Type
	mapped   map[wire.Handle][2]uint64
	sessions map[wire.Handle]bool // told of and not given up
	handles  []wire.Handle        // everything ever seen, for forging
	listens  []wire.Handle
}

func newRig(t *rapid.T, cfg Config) *rig {
	return &rig{t: t, l: New(cfg), segments: map[wire.Handle]uint64{}, used: map[wire.Handle][]segments.Block{}}
}

func (r *rig) step(ev Event) {
	ev.Now = r.now
	effects := r.l.Step(ev)
	if r.watch != nil {
		r.watch(ev, effects)
	}
	for _, fx := range effects {
		r.apply(fx)
	}
	if err := r.l.CheckInvariants(); err != nil {
		r.t.Fatalf("after %+v: %v", ev, err)
	}
}

func (r *rig) apply(fx Effect) {
	switch fx.Kind {
	case EffectCreate:
		if _, ok := r.segments[fx.Segment]; ok {
			r.t.Fatalf("%v created twice", fx.Segment)
		}
		r.segments[fx.Segment] = fx.Size
		r.creating = append(r.creating, fx.Segment)
	case EffectDestroy:
		if _, ok := r.segments[fx.Segment]; !ok {
			r.t.Fatalf("%v destroyed and does not exist", fx.Segment)
		}
		if slices.ContainsFunc(r.working, func(ev Event) bool { return ev.Segment == fx.Segment }) {
			r.t.Fatalf("%v destroyed while it is worked on", fx.Segment)
		}
		for _, a := range r.apps {
			if _, ok := a.mapped[fx.Segment]; ok {
				r.t.Fatalf("%v destroyed while channel %d has it mapped", fx.Segment, a.ch)
			}
		}
		delete(r.segments, fx.Segment)
		delete(r.used, fx.Segment)
		r.working = append(r.working, Event{Kind: EventReleased, Segment: fx.Segment})
	case EffectFormat:
		for _, b := range fx.Blocks {
			if b.Off+b.Bytes() > r.segments[fx.Segment] {
				r.t.Fatalf("block %+v outside %v of %d bytes", b, fx.Segment, r.segments[fx.Segment])
			}
			for _, used := range r.used[fx.Segment] {
				if b.Off < used.Off+used.Bytes() && used.Off < b.Off+b.Bytes() {
					r.t.Fatalf("block %+v of %v where %+v is or was not scrubbed", b, fx.Segment, used)
				}
			}
			r.used[fx.Segment] = append(r.used[fx.Segment], b)
		}
	case EffectZero:
		for _, b := range fx.Blocks {
			i := slices.Index(r.used[fx.Segment], b)
			if i < 0 {
				r.t.Fatalf("scrubbed %+v of %v, which is no fifo", b, fx.Segment)
			}
		}
		r.working = append(r.working, Event{Kind: EventZeroed, Segment: fx.Segment, Blocks: fx.Blocks})
	case EffectHangup:
		for _, a := range r.apps {
			if a.ch == fx.Channel && a.attached {
				r.t.Fatalf("hung up: %v", fx.Err)
			}
		}
	case EffectSend:
		for _, a := range r.apps {
			if a.ch == fx.Channel {
				r.deliver(a, fx)
				return
			}
		}
		r.t.Fatalf("sent to channel %d, which is not open: %v", fx.Channel, fx.Msg)
	}
}

// deliver hands a message to an application: replies at once, notifications to
// its inbox.
func (r *rig) deliver(a *rigApp, fx Effect) {
	m := fx.Msg
	got, err := wire.Decode(m.Encode(nil))
	if err != nil || !reflect.DeepEqual(got, m) {
		r.t.Fatalf("%v decodes as %v, %v", m, got, err)
	}
	if m.Handle != 0 {
		a.handles = append(a.handles, m.Handle)
	}
	if kind, ok := a.asked[m.RequestID]; ok && m.RequestID != 0 {
		if kind.Reply() != m.Type {
			r.t.Fatalf("%v answers a %v", m, kind)
		}
		delete(a.asked, m.RequestID)
		switch {
		case m.Type == wire.AttachReply && m.Status == wire.OK:
			a.attached = true
		case m.Type == wire.BindReply && m.Status == wire.OK:
			a.listens = append(a.listens, m.Handle)
		case m.Type == wire.ConnectReply && m.Status == wire.OK:
			r.tellSession(a, m)
		}
		return
	}
	if m.Type.IsReply() {
		r.t.Fatalf("%v answers nothing", m)
	}
	if m.Type == wire.Map && r.segments[fx.Segment] != m.Size {
		r.t.Fatalf("%v, the segment has %d bytes", m, r.segments[fx.Segment])
	}
	a.inbox = append(a.inbox, m)
	if m.Type == wire.Map {
		r.mapNow(a) // in order; a real application would do it before anything later
	}
}

func (r *rig) tellSession(a *rigApp, m wire.Message) {
	for _, at := range []wire.Location{m.Rx, m.Tx, m.PostQueue, m.ReadQueue} {
		inside := false
		for _, g := range a.mapped {
			inside = inside || uint64(at) >= g[0] && uint64(at) < g[0]+g[1]
		}
		if !inside {
			r.t.Fatalf("%v: %#x is in no segment that was mapped", m, at)
		}
	}
	a.sessions[m.Handle] = true
}

// mapNow maps what the last notification tells a to map.
func (r *rig) mapNow(a *rigApp) {
	m := a.inbox[len(a.inbox)-1]
	for h, g := range a.mapped {
		if uint64(m.Base) < g[0]+g[1] && g[0] < uint64(m.Base)+m.Size {
			r.t.Fatalf("%v overlaps %v, which is mapped", m, h)
		}
	}
	a.mapped[m.Handle] = [2]uint64{uint64(m.Base), m.Size}
}

func (r *rig) open() *rigApp {
	r.next++
	a := &rigApp{ch: r.next, asked: map[uint64]wire.Type{}, mapped: map[wire.Handle][2]uint64{}, sessions: map[wire.Handle]bool{}}
	r.apps = append(r.apps, a)
	r.step(Event{Kind: EventOpen, Channel: a.ch, User: uint32(a.ch % 2)})
	return a
}

// ask sends a request that must be answered exactly once.
func (r *rig) ask(a *rigApp, m wire.Message) {
	r.ctx++
	m.RequestID = r.ctx
	a.asked[m.RequestID] = m.Type
	r.step(Event{Kind: EventMessage, Channel: a.ch, Msg: m})
	if m.Type != wire.Connect && a.asked[m.RequestID] != 0 {
		r.t.Fatalf("%v was not answered", m)
	}
}

func (r *rig) tell(a *rigApp, m wire.Message) {
	r.step(Event{Kind: EventMessage, Channel: a.ch, Msg: m})
}

// handle handles the oldest notification of a as an application may.
func (r *rig) handle(a *rigApp, fail bool) {
	m := a.inbox[0]
	a.inbox = a.inbox[1:]
	status := wire.OK
	if fail {
		status = wire.Refused
	}
	switch m.Type {
	case wire.Map:
		r.tell(a, wire.Message{Type: wire.MapReply, Handle: m.Handle})
	case wire.Unmap:
		if len(a.sessions) > 0 {
			for h := range a.sessions {
				if s := r.l.sessions.Get(h); s != nil && s.segment == m.Handle {
					r.t.Fatalf("%v while %v is in use", m, h)
				}
			}
		}
		delete(a.mapped, m.Handle)
		r.tell(a, wire.Message{Type: wire.UnmapReply, Handle: m.Handle})
	case wire.Accept:
		if status == wire.OK {
			r.tellSession(a, m)
		}
		r.tell(a, wire.Message{Type: wire.AcceptReply, Handle: m.Handle, Status: status})
	case wire.Disconnect, wire.Reset:
		if m.CloseMode == wire.CloseWrite {
			return
		}
		delete(a.sessions, m.Handle)
		r.tell(a, wire.Message{Type: m.Type + 1, Handle: m.Handle, Status: status})
	}
}

func (r *rig) gone(i int) {
	a := r.apps[i]
	r.apps = append(r.apps[:i], r.apps[i+1:]...)
	r.step(Event{Kind: EventGone, Channel: a.ch})
}

var rigEndpoints = []string{"tcp://0.0.0.0/1", "tcp://127.0.0.1/1", "tcp://10.0.0.1/1", "tcp://::/1", "udp://127.0.0.1/1", "nonsense", "tcp://127.0.0.1/2"}

// act does one thing that an application, the kernel or the clock may do.
func (r *rig) act() {
	pick := func(n int, label string) int { return rapid.IntRange(0, n-1).Draw(r.t, label) }
	if len(r.apps) == 0 {
		r.ask(r.open(), wire.Message{Type: wire.Attach, Scope: wire.ScopeLocal})
		return
	}
	i := pick(len(r.apps), "application")
	a := r.apps[i]
	anyHandle := func() wire.Handle {
		o := r.apps[pick(len(r.apps), "whose handle")]
		if len(o.handles) == 0 {
			return wire.Handle(pick(1<<20, "forged"))
		}
		return o.handles[pick(len(o.handles), "handle")]
	}
	switch pick(17, "act") {
	case 0, 1, 2, 3:
		if len(a.inbox) > 0 {
			r.handle(a, pick(4, "answer") == 3)
		}
	case 4, 5:
		r.ask(a, wire.Message{Type: wire.Connect, URI: rigEndpoints[pick(len(rigEndpoints), "to")], RxSize: uint32(pick(3, "size")) * 70_000})
	case 6:
		r.ask(a, wire.Message{Type: wire.Bind, URI: rigEndpoints[pick(len(rigEndpoints), "at")]})
	case 7:
		r.ask(a, wire.Message{Type: []wire.Type{wire.Disconnect, wire.Reset, wire.Unbind}[pick(3, "what")], Handle: anyHandle(), CloseMode: wire.CloseMode(0)})
		for h := range a.sessions {
			if r.l.sessions.Get(h) == nil {
				delete(a.sessions, h)
			} else if s, side := r.l.side(r.l.apps.Get(r.l.channels[a.ch].app), h); s == nil || s.sides[side].done {
				delete(a.sessions, h)
			}
		}
	case 8:
		r.ask(a, wire.Message{Type: wire.Disconnect, Handle: anyHandle(), CloseMode: wire.CloseWrite})
	case 9:
		r.tell(a, wire.Message{Type: []wire.Type{wire.AcceptReply, wire.DisconnectReply, wire.ResetReply, wire.MapReply, wire.UnmapReply}[pick(2, "stray")], Handle: wire.Handle(pick(1<<16, "forged"))})
	case 10:
		if len(r.creating) > 0 {
			h := r.creating[0]
			r.creating = r.creating[1:]
			var err error
			if pick(4, "create fails") == 3 {
				err = errors.New("no memory")
				delete(r.segments, h)
			}
			r.step(Event{Kind: EventCreated, Segment: h, Err: err})
		}
	case 11:
		r.now += time.Duration(pick(20, "seconds")) * time.Second
		r.step(Event{Kind: EventTick})
	case 12:
		if pick(3, "dies") == 2 {
			r.gone(i)
		} else if len(r.apps) < 4 {
			r.ask(r.open(), wire.Message{Type: wire.Attach, Scope: uint8(1 + pick(3, "scope"))})
		}
	case 13:
		r.ask(a, wire.Message{Type: wire.Attach, Scope: wire.ScopeLocal})
	case 14:
		r.step(Event{Kind: EventDrained, Channel: a.ch})
	case 15, 16:
		r.work()
	}
}

// work ends the oldest piece of work on memory.
func (r *rig) work() {
	if len(r.working) == 0 {
		return
	}
	ev := r.working[0]
	r.working = r.working[1:]
	if ev.Kind == EventZeroed {
		r.used[ev.Segment] = slices.DeleteFunc(r.used[ev.Segment], func(b segments.Block) bool { return slices.Contains(ev.Blocks, b) })
	}
	r.step(ev)
}

// acts does some things.
func (r *rig) acts() {
	for range rapid.IntRange(1, 60).Draw(r.t, "acts") {
		r.act()
	}
}

// TestLayerAgainstRandomApplications: whatever applications, kernel and clock do, the
// invariants hold, every request has one reply, nothing is used before it is mapped, and
// when all have gone nothing is left.
func TestLayerAgainstRandomApplications(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{
			Namespaces:  []Namespace{{Name: "", Own: []netip.Addr{netip.MustParseAddr("10.0.0.1")}}},
			QueueSlots:  4,
			SegmentSize: 64 << 10, FifoSize: uint32(rapid.SampledFrom([]int{1, 1000, 20_000}).Draw(t, "fifo")),
			Linger:      time.Duration(rapid.IntRange(0, 1).Draw(t, "linger")) * time.Second,
			MaxSessions: 8,
		}
		if rapid.Bool().Draw(t, "tight") {
			cfg.MaxUserApps, cfg.MaxUserListeners, cfg.MaxUserSessions, cfg.MaxUserBytes = 2, 1, 3, 3*cfg.SegmentSize
			cfg.MaxPairs, cfg.MaxPairSessions, cfg.MaxPairBytes, cfg.MaxTotalBytes = 2, 2, 2*cfg.SegmentSize, 4*cfg.SegmentSize
		}
		r := newRig(t, cfg)
		r.acts()
		for len(r.apps) > 0 {
			r.gone(0)
		}
		for _, h := range r.creating {
			r.step(Event{Kind: EventCreated, Segment: h})
		}
		for len(r.working) > 0 {
			r.work()
		}
		if len(r.segments) > 0 || r.l.segments.InUse() > 0 || len(r.l.directory)+len(r.l.users)+r.l.pairs.Len() > 0 || r.l.bytes > 0 {
			t.Fatalf("left: %d segments, %d bytes of address space, %d table entries, %d pairs", len(r.segments), r.l.segments.InUse(), len(r.l.directory), r.l.pairs.Len())
		}
		if _, ok := r.l.Deadline(); ok {
			t.Fatal("left: a timer")
		}
	})
}

// TestFailedConnectLeavesNoPair: a connect for which there is no address space leaves nothing behind,
// not even for the time of a linger.
func TestFailedConnectLeavesNoPair(t *testing.T) {
	l := New(Config{Base: 1 << 30, End: 1<<30 + 2*segments.Page, Linger: time.Hour})
	for ch := Channel(1); ch <= 2; ch++ {
		l.Step(Event{Kind: EventOpen, Channel: ch})
		l.Step(Event{Kind: EventMessage, Channel: ch, Msg: wire.Message{Type: wire.Attach, Scope: wire.ScopeLocal}})
	}
	l.Step(Event{Kind: EventMessage, Channel: 1, Msg: wire.Message{Type: wire.Bind, URI: "tcp://127.0.0.1/1"}})
	fx := l.Step(Event{Kind: EventMessage, Channel: 2, Msg: wire.Message{Type: wire.Connect, RequestID: 7, URI: "tcp://127.0.0.1/1"}})
	want := []Effect{{Kind: EffectSend, Channel: 2, Msg: wire.Message{Type: wire.ConnectReply, RequestID: 7, Status: wire.NoMemory}}}
	if !reflect.DeepEqual(fx, want) {
		t.Errorf("effects %+v, want %+v", fx, want)
	}
	if err := l.CheckInvariants(); err != nil {
		t.Error(err)
	}
	if at, ok := l.Deadline(); ok {
		t.Errorf("left: a timer, at %v", at)
	}
}

// TestLastOfAQuota: when the quota has no room for a segment of the usual size, one that is just large
// enough will do.
func TestLastOfAQuota(t *testing.T) {
	l := New(Config{SegmentSize: 4 * segments.Page, MaxBytes: 11 * segments.Page, FifoSize: 4000, QueueSlots: 4})
	for ch := Channel(1); ch <= 2; ch++ {
		l.Step(Event{Kind: EventOpen, Channel: ch})
		l.Step(Event{Kind: EventMessage, Channel: ch, Msg: wire.Message{Type: wire.Attach, Scope: wire.ScopeLocal}})
	}
	l.Step(Event{Kind: EventMessage, Channel: 1, Msg: wire.Message{Type: wire.Bind, URI: "tcp://127.0.0.1/1"}})
	for i, want := range []uint64{4 * segments.Page, 3 * segments.Page, 3 * segments.Page} {
		fx := l.Step(Event{Kind: EventMessage, Channel: 2, Msg: wire.Message{Type: wire.Connect, URI: "tcp://127.0.0.1/1"}})
		if len(fx) != 1 || fx[0].Kind != EffectCreate || fx[0].Size != want {
			t.Fatalf("connect %d: %+v, want a segment of %d bytes", i, fx, want)
		}
		l.Step(Event{Kind: EventCreated, Segment: fx[0].Segment})
	}
	fx := l.Step(Event{Kind: EventMessage, Channel: 2, Msg: wire.Message{Type: wire.Connect, URI: "tcp://127.0.0.1/1"}})
	if len(fx) != 1 || fx[0].Msg.Status != wire.QuotaExceeded {
		t.Errorf("one more: %+v, want %v", fx, wire.QuotaExceeded)
	}
}

func TestConfig(t *testing.T) {
	if err := (Config{}).withDefaults().check(); err != nil {
		t.Error(err)
	}
	for name, cfg := range map[string]Config{
		"guard of half a page":   {Guard: segments.Page / 2},
		"segment of no page":     {SegmentSize: segments.Page + 1},
		"base in a page":         {Base: 100, End: 1 << 30},
		"end before the base":    {Base: 1 << 30, End: 1 << 20},
		"slots":                  {QueueSlots: 100},
		"too many slots":         {QueueSlots: 1 << 31},
		"large fifos":            {FifoSize: wire.MaxFifo + 1},
		"fewer sessions than no": {MaxSessions: -1},
		"time that runs back":    {Linger: -1},
	} {
		if err := cfg.withDefaults().check(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
