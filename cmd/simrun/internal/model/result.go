package model

import (
	"fmt"
	"strconv"
	"strings"

	"cutthrough/model/catalog"
	"cutthrough/model/check"
	"cutthrough/sim/cli"
)

// The outcomes of a check.
const (
	held         = "held"
	violated     = "violated"
	inconclusive = "inconclusive"
	interrupted  = "interrupted"
)

// modelResult is what the check of one model found out.
type modelResult struct {
	cli.Header
	checkedModel
	Checkpoint string `json:"checkpoint,omitempty" doc:"the file that the search was written to"`
	Resume     string `json:"resume,omitempty" doc:"the command that goes on with the search"`
	Reproduce  string `json:"reproduce,omitempty" doc:"the command that finds the violation again"`
}

// modelsResult is what the check of all models found out.
type modelsResult struct {
	cli.Header
	Models []checkedModel `json:"models" doc:"the models, each with the fields of the check of one"`

	stopped bool
}

// checkedModel is what is known about a model in one configuration.
type checkedModel struct {
	Model          string            `json:"model" doc:"the model"`
	Config         string            `json:"config" doc:"its configuration"`
	Variants       []string          `json:"variants,omitempty" doc:"the mistakes that it makes"`
	Parameters     string            `json:"parameters" doc:"the model with what the configuration stands for"`
	Outcome        string            `json:"outcome" doc:"held, violated, inconclusive or interrupted"`
	Reason         string            `json:"reason" doc:"why the search ended"`
	Complete       bool              `json:"complete" doc:"every state was seen, and everything decided"`
	Symmetry       bool              `json:"symmetry" doc:"states that differ only in names were taken for one"`
	Exact          bool              `json:"exact" doc:"states were compared, not fingerprints"`
	CollisionBound float64           `json:"collision_bound" doc:"the odds that two states were taken for one"`
	States         uint64            `json:"states" doc:"different states"`
	Steps          uint64            `json:"steps" doc:"steps between them"`
	Cut            uint64            `json:"cut" doc:"steps across the boundary of the model, which were not taken"`
	Depth          int               `json:"depth" doc:"steps to the farthest state"`
	Levels         []uint64          `json:"levels" doc:"states at each depth"`
	BytesPerState  float64           `json:"bytes_per_state" doc:"memory for a state at the worst moment, tables and frontier together"`
	LivenessStates uint64            `json:"liveness_states,omitempty" doc:"states of the graph in which cycles were looked for"`
	Actions        []checkedAction   `json:"actions" doc:"actions: action, steps (how often it was taken)"`
	Untaken        []string          `json:"untaken,omitempty" doc:"actions that were never taken"`
	Properties     []checkedProperty `json:"properties" doc:"what was checked: property, kind, verdict, run (columns, initial, steps, cycle, stops), chart"`

	unsaved error
}

type checkedAction struct {
	Action string `json:"action"`
	Steps  uint64 `json:"steps"`
}

type checkedProperty struct {
	Property string       `json:"property"`
	Kind     string       `json:"kind"`
	Verdict  string       `json:"verdict"`
	Run      *catalog.Run `json:"run,omitempty"`
	Chart    []string     `json:"chart,omitempty"`
}

// newCheckedModel takes what is known from a report. A search that was cancelled was
// interrupted, or had no more time.
func newCheckedModel(t modelTask, r *catalog.Report, wasInterrupted, wasCancelled bool) *checkedModel {
	c := &checkedModel{
		Model: t.entry.Name, Config: t.config, Variants: t.variants, Parameters: r.Model,
		Reason: r.Reason, Complete: r.Complete, Symmetry: r.Symmetry, Exact: r.Exact, CollisionBound: r.CollisionBound,
		States: r.Stats.Distinct, Steps: r.Stats.Steps, Cut: r.Stats.Cut, Depth: r.Stats.Depth, Levels: r.Stats.Levels,
		BytesPerState: r.BytesPerState, LivenessStates: r.Liveness.Distinct, Untaken: r.Untaken,
	}
	for _, x := range r.Actions {
		c.Actions = append(c.Actions, checkedAction{x.Name, x.Steps})
	}
	for _, x := range r.Outcomes {
		p := checkedProperty{x.Property, x.Kind, x.Verdict, x.Run, nil}
		if x.Run != nil {
			p.Chart = x.Run.Chart()
		}
		c.Properties = append(c.Properties, p)
	}
	switch {
	case len(c.broken()) > 0:
		c.Outcome = violated
	case r.Verdict == check.Incomplete && wasInterrupted:
		c.Outcome = interrupted
	case r.Verdict != check.Holds:
		c.Outcome = inconclusive
	default:
		c.Outcome = held
	}
	if r.Reason == check.Cancelled.String() && wasCancelled {
		c.Reason = "time limit"
		if wasInterrupted {
			c.Reason = interrupted
		}
	}
	return c
}

