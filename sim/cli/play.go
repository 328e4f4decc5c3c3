package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"cutthrough/sim"
	"cutthrough/sim/exec"
	"cutthrough/sim/explore"
	"cutthrough/sim/scenario"
	"cutthrough/sim/trace"
)

// maxDiagram keeps a diagram with what surrounds it within a screen of 40 lines.
const maxDiagram = 30

// played is what two executions of a trace showed.
type played struct {
	trace.Observation
	Failure   *exec.Failure   // nil when everything held
	Execution *exec.Execution // the first one; nil if a task hangs
	Diagram   []string
	Differs   string // how the second execution differed from the first, "" if it did not
}

// play runs t twice on the code of this process and draws it in at most the given
// number of lines, which is maxDiagram or not much less. The error says what is wrong
// with the trace. An execution that leaves the simulation is not run again.
func play(s *scenario.Scenario, t *trace.Trace, lines int) (*played, error) {
	r := sim.NewRunner()
	defer r.Close()
	in := scenario.Input{Config: t.Config, Workload: t.Workload}
	first, unmet, err := s.RunOnce(r, in, t.Schedule, true)
	if err != nil {
		return nil, fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	p := newPlayed(first, unmet, lines)
	if outside(first.Failure) {
		return p, nil
	}
	second, unmet, err := s.RunOnce(r, in, t.Schedule, true)
	if err != nil {
		return nil, fmt.Errorf("scenario %s: the second time: %w", s.Name, err)
	}
	if outside(second.Failure) {
		return newPlayed(second, unmet, lines), nil
	}
	again := observe(second, unmet)
	if again.Digest == p.Digest && again.Steps == p.Steps && again.Verdict == p.Verdict {
		return p, nil
	}
	p.Differs = fmt.Sprintf("%s, digest %016x after %d steps at first; %s, %016x after %d the second time",
		p.Verdict, p.Digest, p.Steps, again.Verdict, again.Digest, again.Steps)
	where, err := explore.FirstDifference(s, in, t.Schedule)
	if err != nil {
		return nil, fmt.Errorf("scenario %s: a third time: %w", s.Name, err)
	}
	if where != "" {
		p.Differs += "; " + where
	}
	return p, nil
}

func newPlayed(o sim.Outcome, unmet []int, lines int) *played {
	p := &played{Observation: observe(o, unmet), Failure: o.Failure, Execution: o.Execution}
	if o.Execution != nil {
		p.Diagram = o.Execution.Diagram(lines)
	}
	return p
}

// outside says whether an execution has left the simulation. It is not worth another run: a task that hangs keeps a processor
// busy, and what a goroutine does that is not a task cannot be repeated.
func outside(f *exec.Failure) bool {
	return f != nil && (f.Property == exec.NoHang || f.Property == exec.TasksOnly)
}

func observe(o sim.Outcome, unmet []int) trace.Observation {
	return trace.Observation{Verdict: o.Verdict(), Unmet: unmet, Digest: o.Digest, Steps: o.Steps}
}

// open reads the trace in a file and finds its scenario.
func (a *Invocation) open(path string) (*trace.Trace, *scenario.Scenario, error) {
	t, err := trace.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	s, err := a.find(t.Scenario)
	if err != nil {
		return nil, nil, atLine(path, "scenario", err)
	}
	return t, s, nil
}

// atLine blames the first line of the trace in a file that starts with word.
func atLine(path, word string, err error) error {
	return &trace.Error{File: path, Line: lineOf(path, word, 0), Err: err}
}

// lineOf returns the number of the first line of a file that starts with
// word, or of the n-th indented line after it; 0 if there is none. It is for
// messages, so a file that cannot be read any more has no lines.
func lineOf(path, word string, n int) int {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	for i, line := range bytes.Split(text, []byte("\n")) {
		if first, _, _ := strings.Cut(string(line), " "); first == word {
			return i + 1 + n
		}
	}
	return 0
}

// recordBaseline fills in what the code without the mutant does under a schedule that was
// found with it: the trace wants that to pass. The note says why it does not.
func (a *Invocation) recordBaseline(t *trace.Trace) (note string, err error) {
	s, err := a.find(t.Scenario)
	if err != nil {
		return "", err
	}
	p, err := play(s, t, maxDiagram)
	if err != nil {
		return "", err
	}
	t.Digest, t.Steps = p.Digest, p.Steps
	switch {
	case p.Verdict != t.Want:
		return fmt.Sprintf("without the mutant too, this schedule violates %s: the trace is no evidence against the mutant", p.Verdict), nil
	case len(p.Unmet) > 0:
		return fmt.Sprintf("without the mutant, %q is never reached: anchor it elsewhere, or the trace is stale", t.Schedule[p.Unmet[0]]), nil
	}
	return "", nil
}

// claim returns what t says about a mutant.
func claim(t *trace.Trace, mutant string) (trace.Kill, bool) {
	for _, k := range t.Kills {
		if k.Mutant == mutant {
			return k, true
		}
	}
	return trace.Kill{}, false
}

// malformed says whether err is about the text of a trace.
func malformed(err error) (*trace.Error, bool) { return errors.AsType[*trace.Error](err) }
