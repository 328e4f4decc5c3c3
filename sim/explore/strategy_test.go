package explore

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/scenario"
	"cutthrough/sim/trace"
)

func TestParseStrategy(t *testing.T) {
	for _, text := range []string{"dfs:0", "dfs:3", "pct:1", "pct:3", "random"} {
		if s, err := ParseStrategy(text, 1); err != nil || s.String() != text {
			t.Errorf("%s: %v, %v", text, s, err)
		}
	}
	for _, text := range []string{"", "dfs", "dfs:", "dfs:-1", "dfs:x", "dfs:65", "pct:0", "pct", "random:2", "luck"} {
		if _, err := ParseStrategy(text, 1); err == nil || !strings.Contains(err.Error(), strconv.Quote(text)) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestDFSIsCompleteAndMinimal: with enough preemptions every interleaving of
// two tasks appears, and the first violation found has the fewest interventions.
func TestDFSIsCompleteAndMinimal(t *testing.T) {
	seen := map[string]bool{}
	wantExhausted(t, "dfs:64", sim.Config{}, func(w *sim.World) {
		p := newPair(w)
		var order []byte
		p.a.Go("a", func() {
			for range 3 {
				p.xa.Load()
				order = append(order, 'a')
			}
		})
		p.b.Go("b", func() {
			for range 3 {
				p.xb.Load()
				order = append(order, 'b')
			}
		})
		w.AtEnd("collect", func() error { seen[string(order)] = true; return nil })
	})
	if len(seen) != 20 { // 6 choose 3
		t.Errorf("%d interleavings, want 20", len(seen))
	}
	rep := exploreWith(t, "dfs:4", 100_000, fixed(sim.Config{}, needsTwo))
	if rep.Violation == nil || len(rep.Violation.Schedule) != 2 {
		t.Fatalf("found %+v", rep.Violation)
	}
}

// needsTwo fails only if b runs between a's two stores, and a between b's loads.
func needsTwo(w *sim.World) {
	p := newPair(w)
	p.a.Go("a", func() { p.xa.Store(1); p.xa.Store(2) })
	p.b.Go("b", func() {
		if p.xb.Load() == 1 && p.xb.Load() == 2 {
			w.Fail("Both", "seen half way and done")
		}
	})
}

func TestStrategiesAreReproducible(t *testing.T) {
	for _, strategy := range []string{"dfs:2", "pct:3", "random"} {
		var runs [2][]uint64
		for i := range runs {
			s, err := ParseStrategy(strategy, 7)
			if err != nil {
				t.Fatal(err)
			}
			r := sim.NewRunner()
			for range 50 {
				ch := s.Next()
				if ch == nil {
					break
				}
				o := r.Run(sim.Config{Races: true}, ch, sixty)
				if err := s.Done(&o); err != nil {
					t.Fatal(err)
				}
				runs[i] = append(runs[i], o.Digest)
			}
			r.Close()
		}
		if !slices.Equal(runs[0], runs[1]) {
			t.Errorf("%s: the same seed gave different executions", strategy)
		}
	}
}

// counters is a test with workload: each operation adds its number, non-atomically.
func counters() *scenario.Scenario {
	return &scenario.Scenario{
		Name: "counters",
		Generate: func(src scenario.Source) scenario.Input {
			var c scenario.Input
			for range 2 + src.Intn(6, "operations") {
				proc := []string{"a", "b"}[src.Intn(2, "process")]
				c.Workload = append(c.Workload, trace.Op{Proc: proc, Verb: "add", Args: []string{strconv.Itoa(1 + src.Intn(50, "number"))}})
			}
			return c
		},
		Compile: func(c scenario.Input) (scenario.Program, error) {
			return scenario.Program{Config: sim.Config{}, Setup: func(w *sim.World) { addUp(w, c.Workload) }}, nil
		},
	}
}

func addUp(w *sim.World, ops []trace.Op) {
	p := newPair(w)
	total := uint64(0)
	run := func(proc string, x shm.Uint64) func() {
		return func() {
			for _, o := range ops {
				if n, err := strconv.Atoi(o.Args[0]); err == nil && o.Proc == proc {
					x.Store(x.Load() + uint64(n))
				}
			}
		}
	}
	for _, o := range ops {
		if n, err := strconv.Atoi(o.Args[0]); err == nil {
			total += uint64(n)
		}
	}
	p.a.Go("a", run("a", p.xa))
	p.b.Go("b", run("b", p.xb))
	w.AtEnd("Sum", func() error { return wantValue(p.xa, total) })
}

func TestShrinkToTheMinimum(t *testing.T) {
	for seed := range uint64(15) {
		rep, err := Explore(counters(), Options{Strategies: []Strategy{NewRandom(seed)}, Seed: seed})
		if err != nil || rep.Violation == nil {
			t.Fatal(err, rep.Violation)
		}
		var sizes []int
		s := Shrinker{Scenario: counters(), Progress: func(_ int, best *Violation) { sizes = append(sizes, best.size()) }}
		small, err := s.Shrink(rep.Violation)
		if err != nil {
			t.Fatal(err)
		}
		// One lost update: one side adds 1, the other 0 from a stale load, one preemption.
		if got := fmt.Sprint(small.Input.Workload, len(small.Schedule)); got != "[{a add [0]} {b add [1]}] 1" && got != "[{b add [1]} {a add [0]}] 1" {
			t.Errorf("seed %d: shrunk to %s", seed, got)
		}
		if small.Failure.Property != "Sum" || !slices.IsSortedFunc(sizes, func(a, b int) int { return b - a }) {
			t.Errorf("seed %d: property %s, sizes %v", seed, small.Failure.Property, sizes)
		}
	}
}

// TestLostWakeupShrinksToTwo: the writer must be stopped before it stores, and the
// reader between its look and its request: two interventions, neither can go.
func TestLostWakeupShrinksToTwo(t *testing.T) {
	setup := func(w *sim.World) {
		p := newPair(w)
		bell := p.b.NewLocalDoorbell(nameBell)
		theirs := p.a.OpenBell(bell, nameBell)
		p.a.Go("writer", func() {
			p.xa.Store(1)
			if p.ya.Load() == 1 {
				_ = theirs.Ring()
			}
		})
		p.b.Go("reader", func() {
			if p.xb.Load() == 0 {
				p.yb.Store(1) // and no second look
				_ = bell.Wait(func() bool { return p.xb.Load() == 1 }, shm.Forever)
			}
		})
	}
	for seed := range uint64(15) {
		test := fixed(sim.Config{Races: true}, setup)
		rep, err := Explore(test, Options{Strategies: []Strategy{NewRandom(seed)}})
		if err != nil || rep.Violation == nil {
			t.Fatal(err, rep)
		}
		s := Shrinker{Scenario: test}
		small, err := s.Shrink(rep.Violation)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(small.Schedule); len(small.Schedule) != 2 || !strings.HasSuffix(got, "reader @ y store #1 -> writer]") {
			t.Errorf("seed %d: shrunk to %s", seed, got)
		}
	}
}

func TestPortfolioTakesTurns(t *testing.T) {
	rep, err := Explore(fixed(sim.Config{}, sixty), Options{
		Strategies: []Strategy{NewDFS(1), NewPCT(2, 1), NewRandom(1)}, MaxExecutions: 3000,
	})
	if err != nil || rep.Executions != 3000 || rep.Strategies[0].Exhausted != "at most 1 preemption" || rep.Strategies[2].Exhausted != "" {
		t.Errorf("%v %+v", err, rep)
	}
}
