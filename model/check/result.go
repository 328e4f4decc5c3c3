package check

import (
	"context"
	"fmt"
	"math"
)

// Verdict is what is known about a property.
type Verdict uint8

// The verdicts. Only a search that has seen everything says Holds of something
// that is true everywhere, or Violated of something that is true nowhere.
const (
	Incomplete Verdict = iota // not known
	Holds
	Violated
)

// String returns the verdict as reports print it.
func (v Verdict) String() string {
	switch v {
	case Incomplete:
		return "incomplete"
	case Holds:
		return "holds"
	case Violated:
		return "violated"
	}
	return fmt.Sprintf("verdict %d", uint8(v))
}

// Reason is why a search ended.
type Reason uint8

// The reasons. A search saw everything if and only if it is Exhausted.
const (
	Unfinished  Reason = iota // it did not end
	Exhausted                 // every reachable state was explored
	Cut                       // as Exhausted, but steps left a boundary that is not closed
	Stopped                   // a property was violated
	Cancelled                 // the context was done
	StateLimit                // Options.MaxStates
	DepthLimit                // Options.MaxDepth
	MemoryLimit               // Options.MaxBytes
)

// String returns the reason as reports print it.
func (r Reason) String() string {
	switch r {
	case Unfinished:
		return "unfinished"
	case Exhausted:
		return "exhausted"
	case Cut:
		return "cut at the boundary"
	case Stopped:
		return "stopped at a violation"
	case Cancelled:
		return "cancelled"
	case StateLimit:
		return "state limit"
	case DepthLimit:
		return "depth limit"
	case MemoryLimit:
		return "memory limit"
	}
	return fmt.Sprintf("reason %d", uint8(r))
}

// Phase is what a search is doing.
type Phase uint8

// The phases.
const (
	Searching Phase = iota // exploring
	Tracing                // exploring again, to find the way to a state
	Liveness               // exploring again, to decide properties of kind Eventually
)

// String returns the phase as reports print it.
func (p Phase) String() string {
	switch p {
	case Searching:
		return "search"
	case Tracing:
		return "trace"
	case Liveness:
		return "liveness"
	}
	return fmt.Sprintf("phase %d", uint8(p))
}

// Stats are the figures of a search.
type Stats struct {
	Phase    Phase
	Distinct uint64   // states
	Steps    uint64   // steps taken from them, those that lead to known states included
	Cut      uint64   // steps not taken because they leave the boundary
	Depth    int      // steps from an initial state to the farthest state
	Levels   []uint64 // distinct states at each depth; must not be changed
	Waiting  uint64   // distinct states found at the depth after the last of Levels
	Bytes    uint64   // held by tables, frontiers and buffers
	Peak     uint64   // the most that Bytes was
}

// BytesPerState returns how much memory a state took at the worst moment.
func (s Stats) BytesPerState() float64 { return float64(s.Peak) / float64(s.Distinct) }

// ActionCount says how often an action was taken.
type ActionCount struct {
	Name  string
	Steps uint64
}

// Outcome is what is known about one property.
type Outcome[S comparable] struct {
	Name    string
	Kind    Kind
	Verdict Verdict
	// Trace is a run from an initial state that decides the property: to the
	// first of the nearest states where an invariant fails or a goal is reached
	// ([Options.Witness]). For the kind Eventually the run goes on with Cycle for
	// ever, from the last state of Trace and back to it, or stops for ever in
	// that state if Cycle is empty.
	Trace, Cycle []Step[S]
}

// Result is what a search knows. It is the same for every number of workers
// unless the context was done, which comes when it comes.
type Result[S comparable] struct {
	Model    string
	Verdict  Verdict // Violated if anything is, Holds if everything does
	Reason   Reason
	Symmetry bool // equivalent states were taken for one
	Exact    bool // states were compared, not fingerprints
	Closed   bool // the model has a boundary that is part of its configuration
	Stats    Stats
	Liveness Stats         // of the search for cycles; zero if there was none
	Actions  []ActionCount // by index
	Outcomes []Outcome[S]  // in the order of Properties
}

// Untaken returns the actions that no step was taken by. Where the search saw
// everything, something is wrong with them or with the configuration.
func (r Result[S]) Untaken() []string {
	var names []string
	for _, a := range r.Actions {
		if a.Steps == 0 {
			names = append(names, a.Name)
		}
	}
	return names
}

// Outcome returns the outcome of a property, or false if there is none of that
// name.
func (r Result[S]) Outcome(name string) (Outcome[S], bool) {
	for _, o := range r.Outcomes {
		if o.Name == name {
			return o, true
		}
	}
	return Outcome[S]{}, false
}

// CollisionBound returns the odds that the search took two states for one, and
// so may have missed something: n²/2^65, or 0 if it was exact.
func (r Result[S]) CollisionBound() float64 {
	if r.Exact {
		return 0
	}
	n := float64(max(r.Stats.Distinct, r.Liveness.Distinct))
	return math.Ldexp(n*n, -65)
}

// Result returns what the search knows. It finds the way to what was found,
// which takes as long again as finding it, and if every state was explored it
// decides the properties of kind [Eventually], until the context is done. The
// error is an [ErrModel].
func (s *Search[S]) Result(ctx context.Context) (Result[S], error) {
	if s.err != nil {
		return Result[S]{}, s.err
	}
	r := s.rules
	_, symmetric := r.model.(Symmetric[S])
	result := Result[S]{
		Model:    r.model.Name(),
		Reason:   s.why,
		Symmetry: s.options.Symmetry && symmetric,
		Exact:    s.options.Exact,
		Closed:   r.closed,
		Stats:    s.stats,
		Outcomes: make([]Outcome[S], len(r.props)),
	}
	if result.Reason == Exhausted && s.stats.Cut > 0 && !r.closed {
		result.Reason = Cut
	}
	for i, name := range r.actions {
		result.Actions = append(result.Actions, ActionCount{name, s.taken[i]})
	}
	var decided []int
	for i, p := range r.props {
		result.Outcomes[i] = Outcome[S]{Name: p.name, Kind: p.kind, Verdict: s.verdict(i, result.Reason == Exhausted)}
		if s.found[i].depth >= 0 && (p.kind != Sometimes || s.options.Witness) {
			decided = append(decided, i)
		}
	}
	runs, err := s.retrace(decided)
	if err != nil {
		return Result[S]{}, err
	}
	for i, run := range runs {
		result.Outcomes[decided[i]].Trace = run
	}
	if err := s.decideEventually(ctx, &result); err != nil {
		return Result[S]{}, err
	}
	result.Verdict = result.overall()
	return result, nil
}

// verdict returns what the search knows about a property, other than of kind
// Eventually.
func (s *Search[S]) verdict(property int, complete bool) Verdict {
	found := s.found[property].depth >= 0
	switch kind := s.rules.props[property].kind; {
	case kind == Eventually:
		return Incomplete
	case found && kind == Sometimes:
		return Holds
	case found:
		return Violated
	case !complete:
		return Incomplete
	case kind == Sometimes:
		return Violated
	}
	return Holds
}

func (r Result[S]) overall() Verdict {
	verdict := Holds
	if r.Reason != Exhausted {
		verdict = Incomplete
	}
	for _, o := range r.Outcomes {
		switch {
		case o.Verdict == Violated:
			return Violated
		case o.Verdict == Incomplete:
			verdict = Incomplete
		}
	}
	return verdict
}
