package check

import (
	"context"
	"slices"
)

// decideEventually decides the properties of kind Eventually, if there are any
// and there is reason to think that the graph of all states can be built.
func (s *Search[S]) decideEventually(ctx context.Context, result *Result[S]) error {
	isEventually := func(p Property[S]) bool { return p.kind == Eventually }
	if !slices.ContainsFunc(s.rules.props, isEventually) || result.Reason != Exhausted && result.Reason != Cut {
		return nil
	}
	s.report = s.options.ProgressEvery
	g, stats, why := s.newGraph(ctx, s.rules.fairness)
	result.Liveness = stats
	if why != Exhausted {
		result.Reason = why
		return nil
	}
	for i, p := range s.rules.props {
		if p.kind != Eventually {
			continue
		}
		o := &result.Outcomes[i]
		l := g.lasso(i)
		switch {
		case l != nil:
			o.Verdict = Violated
			run, err := g.rules.replay(slices.Concat(l.prefix, l.cycle), -1)
			if err != nil {
				return err
			}
			o.Trace, o.Cycle = run[:len(l.prefix)], run[len(l.prefix):]
		case result.Reason == Exhausted:
			o.Verdict = Holds
		}
	}
	return nil
}

// A lasso is a run that goes round for ever, as numbers for [rules.replay].
type lasso struct {
	prefix, cycle []uint32
}

// lasso returns a fair run that triggers the property and then never reaches its
// goal, or nil if there is none.
//
// A run that goes on for ever ends up in one strongly connected component of the
// part of the graph where the goal is not reached, if a run that stops is taken
// to go round in its last state. All of a component can be gone round, so a fair
// run exists in it if each fair group is not possible somewhere in it, or taken
// somewhere in it. The prefix is as short as can be.
func (g *graph[S]) lasso(property int) *lasso {
	t := &tarjan[S]{
		graph: g,
		notes: g.notes[property],
		order: make([]uint32, len(g.enabled)),
		low:   make([]uint32, len(g.enabled)),
		comp:  make([]uint32, len(g.enabled)),
	}
	for _, group := range g.rules.props[property].fair {
		t.want |= g.fairness.mask(group)
	}
	for node, note := range t.notes {
		if note == triggered && t.order[node] == 0 {
			t.visit(uint32(node))
		}
	}
	if !slices.Contains(t.fair, true) {
		return nil
	}
	prefix, entry := t.prefix()
	return &lasso{prefix, t.cycle(entry)}
}

// A tarjan finds the strongly connected components among the nodes where a goal
// is not reached that come after its trigger, by the algorithm of that name
// without its recursion.
type tarjan[S comparable] struct {
	*graph[S]
	notes []uint8
	want  uint64 // the groups that runs must be fair to

	order []uint32 // when a node was found, from 1
	low   []uint32 // the least order known to be reachable in the component
	comp  []uint32 // the component of a node, from 1
	fair  []bool   // whether a component has a fair run, by component less 1
	found uint32
	stack []uint32 // nodes that have no component yet
	path  []frame  // nodes being visited
}

type frame struct {
	node uint32
	edge uint64 // the next to look at
}

// open says whether runs through the node have not reached the goal.
func (t *tarjan[S]) open(node uint32) bool { return t.notes[node]&reached == 0 }

func (t *tarjan[S]) enter(node uint32) {
	t.found++
	t.order[node], t.low[node] = t.found, t.found
	t.stack = append(t.stack, node)
	t.path = append(t.path, frame{node, t.begin[node]})
}

// visit finds the components of all nodes that can be reached from one.
func (t *tarjan[S]) visit(root uint32) {
	t.enter(root)
	for len(t.path) > 0 {
		f := &t.path[len(t.path)-1]
		node := f.node
		if f.edge < t.begin[node+1] {
			to := t.to[f.edge]
			f.edge++
			switch {
			case !t.open(to):
			case t.order[to] == 0:
				t.enter(to)
			case t.comp[to] == 0:
				t.low[node] = min(t.low[node], t.order[to])
			}
			continue
		}
		t.path = t.path[:len(t.path)-1]
		if len(t.path) > 0 {
			parent := t.path[len(t.path)-1].node
			t.low[parent] = min(t.low[parent], t.low[node])
		}
		if t.low[node] == t.order[node] {
			t.close(node)
		}
	}
}

