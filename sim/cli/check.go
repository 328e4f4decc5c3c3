package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"cutthrough/internal/mutate"
	"cutthrough/sim/trace"

	"github.com/spf13/cobra"
)

// mutantJobs is how many mutants are run at the same time.
const mutantJobs = 2

// checkResult is the state of the corpus.
type checkResult struct {
	Header
	Traces []checked      `json:"traces" doc:"one for each trace and, with --mutants, for each mutant that one claims to kill"`
	Totals map[string]int `json:"totals" doc:"how many there are of each status"`
}

// checked is one trace on the code as it is, or under one mutant.
type checked struct {
	Path     string `json:"path" doc:"the file"`
	Mutant   string `json:"mutant,omitempty" doc:"the mutant, if any"`
	Status   string `json:"status" doc:"ok, drifted, stale, broken, toothless, nondeterministic, malformed, interrupted, or error if the mutant does not run"`
	Detail   string `json:"detail" doc:"the verdict, or what is wrong"`
	Line     int    `json:"line,omitempty" doc:"the line to blame, if any"`
	ExitCode int    `json:"exit" doc:"the exit code if there were no others"`
}

// malformedStatus and errorStatus are statuses besides those of a trace that runs.
const (
	malformedStatus = "malformed"
	errorStatus     = "error"
)

func (a *Invocation) checkCommand() *cobra.Command {
	var mutants bool
	command := &cobra.Command{
		Use:   "check [DIR]",
		Short: "Replay the corpus and say whether it is green",
		Long: `Replays all traces below DIR (default ` + a.app.Traces + `) and reports their statuses; ok and
drifted are green. With --mutants it also builds every mutant that a trace claims to
kill and demands that the trace violates the property it names.

In a GitHub workflow (GITHUB_ACTIONS=true) whatever is not green is annotated at its
line of the trace.`,
		Example: a.example(`  PROGRAM check
  PROGRAM check --mutants --json out`),
		Args: Arguments(0, 1, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := a.app.Traces
			if len(args) > 0 {
				dir = args[0]
			}
			r := &checkResult{Totals: map[string]int{}}
			return a.Perform(cmd, args, r, func(ctx context.Context) error { return a.check(ctx, r, dir, mutants) })
		},
	}
	command.Flags().BoolVar(&mutants, "mutants", false, "also replay each trace under the mutants it claims to kill")
	return command
}

func (a *Invocation) check(ctx context.Context, r *checkResult, dir string, mutants bool) error {
	paths, err := tracesBelow(dir)
	if err != nil {
		return err
	}
	a.Update(func() {
		for _, path := range paths {
			r.Traces = append(r.Traces, checked{Path: path, Status: interrupted, ExitCode: ExitInterrupted})
		}
	})
	kills := map[string][]string{} // mutant -> traces
	line := a.Progress()
	defer line.Finish()
	for i, path := range paths {
		if ctx.Err() != nil {
			break
		}
		line.Update(func(elapsed time.Duration) string {
			return fmt.Sprintf("%d/%d traces, %s", i, len(paths), elapsed.Round(time.Second))
		})
		c, t := a.checkTrace(path)
		a.Update(func() { r.Traces[i] = c })
		if t != nil && mutants {
			for _, k := range t.Kills {
				if !slices.Contains(kills[k.Mutant], path) {
					kills[k.Mutant] = append(kills[k.Mutant], path)
				}
			}
		}
	}
	if len(kills) == 0 {
		return nil
	}
	return a.checkMutants(ctx, r, kills)
}

