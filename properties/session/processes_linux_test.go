package session

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"cutthrough/impl/layer"
	"cutthrough/impl/wire"
	"cutthrough/internal/proctest"
	"cutthrough/model/negotiation"
	"cutthrough/properties/oracle"
)

// noted is a line of the log of a run: what was seen where.
type noted struct {
	What    sighting
	Channel layer.Channel // of what the layer took or told
	App     int           // that received it or has gone
	Msg     wire.Message
}

type sighting uint8

const (
	taken    sighting = iota // by the layer
	told                     // by the layer
	received                 // by an application
	left                     // an application is about to leave
	killed                   // an application is about to be killed
)

func (n noted) String() string {
	subject := fmt.Sprintf("channel %d", n.Channel)
	if n.What >= received {
		subject = fmt.Sprintf("application %d", n.App)
	}
	return fmt.Sprintf("%s %s: %v", subject, [...]string{"says", "is told", "receives", "leaves", "is killed"}[n.What], n.Msg)
}

// violated is what ends a run that is judged.
type violated struct{ property, text string }

// judge feeds the log of a run to the monitors of the simulated sessions. It returns which property
// does not hold, or one that is not decided, and how.
func judge(log []noted) (property, text string) {
	at := 0
	defer func() {
		switch r := recover().(type) {
		case nil:
		case violated:
			property, text = r.property, fmt.Sprintf("%d: %s", at, r.text)
		default:
			panic(r)
		}
	}()
	fail := func(property, format string, args ...any) {
		panic(violated{property, fmt.Sprintf(format, args...)})
	}
	mon := oracle.NewMessages(fail, oracle.Setting{Recorded: true})
	paths := oracle.NewSessions(fail, mon)
	for i, n := range log {
		at = i
		switch n.What {
		case taken, told:
			mon.Observe(n.Channel, n.What == told, n.Msg)
			paths.Observe(n.Channel, n.What == told, n.Msg)
		case received:
			mon.Received(n.App, n.Msg)
		case left, killed:
			mon.Gone(n.App)
		}
	}
	paths.EndStep()
	if text := paths.Undecided(); text != "" {
		return oracle.RefinesSession, text
	}
	return "", ""
}

const stageURI = "tcp://127.0.0.1/80"

// troupe is a session layer, a server and a client, in a process each, and what was seen of them.
type troupe struct {
	t                     *testing.T
	addr                  string
	layer, server, client *process
	apps                  []*process // all there ever were
	log                   []noted
	failing               bool
}

func newTroupe(t *testing.T, cfg layer.Config) *troupe {
	tr := &troupe{t: t, addr: filepath.Join(t.TempDir(), "layer")}
	tr.layer = &process{proctest.Start(t), 0, tr.fatal}
	ask[None](tr.layer, "Layer", LayerCall{tr.addr, cfg})
	tr.newServer()
	tr.newClient()
	return tr
}

// attach starts an application.
func (tr *troupe) attach() *process {
	p := &process{proctest.Start(tr.t), len(tr.apps) + 1, tr.fatal}
	tr.apps = append(tr.apps, p)
	ask[None](p, "Attach", AttachCall{tr.addr, p.app, 1})
	return p
}

// newServer starts a server, once the layer knows that the last one has gone.
func (tr *troupe) newServer() {
	tr.awaitStat(func(x layer.Stat) bool { return len(x.Listeners) == 0 })
	tr.server = tr.attach()
	ask[None](tr.server, "Listen", stageURI)
}

// awaitStep calls done, and again after each step of the session layer, until it returns true. It returns false if the
// session layer makes no step any more.
func (tr *troupe) awaitStep(done func() bool) bool {
	for n := ask[int](tr.layer, "Steps", -1); !done(); {
		last := n
		if n = ask[int](tr.layer, "Steps", last); n == last {
			return false
		}
	}
	return true
}

// awaitStat returns when what the session layer has is as wanted.
func (tr *troupe) awaitStat(wanted func(layer.Stat) bool) {
	tr.t.Helper()
	var x layer.Stat
	look := func() bool {
		x = ask[layer.Stat](tr.layer, "Stat", None{})
		return wanted(x)
	}
	if !tr.awaitStep(look) {
		tr.fatal("the session layer has %+v", x)
	}
}

func (tr *troupe) newClient() { tr.client = tr.attach() }

// look adds the new notes of all processes to the log. A message is sent before it is received, so the receivers are
// asked first and their notes come last.
func (tr *troupe) look() {
	tr.t.Helper()
	var heard []noted
	for _, p := range tr.apps {
		if !p.Idle() {
			heard = append(heard, ask[[]noted](p, "Log", None{})...)
		}
	}
	tr.log = slices.Concat(tr.log, ask[[]noted](tr.layer, "Log", None{}), heard)
}

