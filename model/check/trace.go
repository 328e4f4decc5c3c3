package check

import (
	"fmt"
	"slices"
)

// A Step is one step of a run.
type Step[S comparable] struct {
	// Action is the index of the action, and Name its name. Every run begins
	// with the action -1, "init", which leads to an initial state.
	Action int
	Name   string
	// State is the state after the action, and Text what it looks like.
	State S
	Text  string
}

// A link says where a state was found: the place of its predecessor in the level
// before, and which of that state's steps leads here. Levels have less than 2^32
// states: their pages would not fit into memory otherwise.
type link struct {
	parent, step uint32
}

// newLinks returns room for the links of the states found so far in the next
// level, or nil if no caller wants them.
func (s *Search[S]) newLinks() []link {
	if s.links == nil {
		return nil
	}
	level := s.stats.Depth + 1
	if level == len(s.links) {
		s.links = append(s.links, nil)
	}
	have := s.links[level]
	have = append(have, make([]link, s.next.n-int64(len(have)))...)
	s.links[level] = have
	return have
}

// retrace returns the shortest runs that decide properties. The search did not remember how
// it came to a state, so it is done again, as deep as is needed, by one that
// does: half the memory when there is nothing to find, twice the time when there
// is.
func (s *Search[S]) retrace(properties []int) ([][]Step[S], error) {
	depth := -1
	for _, p := range properties {
		depth = max(depth, s.found[p].depth)
	}
	if depth < 0 {
		return nil, nil
	}
	r := *s.rules
	again := newSearch(&r, Options{
		Workers:       s.options.Workers,
		Exact:         s.options.Exact,
		Progress:      s.options.Progress,
		ProgressEvery: s.options.ProgressEvery,
	})
	again.links = [][]link{}
	again.stats.Phase = Tracing
	if err := again.seed(r.model.Init()); err != nil {
		return nil, err
	}
	for again.stats.Depth < depth {
		for again.page < len(again.cur.pages) {
			if again.round(); again.err != nil {
				return nil, again.err
			}
		}
		again.endLevel()
		if again.cur.n == 0 {
			return nil, errTwoSearches(&r)
		}
	}
	var runs [][]Step[S]
	for _, p := range properties {
		path, ok := again.path(s.found[p])
		if !ok {
			return nil, errTwoSearches(&r)
		}
		run, err := r.replay(path, p)
		if err != nil {
			return nil, err
		}
		switch {
		case r.shows(p, run):
		case r.canonical == nil:
			return nil, errTwoSearches(&r)
		default:
			return nil, modelError(r.model.Name(), "property %q is not the same for equivalent states", r.props[p].name)
		}
		runs = append(runs, run)
	}
	return runs, nil
}

// errTwoSearches says that a search did not find again what the one before it has found.
func errTwoSearches[S comparable](r *rules[S]) error {
	return nondeterministic(r.model.Name(), "two searches differ")
}

// path returns the number of the initial state from which a finding is reached,
// and then of each step on the way; false if this search has no such finding.
func (s *Search[S]) path(f finding) ([]uint32, bool) {
	path := make([]uint32, f.depth+1, f.depth+2)
	at := f.hit.at
	for level := f.depth; level >= 0; level-- {
		if level >= len(s.links) || at >= int64(len(s.links[level])) {
			return nil, false
		}
		l := s.links[level][at]
		path[level], at = l.step, int64(l.parent)
	}
	if f.hit.step >= 0 {
		path = append(path, uint32(f.hit.step))
	}
	return path, true
}

// A move is one step that Next offers.
type move[S comparable] struct {
	action int
	to     S
}

// moves returns the steps from a state that do not leave the boundary.
func (r *rules[S]) moves(s S) []move[S] {
	var moves []move[S]
	r.model.Next(s, func(action int, t S) {
		if r.within == nil || r.within(t) {
			moves = append(moves, move[S]{action, t})
		}
	})
	return moves
}

// represent returns the representative of a state.
func (r *rules[S]) represent(s S) S {
	if r.canonical == nil {
		return s
	}
	return r.canonical(s)
}

// replay returns the run with the numbered steps. The numbers are about
// representatives; the run is one of the model as it is, each of whose states is
// represented by the one that the numbers lead to. If several steps will do for
// the last, it is one that shows the property, which is -1 if that is no matter.
func (r *rules[S]) replay(path []uint32, property int) ([]Step[S], error) {
	real := r.model.Init()[path[0]]
	represent := r.represent(real)
	run := []Step[S]{r.step(-1, real)}
	for i, number := range path[1:] {
		moves := r.moves(represent)
		if int(number) >= len(moves) {
			return nil, nondeterministic(r.model.Name(), "two calls of Next for %v differ", represent)
		}
		candidates := moves[number : number+1]
		if represent = r.represent(candidates[0].to); r.canonical != nil {
			candidates = r.movesTo(real, represent)
		}
		if len(candidates) == 0 {
			return nil, modelError(r.model.Name(),
				"Canonical is not a symmetry: no step from %v leads to an equivalent of %v", real, represent)
		}
		best := r.step(candidates[0].action, candidates[0].to)
		for _, m := range candidates[1:] {
			if property >= 0 && i == len(path)-2 && !r.shows(property, append(run, best)) {
				best = r.step(m.action, m.to)
			}
		}
		real = best.State
		run = append(run, best)
	}
	return run, nil
}

// movesTo returns the steps from a state to one with the representative.
func (r *rules[S]) movesTo(from, representative S) []move[S] {
	return slices.DeleteFunc(r.moves(from), func(m move[S]) bool { return r.represent(m.to) != representative })
}

func (r *rules[S]) step(action int, t S) Step[S] {
	step := Step[S]{Action: action, Name: "init", State: t}
	if action >= 0 {
		step.Name = r.actions[action]
	}
	if d, ok := r.model.(Describer[S]); ok {
		step.Text = d.Describe(t)
	} else {
		step.Text = fmt.Sprint(t)
	}
	return step
}

// shows says whether a run decides a property by its last state or step. It does
// if equivalent states have equal properties.
func (r *rules[S]) shows(property int, run []Step[S]) bool {
	p := &r.props[property]
	last := run[len(run)-1]
	switch {
	case p.step != nil:
		return !p.step(&run[len(run)-2].State, last.Action, &last.State)
	case p.kind == Deadlock:
		return len(r.moves(last.State)) == 0 && (p.state == nil || !p.state(last.State))
	}
	return p.state(last.State) == (p.kind == Sometimes)
}
