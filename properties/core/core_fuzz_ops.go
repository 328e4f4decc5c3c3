package core

import (
	"net/netip"
	"time"

	"cutthrough/impl/layer"
	"cutthrough/impl/wire"
	"cutthrough/sim/scenario"
)

// fuzzEndpoints are the endpoints of binds and connects: addresses of this machine, of each namespace, of another
// machine, unspecified ones, text that is no endpoint, ports that the session layer chooses, names.
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

// fuzzHandshake is the time in which an application has to attach.
const fuzzHandshake = 10 * time.Second

// Operations of kernel, clock and all applications.
type (
	serve   struct{}             // all applications answer as they should
	created struct{ failed int } // 0: the oldest segment that the layer waits for is there; 1: it is not
	work    struct{}             // the oldest piece of work on memory is done
	wait    struct{ seconds int }
)

// Operations of an application.
type (
	attach  struct{ namespace, secret, scope int }
	detach  struct{}
	die     struct{}
	babble  struct{}                           // sends a message that only the layer may send
	bind    struct{ endpoint, form int }       // the form is 0 for a URI, 1 for fields, 2 for both
	forget  struct{ endpoint int }             // unbinds without a handle
	connect struct{ endpoint, form, size int } // size is an index of fuzzSizes
	answer  struct{ how int }                  // 0 as it should, 1 with an error, 2 twice, 3 not at all

	// about sends a message about the k-th newest object of its kind.
	about struct {
		message wire.Message
		k       int
	}
)

// maxNewest is the largest k of an object, which gives a handle that does not exist so far.
const maxNewest = 4

// Messages about an object.
var (
	unbindMessage     = wire.Message{Type: wire.Unbind}
	closeMessage      = wire.Message{Type: wire.Disconnect}
	shutMessage       = wire.Message{Type: wire.Disconnect, CloseMode: wire.CloseWrite}
	resetMessage      = wire.Message{Type: wire.Reset}
	acceptMessage     = wire.Message{Type: wire.AcceptReply}
	rejectMessage     = wire.Message{Type: wire.AcceptReply, Status: wire.Refused}
	confirmMessage    = wire.Message{Type: wire.DisconnectReply}
	unmappedMessage   = wire.Message{Type: wire.UnmapReply}
	unmappableMessage = wire.Message{Type: wire.MapReply, Status: wire.NoMemory}
)

var (
	fuzzAll   = []string{"all"}
	fuzzApps  = []string{"a", "b", "c"}
	fuzzVerbs = scenario.Verbs{
		scenario.VerbOf("serve", fuzzAll, serve{}),
		scenario.VerbOf("created", fuzzAll, created{}, scenario.Number("failed", 0, 1, func(o *created) *int { return &o.failed })),
		scenario.VerbOf("work", fuzzAll, work{}),
		scenario.VerbOf("wait", fuzzAll, wait{}, scenario.Number("seconds", 0, 3600, func(o *wait) *int { return &o.seconds })),
		scenario.VerbOf("attach", fuzzApps, attach{},
			scenario.Number("namespace", 0, len(fuzzNamespaces), func(o *attach) *int { return &o.namespace }),
			scenario.Number("secret", 0, 1, func(o *attach) *int { return &o.secret }),
			scenario.Number("scope", 0, 3, func(o *attach) *int { return &o.scope })),
		scenario.VerbOf("detach", fuzzApps, detach{}),
		scenario.VerbOf("die", fuzzApps, die{}),
		scenario.VerbOf("babble", fuzzApps, babble{}),
		scenario.VerbOf("bind", fuzzApps, bind{},
			scenario.Number("endpoint", 0, len(fuzzEndpoints)-1, func(o *bind) *int { return &o.endpoint }),
			scenario.Number("form", 0, 2, func(o *bind) *int { return &o.form })),
		scenario.VerbOf("forget", fuzzApps, forget{},
			scenario.Number("endpoint", 0, len(fuzzEndpoints)-1, func(o *forget) *int { return &o.endpoint })),
		scenario.VerbOf("connect", fuzzApps, connect{},
			scenario.Number("endpoint", 0, len(fuzzEndpoints)-1, func(o *connect) *int { return &o.endpoint }),
			scenario.Number("form", 0, 2, func(o *connect) *int { return &o.form }),
			scenario.Number("size", 0, len(fuzzSizes)-1, func(o *connect) *int { return &o.size })),
		scenario.VerbOf("answer", fuzzApps, answer{}, scenario.Number("how", 0, 3, func(o *answer) *int { return &o.how })),
		aboutVerb("unbind", unbindMessage),
		aboutVerb("close", closeMessage),
		aboutVerb("shut", shutMessage),
		aboutVerb("reset", resetMessage),
		aboutVerb("accept", acceptMessage),
		aboutVerb("reject", rejectMessage),
		aboutVerb("confirm", confirmMessage),
		aboutVerb("unmapped", unmappedMessage),
		aboutVerb("unmappable", unmappableMessage),
	}
)

func aboutVerb(name string, m wire.Message) scenario.Verb {
	return scenario.VerbOf(name, fuzzApps, about{message: m}, scenario.Number("k", 0, maxNewest, func(o *about) *int { return &o.k }))
}

// worldOp is an operation that no single application does.
type worldOp interface{ do(x *fuzzer) }

func (serve) do(x *fuzzer)     { x.serve() }
func (o created) do(x *fuzzer) { x.created(o.failed == 1) }
func (work) do(x *fuzzer)      { x.work() }
func (o wait) do(x *fuzzer)    { x.pass(time.Duration(o.seconds) * time.Second) }

// fuzzAppOp is an operation of an application.
type fuzzAppOp interface{ act(x *fuzzer, p *fuzzApp) }

func (o attach) act(x *fuzzer, p *fuzzApp) {
	m := wire.Message{Type: wire.Attach, Namespace: "none", Scope: uint8(o.scope)}
	if o.namespace < len(fuzzNamespaces) {
		ns := fuzzNamespaces[o.namespace]
		m.Namespace, m.Secret = ns.Name, ns.Secret+uint64(o.secret)
	}
	x.say(p, m)
}

func (detach) act(x *fuzzer, p *fuzzApp) { x.say(p, wire.Message{Type: wire.Detach}) }
func (die) act(x *fuzzer, p *fuzzApp)    { x.die(p) }
func (babble) act(x *fuzzer, p *fuzzApp) { x.sendLayerMessage(p) }

func (o bind) act(x *fuzzer, p *fuzzApp) {
	x.say(p, at(wire.Message{Type: wire.Bind}, o.endpoint, o.form))
}

func (o forget) act(x *fuzzer, p *fuzzApp) {
	x.say(p, at(wire.Message{Type: wire.Unbind}, o.endpoint, 0))
}

func (o connect) act(x *fuzzer, p *fuzzApp) {
	size := fuzzSizes[o.size]
	x.say(p, at(wire.Message{Type: wire.Connect, RxSize: size[0], TxSize: size[1]}, o.endpoint, o.form))
}

func (o answer) act(x *fuzzer, p *fuzzApp) { x.answer(p, o.how) }

func (o about) act(x *fuzzer, p *fuzzApp) {
	kind, m := aboutOf(o.message), o.message
	m.Handle = x.object(kind, o.k)
	if m.Handle != 0 && kind == wire.KindListener {
		m.URI = fuzzEndpoints[0] // means nothing beside a handle
	}
	x.say(p, m)
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
