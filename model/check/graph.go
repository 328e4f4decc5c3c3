package check

import (
	"context"
	"slices"
)

// How many actions a model may have, and how many fair sets of actions its
// properties may name.
const (
	maxActions = 1 << 16
	maxGroups  = 64
)

// A fairness numbers the fair sets that properties name, so that a set of them
// is a mask.
type fairness struct {
	groups   []Fair
	byAction []uint64 // for each action, the groups that it is in
}

// newFairness returns the numbering of all groups that properties name, or false
// if there are too many.
func newFairness[S comparable](r *rules[S]) (*fairness, bool) {
	f := &fairness{byAction: make([]uint64, len(r.actions))}
	for _, p := range r.props {
		for _, group := range p.fair {
			if f.mask(group) == 0 {
				if len(f.groups) == maxGroups {
					return nil, false
				}
				for _, a := range group {
					f.byAction[a] |= 1 << len(f.groups)
				}
				f.groups = append(f.groups, group)
			}
		}
	}
	return f, true
}

// mask returns the bit of a group, 0 if it has none yet.
func (f *fairness) mask(group Fair) uint64 {
	for i, g := range f.groups {
		if slices.Equal(g, group) {
			return 1 << i
		}
	}
	return 0
}

// limitEvery is how many states are explored between two looks at the limits.
const limitEvery = 1024

// What the graph knows of a state and a property of kind Eventually.
const (
	triggered = 1 << iota
	reached
)

// A graph is all states of a model and all steps between them. Nodes are states
// in the order of a breadth-first search, which are forgotten once their
// properties are noted. Symmetry is not used: what is fair to two clients
// together may starve one of them.
type graph[S comparable] struct {
	rules    *rules[S]
	fairness *fairness
	roots    []uint32  // for each initial node, its number in Init
	begin    []uint64  // for each node, where its edges begin; one more at the end
	to       []uint32  // by edge
	action   []uint16  // by edge
	enabled  []uint64  // for each node, the fair groups that have a step
	notes    [][]uint8 // for each property, for each node; nil for other kinds
}

// newGraph explores the model. The reason is Exhausted if it saw everything.
func (s *Search[S]) newGraph(ctx context.Context, f *fairness) (*graph[S], Stats, Reason) {
	r := *s.rules
	r.canonical = nil
	g := &graph[S]{rules: &r, fairness: f, notes: make([][]uint8, len(r.props)), begin: []uint64{0}}
	tables := newTables[S](s.options.Exact, true)
	var cur, next []S
	n := uint32(0)
	id := func(t *S) uint32 {
		fp := fingerprint(t, r.seed)
		table := &tables[shardOf(fp)]
		slot, isNew := table.insert(fp, t)
		if isNew {
			table.ids[slot] = n
			next = append(next, *t)
			n++
		}
		return table.ids[slot]
	}
	for i, t := range r.model.Init() {
		if before := n; id(&t) == before {
			g.roots = append(g.roots, uint32(i))
		}
	}
	var enabled uint64
	emit := func(action int, t S) {
		inside := r.within == nil || r.within(t)
		if inside || !r.closed {
			enabled |= f.byAction[action]
		}
		if inside {
			g.to = append(g.to, id(&t))
			g.action = append(g.action, uint16(action))
		}
	}
	stats := Stats{Phase: Liveness, Depth: -1}
	for len(next) > 0 {
		cur, next = next, cur[:0]
		stats.Depth++
		stats.Levels = append(stats.Levels, uint64(len(cur)))
		for i, t := range cur {
			if i%limitEvery == 0 {
				stats.Distinct, stats.Steps, stats.Waiting = uint64(n), uint64(len(g.to)), uint64(len(next))
				g.measure(&stats, tables, cap(cur)+cap(next))
				if why := s.limitGraph(ctx, stats); why != Unfinished {
					return nil, stats, why
				}
			}
			enabled = 0
			r.model.Next(t, emit)
			g.begin = append(g.begin, uint64(len(g.to)))
			g.enabled = append(g.enabled, enabled)
			g.note(t)
		}
	}
	stats.Distinct, stats.Steps, stats.Waiting = uint64(n), uint64(len(g.to)), 0
	return g, stats, Exhausted
}

// note remembers what properties make of the next node.
func (g *graph[S]) note(s S) {
	first := len(g.begin)-2 < len(g.roots)
	for i, p := range g.rules.props {
		if p.kind != Eventually {
			continue
		}
		var note uint8
		if p.state == nil && first || p.state != nil && p.state(s) {
			note |= triggered
		}
		if p.goal(s) {
			note |= reached
		}
		g.notes[i] = append(g.notes[i], note)
	}
}

// limitGraph says why the graph must not grow, if it must not.
func (s *Search[S]) limitGraph(ctx context.Context, stats Stats) Reason {
	if stats.Distinct >= s.report && s.options.Progress != nil {
		s.report = stats.Distinct + s.options.ProgressEvery
		s.options.Progress(stats)
	}
	switch {
	case ctx.Err() != nil:
		return Cancelled
	case s.options.MaxStates > 0 && stats.Distinct > max(s.options.MaxStates, s.stats.Distinct):
		return StateLimit
	case s.options.MaxBytes > 0 && stats.Bytes > s.options.MaxBytes, stats.Distinct >= 1<<31:
		return MemoryLimit
	}
	return Unfinished
}

// measure counts the bytes that the graph and the search for it hold.
func (g *graph[S]) measure(stats *Stats, tables *[shardCount]table[S], waiting int) {
	bytes := 8*cap(g.begin) + 4*cap(g.to) + 2*cap(g.action) + 8*cap(g.enabled) + waiting*sizeOf[S]()
	for _, notes := range g.notes {
		bytes += cap(notes)
	}
	for i := range tables {
		bytes += tables[i].bytes()
	}
	stats.Bytes = uint64(bytes)
	stats.Peak = max(stats.Peak, stats.Bytes)
}

// edgeTo returns the number, among the steps from a node, of the first that
// leads to another.
func (g *graph[S]) edgeTo(from, to uint32) uint64 {
	for e := g.begin[from]; ; e++ {
		if g.to[e] == to {
			return e
		}
	}
}
