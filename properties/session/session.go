package session

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
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
		{Name: "faults", Words: append(scenario.FaultClasses(), "fail", "layer-stops", "layer-dies", "layer-returns", "layer-leaves", "all-die", "full-table", "hostile")},
		{Name: "rogue", Words: append(rogueModes, vandal, liar, flooder)},
		{Name: "bind", Words: []string{"loopback", "any"}},
		{Name: "channel", Default: 8, Min: 1, Max: 64},
		{Name: "backlog", Default: 4096, Min: 1, Max: 4096},
	}
)

// sessionCase is a compiled case of a session scenario.
type sessionCase struct {
	fifo, backlog     int
	cfg               layer.Config
	work              map[string][]any // of each application
	lies              []rogueOp        // of the hostile application
	mode              string           // of the hostile application
	ranges, directory *lin.Checker
	failing           bool
	layerStops        bool // and no application does
	layerDies         bool
	layerLeaves       bool // in good order
	layerReturns      bool // there is another one then
	spared            bool // no application dies
	fullTable         bool // applications lose descriptors
	wildcard          bool // listeners listen at all addresses
	strict            bool // operations on established sessions must succeed
	watch             watcher
}

// watcher returns the core of a session layer that tells observe of its messages and broken of invariants that do not hold.
type watcher func(cfg layer.Config, broken func(error), observe oracle.Observer) server.Core

func watched(cfg layer.Config, broken func(error), observe oracle.Observer) server.Core {
	return oracle.NewWatchedCore(cfg, broken, observe)
}

func compileSession(c scenario.Input) (scenario.Program, error) { return compileWatched(c, watched) }

func compileWatched(c scenario.Input, watch watcher) (scenario.Program, error) {
	cfg, ops, err := scenario.ReadInput(c, sessionKeys, sessionVerbs)
	if err != nil {
		return scenario.Program{}, err
	}
	k := &sessionCase{
		fifo: cfg.Number("fifo"), backlog: cfg.Number("backlog"), work: map[string][]any{}, lies: scenario.OpsOf[rogueOp](ops, "rogue"), directory: lin.Directory(),
		ranges: lin.Ranges(model.Ranges{End: 1 << 49}), watch: watch,
	}
	for _, name := range sessionApps {
		k.work[name] = scenario.OpsOf[any](ops, name)
	}
	k.mode, k.wildcard = cfg.Word("rogue"), cfg.Word("bind") == "any"
	k.cfg = layer.Config{SegmentSize: 4096, QueueSlots: queueSlots, FifoSize: uint32(k.fifo), HandshakeTimeout: -1}
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
		config.Faults, k.layerStops, k.spared = sim.Faults(exec.Stop, exec.Resume), true, true
	case "layer-dies":
		config.Faults, k.layerDies, k.spared = sim.Faults(exec.Kill), true, true
	case "layer-returns":
		config.Faults, k.layerDies, k.layerReturns, k.spared = sim.Faults(exec.Kill), true, true, true
	case "layer-leaves":
		k.layerLeaves, k.layerReturns, k.spared = true, true, true
	case "all-die":
		config.Faults, k.layerDies = sim.Faults(exec.Kill), true
	case "hostile":
		config.Races = false // a hostile peer that forges its counter makes races that only hurt itself
	case "full-table":
		config.Faults, k.fullTable = sim.Faults(exec.Truncate), true
	}
	return scenario.Program{Config: config, Setup: k.setup}, nil
}

