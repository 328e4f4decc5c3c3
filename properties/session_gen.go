package properties

import (
	"cutthrough/sim"
)

// sessionChecks is what every session scenario checks.
const sessionChecks = `

Runs: the real impl.Server in a process of its own, and applications that do their operations through
the real impl.App: listen PORT, unlisten PORT, accept PORT, dial PORT, stray PORT (dial another
machine's), write N, read N, expect N (read in a task of its own), shut (close for writing), close, reset, detach,
wait MINUTES; data operations use the application's newest session. An accept that nobody can
fulfil any more is ended from outside.

Checked: Layer.CheckInvariants after every step (Invariant); what the session layer says, by the messages alone
(Protocol): one reply to each request, handles that name one thing ever, maps before use and unmaps after it, no
close or refusal without a cause, the order kept, proper answers; who closes with bytes unread says so (Reset); bytes are those of the session's stream (Stream); calls
return, with documented errors only, and with none at all when the workload is polite and there are no faults (NoDeadlock, NoLostWakeup, NoLivelock, ErrorKind); when all applications have gone the
session layer has nothing left, no session, segment, listener, address space (Reclaimed), and no
application that ended by itself leaks a descriptor or mapping (NoLeak).`

func sessionScenario(name, doc string, sometimes []string, gen func(b *builder)) *sim.Test {
	return &sim.Test{
		Name: name, Compile: compileSession, Sometimes: sometimes,
		Generate: func(src sim.Source) sim.Case {
			b := &builder{src: src}
			gen(b)
			return b.c
		},
		Doc: doc, Long: doc + "." + sessionChecks,
	}
}

// sessionScenarios are the scenarios of the session layer.
func sessionScenarios() []*sim.Test {
	return []*sim.Test{
		sessionScenario("connect-accept", "listen, connect, accept, a few bytes, close",
			[]string{"established", "data", "refused"}, genConnectAccept),
		sessionScenario("close-storm", "both sides close, half-close, reset, close twice, during connect, around an unlisten",
			[]string{"established", "refused"}, genCloseStorm),
		sessionScenario("detach-crash", "either side or both leave or die in any state",
			[]string{"established", "refused"}, genDetachCrash),
		sessionScenario("reuse", "sessions open and close one after the other, so that indices, handles, memory and addresses are recycled at once",
			[]string{"established", "data"}, genReuse),
		sessionScenario("many", "three applications, two listeners, up to four sessions",
			[]string{"established", "data"}, genMany),
		sessionScenario("backlog", "an application that stops while others keep asking it",
			[]string{"established", "refused"}, genBacklog),
		sessionScenario("echo-under-fire", "data flows both ways while sessions close, applications leave, stop and die",
			[]string{"established", "data"}, genEcho),
		sessionScenario("rogue", "two applications in peace beside one that says what it likes, about what is not its own",
			[]string{"established", "data"}, genRogue),
	}
}

func sessionConfig(b *builder, faults ...string) (size int) {
	size = b.number("fifo", 4, 1, 16, 1536)
	b.word("linger", "0", "1s")
	b.word("faults", faults...)
	return size
}

func genConnectAccept(b *builder) {
	size := sessionConfig(b, "none", "kill", "stop", "wake", "fail")
	b.word("bind", "loopback", "any")
	b.op("srv", "listen", 1)
	b.op("srv", "accept", 1)
	b.op("cli", "dial", 1)
	for range b.src.Intn(3, "exchanges") {
		n := 1 + b.src.Intn(2*size, "bytes")
		b.op("cli", "write", n)
		b.op("srv", "read", n)
	}
	b.op([]string{"cli", "srv"}[b.src.Intn(2, "who closes")], "close")
	if b.src.Intn(4, "strays") == 3 {
		b.op("cli", "stray", 1)
	}
}

var endings = []string{"close", "shut", "reset", "close", "detach"}

func genCloseStorm(b *builder) {
	size := sessionConfig(b, "none", "stop", "wake")
	b.op("srv", "listen", 1)
	if b.src.Intn(3, "accept") < 2 {
		b.op("srv", "accept", 1)
	}
	if b.src.Intn(3, "unlisten") == 1 {
		b.op("srv", "unlisten", 1)
	}
	b.op("cli", "dial", 1)
	for _, who := range []string{"cli", "srv"} {
		if b.src.Intn(2, "data") == 1 {
			b.op(who, "write", 1+b.src.Intn(size, "bytes"))
		}
		if b.src.Intn(3, "expects") == 2 {
			b.op(who, "expect", 1+b.src.Intn(size, "bytes"))
		}
		for range 1 + b.src.Intn(3, "endings") {
			b.op(who, endings[b.src.Intn(len(endings), "ending")])
		}
	}
}

