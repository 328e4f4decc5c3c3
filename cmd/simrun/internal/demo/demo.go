// Package demo is the command that plants a bug, finds it and explains it.
package demo

import (
	"context"
	"strings"
	"time"

	"cutthrough/sim/cli"

	"github.com/spf13/cobra"
)

// mutant is the planted bug of the demo.
const mutant = "skip-recheck"

// limit bounds the search for the planted bug.
const limit = 30 * time.Second

// result is what the demo found.
type result struct {
	cli.Header
	Story string           `json:"story" doc:"what is wrong with the code of the mutant"`
	Found *cli.Exploration `json:"found" doc:"the exploration of the mutant, as for explore; a note if the code as it is does not pass"`
}

// Command returns the command demo.
func Command() cli.Command {
	return cli.Command{New: command, Documents: []cli.Document{{Name: "demo", Object: result{}}}}
}

func command(a *cli.Invocation) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Plant a bug, find it, explain it",
		Long: `Builds simrun with one line of the code left out, searches until that does harm, shrinks
and draws what it found, and runs the same interleaving on the code as it is. It takes
well under a minute, needs a checkout, and leaves only the trace.`,
		Example: "  simrun demo",
		Args:    cli.Arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := cli.CheckOutput("--out", out); err != nil {
				return err
			}
			r := &result{Found: &cli.Exploration{}}
			return a.Perform(cmd, args, r, func(ctx context.Context) error { return run(ctx, a, r, out) })
		},
	}
	cmd.Flags().StringVar(&out, "out", "out", "directory for the trace")
	return cmd
}

func run(ctx context.Context, a *cli.Invocation, r *result, out string) error {
	found, err := a.ExploreMutant(ctx, mutant, out, limit, func(story string) {
		a.Update(func() { r.Story = story })
		a.Tell("Two processes share memory with a fifo of bytes in it. The producer sleeps while the fifo is",
			"full, the consumer while it is empty, and each has to wake the other. The mutant "+mutant,
			"leaves one check out of that:", "")
		a.Tell(indent(story)...)
		a.Tell("", "Building simrun with the mutant, then running that code in every order of its steps until",
			"something goes wrong ...", "")
	})
	if err != nil {
		return err
	}
	a.Update(func() { r.Found = found })
	return nil
}

func indent(text string) []string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = "    " + lines[i]
	}
	return lines
}

// Code is 0 when the demo showed what it is to show.
func (r *result) Code() int {
	switch {
	case r.Found.Violation == nil:
		return cli.ExitSurvived
	case r.Found.Violation.Note != "":
		return cli.ExitViolated
	}
	return cli.ExitHeld
}

// Complete writes the trace.
func (r *result) Complete(a *cli.Invocation) error { return r.Found.Complete(a) }

func (r *result) Print(p *cli.Printer) {
	v := r.Found.Violation
	if v == nil {
		p.Linef("%s  %s after %s", p.Status(r.Found.Outcome), mutant, cli.Plural(r.Found.Executions, "execution"))
		return
	}
	p.Linef("%s: %s found it after %s, and made it as small as possible:", p.Paint(cli.Red, v.Property), v.Strategy, cli.Plural(r.Found.Executions, "execution"))
	v.PrintMessage(p)
	v.Draw(p)
	p.Lines("", strings.Split(`Read the diagram from the top: a column for each task, a line for each access to the shared
memory, and ▶ where the simulator let another task go on. Nothing else is needed to see
the bug again, today or in ten years: the schedule above is anchored at names, not at times.`, "\n"))
	if v.Note == "" {
		p.Linef("\nThe same schedule was run on the code as it is, with the check: it %s.", p.Paint(cli.Green, "passes"))
	} else {
		p.Linef("\nThe same schedule was run on the code as it is: %s.", p.Paint(cli.Red, v.Note))
	}
	if v.Trace == "" {
		p.Linef("")
		v.PrintTrace(p)
		return
	}
	p.Linef("\n%s is the trace; this runs it again:", v.Trace)
	p.Linef("%s", v.Replay)
}
