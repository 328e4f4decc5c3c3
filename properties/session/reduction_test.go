package session

import (
	"strings"
	"testing"

	"cutthrough/internal/proctest"
	"cutthrough/sim/explore"
	"cutthrough/sim/scenario"
	"cutthrough/sim/trace"
)

// TestApplications: applications attach, do something and leave, in every order of steps that can be noticed.
func TestApplications(t *testing.T) {
	for _, tt := range []struct {
		work                  []string
		executions, redundant int
		long                  bool
	}{
		{[]string{"srv listen 1"}, 352, 0, false},
		{[]string{"srv listen 1", "srv unlisten 1"}, 1200, 0, false},
		{[]string{"srv dial 1"}, 336, 0, false},
		{[]string{"srv wait 1", "cli wait 1"}, 667_494, 6_390, true},
	} {
		if tt.long && !proctest.Long() {
			continue
		}
		in := &scenario.Input{}
		for _, line := range tt.work {
			f := strings.Fields(line)
			in.Workload = append(in.Workload, trace.Op{Proc: f[0], Verb: f[1], Args: f[2:]})
		}
		strategies, err := explore.ParseStrategies("dpor", 1)
		if err != nil {
			t.Fatal(err)
		}
		r, err := explore.Explore(Scenarios()[0], explore.Options{Strategies: strategies, Fixed: in})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Strategies[0]; r.Violation != nil || got.Exhausted == "" || got.Redundant != tt.redundant || r.Executions != tt.executions {
			t.Errorf("%q: %d executions, %d redundant, exhausted %q, violation %v; want %d and %d",
				tt.work, r.Executions, got.Redundant, got.Exhausted, r.Violation, tt.executions, tt.redundant)
		}
	}
}
