package simtest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/exec"
	"cutthrough/sim/scenario"
	"cutthrough/sim/simtest"
	"cutthrough/sim/trace"
)

var nameSum = shm.NewName("simtest.sum")

// recorder is a testing.TB that keeps what it is told.
type recorder struct {
	testing.TB
	name   string
	errors []string
	logs   []string
}

func (r *recorder) Helper()      {}
func (r *recorder) Name() string { return r.name }
func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}
func (r *recorder) Logf(format string, args ...any) {
	r.logs = append(r.logs, fmt.Sprintf(format, args...))
}

// check runs Check and returns what it said.
func check(s *scenario.Scenario, dir string, opts ...simtest.Option) *recorder {
	r := &recorder{name: "TestSum/part"}
	simtest.Check(r, s, append([]simtest.Option{simtest.Dir(dir), simtest.Executions(500)}, opts...)...)
	return r
}

// want checks that Check failed once with a message that matches, or not at all.
func (r *recorder) want(t *testing.T, pattern string) {
	t.Helper()
	ok := len(r.errors) == 0
	if pattern != "" {
		ok = len(r.errors) == 1 && regexp.MustCompile(pattern).MatchString(r.errors[0])
	}
	if !ok {
		t.Errorf("got %q, want one that matches %q", r.errors, pattern)
	}
}

// scenarioOf returns a scenario with an empty input.
func scenarioOf(name string, setup func(*sim.World), marks ...string) *scenario.Scenario {
	return &scenario.Scenario{
		Name: name, Sometimes: marks,
		Generate: func(scenario.Source) scenario.Input { return scenario.Input{} },
		Compile: func(scenario.Input) (scenario.Program, error) {
			return scenario.Program{Config: sim.Config{Races: true}, Setup: setup}, nil
		},
	}
}

// sum is a scenario in which two processes add 1, atomically or not.
func sum(atomic bool) *scenario.Scenario {
	return scenarioOf("sum", func(w *sim.World) {
		a, b := w.Process("a"), w.Process("b")
		seg, err := a.CreateSegment(shm.MinSegment)
		scenario.Must(err)
		for _, p := range []*sim.Process{a, b} {
			x := p.View(seg).Uint64(64, nameSum)
			p.Go(p.Name(), func() {
				if atomic {
					x.Add(1)
				} else {
					x.Store(x.Load() + 1)
				}
				w.Sometimes("added")
			})
		}
		w.AtEnd("Sum", func() error {
			if v := seg.Uint64(64, nameSum).Load(); v != 2 {
				return fmt.Errorf("the sum is %d", v)
			}
			return nil
		})
	}, "added")
}

func TestPasses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	check(sum(true), dir).want(t, "")
	if _, err := os.Stat(dir); err == nil {
		t.Error("a test that passes makes a directory")
	}
}

// TestViolation goes the way of a bug: found, found again at once, mended, guarded.
func TestViolation(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "sum.trace")
	r := check(sum(false), dir)
	r.want(t, `(?s)^scenario sum: Sum: the sum is 1\nschedule\n  a @ simtest.sum store #1 -> b\n\nstep   a .*▶ before simtest.sum store #1: -> b\n.*\n`+
		regexp.QuoteMeta(file)+` is its trace; replay it with\ngo test -count=1 -run '\^TestSum\$' cutthrough/sim/simtest$`)
	x, err := trace.ReadFile(file)
	if err != nil || x.Want != "Sum" || len(x.Schedule) != 1 || x.Found() == "" {
		t.Fatalf("%+v, %v", x, err)
	}
	check(sum(false), dir, simtest.Executions(1)).want(t, `(?s)^`+regexp.QuoteMeta(file)+`: Sum: the sum is 1\n.*▶`)
	mended := check(sum(true), dir)
	mended.want(t, "")
	if !slices.ContainsFunc(mended.logs, func(l string) bool { return strings.Contains(l, "does not violate Sum any more") }) {
		t.Errorf("logs %q", mended.logs)
	}
	x.Want = trace.Pass
	x.Schedule[0].Op = "add"
	scenario.Must(trace.ReplaceFile(file, x))
	check(sum(true), dir).want(t, "")
	x.Schedule[0].Nth = 7
	scenario.Must(trace.ReplaceFile(file, x))
	check(sum(true), dir).want(t, `is stale: never reached a @ simtest.sum add #7 -> b$`)
	check(sum(false), dir).want(t, `is stale`)
}

