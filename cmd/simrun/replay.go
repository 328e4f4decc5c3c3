package main

import (
	"context"
	"fmt"
	"math"
	"strings"

	"cutthrough/sim/scenario"
	"cutthrough/sim/trace"

	"github.com/spf13/cobra"
)

// replayResult is what replays of traces showed.
type replayResult struct {
	header
	Traces []replayed `json:"traces" doc:"one for each trace"`
}

// replayed is one trace with what its replay showed.
type replayed struct {
	Path       string   `json:"path" doc:"the file"`
	Scenario   string   `json:"scenario" doc:"its scenario"`
	Status     string   `json:"status" doc:"ok, drifted, stale, broken, toothless or nondeterministic; empty with a mutant that the trace says nothing about"`
	Want       string   `json:"want" doc:"the verdict it wants: pass, or a property; with --mutant the property it claims to be violated, if any"`
	Verdict    string   `json:"verdict" doc:"the verdict: pass, or the violated property"`
	Failure    *failure `json:"failure,omitempty" doc:"the violation: property, message, task, step"`
	Unmet      []string `json:"unmet,omitempty" doc:"interventions that were never reached"`
	Digest     string   `json:"digest" doc:"digest of the execution"`
	Steps      int      `json:"steps" doc:"steps of the execution"`
	WantDigest string   `json:"want_digest" doc:"digest in the file"`
	WantSteps  int      `json:"want_steps" doc:"steps in the file"`
	Differs    string   `json:"differs,omitempty" doc:"how the second of two executions differed"`
	Line       int      `json:"line,omitempty" doc:"the line of the file that is to blame"`
	Diagram    []string `json:"diagram" doc:"the space-time diagram; with -v every step"`

	seen trace.Observation
}

// nondeterministic is the status of a trace whose executions differ.
const nondeterministic = "nondeterministic"

func (a *app) replayCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "replay TRACE...",
		Short: "Run the interleaving in a trace and draw it",
		Long: `Runs each trace, says whether it shows what it claims to show, and draws it:

  ok        the execution that was recorded
  drifted   another execution, because code that the trace does not talk about
            changed; but all anchors were met and the verdict is the wanted one
  stale     an anchor was never met, so something else ran
  broken    the verdict is not the wanted one

With --mutant the question is whether the trace kills the mutant: ok if it violates
the property that it names, toothless if not. The exit code then is that of the violation,
because to see it is what one asks for: 1 or 4, and 7 if the trace is toothless.

Every trace runs twice, and the digests of the two executions are compared.`,
		Example: `  simrun replay traces/*.trace
  simrun replay -v out/NAME.trace                 # every step
  simrun replay --mutant skip-recheck out/NAME.trace`,
		Args:              arguments(1, 1<<20, "TRACE"),
		ValidArgsFunction: completeTraces,
		RunE: func(cmd *cobra.Command, args []string) error {
			r := &replayResult{}
			return a.perform(cmd, args, r, func(context.Context) error { return a.replayAll(args, r) })
		},
	}
	cmd.Flags().BoolVarP(&a.verbose, "verbose", "v", false, "show every step")
	a.mutantFlag(cmd)
	return cmd
}

func (a *app) replayAll(paths []string, r *replayResult) error {
	for _, path := range paths {
		t, s, err := a.open(path)
		if err != nil {
			return err
		}
		v, err := a.replayOne(path, s, t)
		if err != nil {
			return err
		}
		r.Traces = append(r.Traces, *v)
	}
	return nil
}

// replayOne replays and judges one trace.
func (a *app) replayOne(path string, s *scenario.Scenario, t *trace.Trace) (*replayed, error) {
	lines := maxDiagram
	if a.verbose {
		lines = math.MaxInt
	}
	p, err := play(s, t, lines)
	if err != nil {
		return nil, atLine(path, "scenario", err)
	}
	v := &replayed{
		Path: path, Scenario: s.Name, Want: t.Want, Verdict: p.Verdict, Failure: newFailure(p.Failure), Differs: p.Differs,
		Digest: fmt.Sprintf("%016x", p.Digest), Steps: p.Steps, Diagram: p.Diagram,
		WantDigest: fmt.Sprintf("%016x", t.Digest), WantSteps: t.Steps,
		seen: p.Observation,
	}
	for _, i := range p.Unmet {
		v.Unmet = append(v.Unmet, t.Schedule[i].String())
	}
	status := trace.Judge(t, p.Observation)
	switch k, claimed := claim(t, a.mutated); {
	case p.Differs != "":
		v.Status = nondeterministic
	case a.mutated == "":
		v.Status = status.String()
	case claimed:
		v.Status, v.Want = trace.JudgeMutant(k, p.Observation).String(), k.Property
	default:
		v.Want = ""
	}
	switch v.Status {
	case trace.Stale.String():
		v.Line = lineOf(path, "schedule", 1+p.Unmet[0])
	case trace.Broken.String():
		v.Line = lineOf(path, "want", 0)
	}
	return v, nil
}

// code returns the exit code for one trace.
func (v *replayed) code(mutant bool) int {
	switch v.Status {
	case nondeterministic:
		return exitNondeterminism
	case trace.Stale.String():
		return exitStale
	case trace.Toothless.String():
		return exitSurvived
	}
	switch {
	case v.Verdict == trace.Pass && v.Status == trace.Broken.String():
		return exitStale // nothing is violated, but it is not what was recorded
	case v.Verdict == trace.Pass || !mutant && v.Verdict == v.Want:
		return exitHeld
	}
	return violationCode(v.Verdict)
}

func (r *replayResult) code() int {
	var codes []int
	for i := range r.Traces {
		codes = append(codes, r.Traces[i].code(r.Mutant != ""))
	}
	return worst(codes)
}

func (r *replayResult) complete(*app) error { return nil }

func (r *replayResult) print(p *printer) {
	for i := range r.Traces {
		if i > 0 && !p.quiet {
			p.linef("")
		}
		r.Traces[i].print(p, r.Mutant)
	}
}

func (v *replayed) print(p *printer, mutant string) {
	word := ""
	if v.Status != "" {
		word = p.status(v.Status) + "  "
	}
	p.linef("%s%s  %s%s: %s", word, v.Path, v.Scenario, withMutant(mutant), v.summary(mutant))
	if p.quiet {
		return
	}
	for _, u := range v.Unmet {
		p.linef("  never reached  %s", u)
	}
	if v.Differs != "" {
		p.linef("  two executions  %s", v.Differs)
	}
	if v.Failure != nil {
		v.Failure.print(p)
	}
	p.linef("")
	p.diagram(v.Diagram)
}

// summary says what happened, and what was wanted if that is something else.
func (v *replayed) summary(mutant string) string {
	did := map[bool]string{true: "passes", false: "violates " + v.Verdict}[v.Verdict == trace.Pass]
	wants := map[bool]string{true: "pass", false: "violation of " + v.Want}[v.Want == trace.Pass]
	var words []string
	switch {
	case mutant != "" && v.Want == "":
		words = append(words, did, "the trace says nothing about this mutant")
	case mutant != "" && v.Verdict == v.Want:
		words = append(words, did, "as it claims")
	case mutant != "":
		words = append(words, did, "claims a "+wants)
	case v.Verdict == v.Want:
		words = append(words, did+" as wanted")
	default:
		words = append(words, did, "wants a "+wants)
	}
	if v.Status == trace.Drifted.String() {
		words = append(words, "by another execution (simrun rebase)")
	}
	return strings.Join(append(words, plural(v.Steps, "step")), ", ")
}
