// Package tidy holds the rules of this project as tests: which package may import which and why, what
// the deterministic core may not do, how long a function may grow, how many names a package may
// export, which words prose does without, that traces are canonical and mutants alive. There is no
// second place where style lives: go test ./... runs them all.
//
// # Rules
//
// A rule is a function from a parsed [Tree] to findings. Every rule has a file testdata/NAME.txtar with
// a small tree that breaks it and the findings expected there, so no rule can fall silent unnoticed.
//
// # Exceptions
//
// Exceptions are in tables, with a reason each, all in arrows.go: what a package may import (arrows),
// which packages have files that use each other in a circle (cycles), and which names are exported
// without a user, or too many (exports). A row that excuses nothing is a finding.
//
// A few rules can be excused for one line by a comment on it or right above it,
//
//	//tidy:unordered the sum does not depend on the order
//
// which must give a reason and must have something to excuse.
package tidy
