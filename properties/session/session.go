package session

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
	"cutthrough/properties/oracle"
	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/exec"
	"cutthrough/sim/lin"
	"cutthrough/sim/scenario"
)

const layerAddr = "layer"

var nameCanceller = shm.NewName("session.accept-canceller")

var (
	sessionApps = []string{"srv", "cli", "cli2"}

	sessionKeys = []scenario.Key{
		{Name: "fifo", Default: 4, Min: 1, Max: 4096},
		{Name: "linger", Words: []string{"0", "1s"}},
		{Name: "faults", Words: append(scenario.FaultClasses(), "fail", "layer-stops", "full-table")},
		{Name: "rogue", Words: rogueModes},
		{Name: "bind", Words: []string{"loopback", "any"}},
		{Name: "channel", Default: 8, Min: 1, Max: 64},
	}
	sessionVerbs = append(rogueVerbs(), []scenario.Verb{
		{Name: "listen", Procs: sessionApps, Args: [][2]int{{1, 9}}},
		{Name: "unlisten", Procs: sessionApps, Args: [][2]int{{1, 9}}},
		{Name: "accept", Procs: sessionApps, Args: [][2]int{{1, 9}}},
		{Name: "dial", Procs: sessionApps, Args: [][2]int{{1, 9}}},
		{Name: "write", Procs: sessionApps, Args: [][2]int{{0, 1 << 14}}},
		{Name: "read", Procs: sessionApps, Args: [][2]int{{0, 1 << 14}}},
		{Name: "shut", Procs: sessionApps, Args: nil},
		{Name: "close", Procs: sessionApps, Args: nil},
		{Name: "reset", Procs: sessionApps, Args: nil},
		{Name: "detach", Procs: sessionApps, Args: nil},
		{Name: "wait", Procs: sessionApps, Args: [][2]int{{1, 60}}},
		{Name: "stray", Procs: sessionApps, Args: [][2]int{{1, 9}}},
		{Name: "expect", Procs: sessionApps, Args: [][2]int{{0, 1 << 14}}},
	}...)
)

// sessionCase is a compiled case of a session scenario.
type sessionCase struct {
	fifo              int
	cfg               layer.Config
	work              map[string][]scenario.Op
	mode              string // of the hostile application
	ranges, directory *lin.Checker
	failing           bool
	layerStops        bool // and no application does
	fullTable         bool // applications lose descriptors
	wildcard          bool // listeners listen at all addresses
	strict            bool // operations on established sessions must succeed
}

func compileSession(c scenario.Input) (scenario.Program, error) {
	cfg, ops, err := scenario.ReadInput(c, sessionKeys, sessionVerbs)
	if err != nil {
		return scenario.Program{}, err
	}
	k := &sessionCase{
		fifo: cfg.Number("fifo"), work: map[string][]scenario.Op{}, directory: lin.Directory(),
		ranges: lin.Ranges(model.Ranges{End: 1 << 48}),
	}
	for _, name := range append(sessionApps, "rogue") {
		k.work[name] = scenario.OpsOf(ops, name)
	}
	k.mode, k.wildcard = cfg.Word("rogue"), cfg.Word("bind") == "any"
	k.cfg = layer.Config{SegmentSize: 4096, QueueSlots: 4, FifoSize: uint32(k.fifo)}
	if cfg.Word("linger") == "1s" {
		k.cfg.Linger = 1_000_000_000
	}
	k.strict = polite(ops) && cfg.Word("faults") == "none"
	config := scenario.FaultConfig(cfg.Word("faults"))
	config.Leaks, config.MaxTasks, config.Decoder = true, 64, decoder{}
	config.ChannelDepth = cfg.Number("channel")
	switch cfg.Word("faults") {
	case "fail":
		config.Faults, k.failing = sim.Faults(exec.Fail), true
	case "layer-stops":
		config.Faults, k.layerStops = sim.Faults(exec.Stop, exec.Resume), true
	case "full-table":
		config.Faults, k.fullTable = sim.Faults(exec.Truncate), true
	}
	return scenario.Program{Config: config, Setup: k.setup}, nil
}

