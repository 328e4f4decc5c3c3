package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"cutthrough/internal/mutate"
	"cutthrough/sim/explore"
	"cutthrough/sim/trace"

	"github.com/spf13/cobra"
)

// mutateResult is the kill matrix.
type mutateResult struct {
	header
	Mutants []killed `json:"mutants" doc:"one for each mutant and, with --clean, for each search on the code as it is (without mutant)"`
}

// killed is what a search found in the code with a mutant.
type killed struct {
	Mutant        string  `json:"mutant,omitempty" doc:"the mutant; none for the code as it is"`
	Scenario      string  `json:"scenario" doc:"the scenario its patch names"`
	Strategies    string  `json:"strategies" doc:"the strategy its patch names"`
	Status        string  `json:"status" doc:"killed, survived or error; clean or violated for the code as it is"`
	Want          string  `json:"want" doc:"the property its patch names"`
	Found         string  `json:"found" doc:"the violated property"`
	Detail        string  `json:"detail,omitempty" doc:"what went wrong"`
	Executions    int     `json:"executions" doc:"executions until it was found"`
	Seconds       float64 `json:"seconds" doc:"how long that took"`
	Interventions int     `json:"interventions" doc:"interventions of the violation, not shrunk"`
	ExitCode      int     `json:"exit" doc:"the exit code if there were no others"`
}

