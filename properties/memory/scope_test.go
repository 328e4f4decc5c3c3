package memory

import (
	"testing"

	"cutthrough/internal/proctest"
	"cutthrough/sim/explore"
	"cutthrough/sim/scenario"
)

// TestScopes: every execution of all cases of these scopes holds, but for the order of independent steps, and they are so many. A
// count that changes tells of a change in the steps of the structures, the cases or the reduction.
func TestScopes(t *testing.T) {
	for _, tt := range []struct {
		scenario          *scenario.Scenario
		scope             int
		cases, executions int
		long              bool
	}{
		{fifoStream(), 3, 5_783, 43_646, false},
		{fifoStream(), 4, 107_362, 1_559_290, true},
		{fifoWakeup(), 2, 23, 71_658, true},
		{evqScenario(), 1, 4, 116, false},
		{allocScenario(), 3, 636, 4_859, false},
		{allocScenario(), 4, 4_999, 156_033, true},
	} {
		if tt.long && !proctest.Long() {
			continue
		}
		r, err := explore.Search(tt.scenario, explore.SearchOptions{Strategies: "dpor", Scope: tt.scope, Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		got := r.Strategies[0]
		if r.Violation != nil || got.Exhausted == "" || r.Planned != tt.cases || r.Cases != tt.cases || r.Executions != tt.executions {
			t.Errorf("%s, scope %d: %d of %d cases, %d executions, exhausted %q, violation %v; want %d cases, %d executions",
				tt.scenario.Name, tt.scope, r.Cases, r.Planned, r.Executions, got.Exhausted, r.Violation, tt.cases, tt.executions)
		}
	}
}

// TestScopesBeginSmall: the cases of a scope come in order of their size, so that a search that ends early has done the small ones.
func TestScopesBeginSmall(t *testing.T) {
	for _, s := range []*scenario.Scenario{fifoStream(), fifoWakeup(), evqScenario(), allocScenario()} {
		size := 0
		for in := range s.Scope(3) {
			if n := len(in.Workload); n < size {
				t.Fatalf("%s: %v comes after a case of %d operations", s.Name, in.Workload, size)
			} else {
				size = n
			}
		}
		if size != 3 {
			t.Errorf("%s: the largest case has %d operations, want 3", s.Name, size)
		}
	}
}
