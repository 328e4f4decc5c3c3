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

var nameCoreFuzzStep = shm.NewName("core-fuzz.step")

// fuzzEndpoints are the endpoints of binds and connects: addresses of this machine, of each namespace, of another
// machine, unspecified ones, text that is no endpoint, a port that the session layer chooses, names.
var fuzzEndpoints = []string{
	"tcp://127.0.0.1/1", "tcp://0.0.0.0/1", "tcp://10.0.0.1/1", "tcp://10.0.0.2/1", "tcp://192.0.2.1/1",
	"tcp://::1/1", "tcp://::/1", "udp://127.0.0.1/1", "tcp://127.0.0.1/2", "nonsense",
	"tcp://127.0.0.1/0", "tcp://0.0.0.0/0", "unix:///run/a", "tcp://db/1",
}

// fuzzSizes are the sizes of the two fifos in a connect: the default, a small one, one beyond the limit, the limit.
var fuzzSizes = [][2]uint32{{0, 0}, {3000, 0}, {1<<28 + 1, 0}, {0, 1<<28 + 1}, {0, 3000}, {1 << 28, 1 << 28}}

// fuzzNamespaces are the namespaces; an index beyond them is a namespace that does not exist.
var fuzzNamespaces = []layer.Namespace{
	{Name: "", Own: []netip.Addr{netip.MustParseAddr("10.0.0.1")}},
	{Name: "blue", Secret: 7, Own: []netip.Addr{netip.MustParseAddr("10.0.0.2")}},
}

var (
	fuzzApps = []string{"a", "b", "c"}
	fuzzKeys = []scenario.Key{
		{Name: "fifo", Default: 1000, Min: 1, Max: 20000},
		{Name: "linger", Words: []string{"0", "1s"}},
		{Name: "created", Words: []string{"now", "later"}},
		{Name: "quotas", Words: []string{"ample", "tight", "bytes"}},
	}
	newestArg = [2]int{0, 4} // 0 is the newest object of a kind, 1 the one before it, and so on
	whereArg  = [2]int{0, len(fuzzEndpoints) - 1}
	formArg   = [2]int{0, 2} // of an endpoint: as a URI, in fields, both
	fuzzVerbs = []scenario.Verb{
		{Name: "serve", Procs: []string{"all"}, Args: nil},
		{Name: "created", Procs: []string{"all"}, Args: [][2]int{{0, 1}}},
		{Name: "wait", Procs: []string{"all"}, Args: [][2]int{{0, 3600}}},
		{Name: "attach", Procs: fuzzApps, Args: [][2]int{{0, len(fuzzNamespaces)}, {0, 1}, {0, 3}}},
		{Name: "detach", Procs: fuzzApps, Args: nil},
		{Name: "die", Procs: fuzzApps, Args: nil},
		{Name: "babble", Procs: fuzzApps, Args: nil},
		{Name: "bind", Procs: fuzzApps, Args: [][2]int{whereArg, formArg}},
		{Name: "forget", Procs: fuzzApps, Args: [][2]int{whereArg}},
		{Name: "connect", Procs: fuzzApps, Args: [][2]int{whereArg, formArg, {0, len(fuzzSizes) - 1}}},
		{Name: "answer", Procs: fuzzApps, Args: [][2]int{{0, 3}}},
		{Name: "unbind", Procs: fuzzApps, Args: [][2]int{newestArg}},
		{Name: "close", Procs: fuzzApps, Args: [][2]int{newestArg}},
		{Name: "shut", Procs: fuzzApps, Args: [][2]int{newestArg}},
		{Name: "reset", Procs: fuzzApps, Args: [][2]int{newestArg}},
		{Name: "accept", Procs: fuzzApps, Args: [][2]int{newestArg}},
		{Name: "reject", Procs: fuzzApps, Args: [][2]int{newestArg}},
		{Name: "confirm", Procs: fuzzApps, Args: [][2]int{newestArg}},
		{Name: "unmapped", Procs: fuzzApps, Args: [][2]int{newestArg}},
		{Name: "unmappable", Procs: fuzzApps, Args: [][2]int{newestArg}},
	}
)

func coreFuzzScenario() *scenario.Scenario {
	return &scenario.Scenario{
		Name: "core-fuzz", Generate: genCoreFuzz, Compile: compileCoreFuzz, OneTask: true,
		Sometimes: []string{"established", "freed", "overdue"},
		Doc:       "the core of the session layer, and three applications that send any message at any time",
		Long: `Drives layer.Core without a server around it: applications, kernel and clock act one after the other. An
application sends any message about any object that exists or has existed, its own or not. It answers a notification
as it should, with an error, twice, or not at all. The argument K of a message picks the K-th newest object of its
kind.

Checked: layer.Core.CheckInvariants after every step (Invariant); each message, against the messages before it
(ExactlyOneReply, MapBeforeUse and the other message properties) and session by session (RefinesSession, if segments
are created at once); each answer that names, scopes and quotas decide (Directory); each effect on memory: blocks lie
inside their segment, are zeroed before they are used again, and a segment is destroyed only when no application has
it (SegmentLifecycle). At the end hours pass: then each connect is answered, each close that was not confirmed has
become a reset, and no segment of an idle pair is mapped (BoundedLiveness). Then all applications die, and the layer
holds nothing (Reclaimed).`,
	}
}

