package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cutthrough/sim/scenario"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// closest returns the word that name was probably meant to be, or "".
func closest(name string, words []string) string {
	best, at := (1+len(name))/3, "" // a typo or two, not another word
	for _, w := range words {
		if d := distance(name, w); d <= best && (at == "" || d < best) {
			best, at = d, w
		}
		if at == "" && len(name) >= 3 && strings.HasPrefix(w, name) {
			at = w
		}
	}
	return at
}

// distance is Levenshtein's: the insertions, deletions and replacements of bytes
// that turn a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1) // of the prefix of a that was looked at
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// didYouMean returns a remark about the closest word, or "".
func didYouMean(name string, words []string) string {
	if w := closest(name, words); w != "" {
		return fmt.Sprintf(": did you mean %s?", w)
	}
	return ""
}

// find returns the scenario called name.
func (a *app) find(name string) (*scenario.Scenario, error) {
	names := a.scenarioNames()
	if i := slices.Index(names, name); i >= 0 {
		return a.scenarios[i], nil
	}
	return nil, errorf(exitUsage, "unknown scenario %q%s (there are %s)", name, didYouMean(name, names), strings.Join(names, ", "))
}

func (a *app) scenarioNames() []string {
	names := make([]string, len(a.scenarios))
	for i, s := range a.scenarios {
		names[i] = s.Name
	}
	return names
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
	return errorf(exitUsage, "unknown command %q%s (simrun help lists the commands)", args[0], didYouMean(args[0], names))
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
		if name := closest(e.GetSpecifiedName(), names); name != "" {
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
