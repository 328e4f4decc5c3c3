package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"cutthrough/internal/mutate"
	"cutthrough/sim/exec"
	"cutthrough/sim/explore"
	"cutthrough/sim/scenario"
	"cutthrough/sim/trace"

	"github.com/spf13/cobra"
)

// defaultTime is how long an exploration takes without --time and --n.
const defaultTime = 10 * time.Second

// search says how to explore.
type search struct {
	strategies string
	n          int
	time       time.Duration
	seed       uint64
	workers    int
	scope      int
	shard      shard
	noShrink   bool
	out        string
}

func (a *Invocation) exploreCommand() *cobra.Command {
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
		Example: a.example(`  PROGRAM explore SCENARIO
  PROGRAM explore SCENARIO --strategy dfs:2 --n 100000
  PROGRAM explore SCENARIO --strategy dpor --scope 3
  PROGRAM explore SCENARIO --mutant MUTANT --time 1m --seed 7`),
		Args:              Arguments(1, 1, "SCENARIO ("+a.app.Name+" list shows them)"),
		ValidArgsFunction: a.completeScenario,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			if _, err := a.find(args[0]); err != nil {
				return err // before a mutant is built for nothing
			}
			if a.mutated == "" {
				if err := CheckOutput("--out", o.out); err != nil {
					return err
				}
			}
			r := &Exploration{Scenario: args[0], search: o}
			return a.Perform(cmd, args, r, func(ctx context.Context) error { return a.explore(ctx, r) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.strategies, "strategy", explore.DefaultStrategies, "strategies that take turns: dfs:N, dpor, pct:D, random")
	f.IntVar(&o.n, "n", 0, "end after `N` executions")
	f.DurationVar(&o.time, "time", 0, "end after this time, shrinking included (default 10s, none with --n)")
	f.Uint64Var(&o.seed, "seed", 1, "decides the cases and the random strategies")
	f.IntVar(&o.workers, "workers", runtime.GOMAXPROCS(0), "how many explore at the same time")
	f.IntVar(&o.scope, "scope", 0, "in place of cases that are drawn, take all of the scenario's scope `N`, the smallest first")
	f.Var(&o.shard, "shard", "do part I of N of the search, the numbers from 1; /N takes I from a job array (see merge)")
	f.StringVar(&o.out, "out", "out", "directory for the trace of a violation")
	f.BoolVar(&o.noShrink, "no-shrink", false, "show a violation as it was found")
	a.VerboseFlag(cmd, "show the coverage of faults")
	a.mutantFlag(cmd)
	_ = cmd.RegisterFlagCompletionFunc("strategy", cobra.FixedCompletions(
		[]string{explore.DefaultStrategies, "dfs:2", "dpor", "pct:3", "random"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// check validates the flags and fills in what depends on several.
func (o *search) check() error {
	all, err := explore.ParseStrategies(o.strategies, o.seed)
	if err != nil {
		return Errorf(ExitUsage, "--strategy: %w", err)
	}
	switch {
	case o.n < 0:
		return Errorf(ExitUsage, "--n=%d: want a positive number", o.n)
	case o.time < 0:
		return Errorf(ExitUsage, "--time=%s: want a positive time", o.time)
	case o.scope < 0:
		return Errorf(ExitUsage, "--scope=%d: want a positive number", o.scope)
	case o.workers < 1:
		return Errorf(ExitUsage, "--workers=%d: want at least 1", o.workers)
	case o.workers > MaxWorkers:
		return Errorf(ExitUsage, "--workers=%d: want at most %d", o.workers, MaxWorkers)
	}
	if o.scope > 0 {
		return nil // it comes to its end, and workers share the cases
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
		words = append(words, Plural(o.n, "execution"))
	}
	if o.time > 0 {
		words = append(words, o.time.String())
	}
	if o.scope > 0 {
		words = append(words, fmt.Sprintf("all of scope %d", o.scope))
	}
	if o.shard.count > 0 {
		return strings.Join(words, " or ") + fmt.Sprintf(", shard %s", &o.shard)
	}
	return strings.Join(words, " or ")
}

// explore fills in r.
func (a *Invocation) explore(ctx context.Context, r *Exploration) error {
	s, err := a.find(r.Scenario)
	if err != nil {
		return err
	}
	o := r.search
	if o.scope > 0 && s.Scope == nil {
		return Errorf(ExitUsage, "--scope=%d: scenario %s has no scopes", o.scope, s.Name)
	}
	a.Update(func() {
		r.Shard, r.Shards = o.shard.number, o.shard.count
		r.Strategies, r.Seed, r.Workers, r.Scope, r.Outcome = o.strategies, o.seed, o.workers, o.scope, interrupted
	})
	a.Say("exploring %s with %s, seed %d, %s, for %s", s.Name, o.strategies, o.seed, Plural(o.workers, "worker"), o.limits())
	begun := time.Now()
	report, err := a.search(ctx, s, o, func(report *explore.Report) { a.Update(func() { r.count(report) }) })
	switch {
	case errors.Is(err, explore.ErrNoCase):
		return Errorf(ExitUsage, "%w: take fewer", err)
	case err != nil:
		return Errorf(ExitInternal, "scenario %s: %w", s.Name, err)
	}
	elapsed := time.Since(begun) // not in the result: equal seeds give equal results
	a.Say("%s in %s (%s)", Plural(report.Executions, "execution"), elapsed.Round(time.Millisecond), Rate(report.Executions, elapsed))
	a.Update(func() {
		r.fill(report, ctx.Err() != nil)
		if report.Violation != nil {
			r.Violation = a.describe(report.Violation, report.Violation, r)
		}
	})
	if report.Violation == nil {
		return nil
	}
	if o.time > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, begun.Add(o.time)) // shrinking has what is left
		defer cancel()
	}
	return a.found(ctx, s, report.Violation, r)
}

// gcPercent is how much a search may allocate before a collection, as a part of what lives. Executions leave garbage of which
// nothing lives on, and what lives is a few megabytes, so the default would collect a hundred times a second.
const gcPercent = 400

// search explores once, with progress.
func (a *Invocation) search(ctx context.Context, s *scenario.Scenario, o search, soFar func(*explore.Report)) (*explore.Report, error) {
	if os.Getenv("GOGC") == "" {
		defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	}
	line := a.Progress()
	defer line.Finish()
	until := time.Now().Add(o.time)
	return explore.Search(s, explore.SearchOptions{
		Strategies: o.strategies, Seed: o.seed, MaxExecutions: o.n, Workers: o.workers, Scope: o.scope, Shard: max(o.shard.number-1, 0), Shards: o.shard.count,
		Stop: func() bool { return ctx.Err() != nil || o.time > 0 && time.Now().After(until) },
		Progress: func(r *explore.Report) {
			soFar(r)
			line.Update(func(elapsed time.Duration) string {
				if r.Planned > 0 {
					return fmt.Sprintf("%s  %s of %s, %s executions (%s)", elapsed.Truncate(time.Second), Count(r.Cases),
						Plural(r.Planned, "case"), Count(r.Executions), Rate(r.Executions, elapsed))
				}
				return fmt.Sprintf("%s  %s executions (%s), %s steps, %s distinct, %s, %s hit",
					elapsed.Truncate(time.Second), Count(r.Executions), Rate(r.Executions, elapsed),
					Rate(r.Steps, elapsed), Count(r.Distinct), Plural(r.Cases, "case"), Plural(r.Faults, "fault"))
			})
		},
	})
}

// found shrinks and draws a violation. One that leaves the simulation is shown as it was found.
func (a *Invocation) found(ctx context.Context, s *scenario.Scenario, f *explore.Violation, r *Exploration) error {
	if outside(&f.Failure) {
		return nil
	}
	small := f
	if !r.search.noShrink && f.Failure.Property != exec.Determinism {
		var err error
		if small, _, err = a.minimize(ctx, s, f, nil); err != nil {
			return Errorf(ExitInternal, "shrink: %w", err)
		}
	}
	v := a.describe(f, small, r)
	if v.recorded == nil {
		a.Update(func() { r.Violation = v })
		return nil
	}
	p, err := play(s, v.recorded, v.diagramLines())
	if err != nil {
		return Errorf(ExitInternal, "%w", err)
	}
	v.Diagram = p.Diagram
	a.Update(func() { r.Violation = v })
	return nil
}

// describe returns what there is to say about a violation that was found as f and is as small as g now.
func (a *Invocation) describe(f, g *explore.Violation, r *Exploration) *Violation {
	t := explore.NewTrace(r.Scenario, g, firstStory(&g.Failure, r.origin(a.app.Name, f.Strategy))...)
	if a.mutated != "" {
		t.Want, t.Kills = trace.Pass, []trace.Kill{{Mutant: a.mutated, Property: g.Failure.Property}}
	}
	v := &Violation{Failure: g.Failure, Strategy: f.Strategy, Found: sizeOf(f), Shrunk: sizeOf(g), Schedule: g.Schedule}
	if err := t.Validate(); err != nil {
		v.Note = "there is no trace of it: " + err.Error()
		return v
	}
	v.Text, v.recorded = string(trace.Format(t)), t
	return v
}

// minimize shrinks f until it is minimal or ctx ends. It returns the smallest
// violation so far and how many executions that took; soFar, which may be nil, gets them after every improvement.
func (a *Invocation) minimize(ctx context.Context, s *scenario.Scenario, f *explore.Violation, soFar func(g *explore.Violation, runs int)) (*explore.Violation, int, error) {
	line := a.Progress()
	defer line.Finish()
	runs := 0
	shrinker := explore.Shrinker{
		Scenario: s,
		Stop:     func() bool { return ctx.Err() != nil },
		Progress: func(n int, g *explore.Violation) {
			runs = n
			if soFar != nil {
				soFar(g, n)
			}
			line.Update(func(time.Duration) string {
				return fmt.Sprintf("shrinking: %s after %s executions", sizeOf(g), Count(n))
			})
		},
	}
	g, err := shrinker.Shrink(f)
	return g, runs, err
}

// Complete writes the trace of a violation.
func (r *Exploration) Complete(a *Invocation) error {
	v := r.Violation
	if v == nil || v.Text == "" {
		return nil
	}
	if v.recorded == nil { // another process has found it
		var err error
		if v.recorded, err = trace.Parse("violation", []byte(v.Text)); err != nil {
			return Errorf(ExitInternal, "%w", err)
		}
	}
	t := v.recorded
	if r.given != "" {
		var err error
		if v.Note, err = a.recordBaseline(t); err != nil {
			return Errorf(ExitInternal, "%w", err)
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
	v.Trace, v.Replay = path, a.replayCommandLine(r.given, path)
	return nil
}

// replayCommandLine returns the command that replays a trace as it was found.
func (a *Invocation) replayCommandLine(mutant, path string) string {
	if mutant != "" {
		return a.CommandLine("replay", "--mutant", mutant, path)
	}
	return a.CommandLine("replay", path)
}

// ExploreMutant builds the program with a mutant and explores it for at most the given time. The patch of the mutant names the
// scenario and the strategy. Before the build ExploreMutant calls begin with the story of the mutant. The method Complete of the
// Exploration writes the trace to the directory out.
func (a *Invocation) ExploreMutant(ctx context.Context, name, out string, limit time.Duration, begin func(story string)) (*Exploration, error) {
	p, m, err := a.findMutant(name)
	if err != nil {
		return nil, err
	}
	begin(m.Story)
	r := &Exploration{search: search{out: out}}
	r.given = name
	errs := p.Plan(ctx, []*mutate.Mutant{m}).Run(ctx, 1, func(m *mutate.Mutant, program mutate.Program) error {
		return a.runMutated(ctx, m, program, a.stderr, r, "explore", fmt.Sprintf("--quiet=%t", a.quiet),
			"--strategy="+cmp.Or(m.Strategy, explore.DefaultStrategies), "--time="+limit.String(), "--workers=1", "--", m.Scenario)
	})
	return r, errs[0]
}
