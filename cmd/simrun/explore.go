package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"cutthrough/sim/exec"
	"cutthrough/sim/explore"
	"cutthrough/sim/scenario"
	"cutthrough/sim/trace"

	"github.com/spf13/cobra"
)

// defaultTime is how long an exploration takes when nobody says.
const defaultTime = 10 * time.Second

// search says how to explore.
type search struct {
	strategies string
	n          int
	time       time.Duration
	seed       uint64
	workers    int
	noShrink   bool
	out        string
}

func (a *app) exploreCommand() *cobra.Command {
	var o search
	cmd := &cobra.Command{
		Use:   "explore SCENARIO",
		Short: "Look for an execution that violates a property",
		Long: `Runs executions of a scenario until one violates a property, every execution within
the strategies' bounds was run, or a limit is reached. A violation is shrunk, drawn,
and written as a trace to the directory given with --out; the last line is the
command that replays it.

Without --mutant the trace wants the violation, so that a replay confirms it until the
code is mended. With --mutant the trace wants the code without the mutant to pass,
and claims to kill the mutant: ready for the corpus, but for a story that explains it.

Ctrl-C ends the exploration and shows what was found so far; if it comes while a
violation is being shrunk, it ends the shrinking. With --n in place of --time,
equal seeds and numbers of workers give equal results.`,
		Example: `  simrun explore fifo-wakeup
  simrun explore fifo-wakeup --strategy dfs:2 --n 100000
  simrun explore fifo-wakeup --mutant skip-recheck --time 1m --seed 7`,
		Args:              arguments(1, 1, "SCENARIO (simrun list shows them)"),
		ValidArgsFunction: a.completeScenario,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			if _, err := a.find(args[0]); err != nil {
				return err // before a mutant is built for nothing
			}
			r := &exploreResult{Scenario: args[0], search: o}
			return a.perform(cmd, args, r, func(ctx context.Context) error { return a.explore(ctx, r) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.strategies, "strategy", explore.DefaultStrategies, "strategies that take turns: dfs:N, pct:D, random")
	f.IntVar(&o.n, "n", 0, "end after `N` executions")
	f.DurationVar(&o.time, "time", 0, "end after this time (default 10s, none with --n)")
	f.Uint64Var(&o.seed, "seed", 1, "decides the cases and the random strategies")
	f.IntVar(&o.workers, "workers", runtime.GOMAXPROCS(0), "how many explore at the same time")
	f.StringVar(&o.out, "out", "out", "directory for the trace of a violation")
	f.BoolVar(&o.noShrink, "no-shrink", false, "show a violation as it was found")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "show the coverage of faults")
	a.mutantFlag(cmd)
	_ = cmd.RegisterFlagCompletionFunc("strategy", cobra.FixedCompletions(
		[]string{explore.DefaultStrategies, "dfs:2", "pct:3", "random"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// check validates the flags and fills in what depends on several.
func (o *search) check() error {
	all, err := explore.ParseStrategies(o.strategies, o.seed)
	if err != nil {
		return errorf(exitUsage, "--strategy: %w", err)
	}
	switch {
	case o.n < 0:
		return errorf(exitUsage, "--n=%d: want a positive number", o.n)
	case o.time < 0:
		return errorf(exitUsage, "--time=%s: want a positive time", o.time)
	case o.workers < 1:
		return errorf(exitUsage, "--workers=%d: want at least 1", o.workers)
	}
	if o.n == 0 && o.time == 0 {
		o.time = defaultTime
	}
	o.workers = explore.Workers(o.workers, o.n, all)
	return nil
}

// limits returns the limits in words.
func (o *search) limits() string {
	var words []string
	if o.n > 0 {
		words = append(words, plural(o.n, "execution"))
	}
	if o.time > 0 {
		words = append(words, o.time.String())
	}
	return strings.Join(words, " or ")
}

// explore fills in r.
func (a *app) explore(ctx context.Context, r *exploreResult) error {
	s, err := a.find(r.Scenario)
	if err != nil {
		return err
	}
	o := r.search
	r.Strategies, r.Seed, r.Workers = o.strategies, o.seed, o.workers
	a.say("exploring %s with %s, seed %d, %s, for %s", s.Name, o.strategies, o.seed, plural(o.workers, "worker"), o.limits())
	begun := time.Now()
	report, err := a.search(ctx, s, o)
	if err != nil {
		return errorf(exitInternal, "scenario %s: %w", s.Name, err)
	}
	elapsed := time.Since(begun) // not in the result: equal seeds give equal results
	a.say("%s in %s (%s)", plural(report.Executions, "execution"), elapsed.Round(time.Millisecond), rate(report.Executions, elapsed))
	r.fill(report, ctx.Err() != nil)
	if report.Violation != nil {
		return a.found(ctx, s, report.Violation, r)
	}
	return nil
}

// search explores once, with progress.
func (a *app) search(ctx context.Context, s *scenario.Scenario, o search) (*explore.Report, error) {
	line := a.progress()
	defer line.finish()
	until := time.Now().Add(o.time)
	return explore.Search(s, explore.SearchOptions{
		Strategies: o.strategies, Seed: o.seed, MaxExecutions: o.n, Workers: o.workers,
		Stop: func() bool { return ctx.Err() != nil || o.time > 0 && time.Now().After(until) },
		Progress: func(r *explore.Report) {
			line.update(func(elapsed time.Duration) string {
				return fmt.Sprintf("%s  %s executions (%s), %s steps, %s distinct, %s, %s hit",
					elapsed.Truncate(time.Second), count(r.Executions), rate(r.Executions, elapsed),
					rate(r.Steps, elapsed), count(r.Distinct), plural(r.Cases, "case"), plural(r.Faults, "fault"))
			})
		},
	})
}

// found fills in what there is to say about a violation, after shrinking it.
func (a *app) found(ctx context.Context, s *scenario.Scenario, f *explore.Violation, r *exploreResult) error {
	v := &violation{Strategy: f.Strategy, Found: sizeOf(f)}
	if !r.search.noShrink && f.Failure.Property != exec.Determinism {
		var err error
		if f, _, err = a.minimize(ctx, s, f); err != nil {
			return errorf(exitInternal, "shrink: %w", err)
		}
	}
	t := explore.NewTrace(s.Name, f, firstStory(&f.Failure, r.origin(f.Strategy))...)
	if a.mutated != "" {
		t.Want, t.Kills = trace.Pass, []trace.Kill{{Mutant: a.mutated, Property: f.Failure.Property}}
	}
	v.failure, v.Shrunk, v.Text = *newFailure(&f.Failure), sizeOf(f), string(trace.Format(t))
	p, err := play(s, t, v.diagramLines())
	if err != nil {
		return errorf(exitInternal, "%w", err)
	}
	v.Diagram = p.Diagram
	r.Violation = v
	return nil
}

// minimize shrinks f until it is minimal or ctx ends. It returns the smallest
// violation so far and how many executions that took.
func (a *app) minimize(ctx context.Context, s *scenario.Scenario, f *explore.Violation) (*explore.Violation, int, error) {
	line := a.progress()
	defer line.finish()
	runs := 0
	shrinker := explore.Shrinker{
		Scenario: s,
		Stop:     func() bool { return ctx.Err() != nil },
		Progress: func(n int, g *explore.Violation) {
			runs = n
			line.update(func(time.Duration) string {
				return fmt.Sprintf("shrinking: %s after %s executions", sizeOf(g), count(n))
			})
		},
	}
	g, err := shrinker.Shrink(f)
	return g, runs, err
}

// complete writes the trace of a violation.
func (r *exploreResult) complete(a *app) error {
	v := r.Violation
	if v == nil {
		return nil
	}
	t := v.parsed()
	if a.mutant != "" {
		var err error
		if v.Note, err = a.recordBaseline(t); err != nil {
			return errorf(exitInternal, "%w", err)
		}
		v.Text = string(trace.Format(t))
	}
	if err := os.MkdirAll(r.search.out, 0o755); err != nil {
		return err
	}
	path := filepath.Join(r.search.out, fileName(t, v.Property))
	// A file of that name is the same execution, perhaps with a better story.
	if err := trace.WriteFile(path, t); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	v.Trace, v.Replay = path, a.replayCommandLine(path)
	return nil
}

// replayCommandLine returns the command that replays a trace as it was found.
func (a *app) replayCommandLine(path string) string {
	if a.mutant != "" {
		return a.command("replay", "--mutant", a.mutant, path)
	}
	return a.command("replay", path)
}
