package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"cutthrough/sim/explore"
	"cutthrough/sim/scenario"
	"cutthrough/sim/trace"

	"github.com/spf13/cobra"
)

// shrinkResult is a trace made smaller.
type shrinkResult struct {
	Header
	Trace      string `json:"trace" doc:"the file that was read"`
	Property   string `json:"property" doc:"the violation that was kept"`
	Before     size   `json:"before" doc:"its size"`
	After      size   `json:"after" doc:"its size after shrinking"`
	Executions int    `json:"executions" doc:"executions until the smallest was found"`
	Text       string `json:"text" doc:"the smaller trace"`
	Written    string `json:"written,omitempty" doc:"the file that was written"`
	Replay     string `json:"replay,omitempty" doc:"the command that replays it"`
	Note       string `json:"note,omitempty" doc:"what is unusual about the trace"`

	out   string
	small *trace.Trace // what Text says; nil if another process has written that
}

func (a *Invocation) shrinkCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "shrink TRACE",
		Short: "Make a trace of a violation smaller",
		Long: `Reproduces the violation and removes interventions, then operations, then lowers
numbers, as long as the same property is violated. The story stays.

A trace that wants a violation is shrunk on the code as it is; one that kills a mutant
is shrunk with --mutant. Ctrl-C ends the search and keeps the smallest so far.`,
		Example: a.example(`  PROGRAM shrink out/NAME.trace
  PROGRAM shrink out/NAME.trace -o testdata/sim/lost-wakeup.trace --mutant MUTANT`),
		Args:              Arguments(1, 1, "TRACE"),
		ValidArgsFunction: completeTraces,
		RunE: func(cmd *cobra.Command, args []string) error {
			r := &shrinkResult{Trace: args[0], out: out}
			if out == "" {
				r.out = strings.TrimSuffix(args[0], ".trace") + "-min.trace"
			}
			if a.mutated == "" {
				if err := CheckOutput("--output", filepath.Dir(r.out)); err != nil {
					return err
				}
			}
			return a.Perform(cmd, args, r, func(ctx context.Context) error { return a.shrink(ctx, r) })
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "write to `FILE`, replacing it (default TRACE with -min added to its name)")
	a.mutantFlag(cmd)
	return cmd
}

func (a *Invocation) shrink(ctx context.Context, r *shrinkResult) error {
	t, s, err := a.open(r.Trace)
	if err != nil {
		return err
	}
	p, err := play(s, t, maxDiagram)
	if err != nil {
		return atLine(r.Trace, "scenario", err)
	}
	if err := a.reproduced(r.Trace, t, p); err != nil {
		return err
	}
	if outside(p.Failure) {
		return Errorf(violationCode(p.Verdict), "%s: %v: not shrunk, an execution that leaves the simulation is not run again and again", r.Trace, p.Failure)
	}
	a.Say("shrinking %s", r.Trace)
	f := &explore.Violation{
		Input:    scenario.Input{Config: t.Config, Workload: t.Workload},
		Schedule: t.Schedule, Failure: *p.Failure, Digest: p.Digest, Steps: p.Steps,
	}
	if err := a.smaller(t, f, f).Validate(); err != nil { // a smaller one is valid, too
		return fmt.Errorf("shrink %s: %w", r.Trace, err)
	}
	a.Update(func() { r.take(a, t, f, f, 0) })
	g, n, err := a.minimize(ctx, s, f, func(g *explore.Violation, n int) { a.Update(func() { r.take(a, t, f, g, n) }) })
	if err != nil {
		return Errorf(ExitInternal, "shrink: %w", err)
	}
	a.Update(func() { r.take(a, t, f, g, n) })
	return nil
}

// take notes that f, of trace t, has become as small as g within n executions.
func (r *shrinkResult) take(a *Invocation, t *trace.Trace, f, g *explore.Violation, n int) {
	r.Property, r.Before, r.After, r.Executions = f.Failure.Property, sizeOf(f), sizeOf(g), n
	r.small = a.smaller(t, f, g)
	r.Text = string(trace.Format(r.small))
}

// smaller returns t, of violation f, with the violation g in its place.
func (a *Invocation) smaller(t *trace.Trace, f, g *explore.Violation) *trace.Trace {
	small := *t
	small.Config, small.Workload, small.Schedule = g.Input.Config, g.Input.Workload, g.Schedule
	small.Digest, small.Steps = g.Digest, g.Steps
	if _, claimed := claim(t, a.mutated); a.mutated != "" && !claimed {
		small.Kills = append(slices.Clone(t.Kills), trace.Kill{Mutant: a.mutated, Property: f.Failure.Property})
	}
	return &small
}

// reproduced returns an error unless p is the violation that t is about.
func (a *Invocation) reproduced(path string, t *trace.Trace, p *played) error {
	k, claimed := claim(t, a.mutated)
	switch {
	case p.Differs != "":
		return Errorf(ExitNondeterminism, "%s: two executions differ: %s", path, p.Differs)
	case a.mutated != "" && claimed && p.Verdict != k.Property:
		return Errorf(ExitSurvived, "%s: does not kill %s: the verdict is %s, it claims %s", path, k.Mutant, p.Verdict, k.Property)
	case p.Verdict != trace.Pass && (a.mutated != "" || t.Want == trace.Pass || t.Want == p.Verdict):
		return nil
	case t.Want != trace.Pass:
		return Errorf(ExitStale, "%s: wants a violation of %s, but the verdict is %s: nothing to shrink", path, t.Want, p.Verdict)
	case a.mutated == "" && len(t.Kills) > 0:
		return Errorf(ExitUsage, "%s: passes, so there is nothing to shrink: it kills a mutant, add --mutant %s", path, t.Kills[0].Mutant)
	}
	return Errorf(ExitUsage, "%s: passes: nothing to shrink", path)
}

// Complete writes the smaller trace.
func (r *shrinkResult) Complete(a *Invocation) error {
	t := r.small
	switch {
	case t == nil && r.Text == "":
		return Errorf(ExitInterrupted, "%s: interrupted before its violation was reproduced", r.Trace)
	case t == nil: // another process has shrunk it
		var err error
		if t, err = trace.Parse(r.Trace, []byte(r.Text)); err != nil {
			return Errorf(ExitInternal, "%w", err)
		}
	}
	if r.given != "" {
		var err error
		if r.Note, err = a.recordBaseline(t); err != nil {
			return Errorf(ExitInternal, "%w", err)
		}
		r.Text = string(trace.Format(t))
	}
	if err := trace.ReplaceFile(r.out, t); err != nil {
		return err
	}
	r.Written, r.Replay = r.out, a.replayCommandLine(r.given, r.out)
	return nil
}

func (r *shrinkResult) Print(p *Printer) {
	if r.Text == "" {
		return
	}
	p.Linef("%s  before  %s", p.Paint(Red, r.Property), r.Before)
	p.Linef("%s  after   %s, %s", strings.Repeat(" ", len(r.Property)), r.After, Plural(r.Executions, "execution"))
	if r.Note != "" {
		p.Linef("%s", p.Paint(Yellow, r.Note))
	}
	if r.Written == "" {
		p.printTrace(r.Text)
		return
	}
	p.Linef("%s; replay it with", r.Written)
	p.Linef("%s", r.Replay)
}
