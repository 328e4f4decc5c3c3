package negotiation

import "cutthrough/model/check"

// This file says what must be true when the layer dies.

func (m *Model) outliving() []check.Property[State] {
	return []check.Property[State]{
		check.Invariant(memoryStays, func(s State) bool { return s.mappedIfUsed() }),
		check.Invariant(memoryGoes, func(s State) bool { return s.releasedIfUnused() }),
		check.Invariant(ownLayer, func(s State) bool { return m.speaksOfOwn(&s) }),
		check.StepInvariant(goesOn, func(s *State, action int, t *State) bool { return m.goneOn(s, action, t) }),
	}
}

// restartGoals are what must be possible when the layer dies.
func (m *Model) restartGoals() []check.Property[State] {
	past := func(name string, f func(c, s view, x ends) bool) check.Property[State] {
		return check.Reachable(name, func(s State) bool {
			return s.epoch > 0 && s.anyPast(func(i int, x ends) bool {
				return f(s.apps[x.client].at[0].views[i], s.apps[0].at[0].views[i], x)
			})
		})
	}
	return []check.Property[State]{
		past("both sides have a session of a layer that has died", func(c, s view, _ ends) bool { return c.state == used && s.state == used }),
		past("one side of a session goes on alone", func(c, s view, _ ends) bool { return c.state == unused && s.state == usedAlone }),
		past("a client opens a session that its server has given up", func(c, _ view, x ends) bool {
			return c.state == used && x.sides[server] == over
		}),
		check.Reachable("an application has sessions of two layers", func(s State) bool {
			return s.epoch > 0 && s.apps[0].uses(0) && s.apps[0].uses(1)
		}),
		check.Reachable("an application dials while it has not noticed the death", func(s State) bool {
			return s.apps[1].state == cut && s.apps[1].waiting
		}),
	}
}

// restartLiveness is what must come to pass when the layer has died.
func (m *Model) restartLiveness(fair []check.Fair) []check.Property[State] {
	var ps []check.Property[State]
	for i := range int(m.Sessions) {
		half := func(s State) bool { return s.epoch > 0 && s.half(i) }
		ps = append(ps, check.LeadsTo(numbered(halvesEnd, i), half, func(s State) bool { return !half(s) }, fair...))
	}
	for a := range m.apps {
		without := func(s State) bool { return s.apps[a].state == cut || s.apps[a].state == adrift }
		ps = append(ps, check.LeadsTo(numbered(appsReturn, a), without, func(s State) bool { return !without(s) }, fair...))
	}
	return ps
}

// anyPast says whether f is true of a session of the first layer.
func (s *State) anyPast(f func(i int, x ends) bool) bool {
	for i, x := range s.ends {
		if x.client != 0 && f(i, x) {
			return true
		}
	}
	return false
}

// half says whether one side of a session of the first layer uses it, and not the other.
func (s *State) half(i int) bool {
	x := s.ends[i]
	c, v := s.apps[x.client].at[0].views[i], s.apps[0].at[0].views[i]
	return x.client != 0 && (c.state == unused) != (v.state == unused)
}

// mappedIfUsed says whether applications have mapped the segments of the sessions that they use.
func (s *State) mappedIfUsed() bool {
	for a := range s.apps {
		for _, at := range s.apps[a].at {
			for _, v := range at.views {
				if v.state != unused && at.mapped[v.segment] == 0 {
					return false
				}
			}
		}
	}
	return true
}

// releasedIfUnused says whether applications that know of the death of the layer have nothing mapped of it but what
// sessions lie in.
func (s *State) releasedIfUnused() bool {
	for a := range s.apps {
		if p := &s.apps[a]; s.epoch > 0 && p.state != cut && !p.uses(0) && p.at[0] != (attachment{}) {
			return false
		}
	}
	return true
}

// speaksOfOwn says whether all that applications have said of sessions is about those of the layer that will hear it.
func (m *Model) speaksOfOwn(s *State) bool {
	for a := range s.up {
		for _, msg := range s.up[a] {
			switch msg.Kind() {
			case MsgAcceptReply, MsgReject, MsgDisconnect, MsgFin, MsgConfirm:
				if msg.Gen()&^3 != m.firstGen(s.epoch) {
					return false
				}
			}
		}
	}
	return true
}

// goneOn says whether a side of a session of a layer that has died ends only when its application ends it, and learns of an
// end only when it has the session alone.
func (m *Model) goneOn(s *State, action int, t *State) bool {
	if t.epoch == 0 {
		return true
	}
	for a := range m.apps {
		for i, x := range s.ends {
			v, w := s.apps[a].at[0].views[i].state, t.apps[a].at[0].views[i].state
			if v == used && w == usedAlone && !x.sides.alone(role(a)) || v != unused && w == unused && !m.ends(action, a) {
				return false
			}
		}
	}
	return true
}

// ends says whether an action is that an application ends a session, or all.
func (m *Model) ends(action, a int) bool {
	switch action {
	case m.numbers[actClose+a], m.numbers[actConfirm+a], m.numbers[actDetach+a], m.numbers[actDie+a]:
		return true
	}
	return false
}
