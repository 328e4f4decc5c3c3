package simtest

import (
	"fmt"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"cutthrough/sim/exec"
	"cutthrough/sim/explore"
	"cutthrough/sim/scenario"
	"cutthrough/sim/trace"
)

// checker checks one scenario.
type checker struct {
	config
	t        testing.TB
	scenario *scenario.Scenario
}

// Check fails t unless every trace of s in testdata/sim shows what it should and an exploration finds no violation, reaches
// every state of interest and is deterministic. A trace that wants pass should pass; one that wants a violation is
// that of a bug, and should not show it any more. For a Broken scenario it is the other way round: the exploration has to find a
// violation.
//
// Check runs at most 50,000 executions to shrink a violation. It fails t with Errorf only. It is to be called by the
// goroutine of the test.
func Check(t testing.TB, s *scenario.Scenario, opts ...Option) {
	t.Helper()
	c := &checker{newConfig(opts), t, s}
	if !c.replayAll() {
		return // what is known to be wrong need not be searched for
	}
	report, err := explore.Search(s, explore.SearchOptions{Strategies: c.strategies, Seed: c.seed, MaxExecutions: c.executions})
	switch {
	case err != nil:
		t.Errorf("scenario %s: %v", s.Name, err)
	case report.Violation != nil && s.Broken && report.Violation.Failure.Property != exec.Determinism:
		t.Logf("scenario %s is broken, as it says: %v", s.Name, report.Violation.Failure)
	case report.Violation != nil:
		c.violated(report)
	case s.Broken:
		t.Errorf("scenario %s says that it is broken, but nothing is violated within %d executions", s.Name, report.Executions)
	case len(report.Unreached) > 0:
		t.Errorf("scenario %s is inconclusive: never reached %s within %d executions", s.Name, strings.Join(report.Unreached, ", "), report.Executions)
	}
}

// replayAll replays the traces of the scenario. It says whether all show what they should.
func (c *checker) replayAll() bool {
	c.t.Helper()
	paths, err := filepath.Glob(filepath.Join(c.dir, "*.trace"))
	if err != nil {
		c.t.Errorf("%v", err)
	}
	good := true
	for _, path := range paths {
		x, err := trace.ReadFile(path)
		if err != nil {
			c.t.Errorf("%v", err)
			good = false
			continue
		}
		if x.Scenario == c.scenario.Name && !c.replay(path, x) {
			good = false
		}
	}
	return good
}

// replay says whether a trace shows what it should.
func (c *checker) replay(path string, x *trace.Trace) bool {
	c.t.Helper()
	r, err := explore.Replay(c.scenario, x)
	if err != nil {
		c.t.Errorf("%s: %v", path, err)
		return false
	}
	switch {
	case r.Verdict == trace.Pass && x.Want == trace.Pass && len(r.Unmet) > 0:
		c.t.Errorf("%s is stale: never reached %v", path, x.Schedule[r.Unmet[0]])
	case r.Verdict == trace.Pass && x.Want != trace.Pass:
		c.t.Logf("%s does not violate %s any more: let it want pass and it is a guard, or remove it", path, x.Want)
		return true
	case r.Verdict == trace.Pass, c.scenario.Broken && r.Verdict == x.Want:
		return true
	default:
		lines := []string{fmt.Sprintf("%s: %v", path, r.Failure)}
		c.t.Errorf("%s", strings.Join(append(lines, drawn(x, r.Execution)...), "\n"))
	}
	return false
}

// shrinkBudget bounds the executions of a shrinker: a test is to end soon.
const shrinkBudget = 50_000

// violated shrinks, draws, writes and reports a violation.
func (c *checker) violated(report *explore.Report) {
	c.t.Helper()
	small, repeat := report.Violation, repeatable(report.Violation.Failure.Property)
	if repeat {
		shrinker := explore.Shrinker{Scenario: c.scenario, Budget: shrinkBudget}
		g, err := shrinker.Shrink(small)
		if err != nil {
			c.t.Errorf("scenario %s: shrink: %v", c.scenario.Name, err)
			return
		}
		small = g
	}
	x := explore.NewTrace(c.scenario.Name, small, "found   "+found(c.t.Name(), report))
	lines := []string{fmt.Sprintf("scenario %s: %v", c.scenario.Name, small.Failure)}
	var drawing *exec.Execution
	if repeat {
		if r, err := explore.Replay(c.scenario, x); err == nil {
			drawing = r.Execution
		}
	}
	lines = append(lines, drawn(x, drawing)...)
	path, err := save(c.dir, x)
	if err != nil {
		lines = append(lines, "its trace cannot be written: "+err.Error())
	} else {
		lines = append(lines, path+" is its trace; replay it with", c.replayLine())
	}
	c.t.Errorf("%s", strings.Join(lines, "\n"))
}

// repeatable says whether an execution that violates the property is worth another run. One that hangs keeps a processor busy,
// the others cannot be repeated.
func repeatable(property string) bool {
	return property != exec.NoHang && property != exec.TasksOnly && property != exec.Determinism
}

// found says for a story where a violation comes from, in characters that a story may contain.
func found(test string, report *explore.Report) string {
	ascii := strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f {
			return r
		}
		return '_'
	}, test)
	return fmt.Sprintf("%.100s, %s after %d executions", ascii, report.Violation.Strategy, report.Executions)
}

// replayLine returns the command that replays the traces of the scenario: it is the test itself.
func (c *checker) replayLine() string {
	pkg := "."
	if info, ok := debug.ReadBuildInfo(); ok {
		pkg = strings.TrimSuffix(info.Path, ".test")
	}
	test, _, _ := strings.Cut(c.t.Name(), "/")
	return fmt.Sprintf("go test -count=1 -run '^%s$' %s", test, pkg)
}

// maxDiagram bounds the lines of a diagram.
const maxDiagram = 40

// drawn returns what runs in a trace, and the diagram of its execution if there is one.
func drawn(x *trace.Trace, e *exec.Execution) []string {
	var lines []string
	add := func(title string, more []string) {
		if len(more) > 0 {
			lines = append(append(lines, title), more...)
		}
	}
	var config, workload, schedule []string
	for _, kv := range x.Config {
		config = append(config, "  "+kv.Key+"="+kv.Value)
	}
	for _, op := range x.Workload {
		workload = append(workload, "  "+op.String())
	}
	for _, v := range x.Schedule {
		schedule = append(schedule, "  "+v.String())
	}
	add("config", config)
	add("workload", workload)
	add("schedule", schedule)
	if e != nil {
		add("", append(e.Diagram(maxDiagram), ""))
	}
	return lines
}
