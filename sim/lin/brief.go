package lin

import (
	"math"

	"cutthrough/sim/exec"
)

// few is the largest number of operations on one object that are searched here and not by porcupine, which would take
// a goroutine, a timer and lists for them. A simulation has such a history in each of its executions.
const few = 16

// brief searches for a legal order of few operations: Wing and Gong's search with Lowe's memoisation, as porcupine's.
type brief[S comparable, I, O any] struct {
	spec   Spec[S, I, O]
	n      int
	ops    [few]*exec.Operation
	failed map[after[S]]struct{} // from where there is no legal order
}

// after is how far an order has come: the operations that it contains, and the state that they leave.
type after[S comparable] struct {
	did   uint
	state S
}

// searchBrief returns the decider of histories that have at most few operations with each key.
func searchBrief[S comparable, I, O any, K comparable](spec Spec[S, I, O], key func(I) K) func([]exec.Operation) Result {
	return func(h []exec.Operation) Result {
		for i := range h {
			k := key(h[i].Input.(I))
			b := brief[S, I, O]{spec: spec}
			for j := range h {
				switch {
				case key(h[j].Input.(I)) != k:
				case j < i:
					b.n = few + 1 // the object was searched before
				case b.n == few:
					return unknown("more than %d operations on one object", few)
				case b.n < few:
					b.ops[b.n] = &h[j]
					b.n++
				}
			}
			if b.n <= few && !b.completes(after[S]{0, spec.Init()}) {
				return violation("no order of the %d operations is legal", len(h))
			}
		}
		return Result{Verdict: Linearizable}
	}
}

// completes says whether an order that has come to a can go on to the end of the history.
func (b *brief[S, I, O]) completes(a after[S]) bool {
	first, over := int64(math.MaxInt64), true // the first return of an operation that a does not contain
	for i, op := range b.ops[:b.n] {
		if a.did>>i&1 == 0 && !op.Pending {
			first, over = min(first, op.Return), false
		}
	}
	if over {
		return true
	}
	if _, known := b.failed[a]; known {
		return false
	}
	for i, op := range b.ops[:b.n] {
		if a.did>>i&1 == 0 && op.Call <= first && b.takes(op, a.did|1<<i, a.state) {
			return true
		}
	}
	if b.failed == nil {
		b.failed = map[after[S]]struct{}{}
	}
	b.failed[a] = struct{}{}
	return false
}

// takes says whether an order can go on with op in a state, and then to the end. It contains did then.
func (b *brief[S, I, O]) takes(op *exec.Operation, did uint, s S) bool {
	in := op.Input.(I)
	if op.Pending {
		for _, t := range b.spec.Crash(s, in) {
			if b.completes(after[S]{did, t}) {
				return true
			}
		}
		return false
	}
	t, ok := b.spec.Step(s, in, op.Output.(O))
	return ok && b.completes(after[S]{did, t})
}
