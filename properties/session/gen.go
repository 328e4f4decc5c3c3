package session

import (
	"cutthrough/impl/wire"
	"cutthrough/sim/scenario"
)

// sessionChecks is what every session scenario checks.
const sessionChecks = `

Runs: the real server in a process of its own, and applications that do their operations through the real impl.App:
listen PORT, unlisten PORT, accept PORT, dial PORT, stray PORT (dial another machine), write N, read N, expect N (read
in a task of its own), shut (close for writing), close, reset, detach, wait MINUTES. Data operations use the newest
session of the application. An accept that no connect can complete any more is cancelled.

Checked: layer.Core.CheckInvariants after every step (Invariant); each message of the session layer, against the
messages before it (ExactlyOneReply, UniqueHandles, MapBeforeUse, UnmapAfterUse, BothSidesAgree, MessageOrder and the
other message properties) and session by session (RefinesSession); places of mapped segments are disjoint (NoOverlap);
the directory of listeners is linearizable (Linearizable); a close that discards unread bytes is reported as a reset
(DiscardIsReset); what was written before a death is read (WrittenIsRead); a session ends at one side only if the other
has ended it or has not opened it (EndHasCause); a flooder does not hold up a call (BoundedTurn); bytes are those of the stream of the session (Stream). Calls return (NoDeadlock, NoLostWakeup,
NoLivelock) with documented errors only, and without error if the workload is polite and there are no faults
(DocumentedErrors). When all applications have gone the session layer holds no session, segment, listener,
address space or descriptor (Reclaimed), and an application that ended by itself leaks no descriptor or mapping (NoLeak).`

func sessionScenario(name, doc string, sometimes []string, gen func(b *scenario.Builder)) *scenario.Scenario {
	return &scenario.Scenario{
		Name: name, Verbs: sessionVerbs, Compile: compileSession, Sometimes: sometimes,
		Generate: func(src scenario.Source) scenario.Input {
			b := &scenario.Builder{Src: src, Verbs: sessionVerbs}
			gen(b)
			return b.Input
		},
		Doc: doc, Long: doc + "." + sessionChecks,
	}
}

// Scenarios are the scenarios of the session layer.
func Scenarios() []*scenario.Scenario {
	return []*scenario.Scenario{
		sessionScenario("connect-accept", "listen, connect, accept, a few bytes, close",
			[]string{"established", "data", "refused"}, genConnectAccept),
		sessionScenario("close-storm", "both sides close, half-close, reset, close twice, during connect, around an unlisten",
			[]string{"established", "refused"}, genCloseStorm),
		sessionScenario("detach-crash", "either side or both leave or die in any state",
			[]string{"established", "refused"}, genDetachCrash),
		sessionScenario("recycling", "sessions open and close one after the other, so that indices, handles, memory and addresses are recycled at once",
			[]string{"established", "data"}, genReuse),
		sessionScenario("multi-app", "three applications, two listeners, up to four sessions",
			[]string{"established", "data"}, genMany),
		sessionScenario("backlog", "an application that stops while others keep asking it",
			[]string{"established", "refused"}, genBacklog),
		sessionScenario("echo-under-fire", "data flows both ways while sessions close, applications leave, stop and die",
			[]string{"established", "data"}, genEcho),
		sessionScenario("slow-layer", "the session layer stops or dies, or an application has no room for descriptors, while sessions are used and closed",
			[]string{"established", "data"}, genSlowLayer),
		sessionScenario("layer-returns", "the session layer dies, sessions go on without it, and applications attach to the next one",
			[]string{"established", "data", "returned"}, genLayerReturns),
		sessionScenario("rogue", "two applications that use the library beside one that sends any message about any object",
			[]string{"established", "data"}, genRogue),
		sessionScenario("vandal", "an application spoils or floods the event queues and fifos that it shares with another one, which has sessions with others",
			[]string{"established", "data", "spoiled"}, genVandal),
	}
}

func sessionConfig(b *scenario.Builder, faults ...string) (size int) {
	size = b.Number("fifo", 4, 1, 16, 1536)
	b.Word("linger", "0", "1s")
	b.Word("faults", faults...)
	return size
}

