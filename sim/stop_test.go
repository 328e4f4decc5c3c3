package sim_test

import (
	"slices"
	"strings"
	"testing"

	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/exec"
	"cutthrough/sim/internal/pairtest"
)

var stops = sim.Config{Faults: sim.Faults(exec.Stop, exec.Resume), MaxFaults: 2}

// TestStopResume: a stopped process does nothing whatever wakes it, and goes on with all its tasks.
func TestStopResume(t *testing.T) {
	setup := func(w *sim.World) {
		p := pairtest.New(w)
		p.A.Mortal()
		ba := p.A.NewLocalDoorbell(nameB)
		bb := p.B.OpenBell(ba, nameB)
		p.A.Go("waiter", func() { _ = ba.Wait(nil, shm.Forever); p.YA.Load() })
		p.A.Go("runner", func() { p.XA.Load(); p.XA.Load() })
		p.B.Go("b", func() { _ = bb.Ring(); p.XB.Store(1); p.XB.Store(2); p.XB.Store(3) })
	}
	for _, tt := range []struct {
		name     string
		schedule []string
		want     string // enabled at each store of b
	}{
		{"till the end", []string{"runner @ x load #1 stop"}, "b, b, b"},
		{"resumed", []string{"runner @ x load #1 stop", "b @ x store #2 resume a"}, "b, waiter runner b, waiter runner b"},
		{"resumed before the ring", []string{"runner @ x load #1 stop", "b @ bell ring #1 resume a"}, "waiter runner b, waiter runner b, waiter runner b"},
	} {
		o := replay(t, stops, setup, tt.schedule...)
		var got []string
		for nth := 1; nth <= 3; nth++ {
			got = append(got, enabled(t, o.Execution, "b", "x store", nth))
		}
		if s := strings.Join(got, ", "); s != tt.want || o.Failure != nil {
			t.Errorf("%s: enabled %s, want %s (%v)", tt.name, s, tt.want, o.Failure)
		}
		if all := steps(o.Execution); !slices.Contains(all, "waiter y load") || len(all) != 8 {
			t.Errorf("%s: %q", tt.name, all)
		}
	}
}

// TestStoppedInTime: the clock does not wait for a stopped process, and what was due meanwhile is overdue when it goes on.
func TestStoppedInTime(t *testing.T) {
	setup := func(w *sim.World) {
		p := pairtest.New(w)
		p.A.Mortal()
		p.A.Go("sleeper", func() { p.A.Sleep(10); w.Note("sleeper at %d", w.Now()) })
		p.A.Go("a", func() { p.XA.Load() })
		p.B.Go("b", func() { p.XB.Load(); p.B.Sleep(50); w.Note("b at %d", w.Now()) })
	}
	wantNotes(t, replay(t, stops, setup), "sleeper at 10", "b at 50")
	wantNotes(t, replay(t, stops, setup, "a @ x load #1 stop"), "b at 50", "sleeper at 50")
}

// TestFairPhase: after MaxSteps steps nothing is stopped, no fault happens, and tasks take turns.
func TestFairPhase(t *testing.T) {
	spin := func(w *sim.World) {
		p := pairtest.New(w)
		p.A.Mortal()
		p.B.Mortal()
		p.A.Go("a", func() {
			for p.XA.Load() == 0 {
			}
			p.YA.Load()
		})
		p.B.Go("b", func() { p.XB.Store(1) })
	}
	cfg := stops
	cfg.Faults |= sim.Faults(exec.Kill)
	cfg.MaxSteps, cfg.BoundedLoops = 20, true
	for _, lines := range [][]string{nil, {"a @ x load #3 -> b", "b @ x store #1 stop"}} {
		o := replay(t, cfg, spin, lines...)
		if o.Failure != nil || !o.Cut || o.Steps > 26 || !o.Execution.Cut {
			t.Errorf("%q: %v, cut %v after %d steps", lines, o.Failure, o.Cut, o.Steps)
		}
	}
	r := sim.NewRunner()
	defer r.Close()
	o := r.Run(cfg, &menu{take: func(p *sim.Point) int {
		if p.Step > cfg.MaxSteps {
			t.Errorf("a choice at step %d: %s @ %s", p.Step, p.TaskName(), p.Access)
		}
		return 0
	}}, spin)
	if o.Failure != nil || !o.Cut {
		t.Errorf("%v, cut %v", o.Failure, o.Cut)
	}
	// In the fair phase even a program that needs many turns of all tasks ends.
	turns := func(w *sim.World) {
		p := pairtest.New(w)
		take := func(x shm.Uint64, me uint64) func() {
			return func() {
				for n := 0; n < 4; {
					if x.Load()%2 == me {
						x.Add(1)
						n++
					}
				}
			}
		}
		p.A.Go("a", take(p.XA, 0))
		p.B.Go("b", take(p.XB, 1))
	}
	cfg.MaxSteps = 60
	if o := replay(t, cfg, turns); o.Failure != nil || !o.Cut {
		t.Errorf("%v, cut %v after %d steps", o.Failure, o.Cut, o.Steps)
	}
}

