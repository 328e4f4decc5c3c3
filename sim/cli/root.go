package cli

import (
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
)

// Invocation is one command line while it runs: its flags, and where its result goes.
type Invocation struct {
	app            App
	source         source
	stdout, stderr *os.File
	out            *output // stdout
	program        string  // how the user calls this program

	// Flags of all commands.
	asJSON, quiet bool
	color         string
	mutated       string // set for a program that was built with this mutant
	// Flags of several commands.
	mutant  string
	verbose bool

	ownPatience time.Duration // of the command, see SetPatience

	code  int
	shown bool // the result was written, so an error goes nowhere but to stderr

	known sync.Mutex // guards the result while it is computed; see Update
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

{{.Root.Name}} help COMMAND tells more about a command or topic.
{{end}}{{end}}{{if .HasAvailableLocalFlags}}
Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}
{{end}}{{if .HasAvailableInheritedFlags}}
Flags of all commands:
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}
{{end}}`

// Stderr returns where progress and logs go.
func (a *Invocation) Stderr() *os.File { return a.stderr }

// VerboseFlag adds -v to a command; [Printer].Verbose says whether it was given.
func (a *Invocation) VerboseFlag(cmd *cobra.Command, usage string) {
	cmd.Flags().BoolVarP(&a.verbose, "verbose", "v", false, usage)
}

// Tell writes lines to standard output while the command works, unless --json or -q was given.
func (a *Invocation) Tell(lines ...string) {
	if !a.asJSON && !a.quiet {
		a.newPrinter().Lines("", lines)
	}
}

func (a *Invocation) root() *cobra.Command {
	root := &cobra.Command{
		Use:           a.app.Name + " COMMAND",
		Short:         a.app.Short,
		Example:       a.app.Example,
		Args:          unknownCommand,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.asJSON {
				return Errorf(ExitUsage, "no command given")
			}
			return cmd.Help()
		},
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if !slices.Contains(colorModes, a.color) {
				return Errorf(ExitUsage, "--color=%s: want one of %s", a.color, strings.Join(colorModes, ", "))
			}
			return nil
		},
	}
	root.SetHelpTemplate(helpTemplate)
	root.SetUsageTemplate(usageTemplate)
	root.SetFlagErrorFunc(flagError)
	root.SetOut(a.out)
	root.SetErr(a.stderr)
	flags := root.PersistentFlags()
	flags.BoolVar(&a.asJSON, "json", false, "write the result as one JSON object (see help json)")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "no progress, and short results")
	flags.StringVar(&a.color, "color", "auto", "colour the result: auto, always or never")
	flags.StringVar(&a.mutated, "mutated", "", "name of the mutant this program was built with")
	_ = flags.MarkHidden("mutated") // fails only for a flag that does not exist
	_ = root.RegisterFlagCompletionFunc("color", cobra.FixedCompletions(colorModes, cobra.ShellCompDirectiveNoFileComp))
	root.AddCommand(a.listCommand(), a.exploreCommand(), a.replayCommand(), a.shrinkCommand(), a.checkCommand(),
		a.rebaseCommand(), a.mutateCommand(), a.mergeCommand())
	for _, c := range a.app.Commands {
		root.AddCommand(c.New(a))
	}
	root.AddCommand(a.versionCommand(),
		&cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: exitCodesHelp(a.app.Name)},
		&cobra.Command{Use: "json", Short: "The fields of the JSON objects", Long: jsonHelp(a.documents())},
	)
	return root
}

var colorModes = []string{"auto", "always", "never"}

// mutantFlag adds --mutant to cmd.
func (a *Invocation) mutantFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.mutant, "mutant", "", "run the code with this mutant: a name of list, or a file NAME.patch")
	_ = cmd.RegisterFlagCompletionFunc("mutant", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return a.mutantNames(), cobra.ShellCompDirectiveDefault
	})
}

// mutantNames returns the names of the mutants of the source tree around the
// current directory, if there is one.
func (a *Invocation) mutantNames() []string {
	p, err := a.project()
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

// example returns examples with the name of the program in the place of PROGRAM.
func (a *Invocation) example(text string) string {
	return strings.ReplaceAll(text, "PROGRAM", a.app.Name)
}

// completeScenario completes the first argument of a command.
func (a *Invocation) completeScenario(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var words []string
	for _, s := range a.app.Scenarios {
		words = append(words, s.Name+"\t"+s.Doc)
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

// completeTraces completes arguments that are traces.
func completeTraces(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"trace"}, cobra.ShellCompDirectiveFilterFileExt
}
