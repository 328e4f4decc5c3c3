package cli

import (
	"fmt"
	"os"
	"path"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"cutthrough/sim/scenario"
)

// App is a command line for some scenarios. It is a plain value: the zero value of every field but
// Scenarios has a meaning.
type App struct {
	// Name is what messages call the program; "" means the last element of the path of its main package.
	Name string
	// Short says in one line what the program is for.
	Short string
	// Example is shown by help: commands, one a line, indented by two blanks.
	Example string
	// Scenarios are what can be explored.
	Scenarios scenario.Registry
	// Traces is where check looks for traces if no directory is given; "" means testdata/sim.
	Traces string
	// Mutants is the directory of the patch files, seen from the root of the module of the main package; "" means
	// mutants.
	Mutants string
	// Patience is how long a command may go on after the first signal before it is abandoned; 0 means 6 seconds. It must be
	// longer than a guard needs to find a task that hangs, see sim.Config.HangLimit.
	Patience time.Duration
	// Commands are further commands.
	Commands []Command
}

// Command is a command besides those of every App.
type Command struct {
	// New returns the command for one command line. Its RunE ends with [Invocation.Perform].
	New func(*Invocation) *cobra.Command
	// Documents describe its JSON objects.
	Documents []Document
}

// Document describes a JSON object for help json.
type Document struct {
	Name   string // the command, and if it has several objects which one
	Object any    // a struct whose fields have json and doc tags
}

// Main runs the command line of the process for scenarios and ends the process. A program that only calls
// Main has all commands: mutants are looked for in the directory mutants of its module, traces in testdata/sim.
func Main(scenarios ...*scenario.Scenario) { App{Scenarios: scenarios}.Main() }

// Main runs the command line of the process and ends the process.
func (app App) Main() { os.Exit(app.Run(os.Stdout, os.Stderr, os.Args)) }

// Run runs one command line, args[0] being the name under which the program was called, and returns the exit
// code. While it runs, SIGINT and SIGTERM end the command with what is known so far.
func (app App) Run(stdout, stderr *os.File, args []string) (code int) {
	a := app.invocation(stdout, stderr, args[0])
	args = args[1:]
	command := ""
	defer func() {
		if r := recover(); r != nil {
			code = a.crashed(command, r, debug.Stack())
		}
	}()
	root := a.root()
	a.asJSON = wantsJSON(args) // even if the rest does not parse
	root.SetArgs(args)
	if cmd, _, err := root.Find(args); err == nil {
		command = cmd.Name()
	}
	if err := root.Execute(); err != nil {
		return a.delivered(a.fail(command, err))
	}
	return a.delivered(a.code)
}

// invocation fills in the defaults.
func (app App) invocation(stdout, stderr *os.File, called string) *Invocation {
	a := &Invocation{app: app, stdout: stdout, stderr: stderr, out: &output{w: stdout}, source: ownSource()}
	for _, field := range []struct {
		field *string
		value string
	}{
		{&a.app.Name, path.Base(a.source.pkg)},
		{&a.app.Short, "Explore interleavings, and replay those that break something"},
		{&a.app.Traces, "testdata/sim"},
		{&a.app.Mutants, "mutants"},
	} {
		if *field.field == "" {
			*field.field = field.value
		}
	}
	a.program = a.source.called(called)
	return a
}

// fail reports an error: as an object with --json, else as a line.
func (a *Invocation) fail(command string, err error) (code int) {
	code = errorCode(err)
	if a.asJSON && !a.shown {
		writeJSON(a.out, &Header{Schema: schema, Command: command, Exit: code, Error: err.Error()})
		return code
	}
	fmt.Fprintf(a.stderr, "%s: %v\n", a.app.Name, err)
	return code
}

// delivered returns the exit code of a command that ended with code: another one, and a message, if its result could not be
// written. A verdict that is no success stays, because a caller that sees no output has nothing but the code.
func (a *Invocation) delivered(code int) int {
	err := a.out.failure()
	if err == nil {
		return code
	}
	fmt.Fprintf(a.stderr, "%s: the result could not be written: %v\n", a.app.Name, err)
	if code == ExitHeld {
		return ExitUsage
	}
	return code
}

// crashed reports a panic: of this program, or of the code of a scenario outside of its tasks.
func (a *Invocation) crashed(command string, r any, stack []byte) (code int) {
	message, where, _ := strings.Cut(fmt.Sprint(r), "\n")
	name := a.app.Name
	fmt.Fprintf(a.stderr, "%s\n%s\n%s: internal error: %s\n", where, stack, name, message)
	fmt.Fprintf(a.stderr, "%s: this is a bug in %s: please report it with the text above, the command line and %q\n", name, name, version(name))
	if a.asJSON && !a.shown {
		writeJSON(a.out, &Header{Schema: schema, Command: command, Exit: ExitInternal, Error: "internal error: " + message})
	}
	return ExitInternal
}
