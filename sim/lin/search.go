package lin

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"time"

	"cutthrough/model"
	"cutthrough/sim/exec"

	"github.com/anishathalye/porcupine"
)

// searcher runs porcupine over a specification.
//
// Two traps, both closed here. Porcupine needs a return for every call: a
// pending operation gets the end of time and a nil output, which the
// specification's Crash explains. And its zero verdict for a search that was
// cut short by a timeout is Unknown, which is not a pass.
type searcher struct {
	validate func([]exec.Operation) error
	// model returns the porcupine model; the one for crashes tracks sets of states
	// and is several times slower.
	model     func(crashes bool) porcupine.Model
	partition func([]porcupine.Operation) [][]porcupine.Operation // nil for none
}

// searchSpec returns the searcher for spec.
func searchSpec[S comparable, I, O any](spec Spec[S, I, O]) searcher {
	seed := maphash.MakeSeed() //tidy:concurrency picks buckets, never decides
	hash := func(s any) uint64 { return maphash.Comparable(seed, s.(S)) }
	equal := func(a, b any) bool { return a.(S) == b.(S) }
	describe := func(in, out any) string {
		if out == nil {
			return fmt.Sprintf("%v -> pending", in)
		}
		return fmt.Sprintf("%v -> %v", in, out)
	}
	certain := porcupine.Model{
		Init: func() any { return spec.Init() },
		Step: func(s, in, out any) (bool, any) {
			next, ok := spec.Step(s.(S), in.(I), out.(O))
			return ok, next
		},
		Hash: hash, Equal: equal, DescribeOperation: describe,
	}
	crashing := porcupine.NondeterministicModel{
		Init: func() []any { return []any{spec.Init()} },
		Step: func(s, in, out any) []any {
			if out == nil {
				return anys(spec.Crash(s.(S), in.(I)))
			}
			if next, ok := spec.Step(s.(S), in.(I), out.(O)); ok {
				return []any{next}
			}
			return nil
		},
		Hash: hash, Equal: equal, DescribeOperation: describe,
	}
	return searcher{
		validate: validateHistory[I, O],
		model: func(crashes bool) porcupine.Model {
			if crashes {
				return crashing.ToModel()
			}
			return certain
		},
	}
}

func anys[S any](states []S) []any {
	out := make([]any, len(states))
	for i, s := range states {
		out[i] = s
	}
	return out
}

// prepare converts a history that is valid.
func (s searcher) prepare(h []exec.Operation) (porcupine.Model, []porcupine.Operation) {
	ops := make([]porcupine.Operation, len(h))
	crashes := false
	for i, op := range h {
		ops[i] = porcupine.Operation{
			ClientId: op.Client, Input: op.Input, Call: op.Call, Output: op.Output, Return: op.Return,
		}
		crashes = crashes || op.Pending
	}
	m := s.model(crashes)
	m.Partition = s.partition
	return m, ops
}

func (s searcher) search(h []exec.Operation, budget time.Duration) Result {
	m, ops := s.prepare(h)
	switch porcupine.CheckOperationsTimeout(m, ops, budget) {
	case porcupine.Ok:
		return Result{Verdict: Linearizable}
	case porcupine.Illegal:
		return violation("no order of the %d operations is legal", len(h))
	}
	return unknown("no answer in %v for %d operations", budget, len(h))
}

// Visualize searches h again, keeping what it finds, and writes an interactive
// page to path: the history and the longest legal orders. It is for a
// history that failed; budget is as for Search, and a search that
// ran out of it still makes a page.
func (c *Checker) Visualize(h []exec.Operation, path string, budget time.Duration) error {
	if err := c.slow.validate(h); err != nil {
		return fmt.Errorf("lin: visualize history: %w", err)
	}
	m, ops := c.slow.prepare(h)
	_, info := porcupine.CheckOperationsVerbose(m, ops, budget)
	if err := porcupine.VisualizePath(m, info, path); err != nil {
		return fmt.Errorf("lin: visualize history: %w", err)
	}
	return nil
}

// partitionRanges splits a history of an allocator into parts that cannot
// influence each other: two ranges that never overlap, whatever happens to
// them, are two objects. Parts are the connected components of the overlap of
// all ranges ever answered. (Strict histories with an Exhausted depend on every
// gap and stay whole.)
func partitionRanges(spec model.Ranges) func([]porcupine.Operation) [][]porcupine.Operation {
	return func(ops []porcupine.Operation) [][]porcupine.Operation {
		var placed []int // allocations, to be sorted by offset
		for i, op := range ops {
			in := op.Input.(model.RangeIn)
			out, _ := op.Output.(model.RangeOut)
			switch {
			case in.Op == model.Alloc && out.Len > 0:
				placed = append(placed, i)
			case in.Op == model.Alloc && spec.Strict:
				return [][]porcupine.Operation{ops}
			}
		}
		slices.SortFunc(placed, func(a, b int) int {
			return cmp.Or(cmp.Compare(rangeOut(ops[a]).Off, rangeOut(ops[b]).Off), cmp.Compare(a, b))
		})
		var parts [][]porcupine.Operation
		var begins []uint64 // offset at which each part begins
		last := uint64(0)   // last byte of the part being built
		for _, i := range placed {
			out := rangeOut(ops[i])
			if len(parts) == 0 || out.Off > last {
				parts, begins, last = append(parts, nil), append(begins, out.Off), out.Off
			}
			last = max(last, out.Off+out.Len-1)
			parts[len(parts)-1] = append(parts[len(parts)-1], ops[i])
		}
		return placeRest(ops, parts, begins)
	}
}

// placeRest adds the operations that are not allocations of a range to parts: a
// Free to the part it falls into, the others, which nothing depends on, to one of
// their own.
func placeRest(ops []porcupine.Operation, parts [][]porcupine.Operation, begins []uint64) [][]porcupine.Operation {
	var rest []porcupine.Operation
	for _, op := range ops {
		in := op.Input.(model.RangeIn)
		if in.Op == model.Alloc && rangeOut(op).Len > 0 {
			continue
		}
		i, exact := slices.BinarySearch(begins, in.Off)
		if !exact {
			i-- // the part that begins before
		}
		if in.Op == model.Free && i >= 0 {
			parts[i] = append(parts[i], op)
		} else {
			rest = append(rest, op)
		}
	}
	if rest != nil {
		parts = append(parts, rest)
	}
	return parts
}

// rangeOut returns the answer of op, or the zero answer when it is pending.
func rangeOut(op porcupine.Operation) model.RangeOut {
	out, _ := op.Output.(model.RangeOut)
	return out
}

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
