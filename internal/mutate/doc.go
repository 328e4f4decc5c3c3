// Package mutate runs the simulator on deliberately wrong code, to show that the checkers notice.
//
// A mutant is a patch file, such as properties/mutants/NAME.patch in this module; production code has
// no switch for it. The patch is applied to copies of the files that it touches, and the go command
// reads those instead (go build -overlay): the source tree is never written to.
//
// # Use
//
// [ModuleRoot] finds the tree and a [Project] names it, with the directory of the mutants and the
// package of the program. [Project.Find] and [Project.List] read a [Mutant]. There are two ways from a
// mutant to a program:
//
//   - [Project.Build] compiles the mutated files as they are, one program for each mutant.
//   - A [Plan] compiles one program for many mutants and selects one of them by an environment variable
//     when it runs. Each function that a mutant changes is there several times, and the original calls
//     the one that is selected. A build costs more than most searches, so this is what makes it cheap
//     to try all mutants.
//
// # Patch files
//
// A patch file is a header and the output of git diff:
//
//	The consumer goes to sleep without looking at the tail once more after it
//	asked to be woken: an enqueue in between does not wake it.
//
//	property: NoDeadlock
//	scenario: fifo-wakeup
//	strategy: dfs:2
//	row: F01
//
//	diff --git a/shm/fifo/signal.go b/shm/fifo/signal.go
//	--- a/shm/fifo/signal.go
//	+++ b/shm/fifo/signal.go
//	@@ -10,7 +10,6 @@ func (p *Producer) ArmDequeue(n uint64) (bool, error) {
//	...
//
// A mutant of the simulator itself has the field test instead of property, scenario and strategy, such as "test: sim/hb
// TestEdges/message": the directory of a package, and its test that must fail. A [Project] with Tests builds the tests of a package
// with mutants in place of a program.
//
// The story is prose in paragraphs. After it come the fields, one "key: value" a line, each at most
// once; blank lines may separate them. A line that starts with a word and a colon is a field, and an
// unknown field is an error, so that a typo cannot turn one into prose. Both parts may be missing: the
// output of git diff alone is a mutant, good enough for an experiment.
//
// # Limits
//
// The diff edits existing Go files of the module, tests excepted. It does not create, delete, rename
// or chmod. So the patch writes only into its scratch directory; the mutated program does what its
// code says, so a patch deserves the same trust as any other commit.
//
// # Concurrency and errors
//
// Mutants and Projects are read-only and may be shared. The methods of Project and Plan say which of
// them may run at the same time. Errors match [ErrUnknown], [ErrPatch], [ErrStale], [ErrBuild] or
// [ErrNoModule], or are those of the system.
//
// # Sources
//
// Pebble's smoke-test patch; the -overlay flag, which was made for editors; and for the common program
// Untch, Offutt and Harrold, "Mutation analysis using mutant schemata", ISSTA 1993.
package mutate