func (a *app) mutateCommand() *cobra.Command {
	var run string
	var clean bool
	o := search{workers: 1, noShrink: true}
	cmd := &cobra.Command{
		Use:   "mutate",
		Short: "Find out which mutants the strategies kill",
		Long: `Builds every mutant and explores the scenario that its patch names, with the strategy that
it names, until a violation is found or the time is up. A mutant that survives is a hole in
the properties or a bound that is too tight; the exit code then is 7.

With --clean the code as it is gets the same searches, and must be free of violations.`,
		Example: `  simrun mutate
  simrun mutate --run 'fifo|evq' --time 1m`,
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			re, err := regexp.Compile(run)
			if err != nil {
				return errorf(exitUsage, "--run: %w", err)
			}
			if o.time <= 0 {
				return errorf(exitUsage, "--time=%s: want a positive time", o.time)
			}
			r := &mutateResult{}
			return a.perform(cmd, args, r, func(ctx context.Context) error { return a.mutate(ctx, r, re, o, clean) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&run, "run", "", "only mutants whose name matches this regular expression")
	f.DurationVar(&o.time, "time", defaultTime, "time for each mutant")
	f.Uint64Var(&o.seed, "seed", 1, "decides the cases and the random strategies")
	f.BoolVar(&clean, "clean", false, "also search the code as it is")
	return cmd
}

func (a *app) mutate(ctx context.Context, r *mutateResult, re *regexp.Regexp, o search, clean bool) error {
	p, err := project()
	if err != nil {
		return err
	}
	all, err := p.List()
	if err != nil {
		return err
	}
	ms := slices.DeleteFunc(all, func(m *mutate.Mutant) bool { return !re.MatchString(m.Name) })
	if len(ms) == 0 {
		return errorf(exitUsage, "mutate: no mutant matches %q (simrun list shows them)", re)
	}
	a.say("%s, %s each, seed %d", plural(len(ms), "mutant"), o.time, o.seed)
	rows := make(map[string]*killed)
	for _, m := range ms {
		rows[m.Name] = &killed{
			Mutant: m.Name, Scenario: m.Scenario, Strategies: cmp.Or(m.Strategy, explore.DefaultStrategies),
			Want: m.Property,
		}
	}
	var mu sync.Mutex
	done := 0
	errs := a.plan(ctx, p, ms).Run(ctx, mutantJobs, func(m *mutate.Mutant, program mutate.Program) error {
		k := rows[m.Name]
		err := k.search(ctx, m, program, o)
		mu.Lock()
		defer mu.Unlock()
		done++
		if err == nil {
			a.say("%d/%d  %s  %s %s", done, len(ms), m.Name, k.Status, k.Found)
		}
		return err
	})
	for i, m := range ms {
		k := rows[m.Name]
		switch err := errs[i]; {
		case errors.Is(err, context.Canceled):
			k.Status, k.ExitCode = interrupted, exitInterrupted
		case err != nil:
			k.Status, k.Detail, k.ExitCode = errorStatus, err.Error(), errorCode(err)
		}
		r.Mutants = append(r.Mutants, *k)
	}
	if clean && ctx.Err() == nil {
		return a.searchClean(ctx, r, o)
	}
	return nil
}

// search lets the mutated program explore, and takes the time.
func (k *killed) search(ctx context.Context, m *mutate.Mutant, program mutate.Program, o search) error {
	if k.Scenario == "" {
		return errorf(exitUsage, "%s: no line \"scenario: NAME\" in its header", m.Path)
	}
	begun := time.Now()
	var x exploreResult
	err := runMutated(ctx, m, program, io.Discard, &x, "explore", "--quiet", "--no-shrink",
		"--strategy="+k.Strategies, "--time="+o.time.String(), fmt.Sprintf("--seed=%d", o.seed),
		fmt.Sprintf("--workers=%d", o.workers), "--", k.Scenario)
	if err != nil {
		return err
	}
	k.take(&x, time.Since(begun))
	if x.Outcome == interrupted { // the terminal told it before it told us
		return fmt.Errorf("%s: %w", m.Name, context.Canceled)
	}
	if x.Violation == nil {
		k.Status, k.ExitCode = "survived", exitSurvived
		return nil
	}
	k.Status = "killed"
	return nil
}

// take copies what an exploration found.
func (k *killed) take(x *exploreResult, elapsed time.Duration) {
	k.Executions, k.Seconds = x.Executions, elapsed.Seconds()
	if v := x.Violation; v != nil {
		k.Found, k.Interventions = v.Property, v.Found.Interventions
	}
}

// searchClean gives the code as it is the searches of all mutants.
func (a *app) searchClean(ctx context.Context, r *mutateResult, o search) error {
	var did []string
	for _, k := range slices.Clone(r.Mutants) {
		if key := k.Scenario + " " + k.Strategies; slices.Contains(did, key) || k.Scenario == "" {
			continue
		} else {
			did = append(did, key)
		}
		a.say("the code as it is: %s with %s", k.Scenario, k.Strategies)
		begun := time.Now()
		o.strategies = k.Strategies
		x := exploreResult{Scenario: k.Scenario, search: o}
		c := killed{Scenario: k.Scenario, Strategies: k.Strategies, Status: "clean", Want: trace.Pass}
		if err := a.explore(ctx, &x); err != nil {
			c.Status, c.Detail, c.ExitCode = errorStatus, err.Error(), errorCode(err)
		}
		c.take(&x, time.Since(begun))
		switch x.Outcome {
		case violated:
			c.Status, c.Detail, c.ExitCode = violated, x.Violation.Message, x.code()
		case interrupted:
			c.Status, c.ExitCode = interrupted, exitInterrupted
		}
		r.Mutants = append(r.Mutants, c)
	}
	return nil
}

func (r *mutateResult) code() int {
	var codes []int
	for _, k := range r.Mutants {
		codes = append(codes, k.ExitCode)
	}
	return worst(codes)
}

func (r *mutateResult) complete(*app) error { return nil }

func (r *mutateResult) print(p *printer) {
	rows := [][]string{{"mutant", "status", "scenario", "strategy", "found", "executions", "seconds", "interventions"}}
	totals := map[string]int{}
	for _, k := range r.Mutants {
		totals[k.Status]++
		found := k.Found
		if found != "" && k.Mutant != "" && k.Want != "" && found != k.Want {
			found += " (not " + k.Want + ")"
		}
		if k.Detail != "" {
			found, _, _ = strings.Cut(k.Detail, "\n")
		}
		rows = append(rows, []string{cmp.Or(k.Mutant, "(none)"), k.Status, k.Scenario, k.Strategies, cmp.Or(found, "-"),
			count(k.Executions), fmt.Sprintf("%.1f", k.Seconds), count(k.Interventions)})
	}
	p.table(rows, func(row, column int, cell string) string {
		if row > 0 && column == 1 {
			return p.status(cell)
		}
		return cell
	})
	p.linef("%d of %s killed", totals["killed"], plural(len(r.Mutants)-totals["clean"]-totals[violated], "mutant"))
}
