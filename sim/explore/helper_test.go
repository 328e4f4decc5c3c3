package explore

import (
	"fmt"
	"testing"

	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/scenario"
)

var (
	nameX    = shm.NewName("x")
	nameY    = shm.NewName("y")
	nameBell = shm.NewName("bell")
)

// pair is two processes a and b that share a segment with two words.
type pair struct {
	a, b   *sim.Process
	xa, xb shm.Uint64
	ya, yb shm.Uint64
	seg    *shm.Segment // as a has it
}

// third returns the words as another process has them.
func (p *pair) third(q *sim.Process) (x, y shm.Uint64) {
	s := q.View(p.seg)
	return s.Uint64(64, nameX), s.Uint64(72, nameY)
}

func newPair(w *sim.World) *pair {
	p := &pair{a: w.Process("a"), b: w.Process("b")}
	sa := must(p.a.CreateSegment(shm.MinSegment))
	p.seg = sa
	sb := p.b.View(sa)
	p.xa, p.xb = sa.Uint64(64, nameX), sb.Uint64(64, nameX)
	p.ya, p.yb = sa.Uint64(72, nameY), sb.Uint64(72, nameY)
	return p
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// fixed is a scenario of one program.
func fixed(cfg sim.Config, setup func(*sim.World), sometimes ...string) *scenario.Scenario {
	return &scenario.Scenario{
		Name:     "fixed",
		Generate: func(scenario.Source) scenario.Input { return scenario.Input{} },
		Compile: func(scenario.Input) (scenario.Program, error) {
			return scenario.Program{Config: cfg, Setup: setup}, nil
		},
		Sometimes: sometimes,
	}
}

func exploreWith(t *testing.T, strategy string, n int, s *scenario.Scenario) *Report {
	t.Helper()
	st, err := ParseStrategy(strategy, 1)
	if err != nil {
		t.Fatal(err)
	}
	rep, err := Explore(s, Options{Strategies: []Strategy{st}, Seed: 1, MaxExecutions: n})
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func wantExhausted(t *testing.T, strategy string, cfg sim.Config, setup func(*sim.World)) *Report {
	t.Helper()
	rep := exploreWith(t, strategy, 1_000_000, fixed(cfg, setup))
	if rep.Violation != nil {
		t.Fatalf("found %v by %v", rep.Violation.Failure, rep.Violation.Schedule)
	}
	if rep.Strategies[0].Exhausted == "" {
		t.Fatalf("not exhausted after %d executions", rep.Executions)
	}
	return rep
}

func wantValue(x shm.Uint64, want uint64) error {
	if got := x.Load(); got != want {
		return fmt.Errorf("%d, want %d", got, want)
	}
	return nil
}

// sixty is three tasks with 60 accesses between them.
func sixty(w *sim.World) {
	p := newPair(w)
	c := w.Process("c")
	p.a.Go("a", func() {
		for i := range uint64(10) {
			p.xa.Store(p.ya.Load() + i)
		}
	})
	p.b.Go("b", func() {
		for i := range uint64(10) {
			p.yb.Store(p.xb.Load() + i)
		}
	})
	x, y := p.third(c)
	c.Go("c", func() {
		for range 10 {
			x.Add(1)
			y.Load()
		}
	})
}
