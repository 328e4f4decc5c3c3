package sim_test

import (
	"sync"
	"testing"

	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/exec"
)

// edge is what two tasks do between two writes to the same bytes, the first task going first.
type edge struct {
	w      *sim.World
	p      *pairOf
	ca, cb shm.Conn
	ba     shm.RingCloser
	bb     shm.Doorbell
	l      sync.Locker
	hb     shm.Uint32 // the upper half of the word x
}

// TestOrder: which accesses and calls of one task order what it did before what another does after.
func TestOrder(t *testing.T) {
	buf := make([]byte, 8)
	for _, tt := range []struct {
		name   string
		first  func(*edge)
		second func(*edge)
		want   bool
	}{
		{"nothing", func(*edge) {}, func(*edge) {}, false},
		{"store, load", func(e *edge) { e.p.xa.Store(1) }, func(e *edge) { e.p.xb.Load() }, true},
		{"store, load of another word", func(e *edge) { e.p.xa.Store(1) }, func(e *edge) { e.p.yb.Load() }, false},
		{"store, load of the other half", func(e *edge) { e.p.xa.Store(1) }, func(e *edge) { e.hb.Load() }, false},
		{"load, load", func(e *edge) { e.p.xa.Load() }, func(e *edge) { e.p.xb.Load() }, false},
		{"load, store", func(e *edge) { e.p.xa.Load() }, func(e *edge) { e.p.xb.Store(1) }, false},
		{"store, store", func(e *edge) { e.p.xa.Store(1) }, func(e *edge) { e.p.xb.Store(2) }, false},
		{"store, failed swap", func(e *edge) { e.p.xa.Store(1) }, func(e *edge) { e.p.xb.CompareAndSwap(7, 8) }, true},
		{"failed swap, load", func(e *edge) { e.p.xa.CompareAndSwap(7, 8) }, func(e *edge) { e.p.xb.Load() }, false},
		{"swap, load", func(e *edge) { e.p.xa.CompareAndSwap(0, 8) }, func(e *edge) { e.p.xb.Load() }, true},
		{"add, add", func(e *edge) { e.p.xa.Add(1) }, func(e *edge) { e.p.xb.Add(1) }, true},
		{"ring, wait", func(e *edge) { _ = e.ba.Ring() }, func(e *edge) { _ = e.bb.Wait(nil, shm.Forever) }, true},
		{"ring, ring", func(e *edge) { _ = e.ba.Ring() }, func(e *edge) { _ = e.bb.Ring() }, false},
		{"wait in vain", func(e *edge) { _ = e.ba.Ring() }, func(e *edge) { _ = e.p.b.NewLocalDoorbell(nameB).Wait(nil, 1) }, false},
		{"unlock, lock", func(e *edge) { pass(e.l) }, func(e *edge) { e.l.Lock() }, true},
		{"send, receive", func(e *edge) { _ = e.ca.Send(buf, nil, shm.Forever) }, func(e *edge) { _, _, _ = e.cb.Recv(buf, shm.Forever) }, true},
		{"send, send", func(e *edge) { _ = e.ca.Send(buf, nil, shm.Forever) }, func(e *edge) { _ = e.cb.Send(buf, nil, shm.Forever) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			setup := func(w *sim.World) {
				e := &edge{w: w, p: newPair(w)}
				e.ca, e.cb = w.ConnPair(e.p.a, e.p.b)
				e.bb = e.p.b.NewLocalDoorbell(nameB)
				e.ba, e.l = e.p.a.OpenBell(e.bb, nameB), e.p.a.NewLock(nameL)
				e.hb = e.p.b.View(e.p.seg).Uint32(68, nameY)
				e.p.a.Go("a", func() { e.p.da.CopyIn(0, buf[:1]); tt.first(e) })
				e.p.b.Go("b", func() { tt.second(e); e.p.db.CopyIn(0, buf[:1]) })
			}
			if o := replay(t, sim.Config{Races: true}, setup); o.Verdict() != map[bool]string{true: exec.Pass, false: exec.NoRace}[tt.want] {
				t.Errorf("ordered: want %v, have %v", tt.want, o.Failure)
			}
		})
	}
}

// TestOrderOfWhatComesLater: a release orders what came before it, not what comes after it.
func TestOrderOfWhatComesLater(t *testing.T) {
	buf := make([]byte, 8)
	for _, tt := range []struct {
		name          string
		first, second func(*edge)
	}{
		{"store", func(e *edge) { e.p.xa.Store(1) }, func(e *edge) { e.p.xb.Load() }},
		{"ring", func(e *edge) { _ = e.ba.Ring() }, func(e *edge) { _ = e.bb.Wait(nil, shm.Forever) }},
		{"send", func(e *edge) { _ = e.ca.Send(buf, nil, shm.Forever) }, func(e *edge) { _, _, _ = e.cb.Recv(buf, shm.Forever) }},
		{"start", func(e *edge) {
			e.p.b.Go("c", func() { e.p.db.CopyIn(0, buf[:1]) })
		}, func(*edge) {}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			setup := func(w *sim.World) {
				e := &edge{w: w, p: newPair(w)}
				e.ca, e.cb = w.ConnPair(e.p.a, e.p.b)
				e.bb = e.p.b.NewLocalDoorbell(nameB)
				e.ba = e.p.a.OpenBell(e.bb, nameB)
				e.p.a.Go("a", func() { tt.first(e); e.p.da.CopyIn(0, buf[:1]) })
				if tt.name != "start" {
					e.p.b.Go("b", func() { tt.second(e); e.p.db.CopyIn(0, buf[:1]) })
				}
			}
			if o := replay(t, sim.Config{Races: true}, setup); o.Verdict() != exec.NoRace {
				t.Errorf("have %v, want a race", o.Failure)
			}
		})
	}
}

// TestStartOrders: what a task did before it started another is ordered before that one.
func TestStartOrders(t *testing.T) {
	o := replay(t, sim.Config{Races: true}, func(w *sim.World) {
		p := newPair(w)
		p.a.Go("a", func() {
			p.da.CopyIn(0, []byte{1})
			p.a.Go("c", func() { p.da.CopyIn(0, []byte{2}) })
		})
	})
	if o.Failure != nil {
		t.Error(o.Failure)
	}
}

// TestRaceNamesBothSides: the message of a race has byte, tasks and accesses.
func TestRaceNamesBothSides(t *testing.T) {
	o := replay(t, sim.Config{Races: true}, func(w *sim.World) {
		p := newPair(w)
		p.a.Go("a", func() { p.da.CopyIn(4, []byte("abcd")) })
		p.b.Go("b", func() { p.db.CopyOut(make([]byte, 8), 0) })
	})
	if want := "b data read of byte 132 is not ordered after a data write"; o.Failure == nil || o.Failure.Message != want {
		t.Errorf("have %v, want %s", o.Failure, want)
	}
}

// pass takes a lock and gives it back.
func pass(l sync.Locker) {
	l.Lock()
	defer l.Unlock()
}
