package main

import (
	"os"
	"slices"
	"strings"

	"cutthrough/model/catalog"
	"cutthrough/sim/scenario"

	"github.com/spf13/cobra"
)

// app is one invocation of simrun.
type app struct {
	stdout, stderr *os.File
	scenarios      scenario.Registry
	models         []catalog.Entry
	program        string // how the user calls this program

	// Flags of all commands.
	asJSON, quiet bool
	color         string
	mutated       string // set for a program that was built with this mutant
	// Flags of several commands.
	mutant  string
	verbose bool

	code  int
	shown bool // the result was written, so an error goes nowhere but to stderr
}

// helpTemplate shows what a command is for and how it is used before what there is.
const helpTemplate = `{{.Short}}
{{if .Example}}
Examples:
{{.Example}}
{{end}}{{with .Long}}
{{. | trimTrailingWhitespaces}}
{{end}}{{if or .Runnable .HasSubCommands}}
{{.UsageString}}{{end}}`

// usageTemplate is what follows: the syntax, commands and flags.
const usageTemplate = `{{if .Runnable}}Usage:
  {{.UseLine}}
{{end}}{{if .HasAvailableSubCommands}}
Commands:{{range .Commands}}{{if or .IsAvailableCommand (eq .Name "help")}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}
{{if not .HasParent}}
Topics:{{range .Commands}}{{if .IsAdditionalHelpTopicCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}

simrun help COMMAND tells more about a command or topic.
{{end}}{{end}}{{if .HasAvailableLocalFlags}}
Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}
{{end}}{{if .HasAvailableInheritedFlags}}
Flags of all commands:
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}
{{end}}`

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "simrun COMMAND",
		Short: "Explore interleavings of shared-memory sessions, and replay those that break them",
		Example: `  simrun demo                          # a planted bug, found and explained in a minute
  simrun list                          # what can be explored
  simrun explore fifo-wakeup           # look for violations for ten seconds
  simrun replay traces/NAME.trace      # run one interleaving and draw it
  simrun check --mutants               # is the corpus green, and does it still bite?`,
		Args:          unknownCommand,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.asJSON {
				return errorf(exitUsage, "no command given")
			}
			return cmd.Help()
		},
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if !slices.Contains(colorModes, a.color) {
				return errorf(exitUsage, "--color=%s: want one of %s", a.color, strings.Join(colorModes, ", "))
			}
			return nil
		},
	}
	root.SetHelpTemplate(helpTemplate)
	root.SetUsageTemplate(usageTemplate)
	root.SetFlagErrorFunc(flagError)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	flags := root.PersistentFlags()
	flags.BoolVar(&a.asJSON, "json", false, "write the result as one JSON object (see simrun help json)")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "no progress, and short results")
	flags.StringVar(&a.color, "color", "auto", "colour the result: auto, always or never")
	flags.StringVar(&a.mutated, "mutated", "", "name of the mutant this program was built with")
	_ = flags.MarkHidden("mutated") // fails only for a flag that does not exist
	_ = root.RegisterFlagCompletionFunc("color", cobra.FixedCompletions(colorModes, cobra.ShellCompDirectiveNoFileComp))
	root.AddCommand(a.listCommand(), a.exploreCommand(), a.replayCommand(), a.shrinkCommand(), a.checkCommand(),
		a.rebaseCommand(), a.mutateCommand(), a.modelCommand(), a.demoCommand(),
		a.serveCommand(), a.statCommand(), a.versionCommand(),
		&cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: exitCodesHelp()},
		&cobra.Command{Use: "json", Short: "The fields of the JSON objects", Long: jsonHelp()},
	)
	return root
}

var colorModes = []string{"auto", "always", "never"}

// mutantFlag adds --mutant to cmd.
func (a *app) mutantFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.mutant, "mutant", "", "run the code with this mutant: a name of simrun list, or a file NAME.patch")
	_ = cmd.RegisterFlagCompletionFunc("mutant", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return mutantNames(), cobra.ShellCompDirectiveDefault
	})
}

// mutantNames returns the names of the mutants of the source tree around the
// current directory, if there is one.
func mutantNames() []string {
	p, err := project()
	if err != nil {
		return nil
	}
	ms, err := p.List()
	if err != nil {
		return nil
	}
	names := make([]string, len(ms))
	for i, m := range ms {
		names[i] = m.Name
	}
	return names
}

// completeScenario completes the first argument of a command.
func (a *app) completeScenario(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var words []string
	for _, s := range a.scenarios {
		words = append(words, s.Name+"\t"+s.Doc)
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

// completeTraces completes arguments that are traces.
func completeTraces(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"trace"}, cobra.ShellCompDirectiveFilterFileExt
}
