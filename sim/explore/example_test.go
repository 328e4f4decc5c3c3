package explore_test

import (
	"fmt"

	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/explore"
	"cutthrough/sim/scenario"
	"cutthrough/sim/trace"
)

var nameTotal = shm.NewName("example.total")

// add is the operation of a workload: a process adds n to the total.
type add struct{ n int }

// adders is a scenario: up to two processes add to a total, not atomically.
func adders() *scenario.Scenario {
	verbs := scenario.Verbs{
		scenario.VerbOf("add", []string{"a", "b"}, add{}, scenario.Number("n", 0, 100, func(o *add) *int { return &o.n })),
	}
	return &scenario.Scenario{
		Name:  "adders",
		Doc:   "two processes add to a total",
		Verbs: verbs,
		Generate: func(src scenario.Source) scenario.Input {
			b := &scenario.Builder{Src: src, Verbs: verbs}
			for _, proc := range []string{"a", "b"} {
				for range 1 + src.Intn(3, "additions") {
					b.Op(proc, add{1 + src.Intn(9, "number")})
				}
			}
			return b.Input
		},
		Compile: func(in scenario.Input) (scenario.Program, error) {
			_, ops, err := scenario.ReadInput(in, nil, verbs)
			return scenario.Program{Setup: func(w *sim.World) { addAll(w, ops) }}, err
		},
	}
}

func addAll(w *sim.World, ops []scenario.Op) {
	a, b := w.Process("a"), w.Process("b")
	seg, err := a.CreateSegment(shm.MinSegment)
	scenario.Must(err)
	views := map[string]*shm.Segment{"a": seg, "b": b.View(seg)}
	want := uint64(0)
	for _, p := range []*sim.Process{a, b} {
		total := views[p.Name()].Uint64(shm.SegmentHeader, nameTotal)
		mine := scenario.OpsOf[add](ops, p.Name())
		for _, o := range mine {
			want += uint64(o.n)
		}
		p.Go(p.Name(), func() {
			for _, o := range mine {
				total.Store(total.Load() + uint64(o.n))
			}
		})
	}
	w.AtEnd("Sum", func() error {
		if got := seg.Uint64(shm.SegmentHeader, nameTotal).Load(); got != want {
			return fmt.Errorf("%d, want %d", got, want)
		}
		return nil
	})
}

// A violation is found, made small, and written as a trace that can be read, edited and replayed.
func Example() {
	s := adders()
	report, err := explore.Search(s, explore.SearchOptions{Strategies: "random", Seed: 1, MaxExecutions: 10_000, Workers: 2})
	if err != nil || report.Violation == nil {
		fmt.Println(err, report)
		return
	}
	shrinker := explore.Shrinker{Scenario: s}
	small, err := shrinker.Shrink(report.Violation)
	if err != nil {
		fmt.Println(err)
		return
	}
	t := explore.NewTrace(s.Name, small, "A lost update.")
	for _, op := range t.Workload {
		fmt.Println(op)
	}
	for _, intervention := range t.Schedule {
		fmt.Println(intervention)
	}
	replayed, err := explore.Replay(s, t)
	fmt.Println(replayed.Verdict, err)
	// Output:
	// a add 0
	// b add 1
	// a @ example.total store #1 -> b
	// Sum <nil>
}

// A search that ends by itself says which bound each strategy has exhausted.
func ExampleExplore() {
	s := adders()
	one := scenario.Input{Workload: []trace.Op{{Proc: "a", Verb: "add", Args: []string{"1"}}}}
	report, err := explore.Explore(s, explore.Options{
		Strategies: []explore.Strategy{explore.NewDFS(2)}, Fixed: &one,
	})
	fmt.Println(err, report.Violation, report.Strategies[0].Name, "exhausted:", report.Strategies[0].Exhausted)
	// Output:
	// <nil> <nil> dfs:2 exhausted: at most 2 preemptions
}
