package check

import (
	"fmt"
	"strings"
)

// String returns the result as text: the figures, a line for each property, the
// actions that were never taken, and the runs.
func (r Result[S]) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %v (%v)\n", r.Model, r.Verdict, r.Reason)
	how := "exact"
	if !r.Exact {
		how = fmt.Sprintf("odds of a collision %.1e", r.CollisionBound())
	}
	if r.Symmetry {
		how += ", up to symmetry"
	}
	fmt.Fprintf(&b, "%d states, %d steps, depth %d, %.1f bytes a state, %s\n",
		r.Stats.Distinct, r.Stats.Steps, r.Stats.Depth, r.Stats.BytesPerState(), how)
	if r.Stats.Cut > 0 && r.Closed {
		fmt.Fprintf(&b, "%d steps end at the boundary of the configuration\n", r.Stats.Cut)
	} else if r.Stats.Cut > 0 {
		fmt.Fprintf(&b, "%d steps across the boundary were not taken\n", r.Stats.Cut)
	}
	for _, o := range r.Outcomes {
		fmt.Fprintf(&b, "%-10v  %-10v  %s\n", o.Kind, o.Verdict, o.Name)
	}
	if untaken := r.Untaken(); len(untaken) > 0 {
		fmt.Fprintf(&b, "never taken: %s\n", strings.Join(untaken, ", "))
	}
	for _, o := range r.Outcomes {
		if o.Trace != nil {
			b.WriteByte('\n')
			o.print(&b)
		}
	}
	return b.String()
}

// print prints the runs of an outcome.
func (o Outcome[S]) print(b *strings.Builder) {
	fmt.Fprintf(b, "%s: %v\n", o.Name, o.Verdict)
	for i, step := range o.Trace {
		fmt.Fprintf(b, "%5d  %-20s  %s\n", i, step.Name, step.Text)
	}
	if o.Kind != Eventually {
		return
	}
	if len(o.Cycle) == 0 {
		b.WriteString("       and stops\n")
		return
	}
	b.WriteString("       and then for ever\n")
	for i, step := range o.Cycle {
		fmt.Fprintf(b, "%5d  %-20s  %s\n", len(o.Trace)+i, step.Name, step.Text)
	}
}