// polite says whether the server listens at port 1 first, then accepts as often as the client dials, reads every byte
// of each session, and each session is closed once after that. Without faults all operations must succeed then.
func polite(ops []scenario.Op) bool {
	type life struct{ bytes, closes int }
	var lives [2][]life
	at1 := func(o scenario.Op, verb string) bool { return o.Verb == verb && o.Args[0] == 1 }
	for i, proc := range [2]string{"cli", "srv"} {
		mine := scenario.OpsOf(ops, proc)
		if proc == "srv" {
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
			case o.Verb == "close" && l.closes == 0:
				l.closes++
			case o.Verb == [2]string{"write", "read"}[i] && l.closes == 0:
				l.bytes += o.Args[0]
			default:
				return false
			}
		}
	}
	intrudes := func(o scenario.Op) bool { return at1(o, "dial") || at1(o, "listen") }
	return !slices.ContainsFunc(scenario.OpsOf(ops, "cli2"), intrudes) &&
		slices.EqualFunc(lives[0], lives[1], func(a, b life) bool { return a.bytes == b.bytes })
}

func (k *sessionCase) setup(w *sim.World) {
	host := w.Process("layer").Service()
	if k.layerStops {
		host.Mortal()
	}
	l, err := host.Listen(layerAddr)
	scenario.Must(err)
	broken := func(err error) { w.Fail(oracle.Invariant, "%v", err) }
	mon := oracle.NewMessages(w.Fail, oracle.Setting{FailingCalls: k.failing, UnreadChannel: k.mode == "deaf", Hostile: len(sessionApps) + 1})
	paths := oracle.NewSessions(w.Fail, mon)
	s := server.New(host, l, server.Config{Core: oracle.NewWatchedCore(k.cfg, broken, mon.Observe, paths.Observe)})
	host.Go("layer", func() {
		if err := s.Run(); err != nil {
			w.Fail(oracle.DocumentedErrors, "session layer: %v", err)
		}
	})
	var apps []*sessionApp
	hist := &sessionHistory{
		w: w, failing: k.failing, refusing: k.failing || k.fullTable, mon: mon, lawless: len(k.work["rogue"]) > 0,
		bytes: map[wire.Handle]map[int]int{}, killed: map[int]bool{}, hasty: map[int]bool{},
	}
	for i, name := range sessionApps {
		if ops := k.work[name]; len(ops) > 0 {
			p := w.Process(name)
			if !k.layerStops {
				p.Mortal()
			}
			x := &sessionApp{prompt: k.layerStops, w: w, h: p, id: i + 1, hist: hist, wildcard: k.wildcard, strict: k.strict && name != "cli2", reaper: p.NewLocalDoorbell(nameCanceller)}
			apps = append(apps, x)
			p.OnDeath(func() { hist.died(x.id, x.ports) })
			p.Go(name, func() { x.run(ops) })
			p.GoDaemon(name+"-reaper", x.reap)
		}
	}
	w.OnIdle(func() bool { return reapOne(apps) })
	k.invite(w, mon, apps)
	w.AtEnd(oracle.NoOverlap, func() error { return hist.checkRanges(k.ranges) })
	w.AtEnd(oracle.Linearizable, func() error { return hist.checkDirectory(k.directory) })
	w.AtEnd(oracle.RefinesSession, func() error { mon.EndStep(); paths.EndStep(); return nil })
	w.AtEnd(oracle.DiscardIsReset, hist.allReset)
	w.AtEnd(oracle.ClosesArrive, hist.allClosed)
	w.AtEnd(oracle.Reclaimed, func() error {
		if st := s.Stat(); len(st.Apps)+len(st.Listeners)+len(st.Sessions)+len(st.Segments) > 0 || st.Used > 0 {
			return fmt.Errorf("all applications have gone and the session layer has %+v", st)
		}
		return nil
	})
}