func (k *sessionCase) setup(w *sim.World) {
	layers := k.layers(w)
	var apps []*sessionApp
	hist := &sessionHistory{
		w: w, ends: oracle.NewEnds(w.Fail), failing: k.failing, refusing: k.failing || k.fullTable, layers: layers, lawless: len(k.lies) > 0,
		opened: map[wire.Handle]int{}, bytes: map[written]int{},
	}
	for i, name := range sessionApps {
		if ops := k.work[name]; len(ops) > 0 {
			p := w.Process(name)
			if !k.spared {
				p.Mortal()
			}
			x := &sessionApp{prompt: k.layerStops, returns: k.layerReturns, backlog: k.backlog, w: w, h: p, host: p, id: i + 1, hist: hist, wildcard: k.wildcard, strict: k.strict && name != "cli2", reaper: p.NewLocalDoorbell(nameCanceller)}
			apps = append(apps, x)
			p.OnDeath(func() { hist.died(x.id, x.ports) })
			p.Go(name, func() { x.run(ops) })
			p.GoDaemon(name+"-reaper", x.reap)
		}
	}
	w.OnIdle(func() bool { return reapOne(apps) })
	k.invite(w, layers[0].mon, apps)
	w.AtEnd(oracle.NoOverlap, func() error { return hist.checkRanges(k.ranges) })
	w.AtEnd(oracle.Linearizable, func() error { return hist.checkDirectory(k.directory) })
	w.AtEnd(oracle.DiscardIsReset, hist.allReset)
	w.AtEnd(oracle.ClosesArrive, hist.allClosed)
	for _, l := range layers {
		w.AtEnd(oracle.RefinesSession, l.judged(func() error { l.mon.EndStep(); l.paths.EndStep(); return nil }))
		w.AtEnd(oracle.Reclaimed, l.judged(l.reclaimed))
	}
}

// invite adds the hostile application, if it has operations.
func (k *sessionCase) invite(w *sim.World, mon *oracle.Messages, apps []*sessionApp) {
	if len(k.lies) == 0 {
		return
	}
	p := w.Process("rogue").Mortal()
	x := &rogue{h: p, id: mon.Hostile, mode: k.mode, mon: mon, end: p.NewLocalDoorbell(nameRogueEnd), spoils: spoils{posted: map[int]int{}}}
	for _, a := range apps {
		a.rogue = p
		if k.mode == flooder {
			a.host = &turns{Process: a.h, w: w, posted: func() int { return x.spoils.posted[a.h.Self().PID] }}
		}
	}
	if k.mode == liar {
		p.Hostile(forgeable...)
	}
	p.OnDeath(func() { mon.Gone(x.id) })
	p.Go("rogue", func() { x.run(k.lies) })
	w.OnIdle(func() bool {
		busy := slices.ContainsFunc(apps, func(a *sessionApp) bool { return !a.ended && !a.h.Dead() && !a.waitsFor(x) })
		return !busy && x.dismiss()
	})
}

// sessionApp is one application. It does its operations in order, each on its newest session.
type sessionApp struct {
	w         *sim.World
	h         *sim.Process
	host      shm.Host // h, or h with locks that are judged
	id        int
	hist      *sessionHistory
	ports     []int // at which it may listen
	wildcard  bool
	strict    bool
	returns   bool // the session layer does, after its death
	backlog   int
	prompt    bool // the process is never stopped, so that its closes take no time
	app       *impl.App
	listeners map[int]*impl.Listener
	s         *impl.Session
	wrote     int
	got       int
	expects   bool // another task of the application reads
	doing     any  // the operation under way
	reaper    shm.Doorbell
	reaped    bool
	ended     bool
	rogue     *sim.Process // the hostile application, if there is one
}