// await looks until something wanted of the session layer is in the log, from a place on.
func (tr *troupe) await(from int, wanted func(noted) bool) {
	tr.t.Helper()
	look := func() bool {
		tr.look()
		return slices.ContainsFunc(tr.log[from:], wanted)
	}
	if !tr.awaitStep(look) {
		tr.fatal("not seen in %v", tr.log[from:])
	}
}

// toldOf returns a predicate for notes of the layer that send a message of a type.
func toldOf(k wire.Type) func(noted) bool {
	return func(n noted) bool { return n.What == told && n.Msg.Type == k }
}

// goes notes that an application is about to go: what it does from now on, the layer may or may
// not see.
func (tr *troupe) goes(p *process, how sighting) {
	tr.look()
	tr.log = append(tr.log, noted{What: how, App: p.app})
}

func (tr *troupe) kill(p *process) {
	tr.goes(p, killed)
	p.Kill()
}

func (tr *troupe) detach(p *process) {
	tr.goes(p, left)
	ask[None](p, "Detach", None{})
	tr.look()
	p.End()
}

func (tr *troupe) dial(want string) int { return ask[int](tr.client, "Dial", DialCall{stageURI, want}) }
func (tr *troupe) accept() int          { return ask[int](tr.server, "Accept", None{}) }

// do has an application do something with a session, which may fail as wanted.
func (tr *troupe) do(p *process, id int, verb, want string) {
	tr.t.Helper()
	ask[None](p, "Do", SessionCall{id, verb, want})
}

// pending stops the server, and returns when it has been asked to accept a session.
func (tr *troupe) pending(want string) (dialled func() int) {
	tr.look()
	from := len(tr.log)
	tr.server.Stop()
	dialled = begin[int](tr.client, "Dial", DialCall{stageURI, want})
	tr.await(from, toldOf(wire.Accept))
	return dialled
}

// fatal ends a run that does not go as it should. What was said until then may say why.
func (tr *troupe) fatal(format string, args ...any) {
	tr.t.Helper()
	tr.t.Errorf(format, args...)
	if !tr.failing {
		tr.failing = true // looking may fail, too
		defer tr.judge()
		tr.look()
	}
	tr.t.FailNow()
}

// judge reports what in the log is no path of the model.
func (tr *troupe) judge() {
	tr.t.Helper()
	if property, text := judge(tr.log); property != "" {
		tr.t.Errorf("%s: %s", property, text)
	}
}

// end has all leave, checks that nothing is left and that all of it was right, and returns the log.
func (tr *troupe) end() []noted {
	tr.t.Helper()
	for _, p := range tr.apps {
		if !p.Gone() {
			tr.detach(p)
		}
	}
	tr.awaitStat(func(x layer.Stat) bool {
		return len(x.Apps)+len(x.Listeners)+len(x.Sessions)+len(x.Segments) == 0 && x.Used == 0
	})
	ask[None](tr.layer, "EndLayer", None{})
	tr.look()
	tr.layer.End()
	tr.judge()
	return tr.log
}

