package check

import (
	"context"
	"reflect"
)

// Options say how to search. The zero value explores everything, on all cores.
type Options struct {
	// Workers is how many goroutines work at the same time; 0 means one for
	// each core. No result depends on it.
	Workers int
	// Symmetry explores one of each set of equivalent states of a [Symmetric]
	// model; it is ignored if the model is not. Properties of kind [Eventually]
	// are decided on all states all the same.
	Symmetry bool
	// Exact keeps visited states instead of fingerprints. It takes as much more
	// memory as states are larger than none, and is never wrong.
	Exact bool
	// Seed selects the fingerprint function. Two states that one takes for one
	// are told apart by nearly every other.
	Seed uint64
	// KeepGoing goes on after a property was found violated, to decide the
	// others. Otherwise the search ends with the level that it happened in.
	KeepGoing bool
	// Witness gives reachable properties that hold a trace.
	Witness bool

	// The search stops, incomplete, when it has more than MaxStates states,
	// would have to explore states at MaxDepth, or holds more than MaxBytes
	// bytes (see [Stats.Bytes]). It finishes the few thousand states it is at
	// first. 0 means no limit.
	MaxStates uint64
	MaxDepth  int
	MaxBytes  uint64

	// Progress is called, if not nil, by the goroutine that runs the search,
	// after about every ProgressEvery states; 0 means a million.
	Progress      func(Stats)
	ProgressEvery uint64
}

// A Search is an exploration under way. Its methods are for one goroutine.
type Search[S comparable] struct {
	rules   *rules[S]
	options Options
	workers workers

	tables    *[shardCount]table[S]
	cur, next frontier[S]
	page      int // first page of cur that is not expanded
	blocks    []*block[S]

	stats  Stats
	taken  []uint64 // by action
	found  []finding
	links  [][]link // by level; nil unless this is a search for the way to a state
	report uint64   // states at which to call Progress next
	why    Reason   // why the last call of Level stopped short
	err    error    // the model is no function of its arguments
}

// Next is called twice for every state of a search that has found at most allTwice, and for one of someTwice in a
// larger one: it costs a few percent there.
const (
	allTwice  = 4096
	someTwice = 64
)

// A finding is where a property was first decided.
type finding struct {
	depth int // level of the state that hit names, -1 if there is none
	hit   hit
}

// New returns a search that has found the initial states of a model. The error
// is an [ErrModel].
func New[S comparable](m Model[S], o Options) (*Search[S], error) {
	r, err := newRules(m, o)
	if err != nil {
		return nil, err
	}
	s := newSearch(r, o)
	if err := s.seed(m.Init()); err != nil {
		return nil, err
	}
	return s, nil
}

// Run searches until all is known, a limit is reached, or the context is done,
// and returns what is known then. A context that is done is not an error. An
// error is an [ErrModel].
func Run[S comparable](ctx context.Context, m Model[S], o Options) (Result[S], error) {
	s, err := New(m, o)
	if err != nil {
		return Result[S]{}, err
	}
	for s.Level(ctx) {
	}
	return s.Result(ctx)
}

func newRules[S comparable](m Model[S], o Options) (*rules[S], error) {
	r := &rules[S]{model: m, actions: m.Actions(), props: m.Properties(), seed: scrambled(o.Seed)}
	if wrong := checkEncoding(reflect.TypeFor[S]()); wrong != "" {
		return nil, modelError(m.Name(), "%s", wrong)
	}
	if len(r.actions) > maxActions {
		return nil, modelError(m.Name(), "%d actions, limit %d", len(r.actions), maxActions)
	}
	if err := r.checkProperties(); err != nil {
		return nil, err
	}
	var ok bool
	if r.fairness, ok = newFairness(r); !ok {
		return nil, modelError(m.Name(), "more than %d fair sets of actions", maxGroups)
	}
	if sym, ok := m.(Symmetric[S]); ok && o.Symmetry {
		r.canonical = sym.Canonical
	}
	if b, ok := m.(Bounded[S]); ok {
		r.within, r.closed = b.Within, b.Closed()
	}
	return r, nil
}

