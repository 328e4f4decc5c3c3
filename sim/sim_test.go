package sim_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/exec"
	"cutthrough/sim/explore"
	"cutthrough/sim/internal/pairtest"
	"cutthrough/sim/scenario"
)

var (
	nameX = shm.NewName("x")
	nameY = shm.NewName("y")
	nameB = shm.NewName("bell")
	nameL = shm.NewName("lock")
	nameD = shm.NewName("draw")
)

func exploreWith(t *testing.T, strategy string, n int, test *scenario.Scenario) *explore.Report {
	t.Helper()
	s, err := explore.ParseStrategy(strategy, 1)
	if err != nil {
		t.Fatal(err)
	}
	rep, err := explore.Explore(test, explore.Options{Strategies: []explore.Strategy{s}, Seed: 1, MaxExecutions: n})
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// wantFailure explores with every strategy and checks what is found, and that
// replaying its schedule gives the same execution.
func wantFailure(t *testing.T, cfg sim.Config, setup func(*sim.World), property, message string) {
	t.Helper()
	for _, strategy := range []string{"dfs:2", "pct:3", "random"} {
		test := pairtest.Fixed(cfg, setup)
		rep := exploreWith(t, strategy, 100_000, test)
		f := rep.Violation
		if f == nil {
			t.Errorf("%s: nothing found in %d executions (exhausted %q)", strategy, rep.Executions, rep.Strategies[0].Exhausted)
			continue
		}
		if f.Failure.Property != property || !strings.Contains(f.Failure.Message, message) {
			t.Errorf("%s: found %v, want %s ... %s", strategy, f.Failure, property, message)
		}
		r := sim.NewRunner()
		o, unmet, err := test.RunOnce(r, f.Input, f.Schedule, true)
		if err != nil || len(unmet) > 0 || o.Failure == nil || o.Digest != f.Digest || o.Steps != f.Steps {
			t.Errorf("%s: replay: failure %v, unmet %v, digest %016x, want %016x, error %v", strategy, o.Failure, unmet, o.Digest, f.Digest, err)
		}
		r.Close()
	}
}

func wantExhausted(t *testing.T, strategy string, cfg sim.Config, setup func(*sim.World)) *explore.Report {
	t.Helper()
	rep := exploreWith(t, strategy, 1_000_000, pairtest.Fixed(cfg, setup))
	if rep.Violation != nil {
		t.Fatalf("found %v by %v", rep.Violation.Failure, rep.Violation.Schedule)
	}
	if rep.Strategies[0].Exhausted == "" {
		t.Fatalf("not exhausted after %d executions", rep.Executions)
	}
	return rep
}

// lostUpdate increments x on both sides with a load and a store.
func lostUpdate(w *sim.World) {
	p := pairtest.New(w)
	inc := func(x shm.Uint64) func() { return func() { x.Store(x.Load() + 1) } }
	p.A.Go("a", inc(p.XA))
	p.B.Go("b", inc(p.XB))
	w.AtEnd("Sum", func() error { return pairtest.WantValue(p.XA, 2) })
}

func TestLostUpdate(t *testing.T) {
	wantFailure(t, sim.Config{}, lostUpdate, "Sum", "1, want 2")
}

func TestAtomicUpdateIsClean(t *testing.T) {
	wantExhausted(t, "dfs:3", sim.Config{Races: true}, func(w *sim.World) {
		p := pairtest.New(w)
		p.A.Go("a", func() { p.XA.Add(1) })
		p.B.Go("b", func() { p.XB.Add(1) })
		w.AtEnd("Sum", func() error { return pairtest.WantValue(p.XA, 2) })
	})
}

// TestLitmus pins what is and is not explored: the outcomes of two classic
// programs under sequential consistency. Store buffering's 0,0 and load
// buffering's 1,1 are weak behaviours that Go's atomics do not have.
func TestLitmus(t *testing.T) {
	for _, tt := range []struct {
		name string
		body func(p *pairtest.Pair, r *[2]uint64)
		want []string
	}{
		{"store buffering", func(p *pairtest.Pair, r *[2]uint64) {
			p.A.Go("a", func() { p.XA.Store(1); r[0] = p.YA.Load() })
			p.B.Go("b", func() { p.YB.Store(1); r[1] = p.XB.Load() })
		}, []string{"[0 1]", "[1 0]", "[1 1]"}},
		{"load buffering", func(p *pairtest.Pair, r *[2]uint64) {
			p.A.Go("a", func() { r[0] = p.XA.Load(); p.YA.Store(1) })
			p.B.Go("b", func() { r[1] = p.YB.Load(); p.XB.Store(1) })
		}, []string{"[0 0]", "[0 1]", "[1 0]"}},
		{"message passing", func(p *pairtest.Pair, r *[2]uint64) {
			p.A.Go("a", func() { p.XA.Store(1); p.YA.Store(1) })
			p.B.Go("b", func() { r[0] = p.YB.Load(); r[1] = p.XB.Load() })
		}, []string{"[0 0]", "[0 1]", "[1 1]"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			wantExhausted(t, "dfs:4", sim.Config{}, func(w *sim.World) {
				var r [2]uint64
				tt.body(pairtest.New(w), &r)
				w.AtEnd("collect", func() error {
					if s := fmt.Sprint(r); !slices.Contains(got, s) {
						got = append(got, s)
					}
					return nil
				})
			})
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("outcomes %v, want %v", got, tt.want)
			}
		})
	}
}

