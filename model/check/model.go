package check

import (
	"errors"
	"fmt"
)

// A Model is a state machine to explore: initial states, and for each state
// the actions that are possible in it and where they lead.
//
// A state is a small value of fixed size without pointers: an array of bytes or
// of integers, or a struct of such things. Every byte of it counts, so a struct
// must have no padding and no blank fields (a named field of bytes fills a gap);
// two states are one exactly if their bytes are. A search copies states more than it
// does anything else, which is fastest if their size is a multiple of 16.
//
// All methods are functions of their arguments: equal calls give equal answers
// in equal order, for ever. Next and the predicates of the properties are called
// by several goroutines at the same time.
type Model[S comparable] interface {
	// Name names the model and its configuration, as in "signal fifo=2".
	// A checkpoint is accepted only by a model of the same name.
	Name() string
	// Actions returns the names of the actions; Next says which by index.
	Actions() []string
	// Init returns the initial states, at least one. The order is part of what
	// makes a counterexample the first.
	Init() []S
	// Next calls emit for every step that is possible in s: the index of the
	// action and the state it leads to. The order is part of what makes a
	// counterexample the first: put the boring steps first. It does not keep
	// emit, and it should not allocate.
	Next(s S, emit func(action int, t S))
	// Properties returns what is to be checked. Names are unique.
	Properties() []Property[S]
}

// Symmetric is a [Model] with states that differ only in names, such as two
// clients that have changed places. With [Options.Symmetry] one of each set of
// such states is explored.
type Symmetric[S comparable] interface {
	// Canonical returns the representative of the states that are equivalent
	// to s. Equivalent states have the same representative, lead by Next to
	// equivalent states, and agree on all properties but those of kind
	// [Eventually], for which symmetry is not used.
	Canonical(s S) S
}

// Bounded is a [Model] that is explored only in part. A step that leaves the
// boundary is cut: it is counted in [Stats.Cut], and its target is neither
// counted nor checked nor explored.
type Bounded[S comparable] interface {
	// Within says whether the state is inside the boundary.
	Within(s S) bool
	// Closed says what a cut means. If true, the boundary belongs to the
	// configuration: steps across it do not exist, and verdicts are about what
	// is left. If false, they do exist, and a search that cut one is incomplete.
	Closed() bool
}

// Describer is a [Model] that prints its states. Without it, [Step.Text] is what
// package fmt makes of a state.
type Describer[S comparable] interface {
	// Describe returns the state on one line.
	Describe(s S) string
}

// Kind is the kind of a property.
type Kind uint8

// The kinds.
const (
	Always     Kind = iota // a predicate on states or steps that never fails
	Sometimes              // a predicate on states that is true in one at least
	Eventually             // what must come to pass
	Deadlock               // no state without a step, but for terminal ones
)

// String returns the kind as reports print it.
func (k Kind) String() string {
	switch k {
	case Always:
		return "always"
	case Sometimes:
		return "sometimes"
	case Eventually:
		return "eventually"
	case Deadlock:
		return "deadlock"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// A Property is something a model is to satisfy. Make one with [Invariant],
// [StepInvariant], [Reachable], [LeadsTo], [Inevitable] or [NoDeadlock].
type Property[S comparable] struct {
	name string
	kind Kind
	// state is the invariant, the goal of Reachable, the trigger of LeadsTo (nil
	// for Inevitable) or which states are terminal.
	state func(S) bool
	step  func(s *S, action int, t *S) bool // the invariant of StepInvariant
	goal  func(S) bool                      // of LeadsTo and Inevitable
	fair  []Fair
}

// Name returns the name of the property.
func (p Property[S]) Name() string { return p.name }

// Kind returns the kind of the property.
func (p Property[S]) Kind() Kind { return p.kind }

// Invariant returns the property that holds is true in every state.
func Invariant[S comparable](name string, holds func(S) bool) Property[S] {
	return Property[S]{name: name, kind: Always, state: holds}
}

// StepInvariant returns the property that holds is true of every step: the state
// before it, the action, and the state after it. Under symmetry the state before
// is a representative and the state after is what Next made of it. Steps are several times as
// many as states, so holds gets pointers; it must neither change the states nor keep them.
func StepInvariant[S comparable](name string, holds func(s *S, action int, t *S) bool) Property[S] {
	return Property[S]{name: name, kind: Always, step: holds}
}

// Reachable returns the property that some state satisfies goal. An invariant
// "if x then y" says little unless x is reachable: they come in pairs.
func Reachable[S comparable](name string, goal func(S) bool) Property[S] {
	return Property[S]{name: name, kind: Sometimes, state: goal}
}

// NoDeadlock returns the property that every state without a step is terminal.
// A nil terminal means that none is.
func NoDeadlock[S comparable](name string, terminal func(S) bool) Property[S] {
	return Property[S]{name: name, kind: Deadlock, state: terminal}
}

// Fair is weak fairness of a set of actions, taken together as one: in a run in
// which from some time on one or another of them is possible in every state,
// one or another is taken again and again.
//
// What is not fair need never happen. A run may therefore stop for ever in a
// state where none of the fair sets is possible, whatever else is.
type Fair []int

// Each returns one [Fair] for each action.
func Each(actions ...int) []Fair {
	fair := make([]Fair, len(actions))
	for i, a := range actions {
		fair[i] = Fair{a}
	}
	return fair
}

// LeadsTo returns the property that in every fair run each state in which
// trigger is true is one in which goal is true, or is followed by one.
func LeadsTo[S comparable](name string, trigger, goal func(S) bool, fair ...Fair) Property[S] {
	return Property[S]{name: name, kind: Eventually, state: trigger, goal: goal, fair: fair}
}

// Inevitable returns the property that every fair run has a state in which goal
// is true.
func Inevitable[S comparable](name string, goal func(S) bool, fair ...Fair) Property[S] {
	return Property[S]{name: name, kind: Eventually, goal: goal, fair: fair}
}

// ErrModel is what is wrong with a model that cannot be checked.
var ErrModel = errors.New("check: bad model")

// ErrNondeterministic is the [ErrModel] of a model that turned out not to be a function of its arguments: equal
// calls gave different answers. A search asks twice in the first thousands of states, and in a part of the others.
var ErrNondeterministic = fmt.Errorf("%w, it is no function of its arguments", ErrModel)

// nondeterministic returns an ErrNondeterministic about a named model.
func nondeterministic(name, format string, args ...any) error {
	return fmt.Errorf("%w: %q: %s", ErrNondeterministic, name, fmt.Sprintf(format, args...))
}

// modelError returns an ErrModel about a named model.
func modelError(name, format string, args ...any) error {
	return fmt.Errorf("%w %q: %s", ErrModel, name, fmt.Sprintf(format, args...))
}
