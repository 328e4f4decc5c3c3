package sim_test

import (
	"fmt"
	"slices"
	"testing"

	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/exec"
	"cutthrough/sim/internal/pairtest"
)

var kills = sim.Config{Faults: sim.Faults(exec.Kill), MaxFaults: 1, Races: true, Leaks: true}

// TestDeathOfAPeer: what a process has is released by its death, as a kernel does it, and others see that.
func TestDeathOfAPeer(t *testing.T) {
	setup := func(w *sim.World) {
		p := pairtest.New(w)
		p.A.Mortal()
		ca, cb := w.ConnPair(p.A, p.B)
		p.A.Go("a", func() {
			l := must(p.A.Listen("here"))
			_ = ca.Send([]byte("last"), nil, shm.Forever)
			p.XA.Load()
			p.XA.Load() // dies here
			_ = l.Close()
		})
		p.B.Go("b", func() {
			buf := make([]byte, 8)
			n, _, err := cb.Recv(buf, shm.Forever)
			w.Note("%s %v", buf[:n], err)
			d, err := p.B.Dial("here", shm.Forever)
			w.Note("dials: %v", err)
			_, _, err = d.Recv(buf, shm.Forever)
			w.Note("end of a channel that was never accepted: %v", err)
			_, _, err = cb.Recv(buf, shm.Forever)
			w.Note("end of a channel: %v", err)
			w.Note("send: %v", cb.Send(buf, nil, shm.Forever))
			_, err = p.B.Dial("here", shm.Forever)
			w.Note("dials again: %v", err)
			l, err := p.B.Listen("here")
			w.Note("listens: %v", err)
			_, _ = l.Close(), d.Close()
			_ = cb.Close()
		})
	}
	cfg := kills
	cfg.Leaks = false
	wantNotes(t, replay(t, cfg, setup, "a @ x load #1 -> b", "a @ x load #2 kill"),
		"last <nil>", "dials: <nil>", "end of a channel that was never accepted: EOF", "end of a channel: EOF",
		"send: "+shm.ErrPeerClosed.Error(), "dials again: sim: dial here: "+shm.ErrRefused.Error(), "listens: <nil>")
}

// TestDeathIsFinal: no task of a dead process goes on, whatever wakes it, and what its deferred functions do is no failure.
func TestDeathIsFinal(t *testing.T) {
	var order []string
	say := func(format string, args ...any) { order = append(order, fmt.Sprintf(format, args...)) }
	setup := func(w *sim.World) {
		order = nil
		p := pairtest.New(w)
		p.A.Mortal()
		p.A.OnDeath(func() { say("told of the death") })
		ca, cb := w.ConnPair(p.A, p.B)
		p.A.Go("other", func() {
			defer func() { say("other unwinds"); panic("deferred") }()
			p.XA.Load()
			p.XA.Load()
			say("other goes on")
		})
		p.A.Go("waiter", func() {
			defer func() { say("waiter unwinds"); w.Fail("Deferred", "by a dead process") }()
			_, _, err := ca.Recv(make([]byte, 8), shm.Forever)
			say("waiter goes on: %v", err)
		})
		p.A.Go("new", func() { say("new begins") })
		p.B.Go("b", func() { p.XB.Store(1); say("b goes on"); _ = cb.Close() })
		w.AtEnd("x", func() error { return pairtest.WantValue(p.XA, 1) })
	}
	o := replay(t, kills, setup, "other @ x load #1 -> waiter", "waiter @ host.conn block #1 -> other", "other @ x load #2 kill")
	want := []string{"told of the death", "other unwinds", "waiter unwinds", "b goes on"}
	if !slices.Equal(order, want) {
		t.Errorf("%q, want %q", order, want)
	}
	// The views that newPair made are b's own and leak.
	if o.Failure == nil || o.Failure.Property != exec.NoLeak {
		t.Errorf("failure %v", o.Failure)
	}
	for i, want := range []exec.State{exec.Killed, exec.Killed, exec.Killed, exec.Finished} {
		if task := o.Execution.Tasks[i]; task.State != want {
			t.Errorf("%s is %s, want %s", task.Name, task.State, want)
		}
	}
	if ps := o.Execution.Processes; !ps[0].Killed || ps[1].Killed {
		t.Errorf("processes %+v", ps)
	}
}

