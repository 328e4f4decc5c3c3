package explore

import (
	"fmt"

	"cutthrough/sim"
	"cutthrough/sim/exec"
	"cutthrough/sim/scenario"
	"cutthrough/sim/trace"
)

// NewTrace returns the trace of a violation, ready to be formatted.
func NewTrace(scenario string, f *Violation, story ...string) *trace.Trace {
	return &trace.Trace{
		Story: story, Scenario: scenario, Config: f.Input.Config, Workload: f.Input.Workload,
		Schedule: f.Schedule, Want: f.Failure.Property, Digest: f.Digest, Steps: f.Steps,
	}
}

// Replayed is one execution of a trace.
type Replayed struct {
	trace.Observation
	Failure   *exec.Failure   // nil when everything held
	Execution *exec.Execution // nil if a task hangs
}

// Replay runs the trace, which is of scenario s, once on the code of this build. The error says what is
// wrong with the trace: its configuration or workload.
func Replay(s *scenario.Scenario, t *trace.Trace) (*Replayed, error) {
	r := sim.NewRunner()
	defer r.Close()
	c := scenario.Input{Config: t.Config, Workload: t.Workload}
	o, unmet, err := s.RunOnce(r, c, t.Schedule, true)
	if err != nil {
		return nil, fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	return observe(o, unmet), nil
}

func observe(o sim.Outcome, unmet []int) *Replayed {
	return &Replayed{
		Observation: trace.Observation{Verdict: o.Verdict(), Unmet: unmet, Digest: o.Digest, Steps: o.Steps},
		Failure:     o.Failure,
		Execution:   o.Execution,
	}
}
