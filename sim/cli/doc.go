// Package cli is the command line for scenarios: explore, replay, shrink, check, rebase, list, mutate, completion,
// version, and help about exit codes and JSON. It knows no scenario. A program for scenarios of another module is
//
//	package main
//
//	func main() { cli.Main(mailbox.Scenario()) }
//
// # Results
//
// Results go to standard output, progress and errors to standard error; with --json the result is one object, errors
// included. The exit code says what kind of result it is. Every command computes a [Result], which is plain data, and
// then shows it; so what a mutated process finds out is shown by the process that started it.
//
// # Mutants
//
// With --mutant the command builds its own program with deliberately wrong code and lets that program do the work. The
// patches are in a directory of the module that the main package belongs to ([App].Mutants), so this works inside a
// checkout of that module.
//
// # Signals and hangs
//
// A task that hangs is a violation of NoHang within a few seconds; it is reported and neither shrunk nor run again. The first
// SIGINT or SIGTERM ends any command: work that is not over a few seconds later is abandoned, and what is known by then
// is shown. A second signal ends the process at once.
//
// # More commands
//
// An [App] can have commands of its own ([Command]). Such a command gets the [Invocation] and shows its result with
// [Invocation.Perform], so that --json, --color, -q, exit codes and signals work as they do everywhere.
//
// An App is a value that does not change. An Invocation belongs to one command line; any goroutine of the command may call its
// methods Update and Say, only the one that runs the command the others.
package cli