func genDetachCrash(b *builder) {
	size := sessionConfig(b, "kill", "all", "stop", "fail")
	b.op("srv", "listen", 1)
	for range 1 + b.src.Intn(2, "sessions") {
		b.op("cli", "dial", 1)
		b.op("srv", "accept", 1)
		if b.src.Intn(2, "data") == 1 {
			b.op("cli", "write", 1+b.src.Intn(size, "bytes"))
			b.op("srv", "read", 1)
		}
		shut := b.src.Intn(4, "shut") // it may have half a session left when it leaves or dies
		for i, who := range []string{"cli", "srv"} {
			if shut&(1<<i) != 0 {
				b.op(who, "shut")
			}
		}
	}
	b.op([]string{"cli", "srv"}[b.src.Intn(2, "who leaves")], "detach")
}

func genReuse(b *builder) {
	size := sessionConfig(b, "none", "stop", "wake", "kill")
	b.op("srv", "listen", 1)
	for range 2 + b.src.Intn(2, "sessions") {
		n := 1 + b.src.Intn(size, "bytes")
		b.op("cli", "dial", 1)
		b.op("srv", "accept", 1)
		b.op("cli", "write", n)
		b.op("srv", "read", n)
		b.op("cli", "close")
		b.op("srv", "close")
	}
}

func genMany(b *builder) {
	size := sessionConfig(b, "none", "kill", "stop")
	if b.src.Intn(6, "parks") == 5 {
		park(b)
		return
	}
	b.op("srv", "listen", 1)
	b.op("cli", "listen", 2)
	b.op("cli2", "dial", 1)
	b.op("srv", "accept", 1)
	for range b.src.Intn(3, "more") {
		switch b.src.Intn(6, "who") {
		case 0:
			b.op("srv", "dial", 2)
			b.op("cli", "accept", 2)
		case 1:
			visit(b)
		case 2:
			b.op("cli2", "dial", 2)
			b.op("cli", "accept", 2)
		case 3:
			b.op("cli", "listen", 1)
		case 4:
			b.op("srv", "dial", 1)
		case 5: // the memory of one pair goes while another one needs its own
			b.op("cli2", []string{"close", "detach"}[b.src.Intn(2, "goes")])
			b.op("srv", "close")
			visit(b)
			answer(b)
		}
	}
	b.op("cli2", "write", 1+b.src.Intn(size, "bytes"))
	b.op("srv", "write", 1+b.src.Intn(size, "bytes"))
	b.op("cli2", "read", 1)
}

// visit has the client come and be heard.
func visit(b *builder) {
	b.op("cli", "dial", 1)
	b.op("srv", "accept", 1)
	b.op("cli", "write", 1)
	b.op("srv", "read", 1)
}

// answer has the visitor hear something, too.
func answer(b *builder) {
	b.op("srv", "write", 1)
	b.op("cli", "read", 1)
}

// park has a task of the server sleep on a session that stays silent, while another
// application comes and is served.
func park(b *builder) {
	b.op("srv", "listen", 3)
	b.op("srv", "listen", 1)
	b.op("cli2", "dial", 3)
	b.op("srv", "accept", 3)
	b.op("srv", "expect", 1)
	visit(b)
	answer(b)
	b.op("cli2", "read", 1)
}

func genBacklog(b *builder) {
	sessionConfig(b, "stop", "all")
	b.op("srv", "listen", 1)
	for range 2 + b.src.Intn(5, "dials") {
		b.op([]string{"cli", "cli2"}[b.src.Intn(2, "who")], "dial", 1)
	}
	b.op("srv", "accept", 1)
}

func genEcho(b *builder) {
	size := sessionConfig(b, "none", "kill", "stop", "wake", "all")
	b.op("srv", "listen", 1)
	b.op("srv", "accept", 1)
	b.op("cli", "dial", 1)
	for range 1 + b.src.Intn(3, "rounds") {
		n := 1 + b.src.Intn(3*size, "bytes")
		b.op("cli", "write", n)
		b.op("srv", "read", n)
		b.op("srv", "write", n)
		b.op("cli", "read", n)
	}
	if b.src.Intn(3, "duplex") == 2 { // two tasks of the client wait at a time
		n := 1 + b.src.Intn(3*size, "bytes")
		b.op("cli", "expect", 1)
		b.op("cli", "write", n)
		b.op("srv", "write", 1)
		b.op("srv", "read", n)
	}
	i := b.src.Intn(2, "who ends")
	b.op([]string{"cli", "srv"}[i], endings[b.src.Intn(len(endings), "ending")])
	if b.src.Intn(3, "wants more") == 2 {
		b.op([]string{"srv", "cli"}[i], "read", 1)
	}
}
