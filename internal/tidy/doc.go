// Package tidy holds the rules of this project as tests: which package may
// import which and why, what the deterministic core may not do, how long a
// function may grow, that traces are canonical and mutants alive. There is no
// second place where style lives: go test ./... runs them all.
//
// A rule is a function from a parsed [Tree] to findings. Every rule has a file
// testdata/NAME.txtar with a small tree that breaks it and the findings
// expected there, so no rule can fall silent unnoticed.
//
// A few rules can be excused for one line by a comment on it or right above it,
//
//	//tidy:unordered the sum does not depend on the order
//
// which must give a reason and must have something to excuse.
package tidy
