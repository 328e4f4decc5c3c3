package properties

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"cutthrough/impl/layer"
	"cutthrough/impl/layer/segments"
	"cutthrough/impl/wire"
	"cutthrough/shm"
	"cutthrough/sim"
)

var nameUnrulyStep = shm.NewName("unruly.step")

// unrulyEndpoints are where the applications listen and connect to: of this machine, of one
// namespace or the other, of somebody else, of nobody, and nonsense.
var unrulyEndpoints = []string{
	"tcp://127.0.0.1/1", "tcp://0.0.0.0/1", "tcp://10.0.0.1/1", "tcp://10.0.0.2/1", "tcp://192.0.2.1/1",
	"tcp://::1/1", "tcp://::/1", "udp://127.0.0.1/1", "tcp://127.0.0.1/2", "nonsense",
}

// unrulySizes are what is asked for to read and to write: nothing special, something, too much, the
// most that there is.
var unrulySizes = [][2]uint32{{0, 0}, {3000, 0}, {1<<28 + 1, 0}, {0, 1<<28 + 1}, {0, 3000}, {1 << 28, 1 << 28}}

// unrulySpaces are the namespaces; what comes after them does not exist.
var unrulySpaces = []layer.Namespace{
	{Name: "", Own: []netip.Addr{netip.MustParseAddr("10.0.0.1")}},
	{Name: "blue", Secret: 7, Own: []netip.Addr{netip.MustParseAddr("10.0.0.2")}},
}

var (
	unrulyApps = []string{"a", "b", "c"}
	unrulyKeys = []key{
		{name: "fifo", def: 1000, min: 1, max: 20000},
		{name: "linger", words: []string{"0", "1s"}},
		{name: "created", words: []string{"now", "later"}},
		{name: "quotas", words: []string{"ample", "tight", "bytes"}},
	}
	newestArg   = [2]int{0, 4} // objects are named by how many of their kind were heard of since
	whereArg    = [2]int{0, len(unrulyEndpoints) - 1}
	formArg     = [2]int{0, 2} // of an endpoint: as a URI, in fields, both
	unrulyVerbs = []verb{
		{"serve", []string{"all"}, nil},
		{"created", []string{"all"}, [][2]int{{0, 1}}},
		{"wait", []string{"all"}, [][2]int{{0, 3600}}},
		{"attach", unrulyApps, [][2]int{{0, len(unrulySpaces)}, {0, 1}, {0, 3}}},
		{"detach", unrulyApps, nil},
		{"die", unrulyApps, nil},
		{"babble", unrulyApps, nil},
		{"bind", unrulyApps, [][2]int{whereArg, formArg}},
		{"forget", unrulyApps, [][2]int{whereArg}},
		{"connect", unrulyApps, [][2]int{whereArg, formArg, {0, len(unrulySizes) - 1}}},
		{"answer", unrulyApps, [][2]int{{0, 3}}},
		{"unbind", unrulyApps, [][2]int{newestArg}},
		{"close", unrulyApps, [][2]int{newestArg}},
		{"shut", unrulyApps, [][2]int{newestArg}},
		{"reset", unrulyApps, [][2]int{newestArg}},
		{"accept", unrulyApps, [][2]int{newestArg}},
		{"reject", unrulyApps, [][2]int{newestArg}},
		{"confirm", unrulyApps, [][2]int{newestArg}},
		{"unmapped", unrulyApps, [][2]int{newestArg}},
		{"unmappable", unrulyApps, [][2]int{newestArg}},
	}
)

func unrulyScenario() *Scenario {
	return &Scenario{
		Test: sim.Test{
			Name: "unruly", Generate: genUnruly, Compile: compileUnruly, OneTask: true,
			Sometimes: []string{"established", "freed", "overdue"},
		},
		Doc: "the core of the session layer, and three applications that say anything at any time",
		Long: `Drives impl.Layer without a server around it: applications, kernel and clock do one thing
after the other. An application says what it likes about whatever anybody has heard of, its own or not,
and answers what it was told, or not, or with an error, or twice. It is the k-th newest object of
a kind that a message is about.

Checked: Layer.CheckInvariants after every step (Invariant); messages, by themselves (Protocol) and
session by session (Model, if segments are created at once); every answer that names, scopes and
quotas decide (Names); what the layer has done with memory: everything inside, nothing used twice
or without having been zeroed, destroyed when nobody has it (Effects). In the end hours pass, so that
every connect is answered, every close has become a reset and no segment of an idle pair is mapped
(Overdue); then all die and nothing is left (Reclaimed).`,
	}
}