// tracesBelow returns the trace files below dir, sorted.
func tracesBelow(dir string) ([]string, error) {
	var paths []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Ext(path) == ".trace" {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	if len(paths) == 0 {
		return nil, Errorf(ExitUsage, "check: no *.trace file below %s", dir)
	}
	return paths, nil
}

// checkTrace replays a trace on the code as it is; t is nil if it does not run.
func (a *Invocation) checkTrace(path string) (c checked, t *trace.Trace) {
	t, s, err := a.open(path)
	var v *replayed
	if err == nil {
		v, err = a.replayOne(path, s, t)
	}
	if err != nil {
		c = checked{Path: path, Status: malformedStatus, Detail: err.Error(), ExitCode: errorCode(err)}
		if e, ok := malformed(err); ok {
			c.Line, c.Detail = e.Line, e.Err.Error()
		}
		return c, nil
	}
	return v.checked(a.app.Name, ""), t
}

// checked returns the line of the report about a replay.
func (v *replayed) checked(program, mutant string) checked {
	c := checked{Path: v.Path, Mutant: mutant, Status: v.Status, Line: v.Line, ExitCode: v.code(mutant != "")}
	if mutant != "" && v.Status == trace.OK.String() {
		c.ExitCode = ExitHeld // it violates what it claims to violate
	}
	c.Detail = v.summary(program, mutant)
	switch {
	case len(v.Unmet) > 0 && c.Status == trace.Stale.String():
		c.Detail = "never reached: " + v.Unmet[0]
	case v.Differs != "":
		c.Detail = "two executions differ: " + v.Differs
	case c.Status == trace.Toothless.String():
		c.Line = lineOf(v.Path, "kills", 0)
	}
	return c
}

// checkMutants replays the traces under the mutants that they claim to kill.
func (a *Invocation) checkMutants(ctx context.Context, r *checkResult, kills map[string][]string) error {
	p, err := a.project()
	if err != nil {
		return err
	}
	failed := func(mutant string, err error) {
		a.Update(func() {
			for _, path := range kills[mutant] {
				r.set(notRun(path, mutant, err))
			}
		})
	}
	var ms []*mutate.Mutant
	for _, name := range slices.Sorted(maps.Keys(kills)) {
		failed(name, context.Canceled) // until it has run
		m, err := p.Find(name)
		if err != nil {
			failed(name, err)
			continue
		}
		ms = append(ms, m)
	}
	plan := a.plan(ctx, p, ms)
	line := a.Progress()
	defer line.Finish()
	done := 0
	errs := plan.Run(ctx, mutantJobs, func(m *mutate.Mutant, program mutate.Program) error {
		var v replayResult
		args := append([]string{"replay", "--quiet", "--"}, kills[m.Name]...)
		if err := a.runMutated(ctx, m, program, io.Discard, &v, args...); err != nil {
			return err
		}
		a.Update(func() {
			for i := range v.Traces {
				r.set(v.Traces[i].checked(a.app.Name, m.Name))
			}
			done++
			line.Update(func(elapsed time.Duration) string {
				return fmt.Sprintf("%d/%d mutants, %s", done, len(ms), elapsed.Round(time.Second))
			})
		})
		return nil
	})
	for i, err := range errs {
		if err != nil {
			failed(ms[i].Name, err)
		}
	}
	return nil
}

// set adds a line of the report, or replaces the one about the same trace and mutant.
func (r *checkResult) set(c checked) {
	i := slices.IndexFunc(r.Traces, func(d checked) bool { return d.Path == c.Path && d.Mutant == c.Mutant })
	if i < 0 {
		r.Traces = append(r.Traces, c)
		return
	}
	r.Traces[i] = c
}

// notRun returns the line of the report about a mutant that did not replay the trace.
func notRun(path, mutant string, err error) checked {
	c := checked{Path: path, Mutant: mutant, Status: errorStatus, Detail: err.Error(), Line: lineOf(path, "kills", 0), ExitCode: errorCode(err)}
	switch {
	case errors.Is(err, context.Canceled):
		return checked{Path: path, Mutant: mutant, Status: interrupted, ExitCode: ExitInterrupted}
	case errors.Is(err, mutate.ErrStale):
		c.Status = trace.Stale.String()
	}
	return c
}

func (r *checkResult) Code() int {
	var codes []int
	for _, c := range r.Traces {
		codes = append(codes, c.ExitCode)
	}
	return Worst(codes)
}

// green says whether the line needs no attention.
func (c *checked) green() bool {
	return c.Status == trace.OK.String() || c.Status == trace.Drifted.String()
}

// Complete sorts and counts the lines, and annotates what is not green when GitHub is watching.
func (r *checkResult) Complete(a *Invocation) error {
	slices.SortStableFunc(r.Traces, func(x, y checked) int {
		return cmp.Or(strings.Compare(x.Path, y.Path), strings.Compare(x.Mutant, y.Mutant))
	})
	for _, c := range r.Traces {
		r.Totals[c.Status]++
	}
	a.annotate(r.Traces)
	return nil
}

func (r *checkResult) Print(p *Printer) {
	var rows [][]string
	for _, c := range r.Traces {
		if p.Quiet && c.green() {
			continue
		}
		at := c.Path
		if c.Line > 0 && !c.green() {
			at = fmt.Sprintf("%s:%d", c.Path, c.Line)
		}
		detail, _, _ := strings.Cut(c.Detail, "\n")
		rows = append(rows, []string{c.Status, at, strings.TrimSpace(withMutant(c.Mutant)), detail})
	}
	p.Table(rows, func(_, column int, cell string) string {
		if column == 0 {
			return p.Status(cell)
		}
		return cell
	})
	var totals []string
	for _, status := range slices.Sorted(maps.Keys(r.Totals)) {
		totals = append(totals, fmt.Sprintf("%d %s", r.Totals[status], status))
	}
	p.Linef("%s: %s", Plural(len(r.Traces), "replay"), strings.Join(totals, ", "))
}