// rounds are what can become of sessions. Each leaves a server that listens and a client.
var rounds = []struct {
	name string
	play func(*troupe)
}{
	{"echo, the client closes first", func(tr *troupe) {
		c, s := tr.dial(""), tr.accept()
		tr.do(tr.client, c, "write", "")
		tr.do(tr.server, s, "read", "")
		tr.do(tr.server, s, "write", "")
		tr.do(tr.client, c, "read", "")
		tr.do(tr.client, c, "close", "")
		tr.do(tr.server, s, "read", "EOF")
		tr.do(tr.server, s, "close", "")
	}},
	{"the server closes first", func(tr *troupe) {
		c, s := tr.dial(""), tr.accept()
		tr.do(tr.server, s, "write", "")
		tr.do(tr.server, s, "close", "")
		tr.do(tr.client, c, "read", "")
		tr.do(tr.client, c, "read", "EOF")
		tr.do(tr.client, c, "close", "")
	}},
	{"both close at once", func(tr *troupe) {
		c, s := tr.dial(""), tr.accept()
		closed := begin[None](tr.client, "Do", SessionCall{c, "close", ""})
		tr.do(tr.server, s, "close", "")
		closed()
	}},
	{"half-closed, then closed", func(tr *troupe) {
		c, s := tr.dial(""), tr.accept()
		tr.do(tr.client, c, "shut", "")
		tr.do(tr.server, s, "read", "EOF")
		tr.do(tr.server, s, "write", "")
		tr.do(tr.server, s, "shut", "")
		tr.do(tr.client, c, "read", "")
		tr.do(tr.client, c, "read", "EOF")
		tr.do(tr.client, c, "close", "")
		tr.do(tr.server, s, "close", "")
	}},
	{"two sessions of a pair, each reset by one side", func(tr *troupe) {
		c1, s1 := tr.dial(""), tr.accept()
		c2, s2 := tr.dial(""), tr.accept()
		tr.do(tr.client, c1, "reset", "")
		tr.do(tr.server, s2, "reset", "")
		tr.do(tr.server, s1, "read", "reset")
		tr.do(tr.client, c2, "read", "reset")
		tr.do(tr.server, s1, "close", "")
		tr.do(tr.client, c2, "close", "")
	}},
	{"rejected: the listener closes while a dial waits for room", func(tr *troupe) {
		c := tr.dial("")
		tr.look()
		from := len(tr.log)
		dialled := begin[int](tr.client, "Dial", DialCall{stageURI, "refused"})
		tr.await(from, toldOf(wire.Accept))
		ask[None](tr.server, "Unlisten", None{})
		dialled()
		tr.do(tr.client, c, "read", "reset")
		tr.do(tr.client, c, "close", "")
		ask[None](tr.server, "Listen", stageURI)
	}},
	{"unbound with a session that is not accepted", func(tr *troupe) {
		c := tr.dial("")
		ask[None](tr.server, "Unlisten", None{})
		tr.do(tr.client, c, "read", "reset")
		tr.do(tr.client, c, "close", "")
		tr.dial("refused")
		ask[None](tr.server, "Listen", stageURI)
	}},
	{"the client is killed", func(tr *troupe) {
		tr.dial("")
		s := tr.accept()
		tr.kill(tr.client)
		tr.do(tr.server, s, "read", "reset")
		tr.do(tr.server, s, "close", "")
		tr.newClient()
	}},
	{"the server is killed", func(tr *troupe) {
		c := tr.dial("")
		tr.accept()
		tr.kill(tr.server)
		tr.do(tr.client, c, "read", "reset")
		tr.do(tr.client, c, "close", "")
		tr.newServer()
	}},
	{"the client is killed before it is accepted", func(tr *troupe) {
		tr.pending("")
		tr.kill(tr.client)
		tr.server.Resume()
		s := tr.accept()
		tr.do(tr.server, s, "read", "reset")
		tr.do(tr.server, s, "close", "")
		tr.newClient()
	}},
	{"the server is killed before it accepts", func(tr *troupe) {
		dialled := tr.pending("refused")
		tr.kill(tr.server)
		dialled()
		tr.newServer()
	}},
	{"the client leaves with a session", func(tr *troupe) {
		tr.dial("")
		s := tr.accept()
		tr.detach(tr.client)
		tr.do(tr.server, s, "read", "EOF")
		tr.do(tr.server, s, "close", "")
		tr.newClient()
	}},
	{"the server leaves with a session", func(tr *troupe) {
		c := tr.dial("")
		tr.accept()
		tr.detach(tr.server)
		tr.do(tr.client, c, "read", "EOF")
		tr.do(tr.client, c, "close", "")
		tr.newServer()
	}},
}

// TestProcessesFollowTheModel: every session of a real session layer with real applications, in a
// process each, is a path of the model of one, and what is said is right. So it is when time runs
// out, which in the simulator costs nothing.
func TestProcessesFollowTheModel(t *testing.T) {
	seen := map[uint8]bool{}
	for name, play := range map[string]func(*testing.T) []noted{
		"rounds":          playRounds,
		"connect timeout": playConnectTimeout,
		"close timeout":   playCloseTimeout,
	} {
		t.Run(name, func(t *testing.T) {
			for _, n := range play(t) {
				if kind, ok := n.event(); ok {
					seen[kind] = true
				}
			}
		})
	}
	if t.Failed() {
		return
	}
	for kind := uint8(negotiation.TakenAccept); kind <= negotiation.ToldDone; kind++ {
		// The application library closes without having been asked to, and leaves by closing its channel.
		if !seen[kind] && kind != negotiation.TakenConfirm && kind != negotiation.TakenDetach {
			t.Errorf("never seen: %v", negotiation.SessionEvent{Kind: kind})
		}
	}
}

// event returns what of the machine of a session is seen.
func (n noted) event() (kind uint8, ok bool) {
	switch n.What {
	case taken:
		return oracle.Taken(n.Msg)
	case told:
		return oracle.Told(n.Msg)
	}
	return 0, false
}

// playRounds plays the rounds with one session layer.
func playRounds(t *testing.T) []noted {
	tr := newTroupe(t, layer.Config{SegmentSize: 32 << 10, FifoSize: 4 << 10})
	for _, r := range rounds {
		t.Log(r.name)
		r.play(tr)
	}
	return tr.end()
}