func genConnectAccept(b *scenario.Builder) {
	size := sessionConfig(b, "none", "kill", "stop", "wake", "fail")
	b.Word("bind", "loopback", "any")
	b.Op("srv", listen{1})
	b.Op("srv", accept{1})
	b.Op("cli", dial{1})
	for range b.Src.Intn(3, "exchanges") {
		n := 1 + b.Src.Intn(2*size, "bytes")
		b.Op("cli", write{n})
		b.Op("srv", read{n})
	}
	b.Op([]string{"cli", "srv"}[b.Src.Intn(2, "closer")], closeAll{})
	if b.Src.Intn(4, "strays") == 3 {
		b.Op("cli", stray{1})
	}
}

var endings = []any{closeAll{}, shut{}, reset{}, closeAll{}, detach{}}

func genCloseStorm(b *scenario.Builder) {
	size := sessionConfig(b, "none", "stop", "wake")
	b.Op("srv", listen{1})
	if b.Src.Intn(3, "accept") < 2 {
		b.Op("srv", accept{1})
	}
	if b.Src.Intn(3, "unlisten") == 1 {
		b.Op("srv", unlisten{1})
	}
	b.Op("cli", dial{1})
	for _, app := range []string{"cli", "srv"} {
		if b.Src.Intn(2, "data") == 1 {
			b.Op(app, write{1 + b.Src.Intn(size, "bytes")})
		}
		if b.Src.Intn(3, "expects") == 2 {
			b.Op(app, expect{1 + b.Src.Intn(size, "bytes")})
		}
		for range 1 + b.Src.Intn(3, "endings") {
			b.Op(app, endings[b.Src.Intn(len(endings), "ending")])
		}
	}
}

func genDetachCrash(b *scenario.Builder) {
	size := sessionConfig(b, "kill", "all", "stop", "fail", "all-die")
	b.Op("srv", listen{1})
	for range 1 + b.Src.Intn(2, "sessions") {
		b.Op("cli", dial{1})
		b.Op("srv", accept{1})
		if b.Src.Intn(2, "data") == 1 {
			b.Op("cli", write{1 + b.Src.Intn(size, "bytes")})
			b.Op("srv", read{1})
		}
		half := b.Src.Intn(4, "shut") // a half-closed session when an application leaves or dies
		for i, app := range []string{"cli", "srv"} {
			if half&(1<<i) != 0 {
				b.Op(app, shut{})
			}
		}
	}
	b.Op([]string{"cli", "srv"}[b.Src.Intn(2, "leaver")], detach{})
}

func genReuse(b *scenario.Builder) {
	size := sessionConfig(b, "none", "stop", "wake", "kill")
	b.Op("srv", listen{1})
	for range 2 + b.Src.Intn(2, "sessions") {
		n := 1 + b.Src.Intn(size, "bytes")
		b.Op("cli", dial{1})
		b.Op("srv", accept{1})
		b.Op("cli", write{n})
		b.Op("srv", read{n})
		b.Op("cli", closeAll{})
		b.Op("srv", closeAll{})
	}
}

func genMany(b *scenario.Builder) {
	size := sessionConfig(b, "none", "kill", "stop")
	if b.Src.Intn(6, "parks") == 5 {
		park(b)
		return
	}
	b.Op("srv", listen{1})
	b.Op("cli", listen{2})
	b.Op("cli2", dial{1})
	b.Op("srv", accept{1})
	for range b.Src.Intn(3, "more") {
		switch b.Src.Intn(6, "app") {
		case 0:
			b.Op("srv", dial{2})
			b.Op("cli", accept{2})
		case 1:
			visit(b)
		case 2:
			b.Op("cli2", dial{2})
			b.Op("cli", accept{2})
		case 3:
			b.Op("cli", listen{1})
		case 4:
			b.Op("srv", dial{1})
		case 5: // the memory of one pair goes while another one needs its own
			b.Op("cli2", []any{closeAll{}, detach{}}[b.Src.Intn(2, "goes")])
			b.Op("srv", closeAll{})
			visit(b)
			answer(b)
		}
	}
	b.Op("cli2", write{1 + b.Src.Intn(size, "bytes")})
	b.Op("srv", write{1 + b.Src.Intn(size, "bytes")})
	b.Op("cli2", read{1})
}

