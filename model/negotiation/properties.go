package negotiation

import "cutthrough/model/check"

// Properties implements [check.Model].
func (m *Model) Properties() []check.Property[State] {
	type S = State
	good := func(name string, bit uint8) check.Property[S] {
		return check.Invariant(name, func(s S) bool { return s.bad&bit == 0 })
	}
	living := func(name string, holds func(s, t *S) bool) check.Property[S] { // of steps other than the death of the layer
		return check.StepInvariant(name, func(s *S, _ int, t *S) bool { return s.epoch != t.epoch || holds(s, t) })
	}
	ps := []check.Property[S]{
		check.NoDeadlock("no deadlock", func(s S) bool { return m.quiet(&s) && (s.rude > 0 || m.none(&s)) }),
		good(mapsApart, badOverlap), good(mapFirst, badNoMap), good(quiesced, badUse), good(unmapTold, badUntold),
		good(rightReply, badReply), good(oneName, badHandle),
		check.Invariant(placesApart, func(s S) bool { return m.apart(&s) }),
		check.Invariant(fifosCrossed, func(s S) bool { return s.crossed() }),
		check.Invariant(memoryHeld, func(s S) bool { return s.all(func(x *session) bool { return s.segments[x.segment].state == live }) }),
		check.Invariant(ownSegments, func(s S) bool {
			return s.all(func(x *session) bool { return s.segments[x.segment].client == x.client })
		}),
		check.Invariant(oneReply, func(s S) bool {
			return s.all(func(x *session) bool { return x.replied < 2 && (x.state != ready || x.replied > 0) })
		}),
		check.Invariant(listenerStays, func(s S) bool { return s.bound || s.unbound || s.apps[0].away() }),
		check.Invariant(listenerLives, func(s S) bool { return !s.bound || !s.apps[0].away() }),
		check.Invariant(pendingBound, func(s S) bool { return s.bound || s.all(func(x *session) bool { return x.state != pending }) }),
		check.Invariant(nothingLeft, func(s S) bool { return !m.deserted(&s) || m.none(&s) }),
		check.Invariant(nothingLost, func(s S) bool { return !m.quiet(&s) || m.used(&s) || m.Silent || s.rude > 0 || m.settled(&s) }),
		check.Invariant(mappedIsKnown, func(s S) bool { return s.known() }),
		check.Invariant(sidesAgree, func(s S) bool { return s.all((*session).agrees) }),
		check.Invariant(roomForAll, func(s S) bool {
			return s.all(func(x *session) bool { return m.inside(&s, x.segment) <= int(m.Each) })
		}),
		check.Invariant(unmapKnown, func(s S) bool { return s.awaited() }),
		check.Invariant(listenerEnds, func(s S) bool { return !s.bound || !s.unbound || s.up[0].count(MsgUnbind) > 0 }),
		check.Invariant(goneForGood, func(s S) bool { return s.forgotten() }),
		check.Invariant(freeIsEmpty, func(s S) bool { return s.empty() }),
		living(newHandles, renamed), living(legalStates, legal), living(toldOnce, toldOfAll), living(unmapAwaited, held),
		check.StepInvariant(connectsServed, func(s *S, action int, t *S) bool { return m.served(s, action, t) }),
		check.StepInvariant(ownSessions, func(s *S, action int, t *S) bool { return m.own(s, action, t) }),
	}
	if m.Restart {
		ps = append(ps, m.outliving()...)
	}
	ps = append(ps, m.goals()...)
	if m.Safety {
		return ps
	}
	return append(ps, m.liveness()...)
}

