// Package scenario is the kit for families of programs: what a scenario is, how
// its inputs are drawn, written, read and checked.
//
// A [Scenario] is one generator and one compiler. Generate asks a [Source] for
// numbers and returns an [Input], which is text: configuration and workload as a
// trace writes them. Compile turns an Input into a [Program], which package sim
// runs. One generator therefore serves exhaustive search, random search, rapid and
// fuzzers, and a violation can be read, edited, shrunk and replayed.
//
// [Key] and [Verb] describe what an Input may contain; [ReadInput] checks one, which
// may come from a file, against them. [Builder] writes one. A [Registry] is an
// ordered list of scenarios.
//
// An operation is a value of a struct type that the scenario defines. [VerbOf] names it and lists its fields, so
// that one table of [Verbs] writes operations as text and reads them:
//
//	type put struct{ letter int }
//
//	var verbs = scenario.Verbs{scenario.VerbOf("put", []string{"writer"}, put{},
//		scenario.Number("letter", 0, 1000, func(p *put) *int { return &p.letter }))}
//
// Generate says b.Op("writer", put{7}), a trace has "writer put 7", and Compile finds put{7} among
// OpsOf[put](ops, "writer"). If a process has operations of several types, they can have a method in common, and T is
// its interface type; or T is any, for a type switch.
//
// Scenarios, Keys, Verbs and Registries are values that do not change: any number of
// goroutines may use them. A Source, a Rand and a Builder belong to one goroutine.
// Generate and Compile may be called concurrently; Setup of a Program runs once for
// each execution, in the goroutine of its Runner, and may run in several Runners at a time.
package scenario
