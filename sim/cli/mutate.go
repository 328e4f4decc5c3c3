package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"cutthrough/internal/mutate"
	"cutthrough/sim/explore"
	"cutthrough/sim/trace"

	"github.com/spf13/cobra"
)

// mutateResult is the kill matrix.
type mutateResult struct {
	Header
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

func (a *Invocation) mutateCommand() *cobra.Command {
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
		Example: a.example(`  PROGRAM mutate
  PROGRAM mutate --run 'queue|lock' --time 1m`),
		Args: Arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			re, err := regexp.Compile(run)
			if err != nil {
				return Errorf(ExitUsage, "--run: %w", err)
			}
			if o.time <= 0 {
				return Errorf(ExitUsage, "--time=%s: want a positive time", o.time)
			}
			r := &mutateResult{}
			return a.Perform(cmd, args, r, func(ctx context.Context) error { return a.mutate(ctx, r, re, o, clean) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&run, "run", "", "only mutants whose name matches this regular expression")
	f.DurationVar(&o.time, "time", defaultTime, "time for each mutant")
	f.Uint64Var(&o.seed, "seed", 1, "decides the cases and the random strategies")
	f.BoolVar(&clean, "clean", false, "also search the code as it is")
	return cmd
}

func (a *Invocation) mutate(ctx context.Context, r *mutateResult, re *regexp.Regexp, o search, clean bool) error {
	p, err := a.project()
	if err != nil {
		return err
	}
	all, err := p.List()
	if err != nil {
		return err
	}
	ms := slices.DeleteFunc(all, func(m *mutate.Mutant) bool { return !re.MatchString(m.Name) })
	if len(ms) == 0 {
		return Errorf(ExitUsage, "mutate: no mutant matches %q (%s list shows them)", re, a.app.Name)
	}
	a.Say("%s, %s each, seed %d", Plural(len(ms), "mutant"), o.time, o.seed)
	rows := make(map[string]*killed)
	a.Update(func() {
		r.Mutants = make([]killed, len(ms))
		for i, m := range ms {
			rows[m.Name] = &r.Mutants[i]
			r.Mutants[i] = killed{
				Mutant: m.Name, Scenario: m.Scenario, Strategies: cmp.Or(m.Strategy, explore.DefaultStrategies),
				Want: m.Property, Status: interrupted, ExitCode: ExitInterrupted,
			}
		}
	})
	done := 0
	errs := a.plan(ctx, p, ms).Run(ctx, mutantJobs, func(m *mutate.Mutant, program mutate.Program) error {
		k := *rows[m.Name]
		if err := a.searchMutant(ctx, &k, m, program, o); err != nil {
			return err
		}
		a.Update(func() {
			*rows[m.Name] = k
			done++
			a.Say("%d/%d  %s  %s %s", done, len(ms), m.Name, k.Status, k.Found)
		})
		return nil
	})
	a.Update(func() {
		for i, err := range errs {
			if k := &r.Mutants[i]; err != nil && !errors.Is(err, context.Canceled) {
				k.Status, k.Detail, k.ExitCode = errorStatus, err.Error(), errorCode(err)
			}
		}
	})
	if clean && ctx.Err() == nil {
		return a.searchClean(ctx, r, o)
	}
	return nil
}

// searchMutant lets the mutated program explore, and takes the time.
func (a *Invocation) searchMutant(ctx context.Context, k *killed, m *mutate.Mutant, program mutate.Program, o search) error {
	if k.Scenario == "" {
		return Errorf(ExitUsage, "%s: no line \"scenario: NAME\" in its header", m.Path)
	}
	begun := time.Now()
	var x Exploration
	err := a.runMutated(ctx, m, program, io.Discard, &x, "explore", "--quiet", "--no-shrink",
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
		k.Status, k.ExitCode = "survived", ExitSurvived
		return nil
	}
	k.Status, k.ExitCode = "killed", ExitHeld
	return nil
}

// take copies what an exploration found.
func (k *killed) take(x *Exploration, elapsed time.Duration) {
	k.Executions, k.Seconds = x.Executions, elapsed.Seconds()
	if v := x.Violation; v != nil {
		k.Found, k.Interventions = v.Property, v.Found.Interventions
	}
}

// searchClean gives the code as it is the searches of all mutants.
func (a *Invocation) searchClean(ctx context.Context, r *mutateResult, o search) error {
	var did []string
	for _, k := range slices.Clone(r.Mutants) {
		if key := k.Scenario + " " + k.Strategies; slices.Contains(did, key) || k.Scenario == "" {
			continue
		} else {
			did = append(did, key)
		}
		a.Say("the code as it is: %s with %s", k.Scenario, k.Strategies)
		begun := time.Now()
		o.strategies = k.Strategies
		x := Exploration{Scenario: k.Scenario, search: o}
		c := killed{Scenario: k.Scenario, Strategies: k.Strategies, Status: "clean", Want: trace.Pass}
		if err := a.explore(ctx, &x); err != nil {
			c.Status, c.Detail, c.ExitCode = errorStatus, err.Error(), errorCode(err)
		}
		c.take(&x, time.Since(begun))
		switch x.Outcome {
		case violated:
			c.Status, c.Detail, c.ExitCode = violated, x.Violation.Message, x.Code()
		case interrupted:
			c.Status, c.ExitCode = interrupted, ExitInterrupted
		}
		a.Update(func() { r.Mutants = append(r.Mutants, c) })
	}
	return nil
}

func (r *mutateResult) Code() int {
	var codes []int
	for _, k := range r.Mutants {
		codes = append(codes, k.ExitCode)
	}
	return Worst(codes)
}

func (r *mutateResult) Print(p *Printer) {
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
			Count(k.Executions), fmt.Sprintf("%.1f", k.Seconds), Count(k.Interventions)})
	}
	p.Table(rows, func(row, column int, cell string) string {
		if row > 0 && column == 1 {
			return p.Status(cell)
		}
		return cell
	})
	p.Linef("%d of %s killed", totals["killed"], Plural(len(r.Mutants)-totals["clean"]-totals[violated], "mutant"))
}
