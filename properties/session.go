package properties

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"syscall"
	"time"

	"cutthrough/impl"
	"cutthrough/impl/layer"
	"cutthrough/impl/server"
	"cutthrough/impl/wire"
	"cutthrough/model"
	"cutthrough/shm"
	"cutthrough/sim"
)

// Properties of the session scenarios, besides those of every execution.
const (
	propInvariant = "Invariant" // Core.CheckInvariants after every step
	propReclaimed = "Reclaimed" // nothing is left when all applications have gone
	propReset     = "Reset"     // who throws bytes away says so
	propError     = "ErrorKind" // calls fail only with documented errors
)

const layerAddr = "layer"

var nameReaper = shm.NewName("reaper")

var (
	sessionApps = []string{"srv", "cli", "cli2"}

	sessionKeys = []key{
		{name: "fifo", def: 4, min: 1, max: 4096},
		{name: "linger", words: []string{"0", "1s"}},
		{name: "faults", words: append(faultClasses, "fail")},
		{name: "rogue", words: rogueModes},
		{name: "bind", words: []string{"loopback", "any"}},
	}
	sessionVerbs = append(rogueVerbs(), []verb{
		{"listen", sessionApps, [][2]int{{1, 9}}},
		{"unlisten", sessionApps, [][2]int{{1, 9}}},
		{"accept", sessionApps, [][2]int{{1, 9}}},
		{"dial", sessionApps, [][2]int{{1, 9}}},
		{"write", sessionApps, [][2]int{{0, 1 << 14}}},
		{"read", sessionApps, [][2]int{{0, 1 << 14}}},
		{"shut", sessionApps, nil},
		{"close", sessionApps, nil},
		{"reset", sessionApps, nil},
		{"detach", sessionApps, nil},
		{"wait", sessionApps, [][2]int{{1, 60}}},
		{"stray", sessionApps, [][2]int{{1, 9}}},
		{"expect", sessionApps, [][2]int{{0, 1 << 14}}},
	}...)
)

// sessionCase is a compiled case of a session scenario.
type sessionCase struct {
	fifo              int
	cfg               layer.Config
	work              map[string][]op
	mode              string // of the lying application
	ranges, directory *LinChecker
	failing           bool
	wildcard          bool // listeners listen at all addresses
	strict            bool // established sessions must do what they are told, without error
}

func compileSession(c sim.Case) (sim.Program, error) {
	cfg, ops, err := readCase(c, sessionKeys, sessionVerbs)
	if err != nil {
		return sim.Program{}, err
	}
	k := &sessionCase{
		fifo: cfg.numbers["fifo"], work: map[string][]op{}, directory: DirectoryChecker(),
		ranges: RangesChecker(model.Ranges{End: 1 << 48}),
	}
	for _, name := range append(sessionApps, "rogue") {
		k.work[name] = perProc(ops, name)
	}
	k.mode, k.wildcard = cfg.words["rogue"], cfg.words["bind"] == "any"
	k.cfg = layer.Config{SegmentSize: 4096, QueueSlots: 4, FifoSize: uint32(k.fifo)}
	if cfg.words["linger"] == "1s" {
		k.cfg.Linger = 1_000_000_000
	}
	k.strict = polite(ops) && cfg.words["faults"] == "none"
	config := simConfig(cfg.words["faults"])
	config.Leaks, config.MaxTasks = true, 64
	if cfg.words["faults"] == "fail" {
		config.Faults, k.failing = sim.Faults(sim.Fail), true
	}
	return sim.Program{Config: config, Setup: k.setup}, nil
}

// polite says whether the server first listens, at port 1, then accepts as often as the client
// dials, and reads every byte of each session before anybody closes it, once. Without faults
// nothing may go wrong then.
func polite(ops []op) bool {
	type life struct{ bytes, closes int }
	var lives [2][]life
	at1 := func(o op, verb string) bool { return o.verb == verb && o.args[0] == 1 }
	for i, who := range [2]string{"cli", "srv"} {
		mine := perProc(ops, who)
		if who == "srv" {
			if len(mine) == 0 || !at1(mine[0], "listen") {
				return false
			}
			mine = mine[1:]
		}
		for _, o := range mine {
			if at1(o, [2]string{"dial", "accept"}[i]) {
				lives[i] = append(lives[i], life{})
				continue
			}
			if len(lives[i]) == 0 {
				return false
			}
			l := &lives[i][len(lives[i])-1]
			switch {
			case o.verb == "close" && l.closes == 0:
				l.closes++
			case o.verb == [2]string{"write", "read"}[i] && l.closes == 0:
				l.bytes += o.args[0]
			default:
				return false
			}
		}
	}
	intrudes := func(o op) bool { return at1(o, "dial") || at1(o, "listen") }
	return !slices.ContainsFunc(perProc(ops, "cli2"), intrudes) &&
		slices.EqualFunc(lives[0], lives[1], func(a, b life) bool { return a.bytes == b.bytes })
}

