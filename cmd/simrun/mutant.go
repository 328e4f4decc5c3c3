package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"

	"cutthrough/internal/closest"
	"cutthrough/internal/mutate"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// inMutant lets a simrun with the code of the mutant compute the result of cmd.
func (a *app) inMutant(cmd *cobra.Command, args []string, r result) error {
	root, m, err := findMutant(a.mutant)
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
	code, err := mutate.Exec(context.Background(), root, m, argv, nil, &out, a.stderr)
	if err != nil {
		return err
	}
	return decode(m, code, out.Bytes(), r)
}

// findMutant returns a mutant and the root of the source tree around the current directory.
func findMutant(nameOrFile string) (root string, m *mutate.Mutant, err error) {
	if root, err = mutate.ModuleRoot("."); err != nil {
		return "", nil, err
	}
	m, err = mutate.Find(root, nameOrFile)
	if errors.Is(err, mutate.ErrUnknown) {
		return "", nil, errorf(exitUsage, "%w%s (simrun list shows the mutants)", err, closest.Hint(nameOrFile, mutantNames()))
	}
	return root, m, err
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

// runMutated runs a program that [mutate.Batch] built, until ctx ends; r is to hold
// its result.
func runMutated(ctx context.Context, m *mutate.Mutant, program string, stderr io.Writer, r result, args ...string) error {
	args = append([]string{args[0], "--json", "--mutated=" + m.Name}, args[1:]...)
	cmd := exec.CommandContext(ctx, program, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, stderr
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("mutant %s: %w", m.Name, context.Cause(ctx))
	case cmd.ProcessState == nil:
		return errorf(exitInternal, "mutant %s: %w", m.Name, err)
	}
	return decode(m, cmd.ProcessState.ExitCode(), out.Bytes(), r)
}
