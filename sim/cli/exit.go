package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cutthrough/internal/mutate"
	"cutthrough/sim/exec"
)

// The exit codes. Help exit-codes says what each means.
const (
	ExitHeld           = 0
	ExitViolated       = 1
	ExitUsage          = 2
	ExitStale          = 3
	ExitLiveness       = 4
	ExitInconclusive   = 5
	ExitNondeterminism = 6
	ExitSurvived       = 7
	ExitInternal       = 70
	ExitInterrupted    = 130
)

// MaxWorkers is the most that --workers takes. More than there are processors is of use only to have the results of a
// larger machine, and each takes memory.
const MaxWorkers = 256

// exitCodes documents the codes, in the order of the numbers.
var exitCodes = []struct {
	code int
	text string
}{
	{ExitHeld, "held: no violation within the bounds, or every verdict as the trace wants it"},
	{ExitViolated, "violated: a property does not hold, or a session layer is not healthy"},
	{ExitUsage, "usage: unknown flag, scenario, mutant or model; malformed trace, patch or checkpoint; file trouble, or a result that could not be written"},
	{ExitStale, "stale or diverged: a trace or patch does not fit the code any more"},
	{ExitLiveness, "liveness: a deadlock, a lost wake-up or a livelock"},
	{ExitInconclusive, "inconclusive: a state of interest was never reached, or not all of a model was seen, so nothing is known"},
	{ExitNondeterminism, "nondeterminism: equal choices gave different executions"},
	{ExitSurvived, "canary not found: a mutant or a variant survived, or a trace does not kill the one it claims to"},
	{ExitInternal, "internal error: a bug in this program, or in a scenario outside of its tasks"},
	{ExitInterrupted, "interrupted: the results up to then are shown"},
}

// severity orders the codes of several results from the one that makes the
// others doubtful to the one that is easiest to mend.
var severity = []int{ExitInterrupted, ExitNondeterminism, ExitUsage, ExitViolated, ExitLiveness, ExitSurvived, ExitStale, ExitInconclusive}

// Worst returns the code that stands for all.
func Worst(codes []int) int {
	for _, c := range severity {
		if slices.Contains(codes, c) {
			return c
		}
	}
	return ExitHeld
}

func exitCodesHelp(name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "The exit code of %s says what kind of result it is:\n\n", name)
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
		return ExitNondeterminism
	case exec.Failure{Property: property}.Liveness():
		return ExitLiveness
	}
	return ExitViolated
}

// codedError is an error with an exit code of its own.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }

func (e *codedError) Unwrap() error { return e.err }

// Errorf returns an error that ends the program with an exit code; the rest is as for [fmt.Errorf].
func Errorf(code int, format string, args ...any) error {
	return &codedError{code, fmt.Errorf(format, args...)}
}

// errorCode returns the exit code of an error. Most errors are about what the
// user gave us: arguments, files, the place where the program was started.
func errorCode(err error) int {
	if coded, ok := errors.AsType[*codedError](err); ok {
		return coded.code
	}
	switch {
	case errors.Is(err, mutate.ErrStale):
		return ExitStale
	case errors.Is(err, context.Canceled):
		return ExitInterrupted
	}
	return ExitUsage
}