// checkProperties returns what is wrong with the properties, if anything is.
func (r *rules[S]) checkProperties() error {
	names := make(map[string]bool)
	for _, p := range r.props {
		if p.name == "" || names[p.name] {
			return modelError(r.model.Name(), "property name %q is empty or not unique", p.name)
		}
		names[p.name] = true
		for _, group := range p.fair {
			if len(group) == 0 {
				return modelError(r.model.Name(), "property %q: fairness of no action", p.name)
			}
			for _, a := range group {
				if a < 0 || a >= len(r.actions) {
					return modelError(r.model.Name(), "property %q: fairness of action %d of %d", p.name, a, len(r.actions))
				}
			}
		}
	}
	return nil
}

func newSearch[S comparable](r *rules[S], o Options) *Search[S] {
	s := &Search[S]{
		rules:   r,
		options: o,
		workers: newWorkers(o.Workers),
		tables:  newTables[S](o.Exact, false),
		taken:   make([]uint64, len(r.actions)),
		found:   make([]finding, len(r.props)),
	}
	for i := range s.found {
		s.found[i] = finding{-1, nowhere}
	}
	if s.options.ProgressEvery == 0 {
		s.options.ProgressEvery = 1e6
	}
	s.report = s.options.ProgressEvery
	return s
}

// seed makes the initial states level 0: the successors of a state before them
// all, which is at depth -1.
func (s *Search[S]) seed(init []S) error {
	s.stats.Depth = -1
	s.undecided()
	b := newBlock(s.rules)
	b.clear(nil, 0)
	for _, t := range init {
		if s.rules.within != nil && !s.rules.within(t) {
			return modelError(s.rules.model.Name(), "initial state %v is outside the boundary", t)
		}
		b.push(t)
	}
	b.ends = append(b.ends, uint32(len(b.out)))
	b.sort()
	if len(b.out) == 0 {
		return modelError(s.rules.model.Name(), "no initial state")
	}
	s.blocks = append(s.blocks, b)
	s.merge(s.blocks)
	s.endLevel()
	return nil
}

// Level explores the states of the deepest level known so far, or what is left
// of them, and says whether there is more to do. It returns early when a limit
// is reached or the context is done, in which case it can be called again.
func (s *Search[S]) Level(ctx context.Context) bool {
	s.why = s.done()
	if s.why != Unfinished || s.err != nil {
		return false
	}
	s.undecided()
	for s.page < len(s.cur.pages) {
		s.round()
		if s.why = s.limit(ctx); s.why != Unfinished || s.err != nil {
			return false
		}
	}
	s.endLevel()
	s.why = s.done()
	return s.why == Unfinished
}

// done says why there is nothing to explore, if there is not.
func (s *Search[S]) done() Reason {
	switch {
	case s.cur.n == 0:
		return Exhausted
	case s.violated() && !s.options.KeepGoing && s.page == 0:
		return Stopped
	case s.options.MaxDepth > 0 && s.stats.Depth >= s.options.MaxDepth:
		return DepthLimit
	}
	return Unfinished
}

// limit says why the search must not go on, if it must not. It is asked between
// rounds, which are the same for any number of workers.
func (s *Search[S]) limit(ctx context.Context) Reason {
	switch {
	case s.page == len(s.cur.pages) && s.next.n == 0:
		return Unfinished // nothing is left to do: do not stop just short of it
	case ctx.Err() != nil:
		return Cancelled
	case s.options.MaxStates > 0 && s.stats.Distinct > s.options.MaxStates:
		return StateLimit
	case s.options.MaxBytes > 0 && s.stats.Bytes > s.options.MaxBytes:
		return MemoryLimit
	}
	return Unfinished
}