// TestExecutionCounts pins how many executions a bound has: a silent change of
// coverage must show.
func TestExecutionCounts(t *testing.T) {
	threeByThree := func(w *sim.World) {
		p := pairtest.New(w)
		p.A.Go("a", func() { p.XA.Load(); p.XA.Load() })
		p.B.Go("b", func() { p.XB.Load(); p.XB.Load() })
	}
	for _, tt := range []struct {
		strategy           string
		executions, unique int
	}{{"dfs:0", 1, 1}, {"dfs:1", 5, 4}, {"dfs:2", 18, 13}, {"dfs:3", 40, 22}, {"dfs:64", 140, 35}} {
		rep := wantExhausted(t, tt.strategy, sim.Config{}, threeByThree)
		if rep.Executions != tt.executions || rep.Distinct != tt.unique {
			t.Errorf("%s: %d executions, %d distinct, want %d and %d", tt.strategy, rep.Executions, rep.Distinct, tt.executions, tt.unique)
		}
	}
}

func TestRaces(t *testing.T) {
	publish := func(store func(p *pairtest.Pair), load func(p *pairtest.Pair) bool) func(*sim.World) {
		return func(w *sim.World) {
			p := pairtest.New(w)
			p.A.Go("a", func() { p.DA.CopyIn(0, []byte("abcd")); store(p) })
			p.B.Go("b", func() {
				if load(p) {
					p.DB.CopyOut(make([]byte, 4), 0)
				}
			})
		}
	}
	always := publish(func(*pairtest.Pair) {}, func(*pairtest.Pair) bool { return true })
	wantFailure(t, sim.Config{Races: true}, always, exec.NoRace, "data")
	wantExhausted(t, "dfs:2", sim.Config{}, always) // the detector off: nothing is seen

	early := func(w *sim.World) {
		p := pairtest.New(w)
		p.A.Go("a", func() { p.XA.Store(1); p.DA.CopyIn(0, []byte("abcd")) })
		p.B.Go("b", func() {
			if p.XB.Load() == 1 {
				p.DB.CopyOut(make([]byte, 4), 0)
			}
		})
	}
	wantFailure(t, sim.Config{Races: true}, early, exec.NoRace, "data")

	ordered := publish(func(p *pairtest.Pair) { p.XA.Store(1) }, func(p *pairtest.Pair) bool { return p.XB.Load() == 1 })
	wantExhausted(t, "dfs:3", sim.Config{Races: true}, ordered)

	failedCAS := publish(func(p *pairtest.Pair) { p.XA.CompareAndSwap(7, 8) }, func(p *pairtest.Pair) bool { p.XB.Load(); return true })
	wantFailure(t, sim.Config{Races: true}, failedCAS, exec.NoRace, "data")

	relayed := func(w *sim.World) { // a release sequence: store, read-modify-write by another, load
		p := pairtest.New(w)
		c := w.Process("c")
		p.A.Go("a", func() { p.DA.CopyIn(0, []byte("abcd")); p.XA.Store(1) })
		p.B.Go("b", func() { p.XB.CompareAndSwap(1, 2) })
		x, _, d := p.Third(c)
		c.Go("c", func() {
			if x.Load() == 2 {
				d.CopyOut(make([]byte, 4), 0)
			}
		})
	}
	wantExhausted(t, "dfs:2", sim.Config{Races: true}, relayed)
}

