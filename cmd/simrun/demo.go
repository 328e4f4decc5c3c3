package main

import (
	"context"
	"fmt"
	"strings"

	"cutthrough/internal/mutate"

	"github.com/spf13/cobra"
)

// The planted bug of the demo.
const (
	demoMutant   = "skip-recheck"
	demoScenario = "fifo-wakeup"
)

// demoTime bounds the search for the planted bug.
const demoTime = "30s"

// demoResult is what the demo found.
type demoResult struct {
	header
	Story string        `json:"story" doc:"what is wrong with the code of the mutant"`
	Found exploreResult `json:"found" doc:"the exploration of the mutant, as for explore; a note if the code as it is does not pass"`
}

func (a *app) demoCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Plant a bug, find it, explain it",
		Long: `Builds simrun with one line of the code left out, searches until that does harm, shrinks
and draws what it found, and runs the same interleaving on the code as it is. It takes
well under a minute, needs a checkout, and leaves nothing but the trace.`,
		Example: "  simrun demo",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			r := &demoResult{Found: exploreResult{search: search{out: out}}}
			return a.perform(cmd, args, r, func(ctx context.Context) error { return a.demo(ctx, r) })
		},
	}
	cmd.Flags().StringVar(&out, "out", "out", "directory for the trace")
	return cmd
}

func (a *app) demo(ctx context.Context, r *demoResult) error {
	p, m, err := findMutant(demoMutant)
	if err != nil {
		return err
	}
	r.Story = m.Story
	a.tell("Two processes share memory with a fifo of bytes in it. The producer sleeps while the fifo is",
		"full, the consumer while it is empty, and each has to wake the other. The mutant "+demoMutant,
		"leaves one check out of that:", "")
	a.tell(indent(m.Story)...)
	a.tell("", "Building simrun with the mutant, then running that code in every order of its steps until",
		"something goes wrong ...", "")
	errs := p.Plan(ctx, []*mutate.Mutant{m}).Run(ctx, 1, func(m *mutate.Mutant, program mutate.Program) error {
		return runMutated(ctx, m, program, a.stderr, &r.Found, "explore", fmt.Sprintf("--quiet=%t", a.quiet),
			"--strategy="+m.Strategy, "--time="+demoTime, "--workers=1", "--", demoScenario)
	})
	return errs[0]
}

// tell writes lines of the story that the demo tells while it works.
func (a *app) tell(lines ...string) {
	if a.asJSON || a.quiet {
		return
	}
	a.printer().lines("", lines)
}

func indent(text string) []string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = "    " + lines[i]
	}
	return lines
}

// code is 0 when the demo showed what it is to show.
func (r *demoResult) code() int {
	switch {
	case r.Found.Violation == nil:
		return exitSurvived
	case r.Found.Violation.Note != "":
		return exitViolated
	}
	return exitHeld
}

func (r *demoResult) complete(a *app) error {
	a.mutant = demoMutant // for the trace and the command that replays it
	return r.Found.complete(a)
}

func (r *demoResult) print(p *printer) {
	v := r.Found.Violation
	if v == nil {
		p.linef("%s  %s after %s", p.status(r.Found.Outcome), demoMutant, plural(r.Found.Executions, "execution"))
		return
	}
	p.linef("%s: %s found it after %s, and made it as small as possible:", p.paint(red, v.Property), v.Strategy, plural(r.Found.Executions, "execution"))
	v.failure.print(p)
	v.draw(p)
	p.lines("", strings.Split(`Read the diagram from the top: a column for each task, a line for each access to the shared
memory, and ▶ where the simulator let another task go on. Nothing else is needed to see
the bug again, today or in ten years: the schedule above is anchored at names, not at times.`, "\n"))
	if v.Note == "" {
		p.linef("\nThe same schedule was run on the code as it is, with the check: it %s.", p.paint(green, "passes"))
	} else {
		p.linef("\nThe same schedule was run on the code as it is: %s.", p.paint(red, v.Note))
	}
	p.linef("\n%s is the trace; this runs it again:", v.Trace)
	p.linef("%s", v.Replay)
}
