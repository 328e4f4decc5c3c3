package main

import (
	"errors"
	"fmt"

	"cutthrough/internal/closest"
	"cutthrough/sim/scenario"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// find returns the scenario called name.
func (a *app) find(name string) (*scenario.Scenario, error) {
	s, err := a.scenarios.Find(name)
	if err != nil {
		return nil, errorf(exitUsage, "%w", err)
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
	return errorf(exitUsage, "unknown command %q%s (simrun help lists the commands)", args[0], closest.Hint(args[0], names))
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
	return errorf(exitUsage, "%s: %w%s (simrun help %s)", cmd.Name(), err, hint, cmd.Name())
}

// arguments returns a check that a command has from least to most positional
// arguments, described by usage.
func arguments(least, most int, usage string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least {
			return errorf(exitUsage, "%s: missing %s (simrun help %s)", cmd.Name(), usage, cmd.Name())
		}
		if len(args) > most {
			return errorf(exitUsage, "%s: unexpected argument %q (simrun help %s)", cmd.Name(), args[most], cmd.Name())
		}
		return nil
	}
}