// TestOffers: which faults are possible where.
func TestOffers(t *testing.T) {
	all := sim.Faults(exec.Kill, exec.Stop, exec.Resume, exec.AdvanceClock, exec.Spurious, exec.Delay, exec.Fail, exec.Truncate)
	setup := func(w *sim.World) {
		p := pairtest.New(w)
		p.A.Mortal()
		ba := p.A.NewLocalDoorbell(nameB)
		bb := p.B.OpenBell(ba, nameB)
		p.A.Go("a", func() { _ = ba.Wait(nil, 100) })
		p.B.Go("b", func() { p.XB.Load(); _ = bb.Ring(); _, _ = p.B.Dial("x", shm.Forever) })
	}
	for _, tt := range []struct {
		name   string
		faults sim.FaultSet
		max    int
		want   []string
	}{
		{"none", 0, 9, nil},
		{"none are left", all, 0, nil},
		{"of mortals alone", sim.Faults(exec.Kill, exec.Stop), 1, []string{
			"a @ task begin: kill", "a @ task begin: stop", "a @ bell wait: kill", "a @ bell wait: stop"}},
		{"some", sim.Faults(exec.Spurious, exec.Fail, exec.Resume, exec.Truncate), 1, []string{
			"a @ bell wait: spurious", "b @ host.dial call: fail EMFILE", "b @ host.dial call: fail ENOMEM"}},
		{"in time", sim.Faults(exec.AdvanceClock, exec.Delay), 1, []string{
			"b @ task begin: advance-clock", "b @ x load: advance-clock", "b @ bell ring: delay 1", "b @ bell ring: advance-clock"}},
	} {
		r, m := sim.NewRunner(), &menu{}
		r.Run(sim.Config{Faults: tt.faults, MaxFaults: tt.max}, m, setup)
		r.Close()
		if !slices.Equal(m.offered, tt.want) {
			t.Errorf("%s: offered %q\nwant %q", tt.name, m.offered, tt.want)
		}
	}
}

// TestFaultsAreCounted: no execution has more faults than it may have, and drawn values and switches are none.
func TestFaultsAreCounted(t *testing.T) {
	for limit := range 4 {
		r := sim.NewRunner()
		m := &menu{take: func(p *sim.Point) int { return p.N() - 1 }} // a fault wherever there is one
		o := r.Run(sim.Config{Faults: sim.Faults(exec.Spurious), MaxFaults: limit}, m, func(w *sim.World) {
			p := pairtest.New(w)
			bell := p.A.NewLocalDoorbell(nameB)
			p.A.Go("a", func() {
				w.Choose(nameD, 3)
				for range 5 {
					_ = bell.Wait(nil, 1)
				}
			})
			p.B.Go("b", func() { p.XB.Load(); p.XB.Load() })
		})
		if o.Faults != limit || o.Failure != nil {
			t.Errorf("limit %d: %d faults, %v", limit, o.Faults, o.Failure)
		}
		r.Close()
	}
}