// TestDeathRings: a bell that is rung at the death of a process wakes another, and is no step of the one that dies.
func TestDeathRings(t *testing.T) {
	setup := func(w *sim.World) {
		p := pairtest.New(w)
		p.A.Mortal()
		bell := p.B.NewLocalDoorbell(shm.NewName("heir"))
		p.A.OnDeath(func() {
			if err := bell.Ring(); err != nil {
				t.Error(err)
			}
		})
		p.A.Go("a", func() { p.XA.Load() })
		p.B.Go("b", func() { w.Note("woken: %v", bell.Wait(nil, shm.Forever)) })
	}
	cfg := kills
	cfg.Leaks = false
	wantNotes(t, replay(t, cfg, setup, "a @ x load #1 kill"), "woken: <nil>")
}

// TestLeaksAreExcused: a process that was killed released what it had, and a service may keep it.
func TestLeaksAreExcused(t *testing.T) {
	for _, tt := range []struct {
		name string
		make func(*sim.Process)
		cfg  sim.Config
		kill []string
		want string
	}{
		{"ends by itself", func(*sim.Process) {}, kills, nil, exec.NoLeak},
		{"nothing asked", func(*sim.Process) {}, sim.Config{}, nil, exec.Pass},
		{"service", func(p *sim.Process) { p.Service() }, kills, nil, exec.Pass},
		{"killed", func(p *sim.Process) { p.Mortal() }, kills, []string{"t @ bell ring #1 kill"}, exec.Pass},
		{"not killed", func(p *sim.Process) { p.Mortal() }, kills, nil, exec.NoLeak},
	} {
		setup := func(w *sim.World) {
			p := w.Process("p")
			tt.make(p)
			bell := w.Process("other").NewLocalDoorbell(nameB)
			p.Go("t", func() { _ = p.OpenBell(bell, nameB).Ring() })
			q := w.Process("q")
			q.Go("u", func() {})
		}
		if o := replay(t, tt.cfg, setup, tt.kill...); o.Verdict() != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, o.Failure, tt.want)
		}
	}
}

// TestDescriptorsBelongToOneProcess: a descriptor is of no use to another process, nor once it is closed.
func TestDescriptorsBelongToOneProcess(t *testing.T) {
	o := replay(t, sim.Config{}, func(w *sim.World) {
		p := pairtest.New(w)
		ca, cb := w.ConnPair(p.A, p.B)
		segment, err := p.A.CreateSegment(shm.MinSegment)
		if err != nil {
			panic(err)
		}
		d := segment.Desc()
		p.A.Go("a", func() {
			w.Note("%v", ca.Send([]byte("x"), []shm.Desc{d}, shm.Forever))
			_, err := p.B.MapSegment(d, shm.MinSegment)
			w.Note("not its own: %v", err)
			w.Note("%v %v", d.Close(), d.Close() != nil)
			w.Note("closed: %v", ca.Send([]byte("x"), []shm.Desc{d}, shm.Forever))
		})
		p.B.Go("b", func() {
			_, ds, err := cb.Recv(make([]byte, 8), shm.Forever)
			w.Note("%d %v", len(ds), err)
			w.Note("%v", ds[0].Close())
			_, err = p.B.MapSegment(ds[0], shm.MinSegment)
			w.Note("closed: %v", err)
		})
	})
	desc := shm.ErrDesc.Error()
	wantNotes(t, o, "<nil>", "not its own: sim: map segment: "+desc, "<nil> true", "closed: sim: send: "+desc,
		"1 <nil>", "<nil>", "closed: sim: map segment: "+desc)
}

// TestClosedListener: what was dialled and never accepted ends with the listener, and nothing of it is left.
func TestClosedListener(t *testing.T) {
	o := replay(t, sim.Config{Leaks: true}, func(w *sim.World) {
		a, b := w.Process("a"), w.Process("b")
		a.Go("a", func() {
			l := must(a.Listen("here"))
			_, err := a.Listen("here")
			w.Note("again: %v", err)
			_, err = l.Accept(0)
			w.Note("accept: %v", err)
			a.Sleep(10)
			w.Note("close: %v", l.Close())
			_, err = l.Accept(shm.Forever)
			w.Note("accept: %v, close: %v", err, l.Close())
		})
		b.Go("b", func() {
			c := must(b.Dial("here", shm.Forever))
			_, _, err := c.Recv(make([]byte, 8), shm.Forever)
			w.Note("end: %v, close: %v", err, c.Close())
		})
	})
	wantNotes(t, o, "again: sim: listen here: "+shm.ErrAddrInUse.Error(), "accept: "+shm.ErrDeadline.Error(), "close: <nil>",
		"accept: "+shm.ErrClosed.Error()+", close: "+shm.ErrClosed.Error(), "end: EOF, close: <nil>")
}
