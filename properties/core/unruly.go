package core

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"cutthrough/impl/layer"
	"cutthrough/impl/layer/segments"
	"cutthrough/impl/wire"
	"cutthrough/properties/oracle"
	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/scenario"
)

var nameUnrulyStep = shm.NewName("core-fuzz.step")

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
	unrulyKeys = []scenario.Key{
		{Name: "fifo", Default: 1000, Min: 1, Max: 20000},
		{Name: "linger", Words: []string{"0", "1s"}},
		{Name: "created", Words: []string{"now", "later"}},
		{Name: "quotas", Words: []string{"ample", "tight", "bytes"}},
	}
	newestArg   = [2]int{0, 4} // objects are named by how many of their kind were heard of since
	whereArg    = [2]int{0, len(unrulyEndpoints) - 1}
	formArg     = [2]int{0, 2} // of an endpoint: as a URI, in fields, both
	unrulyVerbs = []scenario.Verb{
		{Name: "serve", Procs: []string{"all"}, Args: nil},
		{Name: "created", Procs: []string{"all"}, Args: [][2]int{{0, 1}}},
		{Name: "wait", Procs: []string{"all"}, Args: [][2]int{{0, 3600}}},
		{Name: "attach", Procs: unrulyApps, Args: [][2]int{{0, len(unrulySpaces)}, {0, 1}, {0, 3}}},
		{Name: "detach", Procs: unrulyApps, Args: nil},
		{Name: "die", Procs: unrulyApps, Args: nil},
		{Name: "babble", Procs: unrulyApps, Args: nil},
		{Name: "bind", Procs: unrulyApps, Args: [][2]int{whereArg, formArg}},
		{Name: "forget", Procs: unrulyApps, Args: [][2]int{whereArg}},
		{Name: "connect", Procs: unrulyApps, Args: [][2]int{whereArg, formArg, {0, len(unrulySizes) - 1}}},
		{Name: "answer", Procs: unrulyApps, Args: [][2]int{{0, 3}}},
		{Name: "unbind", Procs: unrulyApps, Args: [][2]int{newestArg}},
		{Name: "close", Procs: unrulyApps, Args: [][2]int{newestArg}},
		{Name: "shut", Procs: unrulyApps, Args: [][2]int{newestArg}},
		{Name: "reset", Procs: unrulyApps, Args: [][2]int{newestArg}},
		{Name: "accept", Procs: unrulyApps, Args: [][2]int{newestArg}},
		{Name: "reject", Procs: unrulyApps, Args: [][2]int{newestArg}},
		{Name: "confirm", Procs: unrulyApps, Args: [][2]int{newestArg}},
		{Name: "unmapped", Procs: unrulyApps, Args: [][2]int{newestArg}},
		{Name: "unmappable", Procs: unrulyApps, Args: [][2]int{newestArg}},
	}
)

func unrulyScenario() *scenario.Scenario {
	return &scenario.Scenario{
		Name: "core-fuzz", Generate: genUnruly, Compile: compileUnruly, OneTask: true,
		Sometimes: []string{"established", "freed", "overdue"},
		Doc:       "the core of the session layer, and three applications that say anything at any time",
		Long: `Drives impl.Layer without a server around it: applications, kernel and clock do one thing
after the other. An application says what it likes about whatever anybody has heard of, its own or not,
and answers what it was told, or not, or with an error, or twice. It is the k-th newest object of
a kind that a message is about.

Checked: Layer.CheckInvariants after every step (Invariant); messages, by themselves (Protocol) and
session by session (Model, if segments are created at once); every answer that names, scopes and
quotas decide (Directory); what the layer has done with memory: everything inside, nothing used twice
or without having been zeroed, destroyed when nobody has it (SegmentLifecycle). In the end hours pass, so that
every connect is answered, every close has become a reset and no segment of an idle pair is mapped
(BoundedLiveness); then all die and nothing is left (Reclaimed).`,
	}
}

// unrulyDeck is what a generator draws from, some of it more often.
var unrulyDeck = strings.Fields("connect connect connect serve serve answer answer answer answer close close shut shut shut " +
	"reset confirm confirm reject accept wait wait created bind unbind forget unmapped unmappable die detach attach babble")

func genUnruly(src scenario.Source) scenario.Input {
	b := &scenario.Builder{Src: src}
	b.Number("fifo", 1000, 1, 20000)
	b.Word("linger", "0", "1s")
	b.Word("created", "now", "later")
	b.Word("quotas", "ample", "tight", "bytes")
	strange := src.Intn(3, "strange") == 2 // namespaces, scopes, endpoints and sizes matter
	for _, who := range unrulyApps {
		unrulyOp(b, who, "attach", strange)
	}
	unrulyOp(b, "a", "bind", strange)
	for range 1 + src.Intn(12, "scenes") {
		who := unrulyApps[src.Intn(len(unrulyApps), "who")]
		if src.Intn(4, "begins") == 0 {
			unrulyOp(b, who, "connect", strange)
			if src.Intn(3, "served") > 0 {
				b.Op("all", "serve")
			}
			who = unrulyApps[src.Intn(len(unrulyApps), "who")]
		}
		for range 1 + src.Intn(3, "steps") {
			name := unrulyDeck[src.Intn(len(unrulyDeck), "verb")]
			unrulyOp(b, who, name, strange)
			if src.Intn(4, "again") == 3 {
				b.Input.Workload = append(b.Input.Workload, b.Input.Workload[len(b.Input.Workload)-1])
			}
		}
	}
	return b.Input
}

