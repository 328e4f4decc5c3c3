package cli

import (
	"context"
	"math"
	"strings"

	"cutthrough/sim/exec"
	"cutthrough/sim/scenario"
	"cutthrough/sim/trace"

	"github.com/spf13/cobra"
)

// replayResult is what replays of traces showed.
type replayResult struct {
	Header
	Traces []replayed `json:"traces" doc:"one for each trace"`

	stopped bool // by a signal
}

// replayed is one trace with what its replay showed.
type replayed struct {
	Path       string          `json:"path" doc:"the file"`
	Scenario   string          `json:"scenario" doc:"its scenario"`
	Status     string          `json:"status" doc:"ok, drifted, stale, broken, toothless or nondeterministic; empty with a mutant that the trace says nothing about"`
	Want       string          `json:"want" doc:"the verdict it wants: pass, or a property; with --mutant the property it claims to be violated, if any"`
	Verdict    string          `json:"verdict" doc:"the verdict: pass, or the violated property"`
	Failure    *exec.Failure   `json:"failure,omitempty" doc:"the violation"`
	Unmet      []string        `json:"unmet,omitempty" doc:"interventions that were never reached"`
	Digest     exec.Digest     `json:"digest" doc:"digest of the execution"`
	Steps      int             `json:"steps" doc:"steps of the execution"`
	WantDigest exec.Digest     `json:"want_digest" doc:"digest in the file"`
	WantSteps  int             `json:"want_steps" doc:"steps in the file"`
	Differs    string          `json:"differs,omitempty" doc:"how the second of two executions differed"`
	Line       int             `json:"line,omitempty" doc:"the line of the file that is to blame"`
	Diagram    []string        `json:"diagram" doc:"the space-time diagram; with -v every step"`
	Execution  *exec.Execution `json:"execution,omitempty" doc:"the whole execution; not with -q, and not if a task hangs"`
}

// nondeterministic is the status of a trace whose executions differ.
const nondeterministic = "nondeterministic"

func (a *Invocation) replayCommand() *cobra.Command {
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
		Example: a.example(`  PROGRAM replay testdata/sim/*.trace
  PROGRAM replay -v out/NAME.trace                 # every step
  PROGRAM replay --mutant MUTANT out/NAME.trace`),
		Args:              Arguments(1, 1<<20, "TRACE"),
		ValidArgsFunction: completeTraces,
		RunE: func(cmd *cobra.Command, args []string) error {
			r := &replayResult{}
			return a.Perform(cmd, args, r, func(ctx context.Context) error { return a.replayAll(ctx, args, r) })
		},
	}
	a.VerboseFlag(cmd, "show every step")
	a.mutantFlag(cmd)
	return cmd
}

func (a *Invocation) replayAll(ctx context.Context, paths []string, r *replayResult) error {
	for _, path := range paths {
		if ctx.Err() != nil {
			a.Update(func() { r.stopped = true })
			return nil
		}
		t, s, err := a.open(path)
		if err != nil {
			return err
		}
		v, err := a.replayOne(path, s, t)
		if err != nil {
			return err
		}
		a.Update(func() { r.Traces = append(r.Traces, *v) })
	}
	return nil
}

// replayOne replays and judges one trace.
func (a *Invocation) replayOne(path string, s *scenario.Scenario, t *trace.Trace) (*replayed, error) {
	lines := maxDiagram
	if a.verbose {
		lines = math.MaxInt
	}
	p, err := play(s, t, lines)
	if err != nil {
		return nil, atLine(path, "scenario", err)
	}
	v := &replayed{
		Path: path, Scenario: s.Name, Want: t.Want, Verdict: p.Verdict, Failure: p.Failure, Differs: p.Differs,
		Digest: exec.Digest(p.Digest), Steps: p.Steps, Diagram: p.Diagram,
		WantDigest: exec.Digest(t.Digest), WantSteps: t.Steps,
	}
	if a.asJSON && !a.quiet {
		v.Execution = p.Execution
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
		return ExitNondeterminism
	case trace.Stale.String():
		return ExitStale
	case trace.Toothless.String():
		return ExitSurvived
	}
	switch {
	case v.Verdict == trace.Pass && v.Status == trace.Broken.String():
		return ExitStale // nothing is violated, but it is not what was recorded
	case v.Verdict == trace.Pass || !mutant && v.Verdict == v.Want:
		return ExitHeld
	}
	return violationCode(v.Verdict)
}

func (r *replayResult) Code() int {
	var codes []int
	if r.stopped {
		codes = append(codes, ExitInterrupted)
	}
	for i := range r.Traces {
		codes = append(codes, r.Traces[i].code(r.Mutant != ""))
	}
	return Worst(codes)
}

func (r *replayResult) Print(p *Printer) {
	for i := range r.Traces {
		if i > 0 && !p.Quiet {
			p.Linef("")
		}
		r.Traces[i].print(p, r.Mutant)
	}
}

func (v *replayed) print(p *Printer, mutant string) {
	word := ""
	if v.Status != "" {
		word = p.Status(v.Status) + "  "
	}
	p.Linef("%s%s  %s%s: %s", word, v.Path, v.Scenario, withMutant(mutant), v.summary(p.name, mutant))
	if p.Quiet {
		return
	}
	for _, u := range v.Unmet {
		p.Linef("  never reached  %s", u)
	}
	if v.Differs != "" {
		p.Linef("  two executions  %s", v.Differs)
	}
	if v.Failure != nil {
		p.failure(v.Failure)
	}
	if len(v.Diagram) > 0 {
		p.Linef("")
		p.diagram(v.Diagram)
	}
}

// summary says what happened, and what was wanted if that is something else.
func (v *replayed) summary(program, mutant string) string {
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
		words = append(words, "by another execution ("+program+" rebase)")
	}
	return strings.Join(append(words, Plural(v.Steps, "step")), ", ")
}
