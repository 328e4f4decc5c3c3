// Package trace reads, writes and judges traces: short texts that pin one
// interleaving of a scenario. A trace is a list of interventions anchored by
// name, never a list of step indices and never a seed, so that it survives
// edits of code it does not talk about and can be reviewed like code.
//
// The package works at the level of text. It does not know which scenarios,
// tasks, access names or mutants exist; it knows what they may look like, which
// effects there are, and what their arguments look like. What runs a trace
// resolves the names.
//
// # Format
//
//	simtrace v1
//	# The story in two or three sentences.
//	#
//	# found   by which search or person
//	# guards  shm/fifo/signal.go, (*Producer).ArmDequeue
//	scenario  fifo-stream
//	config    fifo=64 procs=prod,cons
//	workload
//	  prod  write 1
//	  cons  read 1
//	schedule
//	  prod  @ fifo.tail store  #1  -> cons
//	  cons  @ fifo.head store  #1  -> prod
//	want      pass
//	kills     skip-recheck  NoDeadlock
//	digest    cea048bd048ca705  steps=17
//
// The first line names the version; a reader refuses a version it does not know.
// Comment lines follow and tell the story; there are none further down, because a
// formatter could not keep them in place. Then come the sections, in this order,
// each at most once except kills:
//
//	scenario  NAME                      required
//	config    KEY=VALUE ...             keys are unique and keep their order
//	workload                            indented lines: PROC VERB [ARG ...]
//	schedule                            indented lines: TASK @ NAME OP #NTH EFFECT [ARG]
//	want      pass | violation PROPERTY required
//	kills     MUTANT PROPERTY           one line for each mutant
//	digest    HEX16 steps=N             required; zeros until a replay fills them in
//
// An intervention reads "before TASK's NTH access OP of NAME, EFFECT"; every
// choice that no intervention mentions takes choice 0, the default.
//
// A name (scenario, key, process, verb, task, access name, operation, property,
// mutant) starts with a letter, digit or underscore and continues with those and
// . - / : + [ ]; a mutant's has no slash, because it becomes a file name. Values
// and arguments are printable ASCII without spaces. The story is printable
// Unicode. Lines end in LF, the last one too, so a file that was cut short does
// not parse. Columns are separated by spaces; how many does not matter to [Parse],
// and [Format] writes the one canonical layout.
//
// # Hostile input
//
// Traces arrive as CI artifacts and are shown on terminals and in browsers.
// [Parse] bounds everything it reads (see [MaxFile] and its neighbours), takes
// time linear in the input, and refuses control characters, escape sequences,
// direction overrides and invalid UTF-8 anywhere. Error texts quote what they
// show. HTML is text like any other, in the story and in arguments: what renders a trace
// as HTML must escape it.
//
// Prior art: the first-line version and the comment block are those of the Go
// fuzz corpus and of txtar; faults as values that print and parse themselves are
// from Pebble's errorfs.
//
// All functions are safe for concurrent use as long as the Trace is not modified.
package trace
