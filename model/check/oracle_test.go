package check_test

import (
	"fmt"
	"math/bits"
	"strings"

	"pgregory.net/rapid"

	"cutthrough/model/check"
)

// node is a state of a random graph. Most of it says nothing, so that states are
// neither small nor a multiple of a word.
type node [11]byte

func at(i int) node { return node{10: byte(i), 2: byte(i) ^ 0x55, 5: 7} }

type edge struct{ action, to int }

// graph is a random model. Its properties are sets of nodes and edges.
type graph struct {
	actions  int
	init     []int
	edges    [][]edge // by node
	bad      []bool
	badStep  [][]bool
	goal     []bool
	terminal []bool
	trigger  []bool
	wanted   []bool
	outside  []bool // nil: no boundary
	closed   bool
	fair     []check.Fair
}

func (g *graph) Name() string { return fmt.Sprintf("graph of %d nodes", len(g.edges)) }

func (g *graph) Actions() []string { return strings.Split("abcd", "")[:g.actions] }

func (g *graph) Init() []node {
	var init []node
	for _, i := range g.init {
		init = append(init, at(i))
	}
	return init
}

func (g *graph) Next(s node, emit func(int, node)) {
	for _, e := range g.edges[s[10]] {
		emit(e.action, at(e.to))
	}
}

func (g *graph) Properties() []check.Property[node] {
	in := func(set []bool) func(node) bool { return func(s node) bool { return set[s[10]] } }
	return []check.Property[node]{
		check.Invariant("always", func(s node) bool { return !g.bad[s[10]] }),
		check.StepInvariant("step", func(s *node, action int, t *node) bool {
			for i, e := range g.edges[s[10]] {
				if g.badStep[s[10]][i] && e.action == action && at(e.to) == *t {
					return false
				}
			}
			return true
		}),
		check.Reachable("sometimes", in(g.goal)),
		check.NoDeadlock("deadlock", in(g.terminal)),
		check.LeadsTo("leads to", in(g.trigger), in(g.wanted), g.fair...),
		check.Inevitable("inevitable", in(g.wanted), g.fair...),
	}
}

// bounded is a graph with a boundary.
type bounded struct{ *graph }

func (g bounded) Within(s node) bool { return !g.outside[s[10]] }

func (g bounded) Closed() bool { return g.closed }

// model returns the graph with the methods that it should have.
func (g *graph) model() check.Model[node] {
	if g.outside != nil {
		return bounded{g}
	}
	return g
}

func drawGraph(t *rapid.T) *graph {
	n := rapid.IntRange(1, 10).Draw(t, "nodes")
	// Sets are rare or common as a whole: with coin flips nothing ever holds.
	set := func(name string, n int) []bool {
		tenths := rapid.SampledFrom([]int{0, 1, 3, 5, 9}).Draw(t, name+" tenths")
		return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) bool {
			return rapid.IntRange(0, 9).Draw(t, "in") >= 10-tenths
		}), n, n).Draw(t, name)
	}
	g := &graph{
		actions:  rapid.IntRange(1, 4).Draw(t, "actions"),
		bad:      set("bad", n),
		goal:     set("goal", n),
		terminal: set("terminal", n),
		trigger:  set("trigger", n),
		wanted:   set("wanted", n),
	}
	if rapid.Bool().Draw(t, "bounded") {
		g.outside = set("outside", n)
		g.closed = rapid.Bool().Draw(t, "closed")
	}
	for i := range n {
		var edges []edge
		for range rapid.IntRange(0, 4).Draw(t, "degree") {
			edges = append(edges, edge{
				rapid.IntRange(0, g.actions-1).Draw(t, "action"),
				rapid.IntRange(0, n-1).Draw(t, "to"),
			})
		}
		g.edges = append(g.edges, edges)
		g.badStep = append(g.badStep, set(fmt.Sprint("bad steps of ", i), len(edges)))
	}
	for _, i := range rapid.SliceOfN(rapid.IntRange(0, n-1), 1, 3).Draw(t, "init") {
		if g.outside == nil || !g.outside[i] {
			g.init = append(g.init, i)
		}
	}
	g.fair = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) check.Fair {
		return rapid.SliceOfN(rapid.IntRange(0, g.actions-1), 1, 3).Draw(t, "group")
	}), 0, 3).Draw(t, "fair")
	return g
}

// run is a run as edges: the first has action -1 and leads to an initial node.
type run []edge

// answer is what the oracle says about a graph.
type answer struct {
	levels     []uint64
	steps, cut uint64
	taken      []uint64
	first      map[string]run // by property: the first of the shortest runs that decide it
	ended      check.Reason
}

// explore answers the way one would on paper: a queue, a map of the states that were seen,
// and a run for each.
func (g *graph) explore(keepGoing bool, maxDepth int) answer {
	a := answer{taken: make([]uint64, g.actions), first: map[string]run{}}
	seen := map[int]run{}
	decide := func(property string, r run) {
		if a.first[property] == nil {
			a.first[property] = r
		}
	}
	var level []int
	found := func(i int, r run) {
		if seen[i] != nil {
			return
		}
		seen[i] = r
		level = append(level, i)
		if g.bad[i] {
			decide("always", r)
		}
		if g.goal[i] {
			decide("sometimes", r)
		}
	}
	for _, i := range g.init {
		found(i, run{{-1, i}})
	}
	for len(level) > 0 {
		a.levels = append(a.levels, uint64(len(level)))
		violated := a.first["always"] != nil || a.first["step"] != nil || a.first["deadlock"] != nil
		if violated && !keepGoing {
			a.ended = check.Stopped
			return a
		}
		if maxDepth > 0 && len(a.levels) > maxDepth {
			a.ended = check.DepthLimit
			return a
		}
		now := level
		level = nil
		for _, i := range now {
			stuck := true
			for k, e := range g.edges[i] {
				if g.outside != nil && g.outside[e.to] {
					a.cut++
					stuck = stuck && g.closed
					continue
				}
				stuck = false
				a.steps++
				a.taken[e.action]++
				r := append(seen[i][:len(seen[i]):len(seen[i])], e)
				if g.isBadStep(i, k) {
					decide("step", r)
				}
				found(e.to, r)
			}
			if stuck && !g.terminal[i] {
				decide("deadlock", seen[i])
			}
		}
	}
	a.ended = check.Exhausted
	if a.cut > 0 && !g.closed {
		a.ended = check.Cut
	}
	return a
}

