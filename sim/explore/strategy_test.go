package explore

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/internal/pairtest"
	"cutthrough/sim/scenario"
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
		p := pairtest.New(w)
		var order []byte
		p.A.Go("a", func() {
			for range 3 {
				p.XA.Load()
				order = append(order, 'a')
			}
		})
		p.B.Go("b", func() {
			for range 3 {
				p.XB.Load()
				order = append(order, 'b')
			}
		})
		w.AtEnd("collect", func() error { seen[string(order)] = true; return nil })
	})
	if len(seen) != 20 { // 6 choose 3
		t.Errorf("%d interleavings, want 20", len(seen))
	}
	rep := exploreWith(t, "dfs:4", 100_000, pairtest.Fixed(sim.Config{}, needsTwo))
	if rep.Violation == nil || len(rep.Violation.Schedule) != 2 {
		t.Fatalf("found %+v", rep.Violation)
	}
}

// needsTwo fails only if b runs between a's two stores, and a between b's loads.
func needsTwo(w *sim.World) {
	p := pairtest.New(w)
	p.A.Go("a", func() { p.XA.Store(1); p.XA.Store(2) })
	p.B.Go("b", func() {
		if p.XB.Load() == 1 && p.XB.Load() == 2 {
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
				o := r.Run(sim.Config{Races: true}, ch, pairtest.Sixty)
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

// addition is an operation that adds n, non-atomically.
type addition struct{ n int }

var additions = scenario.Verbs{
	scenario.VerbOf("add", []string{"a", "b"}, addition{}, scenario.Number("n", 0, 50, func(o *addition) *int { return &o.n })),
}

// counters is a test with workload: additions of two processes.
func counters() *scenario.Scenario {
	return &scenario.Scenario{
		Name: "counters",
		Generate: func(src scenario.Source) scenario.Input {
			b := scenario.Builder{Verbs: additions}
			for range 2 + src.Intn(6, "operations") {
				proc := []string{"a", "b"}[src.Intn(2, "process")]
				b.Op(proc, addition{1 + src.Intn(50, "number")})
			}
			return b.Input
		},
		Compile: func(c scenario.Input) (scenario.Program, error) {
			_, ops, err := scenario.ReadInput(c, nil, additions)
			return scenario.Program{Config: sim.Config{}, Setup: func(w *sim.World) { addUp(w, ops) }}, err
		},
	}
}

func addUp(w *sim.World, ops []scenario.Op) {
	p := pairtest.New(w)
	total := uint64(0)
	run := func(proc string, x shm.Uint64) func() {
		mine := scenario.OpsOf[addition](ops, proc)
		for _, o := range mine {
			total += uint64(o.n)
		}
		return func() {
			for _, o := range mine {
				x.Store(x.Load() + uint64(o.n))
			}
		}
	}
	p.A.Go("a", run("a", p.XA))
	p.B.Go("b", run("b", p.XB))
	w.AtEnd("Sum", func() error { return pairtest.WantValue(p.XA, total) })
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
		if got := fmt.Sprint(small.Input.Workload, len(small.Schedule)); got != "[a add 0 b add 1] 1" && got != "[b add 1 a add 0] 1" {
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
		p := pairtest.New(w)
		bell := p.B.NewLocalDoorbell(nameBell)
		theirs := p.A.OpenBell(bell, nameBell)
		p.A.Go("writer", func() {
			p.XA.Store(1)
			if p.YA.Load() == 1 {
				_ = theirs.Ring()
			}
		})
		p.B.Go("reader", func() {
			if p.XB.Load() == 0 {
				p.YB.Store(1) // and no second look
				_ = bell.Wait(func() bool { return p.XB.Load() == 1 }, shm.Forever)
			}
		})
	}
	for seed := range uint64(15) {
		test := pairtest.Fixed(sim.Config{Races: true}, setup)
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
	rep, err := Explore(pairtest.Fixed(sim.Config{}, pairtest.Sixty), Options{
		Strategies: []Strategy{NewDFS(1), NewPCT(2, 1), NewRandom(1)}, MaxExecutions: 3000,
	})
	if err != nil || rep.Executions != 3000 || rep.Strategies[0].Exhausted != "at most 1 preemption" || rep.Strategies[2].Exhausted != "" {
		t.Errorf("%v %+v", err, rep)
	}
}
