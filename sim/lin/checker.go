package lin

import (
	"errors"
	"fmt"
	"math"
	"time"

	"cutthrough/model"
	"cutthrough/sim/exec"
)

// Verdict is the answer to "is this history linearizable?".
type Verdict uint8

// The verdicts. The zero value is the one that proves nothing: a check that
// gave up, or that was given something that is not a history, has not passed.
const (
	Unknown Verdict = iota
	Linearizable
	Violation
)

// String returns the verdict as failure reports print it.
func (v Verdict) String() string {
	switch v {
	case Linearizable:
		return "linearizable"
	case Violation:
		return "not linearizable"
	}
	return "unknown"
}

// Result is a verdict and, unless it is Linearizable, the reason for it.
type Result struct {
	Verdict Verdict
	Reason  string
}

// String returns the verdict and the reason.
func (r Result) String() string {
	if r.Reason == "" {
		return r.Verdict.String()
	}
	return r.Verdict.String() + ": " + r.Reason
}

// Err returns nil for a Linearizable history, else the result as an error. A check that cannot decide is as bad as
// one that fails: it must be made to decide.
func (r Result) Err() error {
	if r.Verdict == Linearizable {
		return nil
	}
	return errors.New(r.String())
}

func unknown(format string, args ...any) Result {
	return Result{Unknown, fmt.Sprintf(format, args...)}
}

func violation(format string, args ...any) Result {
	return Result{Violation, fmt.Sprintf(format, args...)}
}

// Checker decides whether histories of one shared object are linearizable:
// whether the operations could have happened one at a time, each at some
// instant between its call and its return, as the object's specification in
// package model allows. A history holds the operations of one object only, in
// any order. Times are compared, never subtracted; intervals are closed
// (operations [1, 2] and [2, 3] are concurrent).
//
// An operation that is Pending took effect in some legal way at some instant
// after its call, or never.
//
// There are two deciders. Fast is specialised, near linear or for few operations, deterministic, and
// needs no budget; it gives a reason that names operations, and answers
// Unknown where its method does not apply. Search is porcupine over the same
// specification: general and exponential. Wherever both answer they agree: the
// tests play them against each other. Safe for concurrent use.
type Checker struct {
	fast func([]exec.Operation) Result
	slow searcher
}

// ByteQueue returns the checker of a fifo of capacity bytes (at least
// 1): operations of [model.ByteIn] and [model.ByteOut]. Fast decides every
// history in which the operations of each side do not overlap.
func ByteQueue(capacity int) *Checker {
	if capacity < 1 {
		panic(fmt.Sprintf("lin: byte queue of %d bytes", capacity))
	}
	return &Checker{
		fast: func(h []exec.Operation) Result { return checkStream(h, capacity) },
		slow: searchSpec[model.ByteState, model.ByteIn, model.ByteOut](model.ByteQueue{Capacity: capacity}),
	}
}

// EventQueue returns the checker of an event queue of capacity events (at
// least 1): operations of [model.EventIn] and [model.EventOut]. Fast decides every
// history with distinct values and one consumer, except some in which a
// consumer that died in a poll has a successor, or in which posts that were
// not polled lie within each other's intervals while others were Full.
func EventQueue(capacity int) *Checker {
	if capacity < 1 {
		panic(fmt.Sprintf("lin: event queue of %d events", capacity))
	}
	return &Checker{
		fast: func(h []exec.Operation) Result { return checkEvents(h, capacity) },
		slow: searchSpec[model.EventState, model.EventIn, model.EventOut](model.EventQueue{Capacity: capacity}),
	}
}

// Ranges returns the checker of an allocator: operations of
// [model.RangeIn] and [model.RangeOut]. Fast decides every history in which a
// range is freed after its Alloc has returned, unless spec is Strict and an Alloc was Exhausted.
func Ranges(spec model.Ranges) *Checker {
	slow := searchSpec[model.RangesState, model.RangeIn, model.RangeOut](spec)
	slow.partition = partitionRanges(spec)
	return &Checker{
		fast: func(h []exec.Operation) Result { return checkRanges(h, spec) },
		slow: slow,
	}
}

// Fast decides by the specialised checker alone.
func (c *Checker) Fast(h []exec.Operation) Result {
	if err := c.slow.validate(h); err != nil {
		return unknown("%v", err)
	}
	return c.fast(h)
}

// Search decides by porcupine alone. budget is wall-clock time, 0 for no limit;
// running out of it is Unknown. A budget is for histories so large that the
// search may explode, and the one thing here that is not deterministic: leave
// it 0 for small histories.
func (c *Checker) Search(h []exec.Operation, budget time.Duration) Result {
	if err := c.slow.validate(h); err != nil {
		return unknown("%v", err)
	}
	return c.slow.search(h, budget)
}

// Check decides by Fast and, where that does not know, by Search.
func (c *Checker) Check(h []exec.Operation, budget time.Duration) Result {
	if err := c.slow.validate(h); err != nil {
		return unknown("%v", err)
	}
	if r := c.fast(h); r.Verdict != Unknown {
		return r
	}
	return c.slow.search(h, budget)
}

// validateHistory checks what every decider relies on: the types, and that each
// operation returns after it is called. A pending one has no return.
func validateHistory[I, O any](h []exec.Operation) error {
	for i := range h {
		op := &h[i]
		if _, ok := op.Input.(I); !ok {
			return fmt.Errorf("operation %d: input is %T, want %T", i, op.Input, *new(I))
		}
		if op.Pending {
			if op.Return != math.MaxInt64 || op.Output != nil {
				return fmt.Errorf("operation %d is pending and has returned: %v at %d", i, op.Output, op.Return)
			}
			continue
		}
		if _, ok := op.Output.(O); !ok {
			return fmt.Errorf("operation %d: output is %T, want %T", i, op.Output, *new(O))
		}
		if op.Return < op.Call {
			return fmt.Errorf("operation %d returned at %d, before its call at %d", i, op.Return, op.Call)
		}
	}
	return nil
}