// isBadStep says whether a step looks like one that is bad: the property cannot
// tell parallel edges apart.
func (g *graph) isBadStep(i, k int) bool {
	for other, e := range g.edges[i] {
		if e == g.edges[i][k] && g.badStep[i][other] {
			return true
		}
	}
	return false
}

// inside returns the edges from a node that do not leave the boundary.
func (g *graph) inside(i int) []edge {
	var edges []edge
	for _, e := range g.edges[i] {
		if g.outside == nil || !g.outside[e.to] {
			edges = append(edges, e)
		}
	}
	return edges
}

// served returns which fair groups have no claim on a run that is at a node for
// ever, because they are not possible there.
func (g *graph) served(i int) uint {
	served := uint(1)<<len(g.fair) - 1
	for _, e := range g.edges[i] {
		if g.outside == nil || !g.outside[e.to] || !g.closed {
			served &^= g.groups(e.action)
		}
	}
	return served
}

// groups returns the fair groups that an action is in.
func (g *graph) groups(action int) (groups uint) {
	for i, group := range g.fair {
		for _, a := range group {
			if a == action {
				groups |= 1 << i
			}
		}
	}
	return groups
}

// fairHere says whether a run can go from a node round to it again and again, or
// stop in it, without reaching what is wanted, and be fair. It follows all walks
// from the node, each with the groups that it has served.
func (g *graph) fairHere(i int) bool {
	all := uint(1)<<len(g.fair) - 1
	type walk struct {
		at     int
		served uint
	}
	walks := []walk{{i, g.served(i)}}
	seen := map[walk]bool{walks[0]: true}
	for len(walks) > 0 {
		w := walks[0]
		walks = walks[1:]
		if w.at == i && w.served == all {
			return true
		}
		for _, e := range g.inside(w.at) {
			next := walk{e.to, w.served | g.groups(e.action) | g.served(e.to)}
			if !g.wanted[e.to] && !seen[next] {
				seen[next] = true
				walks = append(walks, next)
			}
		}
	}
	return false
}

// lasso returns the number of states on the shortest run after which one can go
// on for ever, fairly, in spite of what is wanted, or 0 if none is. At first only
// initial nodes are triggers, or else those of the set.
func (g *graph) lasso(atFirst bool) int {
	type place struct {
		at   int
		owed bool // there was a trigger, and nothing that was wanted since
	}
	seen := map[place]bool{}
	var now []place
	reach := func(i int, owed, initial bool) {
		trigger := g.trigger[i]
		if atFirst {
			trigger = initial
		}
		owed = (owed || trigger) && !g.wanted[i]
		for _, p := range []place{{i, false}, {i, owed}} {
			if !seen[p] {
				seen[p] = true
				now = append(now, p)
			}
		}
	}
	for _, i := range g.init {
		reach(i, false, true)
	}
	for length := 1; len(now) > 0; length++ {
		level := now
		now = nil
		for _, p := range level {
			if p.owed && g.fairHere(p.at) {
				return length
			}
		}
		for _, p := range level {
			for _, e := range g.inside(p.at) {
				reach(e.to, p.owed, false)
			}
		}
	}
	return 0
}

// wrongLasso says what is wrong with a lasso that is to show that something
// wanted need not come.
func (g *graph) wrongLasso(o check.Outcome[node], atFirst bool) string {
	i, wrong := g.follow(o.Trace)
	if wrong != "" {
		return wrong
	}
	owed := false
	for n, step := range o.Trace {
		here := int(step.State[10])
		trigger := g.trigger[here] && !atFirst || atFirst && n == 0
		owed = (owed || trigger) && !g.wanted[here]
	}
	if !owed {
		return "it is not owed what is wanted"
	}
	served := g.served(i)
	for _, step := range o.Cycle {
		e := edge{step.Action, int(step.State[10])}
		if !contains(g.inside(i), e) {
			return fmt.Sprintf("cycle: no edge from %d to %d", i, e.to)
		}
		if i = e.to; g.wanted[i] {
			return "cycle: it gets what is wanted"
		}
		served |= g.served(i) | g.groups(e.action)
	}
	if last := int(o.Trace[len(o.Trace)-1].State[10]); i != last {
		return fmt.Sprintf("cycle: it ends at %d, not %d", i, last)
	}
	if bits.OnesCount(served) != len(g.fair) {
		return fmt.Sprintf("cycle: it is fair to %b only", served)
	}
	return ""
}

// follow returns where a run ends, or what is wrong with it.
func (g *graph) follow(trace []check.Step[node]) (end int, wrong string) {
	for n, step := range trace {
		to := int(step.State[10])
		if n > 0 && !contains(g.inside(end), edge{step.Action, to}) {
			return 0, fmt.Sprintf("step %d: no edge from %d to %d", n, end, to)
		}
		end = to
	}
	return end, ""
}

func contains(edges []edge, e edge) bool {
	for _, other := range edges {
		if other == e {
			return true
		}
	}
	return false
}