// unruly draws the arguments of an operation.
func unrulyOp(b *scenario.Builder, who, name string, strange bool) {
	v := unrulyVerbs[slices.IndexFunc(unrulyVerbs, func(v scenario.Verb) bool { return v.Name == name })]
	if len(v.Procs) == 1 {
		who = v.Procs[0]
	}
	usual := map[string][]int{"attach": {0, 0, 3}, "bind": {0, 0}, "forget": {0}, "connect": {0, 0, 0}}[name]
	var args []int
	for i, bounds := range v.Args {
		switch {
		case i == 0 && usual != nil && name != "attach" && !strange:
			args = append(args, [...]int{0, 0, 0, 8}[b.Src.Intn(4, "port")])
		case usual != nil && (!strange || b.Src.Intn(3, "usual") == 0):
			args = append(args, usual[i])
		case name == "wait":
			args = append(args, [...]int{1, 0, 11, 301, 3600}[b.Src.Intn(5, "seconds")])
		case bounds == newestArg:
			args = append(args, max(0, b.Src.Intn(3+bounds[1], "which")-2))
		default:
			args = append(args, b.Src.Intn(bounds[1]+1, name))
		}
	}
	b.Op(who, name, args...)
}

func compileUnruly(c scenario.Input) (scenario.Program, error) {
	cfg, ops, err := scenario.ReadInput(c, unrulyKeys, unrulyVerbs)
	if err != nil {
		return scenario.Program{}, err
	}
	lc := layer.Config{
		Namespaces: unrulySpaces, QueueSlots: 4, SegmentSize: 4 * segments.Page, FifoSize: uint32(cfg.Number("fifo")),
		ConnectTimeout: 10 * time.Second, CloseTimeout: 5 * time.Minute,
	}
	if cfg.Word("linger") == "1s" {
		lc.Linger = time.Second
	}
	switch cfg.Word("quotas") {
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
			scenario.Must(err)
			x := newUnruly(w, lc, cfg.Word("created") == "later")
			step := seg.Uint64(shm.SegmentHeader, nameUnrulyStep)
			for _, o := range ops {
				step.Store(x.said)
				w.Note("%s %s %v", o.Proc, o.Verb, o.Args)
				x.do(o)
			}
			x.end()
			step.Store(x.said)
			scenario.Must(seg.Close())
		})
	}
	return scenario.Program{Config: sim.Config{}, Setup: setup}, nil
}

// unruly is a session layer and what drives it.
type unruly struct {
	w        *sim.World
	l        *layer.Core
	now      time.Duration
	later    bool
	mon      *oracle.Messages
	paths    *oracle.Sessions
	names    *oracle.DirectoryOracle
	memory   *oracle.Memory
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
	x := &unruly{w: w, l: layer.New(cfg), later: later, names: oracle.NewDirectoryOracle(cfg), puppets: map[string]*puppet{}}
	x.mon = oracle.NewMessages(w.Fail, oracle.Setting{Later: later})
	x.paths = oracle.NewSessions(w.Fail, x.mon)
	x.memory = oracle.NewMemory(w.Fail, x.mon, cfg)
	for _, name := range unrulyApps {
		x.puppets[name] = &puppet{}
	}
	return x
}

func (x *unruly) do(o scenario.Op) {
	switch o.Verb {
	case "serve":
		x.serve()
	case "created":
		x.created(o.Args[0] == 1)
	case "wait":
		x.pass(time.Duration(o.Args[0]) * time.Second)
	default:
		x.act(x.puppets[o.Proc], o)
	}
}

// claims are the messages about any object, by operation.
var claims = map[string]wire.Message{
	"unbind":     {Type: wire.Unbind},
	"close":      {Type: wire.Disconnect},
	"shut":       {Type: wire.Disconnect, CloseMode: wire.CloseWrite},
	"reset":      {Type: wire.Reset},
	"accept":     {Type: wire.AcceptReply},
	"reject":     {Type: wire.AcceptReply, Status: wire.Refused},
	"confirm":    {Type: wire.DisconnectReply},
	"unmapped":   {Type: wire.UnmapReply},
	"unmappable": {Type: wire.MapReply, Status: wire.NoMemory},
}

// aboutOf returns the kind of the objects that a message is about.
func aboutOf(m wire.Message) wire.Kind {
	switch m.Type {
	case wire.Unbind:
		return wire.KindListener
	case wire.UnmapReply, wire.MapReply:
		return wire.KindSegment
	}
	return wire.KindSession
}

// act has an application do something.
func (x *unruly) act(p *puppet, o scenario.Op) {
	x.open(p)
	if m, ok := claims[o.Verb]; ok {
		kind := aboutOf(m)
		m.Handle = x.object(kind, o.Args[0])
		if m.Handle != 0 && kind == wire.KindListener {
			m.URI = unrulyEndpoints[0] // means nothing beside a handle
		}
		x.say(p, m)
		return
	}
	switch o.Verb {
	case "attach":
		m := wire.Message{Type: wire.Attach, Namespace: "none", Scope: uint8(o.Args[2])}
		if ns := o.Args[0]; ns < len(unrulySpaces) {
			m.Namespace, m.Secret = unrulySpaces[ns].Name, unrulySpaces[ns].Secret+uint64(o.Args[1])
		}
		x.say(p, m)
	case "detach":
		x.say(p, wire.Message{Type: wire.Detach})
	case "die":
		x.die(p)
	case "babble":
		x.babble(p)
	case "bind":
		x.say(p, at(wire.Message{Type: wire.Bind}, o.Args[0], o.Args[1]))
	case "forget":
		x.say(p, at(wire.Message{Type: wire.Unbind}, o.Args[0], 0))
	case "connect":
		size := unrulySizes[o.Args[2]]
		x.say(p, at(wire.Message{Type: wire.Connect, RxSize: size[0], TxSize: size[1]}, o.Args[0], o.Args[1]))
	case "answer":
		x.answer(p, o.Args[0])
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
