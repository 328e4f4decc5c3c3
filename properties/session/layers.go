package session

import (
	"fmt"
	"slices"
	"time"

	"cutthrough/impl/layer"
	"cutthrough/impl/server"
	"cutthrough/impl/wire"
	"cutthrough/properties/oracle"
	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/scenario"
)

var nameSuccession = shm.NewName("session.succession")

// simLayer is a session layer of a run, and what judges it.
type simLayer struct {
	host   *sim.Process
	core   server.Core
	mon    *oracle.Messages
	paths  *oracle.Sessions
	server *server.Server // nil before it runs
	left   bool           // in good order
	idle   int            // what its process holds without applications
}

// epoch returns which session layer has made a handle: 0 is the first.
func epoch(h wire.Handle) uint32 { return h.Generation() >> 16 }

// layers returns the session layers: one, and the one that takes its place when it dies, if there is to be one.
func (k *sessionCase) layers(w *sim.World) []*simLayer {
	first := k.newLayer(w, "layer", 0)
	if k.layerStops || k.layerDies {
		first.host.Mortal()
	}
	l, err := first.host.Listen(layerAddr)
	scenario.Must(err)
	first.serve(w, l)
	if !k.layerReturns {
		return []*simLayer{first}
	}
	next := k.newLayer(w, "layer2", 1)
	bell := next.host.NewLocalDoorbell(nameSuccession)
	first.host.OnDeath(func() { _ = bell.Ring() })
	if k.layerLeaves {
		first.host.Go("layer-leaves", func() {
			first.leave(l)
			_ = bell.Ring()
		})
	}
	next.host.Go("layer2-waits", func() {
		_ = bell.Wait(nil, shm.Forever)
		l, err := next.host.Listen(layerAddr)
		scenario.Must(err)
		next.serve(w, l)
	})
	return []*simLayer{first, next}
}

func (k *sessionCase) newLayer(w *sim.World, name string, epoch uint32) *simLayer {
	l := &simLayer{host: w.Process(name).Service()}
	l.mon = oracle.NewMessages(w.Fail, oracle.Setting{FailingCalls: k.failing, UnreadChannel: k.mode == "deaf", Hostile: len(sessionApps) + 1})
	l.paths = oracle.NewSessions(w.Fail, l.mon)
	cfg := k.cfg
	cfg.Epoch = epoch
	broken := func(err error) { w.Fail(oracle.Invariant, "%v", err) }
	observe := func(ch layer.Channel, made bool, m wire.Message) {
		if !l.left { // the end of all channels makes messages that are not sent
			l.mon.Observe(ch, made, m)
			l.paths.Observe(ch, made, m)
		}
	}
	l.core = k.watch(cfg, broken, observe)
	return l
}

// serve runs the session layer with a listener.
func (l *simLayer) serve(w *sim.World, at shm.Listener) {
	l.server = server.New(l.host, at, server.Config{Core: l.core})
	l.idle = l.host.Holds()
	l.host.Go(l.host.Name(), func() {
		if err := l.server.Run(); err != nil {
			w.Fail(oracle.DocumentedErrors, "session layer: %v", err)
		}
	})
}

// leave ends the session layer as a planned restart does.
func (l *simLayer) leave(at shm.Listener) {
	_ = at.Close()
	l.server.Leave()
	for slices.ContainsFunc(l.server.Stat().Sessions, layer.SessionStat.Pending) {
		l.host.Sleep(l.host.Now() + time.Millisecond)
	}
	l.left = true
	_ = l.server.Close()
}

// alive says whether there is a session layer, which has heard of everything.
func (l *simLayer) alive() bool { return l != nil && l.server != nil && !l.host.Dead() && !l.left }

// judged returns a check that is made if the session layer is alive.
func (l *simLayer) judged(check func() error) func() error {
	return func() error {
		if !l.alive() {
			return nil
		}
		return check()
	}
}

// reclaimed checks that a session layer whose applications have gone has nothing.
func (l *simLayer) reclaimed() error {
	st := l.server.Stat()
	if len(st.Apps)+len(st.Listeners)+len(st.Sessions)+len(st.Segments) > 0 || st.Used > 0 {
		return fmt.Errorf("all applications have gone and the session layer has %+v", st)
	}
	if n := l.host.Holds() - l.idle; n > 0 {
		return fmt.Errorf("all applications have gone and the session layer has %d descriptors or mappings too many", n)
	}
	return nil
}
