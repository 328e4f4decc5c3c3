package sim_test

import (
	"sync"
	"testing"

	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/exec"
	"cutthrough/sim/internal/pairtest"
)

// edge is what two tasks do between two writes to the same bytes, the first task going first.
type edge struct {
	w      *sim.World
	p      *pairtest.Pair
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
		{"store, load", func(e *edge) { e.p.XA.Store(1) }, func(e *edge) { e.p.XB.Load() }, true},
		{"store, load of another word", func(e *edge) { e.p.XA.Store(1) }, func(e *edge) { e.p.YB.Load() }, false},
		{"store, load of the other half", func(e *edge) { e.p.XA.Store(1) }, func(e *edge) { e.hb.Load() }, false},
		{"load, load", func(e *edge) { e.p.XA.Load() }, func(e *edge) { e.p.XB.Load() }, false},
		{"load, store", func(e *edge) { e.p.XA.Load() }, func(e *edge) { e.p.XB.Store(1) }, false},
		{"store, store", func(e *edge) { e.p.XA.Store(1) }, func(e *edge) { e.p.XB.Store(2) }, false},
		{"store, failed swap", func(e *edge) { e.p.XA.Store(1) }, func(e *edge) { e.p.XB.CompareAndSwap(7, 8) }, true},
		{"failed swap, load", func(e *edge) { e.p.XA.CompareAndSwap(7, 8) }, func(e *edge) { e.p.XB.Load() }, false},
		{"swap, load", func(e *edge) { e.p.XA.CompareAndSwap(0, 8) }, func(e *edge) { e.p.XB.Load() }, true},
		{"add, add", func(e *edge) { e.p.XA.Add(1) }, func(e *edge) { e.p.XB.Add(1) }, true},
		{"ring, wait", func(e *edge) { _ = e.ba.Ring() }, func(e *edge) { _ = e.bb.Wait(nil, shm.Forever) }, true},
		{"ring, ring", func(e *edge) { _ = e.ba.Ring() }, func(e *edge) { _ = e.bb.Ring() }, false},
		{"wait in vain", func(e *edge) { _ = e.ba.Ring() }, func(e *edge) { _ = e.p.B.NewLocalDoorbell(nameB).Wait(nil, 1) }, false},
		{"unlock, lock", func(e *edge) { pass(e.l) }, func(e *edge) { e.l.Lock() }, true},
		{"send, receive", func(e *edge) { _ = e.ca.Send(buf, nil, shm.Forever) }, func(e *edge) { _, _, _ = e.cb.Recv(buf, shm.Forever) }, true},
		{"send, send", func(e *edge) { _ = e.ca.Send(buf, nil, shm.Forever) }, func(e *edge) { _ = e.cb.Send(buf, nil, shm.Forever) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			setup := func(w *sim.World) {
				e := &edge{w: w, p: pairtest.New(w)}
				e.ca, e.cb = w.ConnPair(e.p.A, e.p.B)
				e.bb = e.p.B.NewLocalDoorbell(nameB)
				e.ba, e.l = e.p.A.OpenBell(e.bb, nameB), e.p.A.NewLock(nameL)
				e.hb = e.p.B.View(e.p.Seg).Uint32(68, nameY)
				e.p.A.Go("a", func() { e.p.DA.CopyIn(0, buf[:1]); tt.first(e) })
				e.p.B.Go("b", func() { tt.second(e); e.p.DB.CopyIn(0, buf[:1]) })
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
		{"store", func(e *edge) { e.p.XA.Store(1) }, func(e *edge) { e.p.XB.Load() }},
		{"ring", func(e *edge) { _ = e.ba.Ring() }, func(e *edge) { _ = e.bb.Wait(nil, shm.Forever) }},
		{"send", func(e *edge) { _ = e.ca.Send(buf, nil, shm.Forever) }, func(e *edge) { _, _, _ = e.cb.Recv(buf, shm.Forever) }},
		{"start", func(e *edge) {
			e.p.B.Go("c", func() { e.p.DB.CopyIn(0, buf[:1]) })
		}, func(*edge) {}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			setup := func(w *sim.World) {
				e := &edge{w: w, p: pairtest.New(w)}
				e.ca, e.cb = w.ConnPair(e.p.A, e.p.B)
				e.bb = e.p.B.NewLocalDoorbell(nameB)
				e.ba = e.p.A.OpenBell(e.bb, nameB)
				e.p.A.Go("a", func() { tt.first(e); e.p.DA.CopyIn(0, buf[:1]) })
				if tt.name != "start" {
					e.p.B.Go("b", func() { tt.second(e); e.p.DB.CopyIn(0, buf[:1]) })
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
		p := pairtest.New(w)
		p.A.Go("a", func() {
			p.DA.CopyIn(0, []byte{1})
			p.A.Go("c", func() { p.DA.CopyIn(0, []byte{2}) })
		})
	})
	if o.Failure != nil {
		t.Error(o.Failure)
	}
}

// TestRaceNamesBothSides: the message of a race has byte, tasks and accesses.
func TestRaceNamesBothSides(t *testing.T) {
	o := replay(t, sim.Config{Races: true}, func(w *sim.World) {
		p := pairtest.New(w)
		p.A.Go("a", func() { p.DA.CopyIn(4, []byte("abcd")) })
		p.B.Go("b", func() { p.DB.CopyOut(make([]byte, 8), 0) })
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
