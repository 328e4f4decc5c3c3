package session

import (
	"testing"

	"cutthrough/sim/explore"
	"cutthrough/sim/scenario"
	"cutthrough/sim/trace"
)

// TestOneApplication: one application attaches, listens or dials, and leaves, in every order of steps that can be noticed.
func TestOneApplication(t *testing.T) {
	for _, tt := range []struct {
		work       []trace.Op
		executions int
	}{
		{[]trace.Op{{Proc: "srv", Verb: "listen", Args: []string{"1"}}}, 352},
		{[]trace.Op{{Proc: "srv", Verb: "listen", Args: []string{"1"}}, {Proc: "srv", Verb: "unlisten", Args: []string{"1"}}}, 1200},
		{[]trace.Op{{Proc: "srv", Verb: "dial", Args: []string{"1"}}}, 336},
	} {
		strategies, err := explore.ParseStrategies("dpor", 1)
		if err != nil {
			t.Fatal(err)
		}
		r, err := explore.Explore(Scenarios()[0], explore.Options{Strategies: strategies, Fixed: &scenario.Input{Workload: tt.work}})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Strategies[0]; r.Violation != nil || got.Exhausted == "" || got.Redundant > 0 || r.Executions != tt.executions {
			t.Errorf("%v: %d executions, %d redundant, exhausted %q, violation %v; want %d", tt.work, r.Executions, got.Redundant, got.Exhausted, r.Violation, tt.executions)
		}
	}
}
