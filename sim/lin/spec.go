package lin

import (
	"cutthrough/sim/exec"

	"github.com/anishathalye/porcupine"
)

// Spec is a sequential specification of one shared object: states S, inputs I, outputs O, which are the
// types of Input and Output of the operations of its histories. It is not a simulation: given an input and
// the output that was observed, it says whether that output is legal, so a specification may leave
// the object a choice and stay a function. The specifications of the root package of model are Specs.
//
// States are compared with == and hashed by value, millions of times: make S small, without
// pointers, and canonical, so that states which behave alike are equal. Inputs and outputs need not
// be comparable.
//
// All methods are pure and safe for concurrent use.
type Spec[S comparable, I, O any] interface {
	// Init returns the state of a new object.
	Init() S
	// Step returns the state after an operation that was called with in and
	// returned out, or false if it cannot have returned that in state s.
	Step(s S, in I, out O) (S, bool)
	// Crash returns states without duplicates that together allow all that an operation
	// which never returned may leave behind: s itself first (it did nothing), then one for
	// each legal effect.
	Crash(s S, in I) []S
}

// New returns the checker of an object with a specification of your own. Its Fast is a search too, which decides histories
// of at most 16 operations.
func New[S comparable, I, O any](spec Spec[S, I, O]) *Checker {
	return &Checker{fast: searchBrief(spec, func(I) struct{} { return struct{}{} }), slow: searchSpec(spec)}
}

// NewPartitioned returns the checker of many independent objects with one specification, such as the
// entries of a map: key returns the object that an operation is about. The search goes object by
// object, which makes it exponentially cheaper. Fast decides histories with at most 16 operations on each object. key is pure.
func NewPartitioned[S comparable, I, O any, K comparable](spec Spec[S, I, O], key func(I) K) *Checker {
	slow := searchSpec(spec)
	slow.partition = func(ops []porcupine.Operation) [][]porcupine.Operation {
		var parts [][]porcupine.Operation
		index := map[K]int{}
		for _, op := range ops {
			k := key(op.Input.(I))
			i, ok := index[k]
			if !ok {
				i = len(parts)
				index[k] = i
				parts = append(parts, nil)
			}
			parts[i] = append(parts[i], op)
		}
		return parts
	}
	return &Checker{fast: searchBrief(spec, key), slow: slow}
}

// HistoryOf returns the operations of a history whose input is an I.
func HistoryOf[I any](h []exec.Operation) []exec.Operation {
	var part []exec.Operation
	for _, op := range h {
		if _, ok := op.Input.(I); ok {
			part = append(part, op)
		}
	}
	return part
}
