package explore

import (
	"errors"
	"iter"
	"sync"
	"testing"

	"cutthrough/sim"
	"cutthrough/sim/internal/pairtest"
	"cutthrough/sim/scenario"
	"cutthrough/sim/trace"
)

// TestScope: workers share the cases of a scope, each case once, and it is exhausted only if every worker has come to its end.
func TestScope(t *testing.T) {
	fixed := pairtest.Fixed(sim.Config{}, func(w *sim.World) {
		p := pairtest.New(w)
		p.A.Go("a", func() { p.XA.Store(p.YA.Load()) })
		p.B.Go("b", func() { p.YB.Store(p.XB.Load()) })
	})
	var mu sync.Mutex // workers compile at the same time
	seen := map[string]int{}
	s := &scenario.Scenario{
		Name: "scope",
		Scope: func(n int) iter.Seq[scenario.Input] {
			return func(yield func(scenario.Input) bool) {
				for i := range n {
					if !yield(scenario.Input{Config: []trace.KV{{Key: "case", Value: string(rune('a' + i))}}}) {
						return
					}
				}
			}
		},
		Compile: func(in scenario.Input) (scenario.Program, error) {
			mu.Lock()
			seen[in.Config[0].Value]++
			mu.Unlock()
			return fixed.Compile(scenario.Input{})
		},
	}
	t.Run("shards", func(t *testing.T) {
		clear(seen)
		executions := 0
		for i := range 3 {
			r, err := Search(s, SearchOptions{Strategies: "dpor", Scope: 8, Workers: 2, Shard: i, Shards: 3})
			if err != nil {
				t.Fatal(err)
			}
			executions += r.Executions
		}
		if len(seen) != 8 || executions != 24 {
			t.Errorf("%d cases and %d executions, want 8 and 24", len(seen), executions)
		}
		if _, err := Search(s, SearchOptions{Strategies: "dpor", Scope: 2, Shard: 2, Shards: 3}); !errors.Is(err, ErrNoCase) {
			t.Error(err)
		}
	})
	for _, tt := range []struct {
		scope, workers, limit int
		executions            int
		exhausted             bool
	}{
		{5, 1, 0, 15, true}, // 3 classes each
		{3, 8, 0, 9, true},
		{5, 1, 14, 14, false},
		{5, 2, 15, 14, false}, // one worker comes to its end
	} {
		clear(seen)
		r, err := Search(s, SearchOptions{Strategies: "dpor", Scope: tt.scope, Workers: tt.workers, MaxExecutions: tt.limit})
		if err != nil {
			t.Fatal(err)
		}
		if r.Planned != tt.scope || r.Executions != tt.executions || (r.Strategies[0].Exhausted != "") != tt.exhausted {
			t.Errorf("%+v: %+v", tt, r)
		}
		for c, n := range seen {
			if n != 1 {
				t.Errorf("%+v: case %s was compiled %d times", tt, c, n)
			}
		}
	}
}
