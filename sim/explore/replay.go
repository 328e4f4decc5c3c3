package explore

import (
	"fmt"

	"cutthrough/sim"
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
	Failure *sim.Failure // nil when everything held
	Diagram []string     // at most maxDiagram lines
	Log     []sim.Step
	History []sim.Operation
}

// maxDiagram keeps a whole failure report within a screen of 40 lines.
const maxDiagram = 30

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
	p := &Replayed{
		Observation: trace.Observation{Verdict: trace.Pass, Unmet: unmet, Digest: o.Digest, Steps: o.Steps},
		Failure:     o.Failure, Diagram: o.Diagram(maxDiagram), Log: o.Log, History: o.History,
	}
	if o.Failure != nil {
		p.Verdict = o.Failure.Property
	}
	return p
}