func TestDeadlockAndLostWakeup(t *testing.T) {
	locks := func(w *sim.World) {
		p := w.Process("p")
		l, m := p.NewLock(nameL), p.NewLock(nameX)
		p.Go("t", func() { l.Lock(); m.Lock(); w.Note("both"); m.Unlock(); l.Unlock() })
		p.Go("u", func() { m.Lock(); l.Lock(); w.Note("both"); l.Unlock(); m.Unlock() })
	}
	wantFailure(t, sim.Config{}, locks, exec.NoDeadlock, "waits for ever at lock block")

	lost := func(w *sim.World) {
		p := pairtest.New(w)
		bell := p.A.NewLocalDoorbell(nameB)
		theirs := p.B.OpenBell(bell, nameB)
		p.A.Go("a", func() {
			if p.XA.Load() == 0 {
				p.YA.Store(1)
				_ = bell.Wait(func() bool { return p.XA.Load() == 1 }, shm.Forever)
			}
		})
		p.B.Go("b", func() {
			p.XB.Store(1)
			if p.YB.Load() == 1 {
				_ = theirs.Ring()
			}
		})
	}
	wantFailure(t, sim.Config{}, lost, exec.NoLostWakeup, "although what it waits for holds")
}

func TestLivelockNamesTheSpinner(t *testing.T) {
	spin := func(w *sim.World) {
		p := pairtest.New(w)
		p.A.Go("a", func() {
			for p.XA.Load() == 0 {
			}
		})
		p.B.Go("b", func() { p.YB.Load() })
	}
	cfg := sim.Config{MaxSteps: 200}
	rep := exploreWith(t, "dfs:0", 10, pairtest.Fixed(cfg, spin))
	if rep.Violation == nil || rep.Violation.Failure.Property != exec.NoLivelock || !strings.Contains(rep.Violation.Failure.Message, "a spins around x load") || rep.Violation.Steps != 2*cfg.MaxSteps+1 {
		t.Errorf("found %+v", rep.Violation)
	}
	// A spinner that another task releases is not livelocked. It waits for that, unless the program wants to see its turns:
	// then only the fair phase ends it, and the execution does not count as explored.
	wait := func(w *sim.World) {
		p := pairtest.New(w)
		p.A.Go("a", func() {
			for p.XA.Load() == 0 {
			}
		})
		p.B.Go("b", func() { p.XB.Store(1) })
	}
	for _, bounded := range []bool{false, true} {
		cfg.BoundedLoops = bounded
		rep := exploreWith(t, "dfs:0", 10, pairtest.Fixed(cfg, wait))
		if rep.Violation != nil || rep.Cut == 1 != bounded || rep.Strategies[0].Exhausted == "" != bounded {
			t.Errorf("bounded %v: found %+v, %d cut, exhausted %q", bounded, rep.Violation, rep.Cut, rep.Strategies[0].Exhausted)
		}
	}
}

func TestKillChangesNothingMore(t *testing.T) {
	deferred := 0
	setup := func(w *sim.World) {
		p := pairtest.New(w)
		p.A.Mortal()
		p.A.Go("a", func() {
			defer func() {
				deferred++
				p.YA.Store(1) // a dead process changes nothing
			}()
			p.XA.Store(1)
			p.XA.Store(2)
		})
		w.AtEnd("Dead", func() error {
			if p.A.Dead() != (p.YA.Load() == 0) {
				return errors.New("deferred function of a dead process changed memory")
			}
			if p.A.Dead() {
				w.Sometimes(fmt.Sprintf("died with x=%d", p.XA.Load()))
			}
			return nil
		})
	}
	cfg := sim.Config{Faults: sim.Faults(exec.Kill), MaxFaults: 1}
	rep := wantExhausted(t, "dfs:0", cfg, setup)
	// Killed before: the first step, each of two stores, the deferred store.
	if rep.Executions != 1+1+4 || rep.Sometimes["died with x=0"] != 2 || rep.Sometimes["died with x=2"] != 1 {
		t.Errorf("%d executions, %v", rep.Executions, rep.Sometimes)
	}
	if deferred == 0 {
		t.Error("the deferred function never ran")
	}
}