// fuzzDeck has the operations that the generator draws; frequent ones occur several times.
var fuzzDeck = strings.Fields("connect connect connect serve serve answer answer answer answer close close shut shut shut " +
	"reset confirm confirm reject accept wait wait created bind unbind forget unmapped unmappable die detach attach babble")

func genCoreFuzz(src scenario.Source) scenario.Input {
	b := &scenario.Builder{Src: src}
	b.Number("fifo", 1000, 1, 20000)
	b.Word("linger", "0", "1s")
	b.Word("created", "now", "later")
	b.Word("quotas", "ample", "tight", "bytes")
	strange := src.Intn(3, "strange") == 2 // draw other namespaces, scopes, endpoints and sizes than the usual ones
	for _, app := range fuzzApps {
		fuzzOp(b, app, "attach", strange)
	}
	fuzzOp(b, "a", "bind", strange)
	for range 1 + src.Intn(12, "scenes") {
		app := fuzzApps[src.Intn(len(fuzzApps), "app")]
		if src.Intn(4, "begins") == 0 {
			fuzzOp(b, app, "connect", strange)
			if src.Intn(3, "served") > 0 {
				b.Op("all", "serve")
			}
			app = fuzzApps[src.Intn(len(fuzzApps), "app")]
		}
		for range 1 + src.Intn(3, "steps") {
			name := fuzzDeck[src.Intn(len(fuzzDeck), "verb")]
			fuzzOp(b, app, name, strange)
			if src.Intn(4, "again") == 3 {
				b.Input.Workload = append(b.Input.Workload, b.Input.Workload[len(b.Input.Workload)-1])
			}
		}
	}
	return b.Input
}

// fuzzOp draws the arguments of an operation.
func fuzzOp(b *scenario.Builder, app, name string, strange bool) {
	v := fuzzVerbs[slices.IndexFunc(fuzzVerbs, func(v scenario.Verb) bool { return v.Name == name })]
	if len(v.Procs) == 1 {
		app = v.Procs[0]
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
	b.Op(app, name, args...)
}

func compileCoreFuzz(c scenario.Input) (scenario.Program, error) {
	cfg, ops, err := scenario.ReadInput(c, fuzzKeys, fuzzVerbs)
	if err != nil {
		return scenario.Program{}, err
	}
	lc := layer.Config{
		Namespaces: fuzzNamespaces, QueueSlots: 4, SegmentSize: 4 * segments.Page, FifoSize: uint32(cfg.Number("fifo")),
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
			x := newFuzzer(w, lc, cfg.Word("created") == "later")
			step := seg.Uint64(shm.SegmentHeader, nameCoreFuzzStep)
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
	failing  bool          // the layer is told that a segment was not created
	objects  []wire.Handle // that messages have named, in order
}

// fuzzApp is an application whose messages are the operations of the workload.
type fuzzApp struct {
	id      int
	ch      layer.Channel // 0 when it is not there
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
	switch o.Verb {
	case "serve":
		x.serve()
	case "created":
		x.created(o.Args[0] == 1)
	case "wait":
		x.pass(time.Duration(o.Args[0]) * time.Second)
	default:
		x.act(x.apps[o.Proc], o)
	}
}

// objectMessages has the message of each operation on an object; its handle is the argument.
var objectMessages = map[string]wire.Message{
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

// aboutOf returns the kind of the object that a message names.
func aboutOf(m wire.Message) wire.Kind {
	switch m.Type {
	case wire.Unbind:
		return wire.KindListener
	case wire.UnmapReply, wire.MapReply:
		return wire.KindSegment
	}
	return wire.KindSession
}

// act does an operation of an application.
func (x *fuzzer) act(p *fuzzApp, o scenario.Op) {
	x.open(p)
	if m, ok := objectMessages[o.Verb]; ok {
		kind := aboutOf(m)
		m.Handle = x.object(kind, o.Args[0])
		if m.Handle != 0 && kind == wire.KindListener {
			m.URI = fuzzEndpoints[0] // means nothing beside a handle
		}
		x.say(p, m)
		return
	}
	switch o.Verb {
	case "attach":
		m := wire.Message{Type: wire.Attach, Namespace: "none", Scope: uint8(o.Args[2])}
		if ns := o.Args[0]; ns < len(fuzzNamespaces) {
			m.Namespace, m.Secret = fuzzNamespaces[ns].Name, fuzzNamespaces[ns].Secret+uint64(o.Args[1])
		}
		x.say(p, m)
	case "detach":
		x.say(p, wire.Message{Type: wire.Detach})
	case "die":
		x.die(p)
	case "babble":
		x.sendLayerMessage(p)
	case "bind":
		x.say(p, at(wire.Message{Type: wire.Bind}, o.Args[0], o.Args[1]))
	case "forget":
		x.say(p, at(wire.Message{Type: wire.Unbind}, o.Args[0], 0))
	case "connect":
		size := fuzzSizes[o.Args[2]]
		x.say(p, at(wire.Message{Type: wire.Connect, RxSize: size[0], TxSize: size[1]}, o.Args[0], o.Args[1]))
	case "answer":
		x.answer(p, o.Args[0])
	}
}

// at sets the endpoint of a message, as a URI, in fields or both. In fields, an invalid endpoint has no port or is
// empty.
func at(m wire.Message, endpoint, form int) wire.Message {
	text := fuzzEndpoints[endpoint]
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

// object returns the handle of the k-th newest object of a kind; 0 if there is none. The largest k gives a handle
// that does not exist so far: the next generation of the newest index.
func (x *fuzzer) object(kind wire.Kind, k int) wire.Handle {
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
