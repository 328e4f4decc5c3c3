package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cutthrough/internal/mutate"
	"cutthrough/sim/exec"
)

// The exit codes.
const (
	exitHeld           = 0
	exitViolated       = 1
	exitUsage          = 2
	exitStale          = 3
	exitLiveness       = 4
	exitInconclusive   = 5
	exitNondeterminism = 6
	exitSurvived       = 7
	exitInternal       = 70
	exitInterrupted    = 130
)

// exitCodes documents the codes, in the order of the numbers.
var exitCodes = []struct {
	code int
	text string
}{
	{exitHeld, "held: no violation within the bounds, or every verdict as the trace wants it"},
	{exitViolated, "violated: a property does not hold"},
	{exitUsage, "usage: unknown flag, scenario, mutant or model; malformed trace, patch or checkpoint; file trouble"},
	{exitStale, "stale or diverged: a trace or patch does not fit the code any more"},
	{exitLiveness, "liveness: a deadlock, a lost wake-up or a livelock"},
	{exitInconclusive, "inconclusive: a state of interest was never reached, or not all of a model was seen, so nothing is known"},
	{exitNondeterminism, "nondeterminism: equal choices gave different executions"},
	{exitSurvived, "canary not found: a mutant or a variant survived, or a trace does not kill the one it claims to"},
	{exitInternal, "internal error: a bug in simrun"},
	{exitInterrupted, "interrupted: the results up to then are shown"},
}

// severity orders the codes of several results from the one that makes the
// others doubtful to the one that is easiest to mend.
var severity = []int{exitInterrupted, exitNondeterminism, exitUsage, exitViolated, exitLiveness, exitSurvived, exitStale, exitInconclusive}

// worst returns the code that stands for all.
func worst(codes []int) int {
	for _, c := range severity {
		if slices.Contains(codes, c) {
			return c
		}
	}
	return exitHeld
}

func exitCodesHelp() string {
	var b strings.Builder
	b.WriteString("The exit code of simrun says what kind of result it is:\n\n")
	for _, e := range exitCodes {
		fmt.Fprintf(&b, "  %3d  %s\n", e.code, e.text)
	}
	b.WriteString(`
With several traces or mutants the first of these codes that any of them has
counts: `)
	for i, c := range severity {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprint(&b, c)
	}
	b.WriteString(`.

replay without --mutant exits with 0 when the verdict is the one that the trace
wants, even if that is a violation. With --mutant the failure is what one wants to
see, and it exits as for any violation, 1 or 4; it exits with 7 when the trace
claims to kill the mutant and does not.
`)
	return b.String()
}

// violationCode returns the code for a violation of property.
func violationCode(property string) int {
	switch {
	case property == exec.Determinism:
		return exitNondeterminism
	case exec.Failure{Property: property}.Liveness():
		return exitLiveness
	}
	return exitViolated
}

// codedError is an error with an exit code of its own.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }

func (e *codedError) Unwrap() error { return e.err }

func errorf(code int, format string, args ...any) error {
	return &codedError{code, fmt.Errorf(format, args...)}
}

// errorCode returns the exit code of an error. Most errors are about what the
// user gave us: arguments, files, the place where simrun was started.
func errorCode(err error) int {
	if coded, ok := errors.AsType[*codedError](err); ok {
		return coded.code
	}
	switch {
	case errors.Is(err, mutate.ErrStale):
		return exitStale
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitUsage
}
