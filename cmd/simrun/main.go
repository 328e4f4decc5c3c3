// Command simrun explores interleavings of the shared-memory protocol, replays
// and shrinks the ones that break it, guards the corpus of traces, and checks the
// models of the protocol.
//
// Results go to standard output, progress and errors to standard error; with
// --json the result is one object, errors included. The exit code says what kind
// of result it is (simrun help exit-codes). With --mutant the command builds
// itself with deliberately wrong code and lets that program do the work.
//
// Every command computes a result, which is plain data, and then shows it; so
// what a mutated process finds out is shown by the process that started it.
package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"cutthrough/model/models"
	"cutthrough/properties"
)

func main() {
	a := &app{stdout: os.Stdout, stderr: os.Stderr, scenarios: properties.All(), models: models.All(), program: programName()}
	os.Exit(a.run(os.Args[1:]))
}

// run runs one command line and returns the exit code.
func (a *app) run(args []string) (code int) {
	name := ""
	defer func() {
		if r := recover(); r != nil {
			code = a.crashed(name, r, debug.Stack())
		}
	}()
	root := a.root()
	a.asJSON = wantsJSON(args) // even if the rest does not parse
	root.SetArgs(args)
	if cmd, _, err := root.Find(args); err == nil {
		name = cmd.Name()
	}
	if err := root.Execute(); err != nil {
		return a.fail(name, err)
	}
	return a.code
}

// fail reports an error: as an object with --json, else as a line.
func (a *app) fail(command string, err error) (code int) {
	code = errorCode(err)
	if a.asJSON && !a.shown {
		writeJSON(a.stdout, &header{Schema: schema, Command: command, Exit: code, Error: err.Error()})
		return code
	}
	fmt.Fprintf(a.stderr, "simrun: %v\n", err)
	return code
}

// crashed reports a panic of ours.
func (a *app) crashed(command string, r any, stack []byte) (code int) {
	message, where, _ := strings.Cut(fmt.Sprint(r), "\n")
	fmt.Fprintf(a.stderr, "%s\n%s\nsimrun: internal error: %s\n", where, stack, message)
	fmt.Fprintf(a.stderr, "simrun: this is a bug in simrun: please report it with the text above, the command line and %q\n", version())
	if a.asJSON && !a.shown {
		writeJSON(a.stdout, &header{Schema: schema, Command: command, Exit: exitInternal, Error: "internal error: " + message})
	}
	return exitInternal
}