// visit lets the client connect and send a byte.
func visit(b *scenario.Builder) {
	b.Op("cli", dial{1})
	b.Op("srv", accept{1})
	b.Op("cli", write{1})
	b.Op("srv", read{1})
}

// answer lets the server send a byte to the client.
func answer(b *scenario.Builder) {
	b.Op("srv", write{1})
	b.Op("cli", read{1})
}

// park lets a task of the server sleep on a silent session while another application connects and is served.
func park(b *scenario.Builder) {
	b.Op("srv", listen{3})
	b.Op("srv", listen{1})
	b.Op("cli2", dial{3})
	b.Op("srv", accept{3})
	b.Op("srv", expect{1})
	visit(b)
	answer(b)
	b.Op("cli2", read{1})
}

func genBacklog(b *scenario.Builder) {
	sessionConfig(b, "stop", "all", "none")
	b.Number("backlog", 4096, 1)
	b.Op("srv", listen{1})
	if b.Src.Intn(3, "served") == 2 {
		for range 2 + b.Src.Intn(2, "dials") {
			b.Op("cli", dial{1})
			b.Op("srv", accept{1})
		}
		return
	}
	for range 2 + b.Src.Intn(5, "dials") {
		b.Op([]string{"cli", "cli2"}[b.Src.Intn(2, "app")], dial{1})
	}
	b.Op("srv", accept{1})
}

func genSlowLayer(b *scenario.Builder) {
	size := b.Number("fifo", 4, 16)
	b.Word("faults", "layer-stops", "layer-dies", "full-table", "none")
	b.Number("channel", 1, 2)
	b.Op("srv", listen{1})
	for range 2 + b.Src.Intn(2, "sessions") {
		b.Op("srv", accept{1})
		b.Op("cli", dial{1})
		if b.Src.Intn(2, "data") == 1 {
			n := 1 + b.Src.Intn(size, "bytes")
			b.Op("cli", write{n})
			b.Op("srv", read{n})
		}
		for _, app := range []string{"cli", "srv"} {
			if b.Src.Intn(2, "shut") == 1 {
				b.Op(app, shut{})
			}
			b.Op(app, []any{closeAll{}, reset{}}[b.Src.Intn(2, "ending")])
		}
	}
	if b.Src.Intn(2, "unlisten") == 1 {
		b.Op("srv", unlisten{1})
	}
	if b.Src.Intn(3, "heir") == 2 {
		b.Op("srv", detach{})
		b.Op("cli", listen{1})
	}
	b.Op("cli2", wait{1}) // so that time passes
}

func genLayerReturns(b *scenario.Builder) {
	size := b.Number("fifo", 4, 16)
	b.Word("faults", "layer-returns", "layer-leaves")
	b.Number("backlog", 4096, 1)
	b.Op("srv", listen{1})
	for range 1 + b.Src.Intn(3, "sessions") {
		b.Op("srv", accept{1})
		b.Op("cli", dial{1})
		if b.Src.Intn(2, "more") == 1 {
			b.Op("cli2", dial{1})
			b.Op("cli2", closeAll{})
		}
		if b.Src.Intn(3, "data") > 0 {
			n := 1 + b.Src.Intn(2*size, "bytes")
			b.Op("cli", write{n})
			b.Op("srv", read{[...]int{n, n / 2, n + 1}[b.Src.Intn(3, "read")]}) // less, and the writer waits; more, and the reader
		}
		for _, app := range []string{"cli", "srv"} {
			b.Op(app, []any{closeAll{}, reset{}, shut{}}[b.Src.Intn(3, "ending")])
			b.Op(app, closeAll{}) // else a failed dial leaves a session that no peer reads
		}
	}
	if b.Src.Intn(3, "unlisten") == 1 {
		b.Op("srv", unlisten{1})
	}
	b.Op("cli", wait{1}) // what it has closed must not need its end
	b.Op("cli2", wait{1})
}