// unrulyDeck is what a generator draws from, some of it more often.
var unrulyDeck = strings.Fields("connect connect connect serve serve answer answer answer answer close close shut shut shut " +
	"reset confirm confirm reject accept wait wait created bind unbind forget unmapped unmappable die detach attach babble")

func genUnruly(src sim.Source) sim.Case {
	b := &builder{src: src}
	b.number("fifo", 1000, 1, 20000)
	b.word("linger", "0", "1s")
	b.word("created", "now", "later")
	b.word("quotas", "ample", "tight", "bytes")
	strange := src.Intn(3, "strange") == 2 // namespaces, scopes, endpoints and sizes matter
	for _, who := range unrulyApps {
		b.unruly(who, "attach", strange)
	}
	b.unruly("a", "bind", strange)
	for range 1 + src.Intn(12, "scenes") {
		who := unrulyApps[src.Intn(len(unrulyApps), "who")]
		if src.Intn(4, "begins") == 0 {
			b.unruly(who, "connect", strange)
			if src.Intn(3, "served") > 0 {
				b.op("all", "serve")
			}
			who = unrulyApps[src.Intn(len(unrulyApps), "who")]
		}
		for range 1 + src.Intn(3, "steps") {
			name := unrulyDeck[src.Intn(len(unrulyDeck), "verb")]
			b.unruly(who, name, strange)
			if src.Intn(4, "again") == 3 {
				b.c.Workload = append(b.c.Workload, b.c.Workload[len(b.c.Workload)-1])
			}
		}
	}
	return b.c
}

// unruly draws the arguments of an operation.
func (b *builder) unruly(who, name string, strange bool) {
	v := unrulyVerbs[slices.IndexFunc(unrulyVerbs, func(v verb) bool { return v.name == name })]
	if len(v.procs) == 1 {
		who = v.procs[0]
	}
	usual := map[string][]int{"attach": {0, 0, 3}, "bind": {0, 0}, "forget": {0}, "connect": {0, 0, 0}}[name]
	var args []int
	for i, bounds := range v.args {
		switch {
		case i == 0 && usual != nil && name != "attach" && !strange:
			args = append(args, [...]int{0, 0, 0, 8}[b.src.Intn(4, "port")])
		case usual != nil && (!strange || b.src.Intn(3, "usual") == 0):
			args = append(args, usual[i])
		case name == "wait":
			args = append(args, [...]int{1, 0, 11, 301, 3600}[b.src.Intn(5, "seconds")])
		case bounds == newestArg:
			args = append(args, max(0, b.src.Intn(3+bounds[1], "which")-2))
		default:
			args = append(args, b.src.Intn(bounds[1]+1, name))
		}
	}
	b.op(who, name, args...)
}

func compileUnruly(c sim.Case) (sim.Program, error) {
	cfg, ops, err := readCase(c, unrulyKeys, unrulyVerbs)
	if err != nil {
		return sim.Program{}, err
	}
	lc := layer.Config{
		Namespaces: unrulySpaces, QueueSlots: 4, SegmentSize: 4 * segments.Page, FifoSize: uint32(cfg.numbers["fifo"]),
		ConnectTimeout: 10 * time.Second, CloseTimeout: 5 * time.Minute,
	}
	if cfg.words["linger"] == "1s" {
		lc.Linger = time.Second
	}
	switch cfg.words["quotas"] {
	case "bytes":
		lc.MaxBytes = 8 * segments.Page
	case "tight":
		lc.MaxApps, lc.MaxListeners, lc.MaxSessions, lc.MaxBytes = 2, 1, 2, 12*segments.Page
		lc.Base, lc.End = 1<<30, 1<<30+13*segments.Page
	}
	setup := func(w *sim.World) {
		p := w.Process("all")
		p.Go("all", func() {
			seg, err := p.CreateSegment(shm.MinSegment)
			must(err)
			x := newUnruly(w, lc, cfg.words["created"] == "later")
			step := seg.Uint64(shm.SegmentHeader, nameUnrulyStep)
			for _, o := range ops {
				step.Store(x.said)
				w.Note("%s %s %v", o.proc, o.verb, o.args)
				x.do(o)
			}
			x.end()
			step.Store(x.said)
			must(seg.Close())
		})
	}
	return sim.Program{Config: sim.Config{}, Setup: setup}, nil
}

