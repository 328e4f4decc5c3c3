package monitor

import (
	"fmt"
	"slices"
	"strings"
)

// Machine is a model with states S and observable events E. Its functions must be pure, and
// emit in an order that depends on their arguments alone.
type Machine[S comparable, E any] struct {
	// Hidden emits the states after each step from s that is not observed. The monitor follows
	// chains of such steps itself.
	Hidden func(s S, emit func(S))
	// Step emits the states after event e in state s: none if it cannot happen there.
	Step func(s S, e E, emit func(S))
	// Allowed says in words what may be observed next in s, without hidden steps.
	Allowed func(s S) []string
	// Limit is how many states the monitor keeps at once, at least 1. Each new state is compared with all of them, so it
	// should be small.
	Limit int
}

// Verdict is what a monitor has concluded about the run so far.
type Verdict uint8

// The verdicts. The last two are final.
const (
	Accepted     Verdict = iota // it is a path of the model
	Rejected                    // it is none
	Inconclusive                // more than Limit states are possible: it may be one
)

// String returns the verdict in a word.
func (v Verdict) String() string { return [...]string{"accepted", "rejected", "inconclusive"}[v] }

// Monitor compares one run with a [Machine]. Not safe for concurrent use.
type Monitor[S comparable, E any] struct {
	machine Machine[S, E]
	states  []S // that are possible, in order of discovery
	before  []S // the event: memory for the next one
	emit    func(S)
	verdict Verdict
	events  int
	allowed []string
}

// New returns a monitor of a run that begins in one of the given states, of which there must be
// one at least. It panics if the machine has no room for a state.
func New[S comparable, E any](machine Machine[S, E], init ...S) *Monitor[S, E] {
	if machine.Limit < 1 || len(init) == 0 {
		panic(fmt.Sprintf("monitor: %d states of at most %d", len(init), machine.Limit))
	}
	m := &Monitor[S, E]{machine: machine}
	m.emit = m.add
	for _, s := range init {
		m.add(s)
	}
	return m
}

// add notes that s is possible.
func (m *Monitor[S, E]) add(s S) {
	if slices.Contains(m.states, s) {
		return
	}
	if len(m.states) == m.machine.Limit {
		m.verdict = Inconclusive
		return
	}
	m.states = append(m.states, s)
}

// Observe takes the next event of the run into account, and returns the verdict after it.
func (m *Monitor[S, E]) Observe(e E) Verdict {
	if m.verdict != Accepted {
		return m.verdict
	}
	for i := 0; i < len(m.states); i++ { // it grows
		m.machine.Hidden(m.states[i], m.emit)
	}
	if m.verdict != Accepted {
		return m.verdict
	}
	m.before, m.states = m.states, m.before[:0]
	for _, s := range m.before {
		m.machine.Step(s, e, m.emit)
	}
	if len(m.states) == 0 {
		m.verdict = Rejected
		for _, s := range m.before {
			m.allowed = append(m.allowed, m.machine.Allowed(s)...)
		}
		slices.Sort(m.allowed)
		m.allowed = slices.Compact(m.allowed)
	}
	if m.verdict == Accepted {
		m.events++
	}
	return m.verdict
}

// Verdict returns what is known so far.
func (m *Monitor[S, E]) Verdict() Verdict { return m.verdict }

// Events returns how many events the monitor has followed: the index of the rejected one, if one
// was.
func (m *Monitor[S, E]) Events() int { return m.events }

// Allowed returns what might have been observed instead of the event that was rejected, sorted.
func (m *Monitor[S, E]) Allowed() []string { return m.allowed }

// States returns the states that are possible, in order of discovery; the caller must not change
// them.
func (m *Monitor[S, E]) States() []S { return m.states }

// String returns the verdict in one line.
func (m *Monitor[S, E]) String() string {
	switch m.verdict {
	case Rejected:
		return fmt.Sprintf("rejected at event %d, allowed: %s", m.events, strings.Join(m.allowed, ", "))
	case Inconclusive:
		return fmt.Sprintf("inconclusive at event %d, more than %d states", m.events, m.machine.Limit)
	}
	return fmt.Sprintf("accepted, %d events", m.events)
}