// TestNothingIsOverwritten: another execution of the scenario has its file already.
func TestNothingIsOverwritten(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "sum.trace")
	mine := &trace.Trace{Story: []string{"Mine."}, Scenario: "sum", Want: trace.Pass}
	scenario.Must(trace.WriteFile(file, mine))
	for range 2 { // the second time both are there
		check(sum(false), dir, simtest.Strategies("random")).want(t, `Sum: the sum is 1`)
	}
	names, err := os.ReadDir(dir)
	if x, bad := trace.ReadFile(file); bad != nil || err != nil || x.Want != trace.Pass || len(names) != 2 {
		t.Errorf("%+v %v %v %v", x, bad, names, err)
	}
}

func TestFails(t *testing.T) {
	executions := uint64(0)
	word := func(w *sim.World) (*sim.Process, shm.Uint64) {
		p := w.Process("a")
		seg, err := p.CreateSegment(shm.MinSegment)
		scenario.Must(err)
		return p, seg.Uint64(64, nameSum)
	}
	never := make(chan struct{})
	t.Cleanup(func() { close(never) })
	invalid := sum(true)
	invalid.Compile = func(scenario.Input) (scenario.Program, error) {
		return scenario.Program{}, fmt.Errorf("no such case")
	}
	broken := sum(true)
	broken.Broken = true
	for name, tt := range map[string]struct {
		scenario *scenario.Scenario
		want     string
	}{
		"inconclusive": {scenarioOf("idle", func(w *sim.World) { w.Process("a").Go("a", func() {}) }, "there"),
			`^scenario idle is inconclusive: never reached there within \d+ executions$`},
		"luck": {scenarioOf("luck", func(w *sim.World) {
			p, x := word(w)
			p.Go("a", func() { executions++; x.Store(executions) })
		}), `(?s)^scenario luck: Determinism: .*luck.trace is its trace`},
		"hang": {scenarioOf("hang", func(w *sim.World) {
			p, x := word(w)
			p.Go("a", func() { x.Load(); <-never })
		}), `(?s)^scenario hang: NoHang: a has not come back .* at check_test.go:\d+\n.*hang.trace is its trace`},
		"invalid": {invalid, `^scenario sum: no such case$`},
		"broken":  {broken, `^scenario sum says that it is broken, but nothing is violated within \d+ executions$`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(tt.scenario, t.TempDir()).want(t, tt.want)
		})
	}
}

// TestBroken: what a broken scenario has to show is shown, and no failure.
func TestBroken(t *testing.T) {
	s, dir := sum(false), t.TempDir()
	s.Broken = true
	check(s, dir).want(t, "")
	s.Broken = false
	check(s, dir).want(t, "Sum: the sum is 1")
	s.Broken = true
	check(s, dir).want(t, "")
}

// TestFiles: what cannot be read or written is said.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	scenario.Must(os.WriteFile(filepath.Join(dir, "x.trace"), []byte("simtrace v2\n"), 0o644))
	check(sum(true), dir).want(t, `x.trace:1: `)
	file := filepath.Join(dir, "file")
	scenario.Must(os.WriteFile(file, nil, 0o644))
	check(sum(false), file).want(t, `(?s)Sum: .*its trace cannot be written: mkdir .*file: not a directory$`)
	other := &trace.Trace{Scenario: "other", Want: exec.NoRace}
	dir = t.TempDir()
	scenario.Must(trace.WriteFile(filepath.Join(dir, "other.trace"), other))
	check(sum(true), dir).want(t, "")
}