func playConnectTimeout(t *testing.T) []noted {
	tr := newTroupe(t, layer.Config{SegmentSize: 32 << 10, FifoSize: 4 << 10, ConnectTimeout: time.Millisecond})
	tr.pending("timed out")()
	tr.server.Resume()
	s := tr.accept()
	tr.do(tr.server, s, "read", "EOF")
	tr.do(tr.server, s, "close", "")
	return tr.end()
}

func playCloseTimeout(t *testing.T) []noted {
	tr := newTroupe(t, layer.Config{SegmentSize: 32 << 10, FifoSize: 4 << 10, CloseTimeout: time.Millisecond})
	c, s := tr.dial(""), tr.accept()
	tr.do(tr.client, c, "close", "")
	tr.await(0, toldOf(wire.Reset))
	tr.do(tr.server, s, "close", "")
	return tr.end()
}

// tampering is a way to falsify a log, and where it must be noticed.
type tampering struct {
	name    string
	falsify func(log []noted, i int) []noted
	where   func(log []noted, n noted) bool
}

var tamperings = []tampering{
	{"missing", func(log []noted, i int) []noted { return slices.Delete(log, i, i+1) },
		func(log []noted, n noted) bool {
			return n.What == killed || answered(log, n) || heard(log, n) && n.Msg.Type != wire.AttachReply
		}},
	{"twice", func(log []noted, i int) []noted { return slices.Insert(log, i, log[i]) },
		func(_ []noted, n noted) bool { return n.What == told || n.What == received }},
	{"too early", func(log []noted, i int) []noted {
		for j := i - 1; ; j-- {
			if log[j].What <= told {
				return slices.Insert(slices.Delete(log, i, i+1), j, log[i])
			}
		}
	}, func(_ []noted, n noted) bool {
		return n.What == told && slices.Contains([]wire.Type{wire.BindReply, wire.DisconnectReply, wire.ResetReply}, n.Msg.Type)
	}},
	{"another handle", func(log []noted, i int) []noted { log[i].Msg.Handle ^= 1; return log },
		func(log []noted, n noted) bool {
			return heard(log, n) || n.What == received && n.Msg.Type != wire.AttachReply
		}},
	{"another channel", func(log []noted, i int) []noted { log[i].Channel++; return log }, heard},
	{"another status", func(log []noted, i int) []noted { log[i].Msg.Status ^= wire.Refused; return log },
		func(log []noted, n noted) bool {
			return n.What == taken && n.Msg.Type == wire.AcceptReply || heard(log, n) && n.Msg.Type != wire.AttachReply
		}},
	{"half-closed instead of closed, or closed instead", func(log []noted, i int) []noted { log[i].Msg.CloseMode ^= wire.CloseWrite; return log },
		func(log []noted, n noted) bool {
			return n.Msg.Type == wire.Disconnect && n.What == taken || heard(log, n)
		}},
}

// heard says whether an application has received a message of the layer. A message to a dead one may be lost.
func heard(log []noted, n noted) bool {
	if n.What != told {
		return false
	}
	app := 0
	for _, o := range log { // finds the application of the channel
		if o.What == told && o.Channel == n.Channel && o.Msg.Type == wire.AttachReply {
			reply := o.Msg
			app = log[slices.IndexFunc(log, func(o noted) bool { return o.What == received && o.Msg == reply })].App
		}
	}
	return slices.ContainsFunc(log, func(o noted) bool { return o.What == received && o.App == app && o.Msg == n.Msg })
}

// answered says whether n is a request that the layer has replied to.
func answered(log []noted, n noted) bool {
	return n.What == taken && n.Msg.RequestID != 0 && slices.ContainsFunc(log, func(o noted) bool {
		return o.What == told && o.Channel == n.Channel && o.Msg.Type == n.Msg.Type+1 && o.Msg.RequestID == n.Msg.RequestID
	})
}

// TestProcessesTampered: a log in which one line is missing, doubled, misplaced or different is not
// one of the model. So the monitors of [TestProcessesFollowTheModel] see what they are shown.
func TestProcessesTampered(t *testing.T) {
	log := playRounds(t)
	for _, w := range tamperings {
		n := 0
		for i, line := range log {
			if !w.where(log, line) {
				continue
			}
			n++
			if property, _ := judge(w.falsify(slices.Clone(log), i)); property == "" {
				t.Errorf("%s: not noticed of line %d: %v", w.name, i, line)
			}
		}
		t.Logf("%s: noticed of %d lines", w.name, n)
		if n == 0 {
			t.Errorf("%s: tried nowhere", w.name)
		}
	}
}