// undecided lists the properties that there is still a reason to check.
func (s *Search[S]) undecided() {
	r := s.rules
	r.states, r.steps, r.stuck = nil, nil, nil
	for i, p := range r.props {
		switch {
		case s.found[i].depth >= 0 || p.kind == Eventually || s.links != nil:
		case p.step != nil:
			r.steps = append(r.steps, i)
		case p.kind == Deadlock:
			r.stuck = append(r.stuck, i)
		default:
			r.states = append(r.states, i)
		}
	}
}

func (s *Search[S]) violated() bool {
	for i, p := range s.rules.props {
		if s.found[i].depth >= 0 && p.kind != Sometimes {
			return true
		}
	}
	return false
}

// round expands some pages of the current level: their successors are found
// page by page, then looked up table by table, and what is new is kept page by
// page. Each part is done in any order, by any number of workers, and leaves
// everything as a search would that handles one state after the other.
func (s *Search[S]) round() {
	n := min(roundBlocks, len(s.cur.pages)-s.page)
	for len(s.blocks) < n {
		s.blocks = append(s.blocks, newBlock(s.rules))
	}
	blocks := s.blocks[:n]
	for i, b := range blocks {
		b.clear(s.cur.pages[s.page+i], int64(s.page+i)*pageStates[S]())
		if b.twice = someTwice; s.stats.Distinct <= allTwice {
			b.twice = 1
		}
	}
	s.workers.each(n, func(i int) { blocks[i].expand() })
	for _, b := range blocks {
		if b.unequal != nil && s.err == nil {
			s.err = nondeterministic(s.rules.model.Name(), "two calls of Next for %v differ", *b.unequal)
		}
	}
	s.merge(blocks)
	s.cur.drop(s.cur.pages[s.page : s.page+n])
	s.page += n
	s.measure()
	if s.stats.Distinct >= s.report && s.options.Progress != nil {
		s.report = s.stats.Distinct + s.options.ProgressEvery
		s.options.Progress(s.stats)
	}
}

// merge adds what blocks have found to what is known.
func (s *Search[S]) merge(blocks []*block[S]) {
	s.workers.each(shardCount, func(i int) {
		for _, b := range blocks {
			b.probes[i] = s.tables[i].insertAll(b.probes[i], b.out)
		}
	})
	for _, b := range blocks {
		b.first = s.next.n
		s.next.n += int64(b.fresh())
	}
	links := s.newLinks()
	s.workers.each(len(blocks), func(i int) { blocks[i].keep(links) })
	for _, b := range blocks {
		s.next.add(b.first, b.kept.parts)
		s.stats.Cut += b.cut
		for i, n := range b.taken {
			s.taken[i] += n
			s.stats.Steps += n
		}
		for i, h := range b.hits {
			if h.at >= 0 && s.found[i].depth < 0 {
				s.found[i] = finding{s.hitDepth(i, h), h}
			}
		}
	}
	s.stats.Distinct += uint64(s.next.n) - s.stats.Waiting
	s.stats.Waiting = uint64(s.next.n)
}

// hitDepth returns the depth of the state that a hit on the property names.
func (s *Search[S]) hitDepth(property int, h hit) int {
	if p := &s.rules.props[property]; h.step >= 0 || p.kind == Deadlock {
		return s.stats.Depth
	}
	return s.stats.Depth + 1
}

// endLevel makes the states found last the ones to explore next.
func (s *Search[S]) endLevel() {
	s.cur, s.next, s.page = s.next, frontier[S]{}, 0
	s.stats.Waiting = 0
	if s.cur.n > 0 {
		s.stats.Depth++
		s.stats.Levels = append(s.stats.Levels, uint64(s.cur.n))
	}
	s.measure()
}

// measure counts the bytes that the search holds.
func (s *Search[S]) measure() {
	bytes := s.cur.bytes + s.next.bytes
	for i := range s.tables {
		bytes += s.tables[i].bytes()
	}
	for _, b := range s.blocks {
		bytes += b.bytes()
	}
	s.stats.Bytes = uint64(bytes)
	s.stats.Peak = max(s.stats.Peak, s.stats.Bytes)
}