// unruly is a session layer and what drives it.
type unruly struct {
	w        *sim.World
	l        *layer.Core
	now      time.Duration
	later    bool
	mon      *sessionMonitor
	paths    *modelMonitor
	names    *nameBook
	memory   *memoryBook
	puppets  map[string]*puppet
	channels layer.Channel
	ids      int
	said     uint64 // a hash of all that the layer has said
	creating []wire.Handle
	failing  bool          // the layer is told that a segment was not created
	objects  []wire.Handle // that anybody has heard of, in order
}

// puppet is an application whose strings the workload pulls.
type puppet struct {
	id      int
	ch      layer.Channel // 0 when it is not there
	context uint64
	inbox   []wire.Message // notifications that it has not answered
	replies []wire.Message // to what it has just said
	hungUp  bool
}

func newUnruly(w *sim.World, cfg layer.Config, later bool) *unruly {
	x := &unruly{w: w, l: layer.New(cfg), later: later, names: &nameBook{cfg: cfg}, puppets: map[string]*puppet{}}
	x.mon = newSessionMonitor(w.Fail, false)
	x.mon.later = later
	x.paths = newModelMonitor(w.Fail, x.mon)
	x.memory = newMemoryBook(w.Fail, x.mon, cfg)
	for _, name := range unrulyApps {
		x.puppets[name] = &puppet{}
	}
	return x
}

func (x *unruly) do(o op) {
	switch o.verb {
	case "serve":
		x.serve()
	case "created":
		x.created(o.args[0] == 1)
	case "wait":
		x.pass(time.Duration(o.args[0]) * time.Second)
	default:
		x.act(x.puppets[o.proc], o)
	}
}

// lied are the messages about any object, by operation.
var lied = map[string]wire.Kind{
	"unbind": wire.KindListener, "close": wire.KindSession, "shut": wire.KindSession, "reset": wire.KindSession,
	"accept": wire.KindSession, "reject": wire.KindSession, "confirm": wire.KindSession,
	"unmapped": wire.KindSegment, "unmappable": wire.KindSegment,
}

// act has an application do something.
func (x *unruly) act(p *puppet, o op) {
	x.open(p)
	if kind, ok := lied[o.verb]; ok {
		m := lies[strings.Replace(o.verb, "unbind", "unlisten", 1)]
		m.Handle = x.object(kind, o.args[0])
		if m.Handle != 0 && kind == wire.KindListener {
			m.URI = unrulyEndpoints[0] // means nothing beside a handle
		}
		x.say(p, m)
		return
	}
	switch o.verb {
	case "attach":
		m := wire.Message{Type: wire.Attach, Namespace: "none", Scope: uint8(o.args[2])}
		if ns := o.args[0]; ns < len(unrulySpaces) {
			m.Namespace, m.Secret = unrulySpaces[ns].Name, unrulySpaces[ns].Secret+uint64(o.args[1])
		}
		x.say(p, m)
	case "detach":
		x.say(p, wire.Message{Type: wire.Detach})
	case "die":
		x.die(p)
	case "babble":
		x.babble(p)
	case "bind":
		x.say(p, at(wire.Message{Type: wire.Bind}, o.args[0], o.args[1]))
	case "forget":
		x.say(p, at(wire.Message{Type: wire.Unbind}, o.args[0], 0))
	case "connect":
		size := unrulySizes[o.args[2]]
		x.say(p, at(wire.Message{Type: wire.Connect, RxSize: size[0], TxSize: size[1]}, o.args[0], o.args[1]))
	case "answer":
		x.answer(p, o.args[0])
	}
}

// at puts an endpoint into a message. In fields, nonsense is an endpoint without a port, or none.
func at(m wire.Message, endpoint, form int) wire.Message {
	text := unrulyEndpoints[endpoint]
	e, err := wire.ParseURI(text)
	if err != nil && form == 1 {
		e = wire.Endpoint{Proto: wire.TCP, Addr: netip.AddrPortFrom(netip.IPv6Loopback(), 0)}
	}
	if form > 0 {
		m.Endpoint = e
	}
	if form != 1 && (err == nil || form == 0) {
		m.URI = text
	}
	return m
}

// object returns the handle of the k-th newest object of a kind; 0 if there is none. What
// nobody has heard of is the next one of that index.
func (x *unruly) object(kind wire.Kind, k int) wire.Handle {
	for i := len(x.objects) - 1; i >= 0; i-- {
		if h := x.objects[i]; h.Kind() == kind {
			if k == newestArg[1] {
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

var errNoSegment = errors.New("no segment")
