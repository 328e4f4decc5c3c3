package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"cutthrough/internal/closest"
	"cutthrough/internal/mutate"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// inMutant lets a program with the code of the mutant compute the result of cmd.
func (a *Invocation) inMutant(cmd *cobra.Command, args []string, r Result) (interrupted bool, err error) {
	p, m, err := a.findMutant(a.mutant)
	if err != nil {
		return false, err
	}
	a.Say("building mutant %s", m.Name)
	argv := []string{cmd.Name(), "--json", "--mutated=" + m.Name}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Name != "mutant" && f.Name != "json" {
			argv = append(argv, "--"+f.Name+"="+f.Value.String())
		}
	})
	argv = append(append(argv, "--"), args...)
	var out bytes.Buffer
	code, err := p.Exec(context.Background(), m, argv, nil, &out, a.stderr)
	if err != nil {
		return false, err
	}
	return code == ExitInterrupted, a.decode(m, code, out.Bytes(), r)
}

// findMutant returns a mutant and its project.
func (a *Invocation) findMutant(nameOrFile string) (p mutate.Project, m *mutate.Mutant, err error) {
	if p, err = a.project(); err != nil {
		return p, nil, err
	}
	m, err = p.Find(nameOrFile)
	if errors.Is(err, mutate.ErrUnknown) {
		return p, nil, Errorf(ExitUsage, "%w%s (%s list shows the mutants)", err, closest.Hint(nameOrFile, a.mutantNames()), a.app.Name)
	}
	return p, m, err
}

// decode reads what a mutated program wrote to its standard output.
func (a *Invocation) decode(m *mutate.Mutant, code int, out []byte, r Result) error {
	if err := json.Unmarshal(out, r); err != nil {
		return Errorf(ExitInternal, "mutant %s: %s ended with exit code %d and without a result", m.Name, a.app.Name, code)
	}
	if h := r.Head(); h.Error != "" {
		return Errorf(code, "%s", h.Error)
	}
	return nil
}

// plan finds out how to build mutants, and says so.
func (a *Invocation) plan(ctx context.Context, p mutate.Project, ms []*mutate.Mutant) *mutate.Plan {
	a.Say("applying the patches of %s", Plural(len(ms), "mutant"))
	plan := p.Plan(ctx, ms)
	if n := plan.Shared(); n > 0 {
		a.Say("building one program with %s", Plural(n, "mutant"))
	}
	for i, err := range plan.Alone() {
		if err != nil {
			a.Say("mutant %s gets a program of its own: %v", ms[i].Name, err)
		}
	}
	return plan
}

// runMutated runs a program of a [mutate.Plan] until ctx ends; r is to hold its result.
func (a *Invocation) runMutated(ctx context.Context, m *mutate.Mutant, program mutate.Program, stderr io.Writer, r Result, args ...string) error {
	args = append([]string{args[0], "--json", "--mutated=" + m.Name}, args[1:]...)
	var out bytes.Buffer
	code, err := program.Run(ctx, &out, stderr, args...)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("mutant %s: %w", m.Name, context.Cause(ctx))
	case err != nil:
		return Errorf(ExitInternal, "mutant %s: %w", m.Name, err)
	}
	return a.decode(m, code, out.Bytes(), r)
}