func genEcho(b *scenario.Builder) {
	size := sessionConfig(b, "none", "kill", "stop", "wake", "all")
	b.Op("srv", listen{1})
	b.Op("srv", accept{1})
	b.Op("cli", dial{1})
	for range 1 + b.Src.Intn(3, "rounds") {
		n := 1 + b.Src.Intn(3*size, "bytes")
		b.Op("cli", write{n})
		b.Op("srv", read{n})
		b.Op("srv", write{n})
		b.Op("cli", read{n})
	}
	if b.Src.Intn(3, "duplex") == 2 { // two tasks of the client wait at a time
		n := 1 + b.Src.Intn(3*size, "bytes")
		b.Op("cli", expect{1})
		b.Op("cli", write{n})
		b.Op("srv", write{1})
		b.Op("srv", read{n})
	}
	i := b.Src.Intn(2, "ender")
	b.Op([]string{"cli", "srv"}[i], endings[b.Src.Intn(len(endings), "ending")])
	if b.Src.Intn(3, "wants more") == 2 {
		b.Op([]string{"srv", "cli"}[i], read{1})
	}
}

// genRogue draws a session of two applications that use the library, and a hostile application that a third one may
// connect to.
func genRogue(b *scenario.Builder) {
	size := sessionConfig(b, "none", "wake", "kill", "fail")
	mode := b.Word("rogue", rogueModes...)
	b.Op("srv", listen{1})
	b.Op("cli", dial{1})
	b.Op("srv", accept{1})
	n := 1 + b.Src.Intn(size, "bytes")
	b.Op("cli", write{n})
	b.Op("srv", read{n})
	b.Op("cli", closeAll{})
	if b.Src.Intn(2, "listens") == 1 {
		b.Op("rogue", listen{2})
		for range 1 + b.Src.Intn(2, "victims") {
			b.Op("cli2", dial{2})
			if b.Src.Intn(2, "waits") == 1 {
				b.Op("cli2", wait{1})
			}
			b.Op("cli2", closeAll{})
		}
		if b.Src.Intn(2, "outlasts") == 1 {
			b.Op("cli2", wait{20})
		}
	}
	lying := 1 + b.Src.Intn(5, "lies")
	if mode == "deaf" {
		lying += 8 // more replies than its channel holds
	}
	for range lying {
		l := lies[b.Src.Intn(len(lies), "lie")]
		kind := l.about
		if b.Src.Intn(4, "wrong kind") == 3 {
			kind = wire.Kind(1 + b.Src.Intn(5, "kind"))
		}
		low := [...]int{0, 0, 1, 2} // what there is has low indices and generations
		b.Op("rogue", lie{l.message, int(kind), low[b.Src.Intn(4, "index")], 1 + low[b.Src.Intn(4, "generation")]})
	}
	if b.Src.Intn(3, "ends a listener") == 2 { // its own, or that of srv
		b.Op("rogue", lie{wire.Message{Type: wire.Unbind}, int(wire.KindListener), b.Src.Intn(2, "index"), 1})
	}
	if b.Src.Intn(4, "detaches") == 3 {
		b.Op("rogue", detach{})
		l := lies[b.Src.Intn(len(lies), "lie")]
		b.Op("rogue", lie{l.message, int(wire.KindSession), b.Src.Intn(3, "index"), 1})
	}
}

// genVandal draws sessions with a vandal, liar or flooder, which one application has, and sessions beside them.
func genVandal(b *scenario.Builder) {
	size := sessionConfig(b, "none", "wake", "kill", "stop", "hostile")
	b.Word("rogue", vandal, liar, flooder)
	b.Op("rogue", listen{2})
	b.Op("srv", listen{1})
	for range 1 + b.Src.Intn(2, "sessions") {
		b.Op("cli2", dial{2})
		b.Op("cli2", []any{read{1}, write{2 * size}, expect{1}}[b.Src.Intn(3, "use")])
		if b.Src.Intn(2, "closes") == 1 {
			b.Op("cli2", closeAll{})
		}
	}
	n := 1 + b.Src.Intn(size, "bytes")
	for _, app := range []string{"cli", "cli2"}[:1+b.Src.Intn(2, "visitors")] {
		b.Op(app, dial{1})
		b.Op("srv", accept{1})
		b.Op(app, write{n})
		b.Op("srv", read{n})
	}
}