// broken returns the properties that are violated. States of interest that are never
// reached are not among them: they make the others doubtful.
func (c *checkedModel) broken() []*checkedProperty {
	var ps []*checkedProperty
	for i := range c.Properties {
		if p := &c.Properties[i]; p.Verdict == check.Violated.String() && p.Kind != check.Sometimes.String() {
			ps = append(ps, p)
		}
	}
	return ps
}

// unreached returns the states of interest that there are not.
func (c *checkedModel) unreached() []string {
	var names []string
	for _, p := range c.Properties {
		if p.Verdict == check.Violated.String() && p.Kind == check.Sometimes.String() {
			names = append(names, p.Property)
		}
	}
	return names
}

// steps returns the length of the counterexample.
func (p *checkedProperty) steps() int {
	if p.Run == nil {
		return 0
	}
	return len(p.Run.Steps) + len(p.Run.Cycle)
}

// liveness says whether the property is about what must come to pass. "No side sleeps for ever" is such a
// property, although one state shows a violation: the row of such a property begins with L.
func (p *checkedProperty) liveness() bool {
	row, _, named := strings.Cut(p.Property, ":")
	return p.Kind != check.Always.String() || named && strings.HasPrefix(row, "L")
}

func (c *checkedModel) code() int {
	switch c.Outcome {
	case violated:
		for _, p := range c.broken() {
			if !p.liveness() {
				return cli.ExitViolated
			}
		}
		return cli.ExitLiveness
	case inconclusive:
		return cli.ExitInconclusive
	case interrupted:
		return cli.ExitInterrupted
	}
	return cli.ExitHeld
}

func (r *modelResult) Code() int { return r.code() }

func (r *modelResult) Complete(*cli.Invocation) error { return r.unsaved }

func (r *modelsResult) Code() int {
	var codes []int
	if r.stopped {
		codes = append(codes, cli.ExitInterrupted)
	}
	for i := range r.Models {
		codes = append(codes, r.Models[i].code())
	}
	return cli.Worst(codes)
}

// name returns the model and its configuration, with its mistakes.
func (c *checkedModel) name() string { return c.Model + "/" + c.Config + withVariants(c.Variants) }

func withVariants(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " with " + strings.Join(names, ", ")
}

// summary says in a line what is known.
func (c *checkedModel) summary(p *cli.Printer) string {
	return fmt.Sprintf("%s: %s%s", c.name(), p.Status(c.Outcome), c.extent())
}

// extent goes on after the outcome.
func (c *checkedModel) extent() string {
	states := cli.Plural(int(c.States), "state")
	switch missing := c.unreached(); {
	case c.Outcome == violated:
		var names []string
		for _, x := range c.broken() {
			names = append(names, x.Property)
		}
		return "  " + strings.Join(names, "; ")
	case c.Outcome == interrupted:
		return " after " + states
	case len(missing) > 0:
		return fmt.Sprintf(": never reached %s in all %s", quoted(missing), states)
	case c.Outcome == inconclusive:
		return fmt.Sprintf(": incomplete after %s (%s)", states, c.Reason)
	case c.Symmetry:
		return fmt.Sprintf(" in all %s up to symmetry", states)
	}
	return " in all " + states
}

// quoted writes words as a list of quotations.
func quoted(words []string) string {
	q := make([]string, len(words))
	for i, w := range words {
		q[i] = strconv.Quote(w)
	}
	return strings.Join(q, ", ")
}
