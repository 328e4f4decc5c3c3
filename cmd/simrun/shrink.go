package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"cutthrough/sim/explore"
	"cutthrough/sim/scenario"
	"cutthrough/sim/trace"

	"github.com/spf13/cobra"
)

// shrinkResult is a trace made smaller.
type shrinkResult struct {
	header
	Trace      string `json:"trace" doc:"the file that was read"`
	Property   string `json:"property" doc:"the violation that was kept"`
	Before     size   `json:"before" doc:"its size: interventions, operations, steps"`
	After      size   `json:"after" doc:"its size after shrinking"`
	Executions int    `json:"executions" doc:"executions until the smallest was found"`
	Text       string `json:"text" doc:"the smaller trace"`
	Written    string `json:"written,omitempty" doc:"the file that was written"`
	Replay     string `json:"replay,omitempty" doc:"the command that replays it"`
	Note       string `json:"note,omitempty" doc:"what is unusual about the trace"`

	out string
}

func (a *app) shrinkCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "shrink TRACE",
		Short: "Make a trace of a violation smaller",
		Long: `Reproduces the violation and removes interventions, then operations, then lowers
numbers, as long as the same property is violated. The story stays.

A trace that wants a violation is shrunk on the code as it is; one that kills a mutant
is shrunk with --mutant. Ctrl-C ends the search and keeps the smallest so far.`,
		Example: `  simrun shrink out/NAME.trace
  simrun shrink out/NAME.trace -o traces/lost-wakeup.trace --mutant skip-recheck`,
		Args:              arguments(1, 1, "TRACE"),
		ValidArgsFunction: completeTraces,
		RunE: func(cmd *cobra.Command, args []string) error {
			r := &shrinkResult{Trace: args[0], out: out}
			if out == "" {
				r.out = strings.TrimSuffix(args[0], ".trace") + "-min.trace"
			}
			return a.perform(cmd, args, r, func(ctx context.Context) error { return a.shrink(ctx, r) })
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "write to `FILE`, replacing it (default TRACE with -min added to its name)")
	a.mutantFlag(cmd)
	return cmd
}

func (a *app) shrink(ctx context.Context, r *shrinkResult) error {
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
	a.say("shrinking %s", r.Trace)
	f := &explore.Violation{
		Input:    scenario.Input{Config: t.Config, Workload: t.Workload},
		Schedule: t.Schedule, Failure: *p.Failure, Digest: p.Digest, Steps: p.Steps,
	}
	g, n, err := a.minimize(ctx, s, f)
	if err != nil {
		return errorf(exitInternal, "shrink: %w", err)
	}
	r.Property, r.Before, r.After, r.Executions = f.Failure.Property, sizeOf(f), sizeOf(g), n
	small := *t
	small.Config, small.Workload, small.Schedule = g.Input.Config, g.Input.Workload, g.Schedule
	small.Digest, small.Steps = g.Digest, g.Steps
	if _, claimed := claim(t, a.mutated); a.mutated != "" && !claimed {
		small.Kills = append(slices.Clone(t.Kills), trace.Kill{Mutant: a.mutated, Property: r.Property})
	}
	if err := small.Validate(); err != nil {
		return fmt.Errorf("shrink %s: %w", r.Trace, err)
	}
	r.Text = string(trace.Format(&small))
	return nil
}

// reproduced returns an error unless p is the violation that t is about.
func (a *app) reproduced(path string, t *trace.Trace, p *played) error {
	k, claimed := claim(t, a.mutated)
	switch {
	case p.Differs != "":
		return errorf(exitNondeterminism, "%s: two executions differ: %s", path, p.Differs)
	case a.mutated != "" && claimed && p.Verdict != k.Property:
		return errorf(exitSurvived, "%s: does not kill %s: the verdict is %s, it claims %s", path, k.Mutant, p.Verdict, k.Property)
	case p.Verdict != trace.Pass && (a.mutated != "" || t.Want == trace.Pass || t.Want == p.Verdict):
		return nil
	case t.Want != trace.Pass:
		return errorf(exitStale, "%s: wants a violation of %s, but the verdict is %s: nothing to shrink", path, t.Want, p.Verdict)
	case a.mutated == "" && len(t.Kills) > 0:
		return errorf(exitUsage, "%s: passes, so there is nothing to shrink: it kills a mutant, add --mutant %s", path, t.Kills[0].Mutant)
	}
	return errorf(exitUsage, "%s: passes: nothing to shrink", path)
}

func (r *shrinkResult) code() int { return exitHeld }

// complete writes the smaller trace.
func (r *shrinkResult) complete(a *app) error {
	t, err := trace.Parse(r.Trace, []byte(r.Text))
	if err != nil {
		return errorf(exitInternal, "%w", err)
	}
	if a.mutant != "" {
		if r.Note, err = a.recordBaseline(t); err != nil {
			return errorf(exitInternal, "%w", err)
		}
		r.Text = string(trace.Format(t))
	}
	if err := trace.ReplaceFile(r.out, t); err != nil {
		return err
	}
	r.Written, r.Replay = r.out, a.replayCommandLine(r.out)
	return nil
}

func (r *shrinkResult) print(p *printer) {
	p.linef("%s  before  %s", p.paint(red, r.Property), r.Before)
	p.linef("%s  after   %s, %s", strings.Repeat(" ", len(r.Property)), r.After, plural(r.Executions, "execution"))
	if r.Note != "" {
		p.linef("%s", p.paint(yellow, r.Note))
	}
	if r.Written != "" {
		p.linef("%s; replay it with", r.Written)
		p.linef("%s", r.Replay)
	}
}
