package cli

import (
	"errors"
	"fmt"

	"cutthrough/internal/closest"
	"cutthrough/sim/scenario"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// find returns the scenario called name.
func (a *Invocation) find(name string) (*scenario.Scenario, error) {
	s, err := a.app.Scenarios.Find(name)
	if err != nil {
		return nil, Errorf(ExitUsage, "%w", err)
	}
	return s, nil
}

// unknownCommand is the positional-argument check of the root command.
func unknownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range root.Commands() {
		names = append(names, c.Name())
	}
	return Errorf(ExitUsage, "unknown command %q%s (%s help lists the commands)", args[0], closest.Hint(args[0], names), root.Name())
}

// flagError adds to an error about flags where to look, and what was probably meant.
func flagError(cmd *cobra.Command, err error) error {
	hint := ""
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok && e.GetSpecifiedShortnames() == "" {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				names = append(names, f.Name)
			}
		})
		if name := closest.Word(e.GetSpecifiedName(), names); name != "" {
			hint = fmt.Sprintf(": did you mean --%s?", name)
		}
	}
	return Errorf(ExitUsage, "%s: %w%s (%s)", cmd.Name(), err, hint, helpFor(cmd))
}

// Arguments returns a check that a command has from least to most positional
// arguments, described by usage.
func Arguments(least, most int, usage string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least {
			return Errorf(ExitUsage, "%s: missing %s (%s)", cmd.Name(), usage, helpFor(cmd))
		}
		if len(args) > most {
			return Errorf(ExitUsage, "%s: unexpected argument %q (%s)", cmd.Name(), args[most], helpFor(cmd))
		}
		return nil
	}
}

// helpFor returns the command line that tells more about a command.
func helpFor(cmd *cobra.Command) string { return cmd.Root().Name() + " help " + cmd.Name() }
