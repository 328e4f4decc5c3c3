package main

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

// inMutant lets a simrun with the code of the mutant compute the result of cmd.
func (a *app) inMutant(cmd *cobra.Command, args []string, r result) error {
	p, m, err := findMutant(a.mutant)
	if err != nil {
		return err
	}
	a.say("building mutant %s", m.Name)
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
		return err
	}
	return decode(m, code, out.Bytes(), r)
}

// project returns the source tree around the current directory with its mutants.
func project() (mutate.Project, error) {
	root, err := mutate.ModuleRoot(".", "cutthrough")
	return mutate.Project{Root: root, Dir: "properties/mutants", Command: "./cmd/simrun"}, err
}

// findMutant returns a mutant and its project.
func findMutant(nameOrFile string) (p mutate.Project, m *mutate.Mutant, err error) {
	if p, err = project(); err != nil {
		return p, nil, err
	}
	m, err = p.Find(nameOrFile)
	if errors.Is(err, mutate.ErrUnknown) {
		return p, nil, errorf(exitUsage, "%w%s (simrun list shows the mutants)", err, closest.Hint(nameOrFile, mutantNames()))
	}
	return p, m, err
}

// decode reads what a mutated simrun wrote to its standard output.
func decode(m *mutate.Mutant, code int, out []byte, r result) error {
	if err := json.Unmarshal(out, r); err != nil {
		return errorf(exitInternal, "mutant %s: simrun ended with exit code %d and without a result", m.Name, code)
	}
	if h := r.head(); h.Error != "" {
		return errorf(code, "%s", h.Error)
	}
	return nil
}

// plan finds out how to build mutants, and says so.
func (a *app) plan(ctx context.Context, p mutate.Project, ms []*mutate.Mutant) *mutate.Plan {
	a.say("applying the patches of %s", plural(len(ms), "mutant"))
	plan := p.Plan(ctx, ms)
	if n := plan.Shared(); n > 0 {
		a.say("building one program with %s", plural(n, "mutant"))
	}
	for i, err := range plan.Alone() {
		if err != nil {
			a.say("mutant %s gets a program of its own: %v", ms[i].Name, err)
		}
	}
	return plan
}

// runMutated runs a program of a [mutate.Plan] until ctx ends; r is to hold its result.
func runMutated(ctx context.Context, m *mutate.Mutant, program mutate.Program, stderr io.Writer, r result, args ...string) error {
	args = append([]string{args[0], "--json", "--mutated=" + m.Name}, args[1:]...)
	var out bytes.Buffer
	code, err := program.Run(ctx, &out, stderr, args...)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("mutant %s: %w", m.Name, context.Cause(ctx))
	case err != nil:
		return errorf(exitInternal, "mutant %s: %w", m.Name, err)
	}
	return decode(m, code, out.Bytes(), r)
}