func (k *sessionCase) setup(w *sim.World) {
	host := w.Process("layer").Service()
	l, err := host.Listen(layerAddr)
	must(err)
	mon := newSessionMonitor(w.Fail, k.failing)
	mon.deaf, mon.liar = k.mode == "deaf", len(sessionApps)+1
	paths := newModelMonitor(w.Fail, mon)
	broken := func(err error) { w.Fail(propInvariant, "%v", err) }
	s := server.New(host, l, server.Config{Core: newWatchedCore(k.cfg, broken, mon.observe, paths.observe)})
	host.Go("layer", func() {
		if err := s.Run(); err != nil {
			w.Fail(propError, "session layer: %v", err)
		}
	})
	var apps []*sessionApp
	hist := &sessionHistory{
		w: w, failing: k.failing, mon: mon, lawless: len(k.work["rogue"]) > 0,
		bytes: map[wire.Handle]map[int]int{}, killed: map[int]bool{},
	}
	for i, name := range sessionApps {
		if ops := k.work[name]; len(ops) > 0 {
			p := w.Process(name).Mortal()
			x := &sessionApp{w: w, h: p, id: i + 1, hist: hist, wildcard: k.wildcard, strict: k.strict && name != "cli2", reaper: p.NewLocalDoorbell(nameReaper)}
			apps = append(apps, x)
			p.OnDeath(func() { hist.died(x.id, x.ports) })
			p.Go(name, func() { x.run(ops) })
			p.GoDaemon(name+"-reaper", x.reap)
		}
	}
	w.OnIdle(func() bool { return reapOne(apps) })
	k.invite(w, mon, apps)
	w.AtEnd(propLinear, func() error { return hist.check(k.ranges, k.directory) })
	w.AtEnd(propModel, func() error { mon.settle(); paths.settle(); return nil })
	w.AtEnd(propReset, hist.allReset)
	w.AtEnd(propReclaimed, func() error {
		if st := s.Stat(); len(st.Apps)+len(st.Listeners)+len(st.Sessions)+len(st.Segments) > 0 || st.Used > 0 {
			return fmt.Errorf("all applications have gone and the session layer has %+v", st)
		}
		return nil
	})
}

// invite adds the lying application, if it has something to say.
func (k *sessionCase) invite(w *sim.World, mon *sessionMonitor, apps []*sessionApp) {
	ops := k.work["rogue"]
	if len(ops) == 0 {
		return
	}
	p := w.Process("rogue").Mortal()
	x := &rogue{h: p, id: mon.liar, mode: k.mode, mon: mon, end: p.NewLocalDoorbell(nameRogueEnd)}
	p.OnDeath(func() { mon.gone(x.id) })
	p.Go("rogue", func() { x.run(ops) })
	w.OnIdle(func() bool {
		busy := slices.ContainsFunc(apps, func(a *sessionApp) bool { return !a.ended && !a.h.Dead() })
		return !busy && x.dismiss()
	})
}

// sessionApp is one application: it does its operations in order, each on its newest
// session.
type sessionApp struct {
	w         *sim.World
	h         *sim.Process
	id        int
	hist      *sessionHistory
	ports     []int // at which it may listen
	wildcard  bool
	strict    bool
	app       *impl.App
	listeners map[int]*impl.Listener
	s         *impl.Session
	wrote     int
	got       int
	expects   bool   // another task of it reads
	doing     string // the operation under way
	reaper    shm.Doorbell
	reaped    bool
	ended     bool
}

// reapOne ends an application that waits in an accept when nothing else can
// happen: nobody will connect any more. It returns false when there is none:
// whoever else waits then waits for ever.
func reapOne(apps []*sessionApp) bool {
	for _, x := range apps {
		if x.doing == "accept" && !x.reaped && !x.h.Dead() {
			x.reaped = true
			_ = x.reaper.Ring()
			return true
		}
	}
	return false
}

func (x *sessionApp) reap() {
	for !x.reaped {
		_ = x.reaper.Wait(nil, shm.Forever)
	}
	x.hist.left(x.id, x.ports)
	_ = x.app.Close()
}