func TestStopIsNotDeath(t *testing.T) {
	setup := func(w *sim.World) {
		p := pairtest.New(w)
		p.A.Mortal()
		p.A.Go("a", func() { p.XA.Store(1); p.XA.Store(2) })
		p.B.Go("b", func() {
			first := p.XB.Load()
			if again := p.XB.Load(); first == 1 && again == 1 {
				w.Sometimes("seen half way")
			}
		})
		w.AtEnd("Finished", func() error { return pairtest.WantValue(p.XB, 2) })
	}
	cfg := sim.Config{Faults: sim.Faults(exec.Stop, exec.Resume), MaxFaults: 2}
	if rep := wantExhausted(t, "dfs:0", cfg, setup); rep.Sometimes["seen half way"] == 0 {
		t.Errorf("a stopped process was never overtaken: %v", rep.Sometimes)
	}
}

func TestHostileValues(t *testing.T) {
	seen := map[uint64]bool{}
	setup := func(w *sim.World) {
		p := pairtest.New(w)
		p.XA.Store(5)
		p.A.Go("a", func() { seen[p.XA.Load()] = true })
		p.B.Hostile(nameX)
	}
	wantExhausted(t, "dfs:0", sim.Config{Faults: sim.Faults(exec.CorruptRead), MaxFaults: 1}, setup)
	for _, v := range []uint64{0, 1, 4, 5, 6, 5 + 1<<31, 5 + 1<<32, 5 | 1<<63, ^uint64(0)} {
		if !seen[v] {
			t.Errorf("the victim never loaded %#x", v)
		}
	}
}

func TestAlwaysAndPanics(t *testing.T) {
	wantFailure(t, sim.Config{}, func(w *sim.World) {
		p := pairtest.New(w)
		p.A.Go("a", func() { p.XA.Store(1); p.YA.Store(1) })
		p.B.Go("b", func() { p.YB.Store(2) })
		w.Always("Ordered", func() error {
			if p.YA.Load() == 2 && p.XA.Load() == 0 {
				return errors.New("y before x")
			}
			return nil
		})
	}, "Ordered", "y before x")
	wantFailure(t, sim.Config{}, func(w *sim.World) {
		p := pairtest.New(w)
		p.A.Go("a", func() { p.XA.Store(1) })
		p.B.Go("b", func() {
			if p.XB.Load() == 0 {
				panic("boom")
			}
		})
	}, exec.NoPanic, "b panics: boom")
	ran := false
	wantFailure(t, sim.Config{}, func(w *sim.World) {
		pairtest.New(w).A.Go("a", func() { ran = true })
		panic("boom")
	}, exec.NoPanic, "the setup function panics: boom")
	if ran {
		t.Error("a task runs although the setup function has not ended")
	}
}

func TestLeaks(t *testing.T) {
	leak := func(w *sim.World) {
		p := w.Process("p")
		p.Go("t", func() {
			wait, ring, err := p.NewDoorbell()
			if err == nil && w.Choose(nameD, 2) == 0 {
				err = wait.Close()
			}
			if err == nil {
				_ = ring.Close()
			}
		})
	}
	wantFailure(t, sim.Config{Leaks: true}, leak, exec.NoLeak, "descriptor of a doorbell")
	wantExhausted(t, "dfs:1", sim.Config{}, leak)
}

func TestUseAfterUnmap(t *testing.T) {
	wantFailure(t, sim.Config{}, func(w *sim.World) {
		p := w.Process("p")
		p.Go("user", func() {
			s, err := p.CreateSegment(shm.MinSegment)
			if err != nil {
				panic(err)
			}
			x := s.Uint64(64, nameX)
			_ = s.Close()
			x.Load()
		})
	}, exec.NoUseAfterUnmap, "user: x load of byte 64")
}

func TestNondeterminismIsFound(t *testing.T) {
	runs := uint64(0)
	rep := exploreWith(t, "random", 100, pairtest.Fixed(sim.Config{}, func(w *sim.World) {
		p := pairtest.New(w)
		runs++
		n := runs // what a clock, an address or a map would be
		p.A.Go("a", func() { p.XA.Store(n) })
	}))
	if rep.Violation == nil || rep.Violation.Failure.Property != exec.Determinism {
		t.Errorf("found %+v", rep.Violation)
	}
}