// close makes a component of the nodes found since its first.
func (t *tarjan[S]) close(first uint32) {
	i := len(t.stack) - 1
	for t.stack[i] != first {
		i--
	}
	nodes := t.stack[i:]
	t.stack = t.stack[:i]
	comp := uint32(len(t.fair) + 1)
	for _, node := range nodes {
		t.comp[node] = comp
	}
	var served uint64
	for _, node := range nodes {
		served |= ^t.enabled[node]
		for e := t.begin[node]; e < t.begin[node+1]; e++ {
			if t.comp[t.to[e]] == comp {
				served |= t.fairness.byAction[t.action[e]]
			}
		}
	}
	t.fair = append(t.fair, served&t.want == t.want)
}

// isFair says whether a run that has triggered the property may go round here.
func (t *tarjan[S]) isFair(node uint32) bool {
	return t.comp[node] != 0 && t.fair[t.comp[node]-1]
}

// prefix returns the shortest run that triggers the property and gets to a fair
// component without reaching the goal, and the node where it does.
func (t *tarjan[S]) prefix() (path []uint32, entry uint32) {
	// A run is in layer 0 until it decides that this is the trigger, and then in
	// layer 1. Cells are 2*node+layer; came has 1 + the cell before, if any.
	const start = ^uint32(0)
	came := make([]uint32, 2*len(t.enabled))
	var queue []uint32
	push := func(cell, from uint32) {
		if came[cell] == 0 {
			came[cell] = from
			queue = append(queue, cell)
		}
	}
	arrive := func(node, layer, from uint32) {
		if layer == 0 {
			push(2*node, from)
		}
		if layer == 1 && t.open(node) || t.notes[node] == triggered {
			push(2*node+1, from)
		}
	}
	for root := range t.roots {
		arrive(uint32(root), 0, start)
	}
	i := 0
	for queue[i]%2 == 0 || !t.isFair(queue[i]/2) {
		cell := queue[i]
		for e := t.begin[cell/2]; e < t.begin[cell/2+1]; e++ {
			arrive(t.to[e], cell%2, cell+1)
		}
		i++
	}
	entry = queue[i] / 2
	cell := queue[i]
	for came[cell] != start {
		from := came[cell] - 1
		path = append(path, uint32(t.edgeTo(from/2, cell/2)-t.begin[from/2]))
		cell = from
	}
	path = append(path, t.roots[cell/2])
	slices.Reverse(path)
	return path, entry
}

// cycle returns a fair run from a node of a fair component and back; empty if it
// is fair to stop there.
func (t *tarjan[S]) cycle(entry uint32) (path []uint32) {
	at, want := entry, t.want&t.enabled[entry]
	walk := func(wanted func(e uint64) bool) {
		for _, e := range t.walk(at, wanted) {
			path = append(path, uint32(e-t.begin[at]))
			at = t.to[e]
			want &= t.enabled[at] &^ t.fairness.byAction[t.action[e]]
		}
	}
	for want != 0 {
		walk(func(e uint64) bool {
			return want&^t.enabled[t.to[e]] != 0 || want&t.fairness.byAction[t.action[e]] != 0
		})
	}
	if at != entry {
		walk(func(e uint64) bool { return t.to[e] == entry })
	}
	return path
}

// walk returns the shortest path inside a component from a node over an edge
// that is wanted. There is one.
func (t *tarjan[S]) walk(from uint32, wanted func(e uint64) bool) []uint64 {
	comp := t.comp[from]
	came := map[uint32]uint64{} // the edge by which a node was found
	origin := map[uint64]uint32{}
	queue := []uint32{from}
	for i := 0; ; i++ {
		node := queue[i]
		for e := t.begin[node]; e < t.begin[node+1]; e++ {
			to := t.to[e]
			if t.comp[to] != comp {
				continue
			}
			origin[e] = node
			if wanted(e) {
				path := []uint64{e}
				for node != from {
					e := came[node]
					path = append(path, e)
					node = origin[e]
				}
				slices.Reverse(path)
				return path
			}
			if _, known := came[to]; !known && to != from {
				came[to] = e
				queue = append(queue, to)
			}
		}
	}
}