func (x *sessionApp) run(ops []op) {
	defer func() { x.ended = true }()
	app, err := impl.Attach(x.h, layerAddr, impl.Options{
		Spin:    1, // it hardly ever looks, but its waits say what they wait for
		Observe: func(o impl.Observation) { x.hist.observe(x.id, o) },
	})
	if err != nil {
		x.failed("attach", err)
		return
	}
	x.app, x.listeners = app, map[int]*impl.Listener{}
	for _, o := range ops {
		n := 0
		if len(o.args) > 0 {
			n = o.args[0]
		}
		x.doing = o.verb
		if err := x.do(o.verb, n); err != nil {
			x.failed(o.verb, err)
		}
	}
	x.doing = ""
	x.hist.left(x.id, x.ports)
	if err := x.app.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		x.w.Fail(propError, "close application: %v", err)
	}
}

func uriOf(port int) string { return fmt.Sprintf("tcp://127.0.0.1/%d", port) }

func (x *sessionApp) do(verb string, n int) error {
	switch verb {
	case "listen":
		return x.hist.directory(model.Bind, n, x.id, func() error { return x.listen(n) })
	case "unlisten":
		if l := x.listeners[n]; l != nil {
			delete(x.listeners, n)
			return x.hist.directory(model.Unbind, n, x.id, l.Close)
		}
	case "accept":
		if l := x.listeners[n]; l != nil {
			return x.adopt(l.AcceptSession())
		}
	case "dial":
		return x.dial(n)
	case "stray":
		return x.stray(n)
	case "detach":
		x.hist.left(x.id, x.ports)
		return x.app.Close()
	case "wait":
		x.h.Sleep(x.h.Now() + time.Duration(n)*time.Minute)
	default:
		if x.s != nil {
			return x.data(verb, n)
		}
	}
	return nil
}

// dial connects. Where nothing may go wrong it waits until the server listens.
func (x *sessionApp) dial(port int) error {
	for tries := 0; ; tries++ {
		err := x.hist.directory(model.Dial, port, x.id, func() error {
			return x.adopt(x.app.Dial(context.Background(), uriOf(port)))
		})
		if !x.strict || tries == 5 || !errors.Is(err, syscall.ECONNREFUSED) {
			return err
		}
		x.h.Sleep(x.h.Now() + time.Millisecond)
	}
}

// stray connects to a machine that is not this one: nobody here may answer.
func (x *sessionApp) stray(port int) error {
	_, err := x.app.Dial(context.Background(), fmt.Sprintf("tcp://192.0.2.1/%d", port))
	if err == nil {
		x.w.Fail(propError, "dial 192.0.2.1: somebody of this machine has answered")
	}
	return err
}

func (x *sessionApp) listen(port int) error {
	x.ports = append(x.ports, port) // from now on, if it dies
	uri := uriOf(port)
	if x.wildcard {
		uri = fmt.Sprintf("tcp://0.0.0.0/%d", port)
	}
	l, err := x.app.Listen(uri)
	if err == nil {
		x.listeners[port] = l
	}
	return err
}

func (x *sessionApp) adopt(s *impl.Session, err error) error {
	if err == nil {
		x.s, x.wrote, x.got, x.expects = s, 0, 0, false
		x.w.Sometimes("established")
	}
	return err
}

func (x *sessionApp) data(verb string, n int) error {
	switch verb {
	case "write":
		buf := make([]byte, n)
		model.FillStream(buf, x.wrote)
		k, err := x.s.Write(buf)
		x.wrote += k
		x.hist.wrote(x, k)
		return err
	case "read":
		buf := make([]byte, n)
		k, err := io.ReadFull(x.s, buf)
		checkBytes(x.w, buf[:k], x.got)
		x.got += k
		if k > 0 {
			x.w.Sometimes("data")
		}
		return err
	case "expect":
		s := x.s
		x.expects = true
		x.h.Go(x.h.Name()+"-expects", func() {
			if _, err := io.ReadFull(s, make([]byte, n)); err != nil {
				x.failed("expect", err)
			}
		})
		return nil
	case "shut":
		return x.s.CloseWrite()
	case "close":
		return x.hist.closes(x, !x.expects && x.hist.unread(x) > 0, x.s.Close)
	}
	return x.hist.closes(x, true, x.s.Reset)
}

// documented are the errors that a call may return when the peer, the session layer or
// this application itself has ended something.
var documented = []error{
	net.ErrClosed, io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNREFUSED,
	syscall.EADDRINUSE, wire.NoMemory, wire.SelfConnect, wire.QuotaExceeded, impl.ErrLayerGone,
	syscall.EMFILE, syscall.ENOMEM, syscall.ETIMEDOUT,
}

func (x *sessionApp) failed(what string, err error) {
	if x.strict && slices.Contains([]string{"listen", "accept", "dial", "read", "write", "close"}, what) {
		x.w.Fail(propError, "%s: %v, though nothing went wrong", what, err)
	}
	for _, d := range documented {
		if errors.Is(err, d) {
			x.w.Sometimes("refused")
			return
		}
	}
	x.w.Fail(propError, "%s: %v", what, err)
}