// invite adds the hostile application, if it has operations.
func (k *sessionCase) invite(w *sim.World, mon *oracle.Messages, apps []*sessionApp) {
	ops := k.work["rogue"]
	if len(ops) == 0 {
		return
	}
	p := w.Process("rogue").Mortal()
	x := &rogue{h: p, id: mon.Hostile, mode: k.mode, mon: mon, end: p.NewLocalDoorbell(nameRogueEnd)}
	p.OnDeath(func() { mon.Gone(x.id) })
	p.Go("rogue", func() { x.run(ops) })
	w.OnIdle(func() bool {
		busy := slices.ContainsFunc(apps, func(a *sessionApp) bool { return !a.ended && !a.h.Dead() })
		return !busy && x.dismiss()
	})
}

// sessionApp is one application. It does its operations in order, each on its newest session.
type sessionApp struct {
	w         *sim.World
	h         *sim.Process
	id        int
	hist      *sessionHistory
	ports     []int // at which it may listen
	wildcard  bool
	strict    bool
	prompt    bool // the process is never stopped, so that its closes take no time
	app       *impl.App
	listeners map[int]*impl.Listener
	s         *impl.Session
	wrote     int
	got       int
	expects   bool   // another task of the application reads
	doing     string // the operation under way
	reaper    shm.Doorbell
	reaped    bool
	ended     bool
}

// reapOne ends an application that waits in an accept when no task can go on: there will be no further connect. It
// returns false if there is no such application, which leaves the other waiting tasks in a deadlock.
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
	_ = x.leave()
}

// leave closes the application.
func (x *sessionApp) leave() error { return x.hist.leaves(x.id, x.ports, x.app.Close) }

func (x *sessionApp) run(ops []scenario.Op) {
	defer func() { x.ended = true }()
	app, err := impl.Attach(x.h, layerAddr, impl.Options{
		Spin:    1, // few polls; a wait in a trace shows its condition
		Observe: func(o impl.Observation) { x.hist.observe(x.id, o) },
	})
	if err != nil {
		x.failed("attach", err)
		return
	}
	x.app, x.listeners = app, map[int]*impl.Listener{}
	for _, o := range ops {
		n := 0
		if len(o.Args) > 0 {
			n = o.Args[0]
		}
		x.doing = o.Verb
		begin := x.h.Now()
		if err := x.do(o.Verb, n); err != nil {
			x.failed(o.Verb, err)
		}
		x.checkPrompt(begin)
	}
	x.doing = "detach"
	begin := x.h.Now()
	if err := x.leave(); err != nil && !errors.Is(err, net.ErrClosed) {
		x.failed("leave", err)
	}
	x.checkPrompt(begin)
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
		return x.leave()
	case "wait":
		x.h.Sleep(x.h.Now() + time.Duration(n)*time.Minute)
	default:
		if x.s != nil {
			return x.data(verb, n)
		}
	}
	return nil
}

// dial connects. If all operations must succeed, it waits until the server listens.
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

// stray connects to an address of another machine; no application of this machine may accept.
func (x *sessionApp) stray(port int) error {
	_, err := x.app.Dial(context.Background(), fmt.Sprintf("tcp://192.0.2.1/%d", port))
	if err == nil {
		x.w.Fail(oracle.DocumentedErrors, "dial 192.0.2.1: an application of this machine has accepted")
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
		oracle.CheckStream(x.w, buf[:k], x.got)
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

func (x *sessionApp) failed(what string, err error) { checkError(x.w, what, err, x.strict) }

// checkPrompt checks the time that an operation has taken.
func (x *sessionApp) checkPrompt(begin time.Duration) {
	if x.prompt {
		checkPrompt(x.w, x.doing, x.h.Now()-begin)
	}
}