// goals are what must be possible, or the rest says little.
func (m *Model) goals() []check.Property[State] {
	type S = State
	some := func(name string, f func(s *S, x *session) bool) check.Property[S] {
		return check.Reachable(name, func(s S) bool { return !s.all(func(x *session) bool { return !f(&s, x) }) })
	}
	ps := []check.Property[S]{
		some("a session is established", func(_ *S, x *session) bool { return x.state == ready }),
		some("a slot is used again", func(_ *S, x *session) bool { return x.gen&3 > 0 }),
		some("both sides close at the same time", func(s *S, x *session) bool {
			return x.state == ready && s.up[0][0].Kind() == MsgDisconnect && s.up[x.client][0].Kind() == MsgDisconnect
		}),
		some("a side has yet to say that it is done", func(_ *S, x *session) bool { return x.sides[0]&closing != 0 }),
		check.Reachable("a connect is rejected", func(s S) bool { return s.up[0][0].Kind() == MsgReject }),
		check.Reachable("everything is over", func(s S) bool { return m.quiet(&s) && m.none(&s) && s.sessions[0].gen&3 > 0 }),
	}
	if m.Half {
		ps = append(ps, some("both sides are half-closed", func(_ *S, x *session) bool { return x.sides[0]&x.sides[1]&fin != 0 }))
	}
	if m.Connects > 1 && m.Sessions > 1 && m.Each > 1 {
		ps = append(ps, check.Reachable("two sessions in one segment", func(s S) bool { return m.inside(&s, 0) > 1 }))
	}
	if m.Rude > 0 {
		ps = append(ps, check.Reachable("a stranger speaks of a session", func(s S) bool {
			msg := s.up[1][0]
			x := &s.sessions[msg.Slot()]
			return msg.Kind() == MsgDisconnect && x.state != free && x.gen == msg.Gen() && x.client != 1
		}))
	}
	if m.Silent {
		ps = append(ps, check.Reachable("an accept comes too late", func(s S) bool {
			msg := s.up[0][0]
			x := &s.sessions[msg.Slot()]
			return msg.Kind() == MsgAcceptReply && x.state == ending && x.gen == msg.Gen()
		}))
		ps = append(ps, some("the server is silent", func(s *S, x *session) bool { return x.state == pending && m.quiet(s) && m.used(s) }))
	}
	if m.Unbind {
		ps = append(ps, some("a session outlives its listener", func(s *S, x *session) bool { return !s.bound && x.state == ready }))
	}
	if m.Fail {
		ps = append(ps, check.Reachable("memory is short", func(s S) bool {
			return s.bound && s.sessions == [maxSessions]session{} && s.down[1].count(MsgRefused) > 0
		}))
	}
	if m.Linger {
		ps = append(ps, check.Reachable("a segment lingers", func(s S) bool { return s.segments[0].state == live && m.inside(&s, 0) == 0 }))
	}
	if m.Timeouts {
		ps = append(ps, some("a close is overdue", func(_ *S, x *session) bool { return x.overdue() }))
	}
	if m.Restart {
		ps = append(ps, m.restartGoals()...)
	}
	if m.Deaths > 0 {
		ps = append(ps, some("a server outlives its client", func(s *S, x *session) bool { return s.apps[x.client].state == gone && x.state == ending }))
	}
	return ps
}

func (m *Model) liveness() []check.Property[State] {
	type S = State
	fair := m.fairness()
	var ps []check.Property[S]
	for c := 1; c < m.apps; c++ {
		ps = append(ps, check.LeadsTo(numbered(connectsEnd, c), func(s S) bool { return s.apps[c].waiting },
			func(s S) bool { return !s.apps[c].waiting }, fair...))
	}
	for i := range m.Sessions {
		ps = append(ps, check.LeadsTo(numbered(sessionsEnd, int(i)), func(s S) bool { return s.sessions[i].state == ending },
			func(s S) bool { return s.sessions[i].state != ending }, fair...))
	}
	if m.Linger {
		idle := func(s S) bool { return s.segments[0].state == live && m.inside(&s, 0) == 0 }
		ps = append(ps, check.LeadsTo(lingerEnds, idle, func(s S) bool { return !idle(s) }, fair...))
	}
	if m.Timeouts {
		for i := range m.Sessions {
			ps = append(ps, check.LeadsTo(numbered(closesHurried, int(i)), func(s S) bool { return s.sessions[i].state == ending },
				func(s S) bool { return s.sessions[i].state != ending || s.sessions[i].overdue() }, check.Fair{m.numbers[actCloseTimeout]}))
		}
	}
	for i := range m.Segments {
		ps = append(ps, check.LeadsTo(numbered(segmentsEnd, int(i)), func(s S) bool { return s.segments[i].state == retiring },
			func(s S) bool { return s.segments[i].state != retiring }, fair...))
	}
	if m.Deaths+m.Detaches > 0 {
		for a := range m.apps {
			ps = append(ps, check.LeadsTo(numbered(departuresSeen, a), func(s S) bool { return s.apps[a].state == dead || s.apps[a].state == left },
				func(s S) bool { return s.apps[a].state == gone }, fair...))
		}
	}
	if m.Restart {
		ps = append(ps, m.restartLiveness(fair)...)
	}
	return ps
}

func numbered(name string, n int) string { return name + " (" + string(rune('0'+n)) + ")" }

