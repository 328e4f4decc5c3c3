package valloc

import (
	"math/bits"

	"cutthrough/model/check"
)

// Properties implements [check.Model].
func (m *Model) Properties() []check.Property[State] {
	type S = State
	ps := []check.Property[S]{
		check.NoDeadlock[S]("no deadlock", nil),
		check.Invariant(noOverlap, func(s S) bool { return m.disjoint(&s) }),
		check.Invariant(onPages, func(s S) bool { return m.aligned(&s) }),
		check.Invariant(noOverlapHere, func(s S) bool { return m.disjointHere(&s) }),
		check.Invariant(notTooEarly, func(s S) bool { return m.inTime(&s) }),
		check.Invariant(freedOnce, func(s S) bool { return s.bad&badRelease == 0 }),
		check.Invariant(unmapOnce, func(s S) bool { return s.bad&(badUnmap|badMap) == 0 }),
		check.Invariant(ownPair, func(s S) bool { return s.paired() }),
		check.Invariant(ownMemory, func(s S) bool { return s.bad&badMemory == 0 }),
		check.Invariant(noneLost, func(s S) bool { return m.accounted(&s) }),
		check.Invariant(oneChunk, func(s S) bool { return s.live() > 0 || s.free[0] == span{0, m.Units} }),
		check.StepInvariant(keptUntilClosed, func(s *S, action int, t *S) bool { return action == aClose || s.keeps(t) }),
		check.StepInvariant(toldWhileLive, func(s *S, _ int, t *S) bool { return s.tellsLive(t) }),
		check.Reachable("there is no room", func(s S) bool { return s.free[0].n == 0 }),
		check.Reachable("the space is in pieces", func(s S) bool { return s.free[1].n > 0 }),
		check.Reachable("all segments exist", func(s S) bool { return s.live() == m.Segments }),
		check.Reachable("two have a segment", func(s S) bool { return s.processes[0].maps[0]&s.processes[1].maps[0] != 0 }),
		check.Reachable("a segment waits for a process that has not acknowledged", func(s S) bool {
			g := &s.segments[0]
			return g.state == segClosing && g.asked&(g.asked-1) != 0 && g.told&(g.told-1) == 0
		}),
		check.Reachable("a map and an unmap are under way to one process", func(s S) bool {
			return s.processes[0].in[0].segment != 0 && s.processes[0].in[1].unmap
		}),
	}
	if m.Offset > 0 {
		ps = append(ps, check.Reachable("a segment is moved", func(s S) bool { return s.segments[0].offset > 0 }))
	}
	if m.Death {
		ps = append(ps, check.Reachable("a process that was told to unmap is dead", func(s S) bool {
			return s.segments[0].asked&1 != 0 && s.processes[0].dead
		}))
	}
	if m.Safety {
		return ps
	}
	for i := range int(m.Segments) {
		ps = append(ps, check.LeadsTo(freed+[...]string{"", " (the second)", " (the third)"}[i],
			func(s S) bool { return s.segments[i].state == segClosing },
			func(s S) bool { return s.segments[i].state != segClosing }, m.fairness()...))
	}
	return ps
}

// fairness returns what happens sooner or later: a process with messages reads them; the layer
// tells the processes that must unmap, and learns of deaths. No segment has to be made or
// closed, and no process has to die.
func (m *Model) fairness() []check.Fair {
	var fair []check.Fair
	for p := range int(m.Processes) {
		fair = append(fair, check.Fair{m.action(p, opMap), m.action(p, opUnmap)}, check.Fair{m.action(p, opAck)})
		for i := range int(m.Segments) {
			fair = append(fair, check.Fair{m.action(p, opAsk+i)})
		}
		if m.Death {
			fair = append(fair, check.Fair{m.action(p, m.opNotice())})
		}
	}
	return fair
}

// live returns how many segments there are.
func (s *State) live() uint8 {
	n := uint8(0)
	for i := range s.segments {
		if s.segments[i].state != segFree {
			n++
		}
	}
	return n
}

// disjoint says whether the segments cover units of their own, inside the space.
func (m *Model) disjoint(s *State) bool {
	used := ^span{0, m.Units}.units()
	for i := range s.segments {
		units := s.segments[i].mapped()
		if used&units != 0 {
			return false
		}
		used |= units
	}
	return true
}

// keeps says whether each live segment is live in the next state, too.
func (s *State) keeps(t *State) bool {
	for i := range s.segments {
		if s.segments[i].state == segLive && t.segments[i].state != segLive {
			return false
		}
	}
	return true
}

// tellsLive says whether only live segments are told of on the way to the next state.
func (s *State) tellsLive(t *State) bool {
	for i := range s.segments {
		if g := &t.segments[i]; g.told&^s.segments[i].told != 0 && g.state != segLive {
			return false
		}
	}
	return true
}

// paired says whether no segment is told of to more than two.
func (s *State) paired() bool {
	for i := range s.segments {
		if bits.OnesCount8(s.segments[i].told) > 2 {
			return false
		}
	}
	return true
}

// aligned says whether all segments start on a page.
func (m *Model) aligned(s *State) bool {
	for i := range s.segments {
		if g := &s.segments[i]; (g.place.at+g.offset)%m.Page != 0 {
			return false
		}
	}
	return true
}

// disjointHere says whether what each process has mapped covers units of its own.
func (m *Model) disjointHere(s *State) bool {
	if s.bad&badOver != 0 {
		return false
	}
	for p := range m.Processes {
		used := uint16(0)
		for _, units := range s.processes[p].maps {
			if used&units != 0 {
				return false
			}
			used |= units
		}
	}
	return true
}

// inTime says whether no process is bound to units of a segment that it was not told of:
// they would be those of an earlier one.
func (m *Model) inTime(s *State) bool {
	for i := range s.segments {
		g := &s.segments[i]
		for p := range m.Processes {
			if (g.told|g.asked)>>p&1 == 0 && s.processes[p].bound&g.place.units() != 0 {
				return false
			}
		}
	}
	return true
}

// accounted says whether chunks and places are all of the space, each unit once.
func (m *Model) accounted(s *State) bool {
	used := uint16(0)
	take := func(r span) bool {
		again := used&r.units() != 0
		used |= r.units()
		return !again
	}
	for _, r := range s.free {
		if !take(r) {
			return false
		}
	}
	for i := range s.segments {
		if !take(s.segments[i].place) {
			return false
		}
	}
	return used == span{0, m.Units}.units()
}
