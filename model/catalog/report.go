package catalog

import "cutthrough/model/check"

// Report is a [check.Result] without the type of the states, as it goes into JSON.
type Report struct {
	Model          string              `json:"model"`
	Verdict        check.Verdict       `json:"-"`
	VerdictText    string              `json:"verdict"`
	Reason         string              `json:"reason"`
	Complete       bool                `json:"complete"` // every state was seen
	Symmetry       bool                `json:"symmetry"`
	Exact          bool                `json:"exact"`
	CollisionBound float64             `json:"collision_bound"`
	Stats          check.Stats         `json:"stats"`
	Liveness       check.Stats         `json:"liveness"`
	BytesPerState  float64             `json:"bytes_per_state"`
	Actions        []check.ActionCount `json:"actions"`
	Untaken        []string            `json:"untaken,omitempty"`
	Outcomes       []Outcome           `json:"outcomes"`
	// Text is the report of package check for people, without the runs.
	Text string `json:"-"`
}

// Outcome is what is known about one property.
type Outcome struct {
	Property string `json:"property"`
	Kind     string `json:"kind"`
	Verdict  string `json:"verdict"`
	// Run decides the property; nil where none is needed.
	Run *Run `json:"run,omitempty"`
}

// Run is a run of a model. It ends with its last step or, when it decides what
// must come to pass, goes on with Cycle for ever or stops for ever.
type Run struct {
	Columns []string `json:"columns"`
	Initial string   `json:"initial"` // the state it starts in
	Steps   []Step   `json:"steps"`
	Cycle   []Step   `json:"cycle,omitempty"`
	Stops   bool     `json:"stops,omitempty"`
}

// Step is one step of a run.
type Step struct {
	Action string `json:"action"`
	State  string `json:"state"` // after it
	Lines  []Line `json:"lines"` // of a chart
}

// Outcome returns the outcome of a property, or false if there is none of that name.
func (r *Report) Outcome(property string) (Outcome, bool) {
	for _, o := range r.Outcomes {
		if o.Property == property {
			return o, true
		}
	}
	return Outcome{}, false
}

func newReport[S comparable](m Model[S], r check.Result[S]) *Report {
	report := &Report{
		Model: r.Model, Verdict: r.Verdict, VerdictText: r.Verdict.String(),
		Reason: r.Reason.String(), Complete: r.Reason == check.Exhausted,
		Symmetry: r.Symmetry, Exact: r.Exact, CollisionBound: r.CollisionBound(),
		Stats: r.Stats, Liveness: r.Liveness, BytesPerState: r.Stats.BytesPerState(),
		Actions: r.Actions, Untaken: r.Untaken(),
	}
	for _, o := range r.Outcomes {
		report.Outcomes = append(report.Outcomes, Outcome{
			Property: o.Name, Kind: o.Kind.String(), Verdict: o.Verdict.String(), Run: newRun(m, o),
		})
	}
	bare := r
	bare.Outcomes = nil
	for _, o := range r.Outcomes {
		o.Trace, o.Cycle = nil, nil
		bare.Outcomes = append(bare.Outcomes, o)
	}
	report.Text = bare.String()
	return report
}

func newRun[S comparable](m Model[S], o check.Outcome[S]) *Run {
	if len(o.Trace) == 0 {
		return nil
	}
	last := o.Trace[len(o.Trace)-1].State
	return &Run{
		Columns: m.Columns(),
		Initial: o.Trace[0].Text,
		Steps:   newSteps(m, o.Trace[0].State, o.Trace[1:]),
		Cycle:   newSteps(m, last, o.Cycle),
		Stops:   o.Kind == check.Eventually && len(o.Cycle) == 0,
	}
}

func newSteps[S comparable](m Model[S], s S, run []check.Step[S]) []Step {
	var steps []Step
	for _, step := range run {
		steps = append(steps, Step{step.Name, step.Text, m.Lines(s, step.Action, step.State)})
		s = step.State
	}
	return steps
}
