package negotiation

// This file says how what the layer knows hangs together, and how what it tells follows from it.

// agrees says whether the sides of a session are as its state says.
func (x *session) agrees() bool {
	c, s := x.sides[client], x.sides[server]
	switch x.state {
	case pending:
		return c == 0 && s == told
	case ready:
		return c&^fin == told && s&^fin == told
	}
	if c&done != 0 { // one is done, and the other has been told
		c, s = s, c
	}
	return s&done != 0 && c&(told|closing|done) == told|closing
}

// overdue says whether a side has been told to hurry.
func (x *session) overdue() bool { return (x.sides[client]|x.sides[server])&hurried != 0 }

// awaited says whether exactly the sides that have a segment that goes mapped were told to unmap it.
func (s *State) awaited() bool {
	for i := range s.segments {
		g := &s.segments[i]
		if g.state == retiring && (g.told == 0 || g.told != g.unmapping) || g.state != retiring && g.unmapping != 0 {
			return false
		}
	}
	return true
}

// held says whether each segment stays with each side that was told to map it, until the side answers an
// unmap or leaves.
func held(s, t *State) bool {
	if s.segments == t.segments {
		return true
	}
	for i := range s.segments {
		g := &s.segments[i]
		lost := g.told &^ g.unmapping &^ t.segments[i].told
		for r, a := range [...]uint8{client: g.client, server: 0} {
			if lost&(1<<r) != 0 && !t.apps[a].away() {
				return false
			}
		}
	}
	return true
}

// forgotten says whether no application that has gone has a side of a session, or has a segment mapped;
// and whether no session will come to a segment that it has left.
func (s *State) forgotten() bool {
	for i := range s.segments {
		g := &s.segments[i]
		for r, a := range [...]uint8{client: g.client, server: 0} {
			if g.state != free && s.apps[a].away() && (g.told&(1<<r) != 0 || g.state == live && g.left == 0) {
				return false
			}
		}
	}
	return s.all(func(x *session) bool {
		for r := range x.sides {
			if x.sides[r]&(told|done) == told && s.apps[x.application(r)].away() {
				return false
			}
		}
		return true
	})
}

// spares says whether everything that is not of a client is in t as it was.
func (s *State) spares(c int, t *State) bool {
	for i := range s.sessions {
		if x := &s.sessions[i]; int(x.client) != c && t.sessions[i] != *x {
			return false
		}
	}
	for i := range s.segments {
		if g := &s.segments[i]; int(g.client) != c && t.segments[i] != *g {
			return false
		}
	}
	return true
}

// empty says whether nothing is known of what is free, but the next handle of a session.
func (s *State) empty() bool {
	for _, x := range s.sessions {
		if x.state == free && x != (session{gen: x.gen}) {
			return false
		}
	}
	for _, g := range s.segments {
		if g.state == free && g != (segment{}) {
			return false
		}
	}
	return true
}

// toldOfAll says whether each side that is there is told what the layer notes in a step. Of a session that
// ends in it nothing is noted: both are done.
func toldOfAll(s, t *State) bool {
	for i := range s.sessions {
		x, y := &s.sessions[i], &t.sessions[i]
		if x.state == free {
			continue
		}
		for r := range x.sides {
			a := x.application(r)
			there := s.apps[a].state == attached && t.apps[a].state == attached
			if there && (x.sides != y.sides || s.down[a] != t.down[a]) && !toldOfEach(s, t, i, r) {
				return false
			}
		}
	}
	return true
}

// toldOfEach says whether a side of a session is told that its peer is done, that it must hurry, or that its
// peer has closed its writing direction, when that is noted and only then.
func toldOfEach(s, t *State, slot, r int) bool {
	x, y := &s.sessions[slot], &t.sessions[slot]
	a := x.application(r)
	added := func(kind int) int {
		msg := about(kind, uint8(slot), x.gen)
		return max(0, t.down[a].count(msg)-s.down[a].count(msg)) // it may have heard one
	}
	noted, finished := y.sides[r]&^x.sides[r], y.sides[1-r]&^x.sides[1-r]&fin != 0
	ends, fins := 0, 0
	if noted&(closing|hurried) != 0 {
		ends = 1
	}
	if finished && x.sides[r]&(told|done) == told {
		fins = 1
	}
	resets := added(MsgReset)
	return added(MsgClosed)+resets == ends && added(MsgFinished) == fins && (resets > 0 || noted&hurried == 0)
}

// served says whether a connect that the layer takes becomes a session if, and only if, there is a
// listener and room for it; and shares a segment where it can.
func (m *Model) served(s *State, action int, t *State) bool {
	for c := 1; c < m.apps; c++ {
		if action != m.numbers[actTake+c] || s.up[c][0].Kind() != MsgConnect {
			continue
		}
		sessions, segments := s.Live()
		after, segmentsAfter := t.Live()
		shared := false
		for i := range s.segments {
			g := &s.segments[i]
			shared = shared || g.state == live && int(g.client) == c && g.left == 0 && m.inside(s, uint8(i)) < int(m.Each)
		}
		switch {
		case !s.bound || sessions == int(m.Sessions) || !shared && segments == int(m.Segments):
			return after == sessions && segmentsAfter == segments
		case shared:
			return after == sessions+1 && segmentsAfter == segments
		case m.Fail && after == sessions:
			return segmentsAfter == segments
		}
		return after == sessions+1 && segmentsAfter == segments+1
	}
	return true
}