// reapOne ends an application that waits in an accept when no task can go on: there will be no further connect. It
// returns false if there is no such application, which leaves the other waiting tasks in a deadlock.
func reapOne(apps []*sessionApp) bool {
	for _, x := range apps {
		if _, waits := x.doing.(accept); waits && !x.reaped && !x.h.Dead() {
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

func (x *sessionApp) run(ops []any) {
	defer func() { x.ended = true }()
	app, err := impl.Attach(x.host, layerAddr, impl.Options{
		Backlog: x.backlog, NoReturn: !x.returns,
		Spin:    1, // few polls; a wait in a trace shows its condition
		Observe: func(o impl.Observation) { x.hist.observe(x.id, o) },
	})
	if err != nil {
		x.failed("attach", err)
		return
	}
	x.app, x.listeners = app, map[int]*impl.Listener{}
	for _, o := range ops {
		x.doing = o
		begin := x.h.Now()
		if err := x.do(o); err != nil {
			x.failed(sessionVerbs.Text(x.h.Name(), o).String(), err)
		}
		x.checkPrompt(begin)
	}
	x.doing = detach{}
	begin := x.h.Now()
	if err := x.leave(); err != nil && !errors.Is(err, net.ErrClosed) {
		x.failed("leave", err)
	}
	x.checkPrompt(begin)
}

func uriOf(port int) string { return fmt.Sprintf("tcp://127.0.0.1/%d", port) }

// do does an operation. One on the newest session is left out if there is none.
func (x *sessionApp) do(o any) error {
	switch o := o.(type) {
	case appOp:
		return o.do(x)
	case dataOp:
		if x.s != nil {
			err := o.on(x, x.s)
			x.hist.learned(x, x.s, err)
			return err
		}
	}
	return nil
}

// dial connects. If all operations must succeed, it waits until the server listens, and if the session layer comes back,
// until it has.
func (x *sessionApp) dial(port int) error {
	for tries := 0; ; tries++ {
		err := x.hist.directory(model.Dial, port, x.id, func() error {
			s, err := x.app.Dial(context.Background(), uriOf(port))
			if err == nil {
				x.hist.opened[handleOf(s)] = x.id
			}
			return x.adopt(s, err, true)
		})
		patient := x.strict && errors.Is(err, syscall.ECONNREFUSED) || x.returns && errors.Is(err, impl.ErrLayerGone)
		if !patient || tries == 5 {
			return err
		}
		x.h.Sleep(x.h.Now() + time.Millisecond<<tries)
	}
}

func (x *sessionApp) listen(port int) error {
	x.ports = append(x.ports, port) // from now on, if it dies
	x.hist.apps[x.id].ports = x.ports
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

// adopt makes a session that a call has returned the newest one.
func (x *sessionApp) adopt(s *impl.Session, err error, dialled bool) error {
	if err == nil {
		x.hist.ends.Opened(handleOf(s), x.id, dialled)
		x.s, x.wrote, x.got, x.expects = s, 0, 0, false
		x.w.Sometimes("established")
	}
	return err
}

// failed is failedOn the newest session.
func (x *sessionApp) failed(what string, err error) { x.failedOn(x.s, what, err) }

// failedOn judges the error of an operation on a session. The closes that wait for the session layer may give up.
func (x *sessionApp) failedOn(s *impl.Session, what string, err error) {
	if x.risks(s) && errors.Is(err, shm.ErrCorrupt) {
		x.w.Sometimes("spoiled")
		return
	}
	switch x.doing.(type) {
	case unlisten, detach:
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
	}
	checkError(x.w, what, err, x.strict)
}

// closeWait is how long the close of a listener or application may wait for the session layer, by default.
const closeWait = 500 * time.Millisecond

// dataWait is how long a read or write may take in a workload whose applications wait for nothing else before.
const dataWait = 5 * time.Second

// checkPrompt checks that a call has not taken more time than it may: a close although the session layer is stopped, and a
// read or write although the session layer that was to say something has died.
func (x *sessionApp) checkPrompt(begin time.Duration) {
	bound := shm.Forever
	switch x.doing.(type) {
	case shut, closeAll, reset:
		bound = 0
	case unlisten, detach:
		bound = closeWait
	case read, write:
		if x.returns {
			bound = dataWait
		}
	}
	if took := x.h.Now() - begin; (x.prompt || x.returns) && took > bound {
		x.w.Fail(oracle.Prompt, "%T has taken %v, and may take %v", x.doing, took, bound)
	}
}

// risks says whether a session is with the hostile application.
func (x *sessionApp) risks(s *impl.Session) bool {
	return s != nil && x.rogue != nil && int(s.Peer().PID) == x.rogue.Self().PID
}

// waitsFor says whether the application waits for what a hostile one will never do. A call on a session with
// a queue that is spoiled must have ended.
func (x *sessionApp) waitsFor(r *rogue) bool {
	_, uses := x.doing.(dataOp)
	return uses && x.risks(x.s) && handleOf(x.s) != r.spoils.last
}