func TestUnreachedSometimesAreReported(t *testing.T) {
	test := pairtest.Fixed(sim.Config{}, func(w *sim.World) {
		p := pairtest.New(w)
		p.A.Go("a", func() { p.XA.Load(); w.Sometimes("here") })
	}, "here", "there")
	if rep := exploreWith(t, "dfs:1", 10, test); !slices.Equal(rep.Unreached, []string{"there"}) || rep.Sometimes["here"] == 0 {
		t.Errorf("unreached %v, sometimes %v", rep.Unreached, rep.Sometimes)
	}
}

func TestFaultsOfCallsAndCoverage(t *testing.T) {
	setup := func(w *sim.World) {
		p := w.Process("p")
		p.Go("t", func() {
			s, err := p.CreateSegment(shm.MinSegment)
			if err != nil {
				w.Sometimes("failed")
				return
			}
			_ = s.Close()
		})
	}
	rep := wantExhausted(t, "dfs:0", sim.Config{Faults: sim.Faults(exec.Fail), MaxFaults: 1, Leaks: true}, setup)
	if n := rep.Sometimes["failed"]; n != 3 { // ENOMEM, EMFILE, ENOSPC
		t.Errorf("%d failures, want 3", n)
	}
	if got := fmt.Sprint(rep.Coverage); got != "[host.create-segment call fail: 3 of 15]" {
		t.Errorf("coverage %s", got)
	}
}

func TestReplayReportsWhatItCannotMeet(t *testing.T) {
	test := pairtest.Fixed(sim.Config{}, lostUpdate)
	r := sim.NewRunner()
	defer r.Close()
	iv := func(task, name, op string, nth int, effect ...string) exec.Intervention {
		e, err := exec.ParseEffect(effect)
		if err != nil {
			t.Fatal(err)
		}
		return exec.Intervention{Task: task, Name: name, Op: op, Nth: nth, Effect: e}
	}
	for _, tt := range []struct {
		v   exec.Intervention
		met bool
	}{
		{iv("a", "x", "store", 1, "->", "b"), true},
		{iv("a", "x", "store", 2, "->", "b"), false},       // never happens
		{iv("a", "no.such", "store", 1, "->", "b"), false}, // not a name of this build
		{iv("z", "x", "store", 1, "->", "b"), false},       // not a task
		{iv("a", "x", "store", 1, "->", "z"), false},       // no task of that name
		{iv("a", "x", "store", 1, "kill"), false},          // not a possible fault
	} {
		_, unmet, err := test.RunOnce(r, scenario.Input{}, []exec.Intervention{tt.v}, false)
		if err != nil || (len(unmet) == 0) != tt.met {
			t.Errorf("%v: unmet %v, error %v, want met %v", tt.v, unmet, err, tt.met)
		}
	}
}

func TestDiagram(t *testing.T) {
	rep := exploreWith(t, "dfs:2", 1000, pairtest.Fixed(sim.Config{}, lostUpdate))
	r := sim.NewRunner()
	defer r.Close()
	o, _, err := pairtest.Fixed(sim.Config{}, lostUpdate).RunOnce(r, scenario.Input{}, rep.Violation.Schedule, true)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(o.Execution.Diagram(30), "\n")
	want := `step   a                          b
   1   x load = 0
       ▶ before x store #1: -> b
   2   ·                          x load = 0
   3   ·                          x store := 1
   4   x store := 1`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	long := pairtest.Fixed(sim.Config{}, pairtest.Sixty)
	o, _, err = long.RunOnce(r, scenario.Input{}, nil, true)
	if err != nil {
		t.Fatal(err)
	}
	lines, shown := o.Execution.Diagram(20), 0
	for _, l := range lines {
		left := 1
		_, _ = fmt.Sscanf(l, " … %d steps", &left)
		shown += left
	}
	if all := o.Execution.Diagram(1000); len(lines) > 20 || len(lines) == len(all) || shown != len(all) {
		t.Errorf("%d lines stand for %d of %d:\n%s", len(lines), shown, len(all), strings.Join(lines, "\n"))
	}
}