// fairness: each application hears what it is told; a side that is told that its peer is done says in
// the end that it is done, too; and time passes. No application has to close, or to connect.
func (m *Model) fairness() []check.Fair {
	var fair []check.Fair
	add := func(action int) {
		if m.numbers[action] >= 0 {
			fair = append(fair, check.Fair{m.numbers[action]})
		}
	}
	for a := range m.apps {
		add(actTake + a)
		add(actHear + a)
		add(actConfirm + a)
		add(actNotice + a)
		add(actReturn + a)
		add(actSee + a)
	}
	add(actDoubt)
	add(actConnectTimeout)
	add(actLingerOver)
	return fair
}

// quiet says whether no message is under way.
func (m *Model) quiet(s *State) bool {
	for a := range m.apps {
		if s.up[a][0] != 0 || s.down[a][0] != 0 {
			return false
		}
	}
	return true
}

// used says whether an application uses a session.
func (m *Model) used(s *State) bool {
	for a := range m.apps {
		for _, v := range s.apps[a].at[s.epoch].views {
			if v.state != unused {
				return true
			}
		}
	}
	return false
}

// none says whether the layer has no sessions and segments.
func (m *Model) none(s *State) bool {
	for i := range s.segments {
		if s.segments[i].state != free {
			return false
		}
	}
	return s.all(func(*session) bool { return false })
}

// settled says whether the layer has no sessions, and no segments but those that linger.
func (m *Model) settled(s *State) bool {
	for i := range s.segments {
		if g := &s.segments[i]; g.state == retiring || g.state == live && !m.Linger {
			return false
		}
	}
	return s.all(func(*session) bool { return false })
}

// deserted says whether the layer knows that all have left.
func (m *Model) deserted(s *State) bool {
	for a := range m.apps {
		if !s.apps[a].away() {
			return false
		}
	}
	return true
}

// apart says whether all segments are in different places that there are.
func (m *Model) apart(s *State) bool {
	taken := ^uint8(0) << m.Segments
	for i := range s.segments {
		if g := &s.segments[i]; g.state != free {
			if taken&(1<<g.place) != 0 {
				return false
			}
			taken |= 1 << g.place
		}
	}
	return true
}

// crossed says whether the sides of every session have it in one segment, and read different fifos.
func (s *State) crossed() bool {
	for e := range 1 + s.epoch {
		for i, v := range s.apps[0].at[e].views {
			for a := 1; a < maxApps && v.state != unused; a++ {
				c := s.apps[a].at[e].views[i]
				if c.state != unused && c.gen == v.gen && (c.segment != v.segment || c.reads == v.reads) {
					return false
				}
			}
		}
	}
	return true
}

// known says whether everything that applications have mapped, also while they leave, is there,
// and the layer waits for them to unmap it.
func (s *State) known() bool {
	for a := range s.apps {
		if s.apps[a].rude {
			continue
		}
		for i, place := range s.apps[a].at[s.epoch].mapped {
			g := &s.segments[i]
			if place != 0 && (g.told&(1<<role(a)) == 0 || g.place != place-1) {
				return false
			}
		}
	}
	return true
}

// legal says whether all sessions go on as they must.
func legal(s, t *State) bool {
	for i := range s.sessions {
		x, y := &s.sessions[i], &t.sessions[i]
		if x.gen == y.gen && y.state != free && y.state < x.state {
			return false
		}
	}
	return true
}

// renamed says whether no session that ends leaves its handle behind, and none that begins has another
// than its slot.
func renamed(s, t *State) bool {
	for i := range s.sessions {
		x, y := &s.sessions[i], &t.sessions[i]
		if x.state != free && y.state == free && x.gen == y.gen || x.state == free && x.gen != y.gen {
			return false
		}
	}
	return true
}

// own says whether a message about a session changed it only if the application that sent it is
// a side of it, and nothing else; and a client that leaves changed nothing of the other.
func (m *Model) own(s *State, action int, t *State) bool {
	for a := range m.apps {
		msg := s.up[a][0]
		if action != m.numbers[actTake+a] || msg == 0 {
			continue
		}
		switch msg.Kind() {
		case MsgAcceptReply, MsgReject, MsgDisconnect, MsgFin, MsgConfirm:
			x := &s.sessions[msg.Slot()]
			member := a == 0 || a == int(x.client)
			after := t.sessions
			if member && x.gen == msg.Gen() {
				after[msg.Slot()] = *x
			}
			return s.sessions == after
		case MsgDetach, MsgEnd:
			return a == 0 || s.spares(a, t)
		}
	}
	return true
}
