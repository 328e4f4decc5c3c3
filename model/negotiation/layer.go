package negotiation

// take has the layer take the oldest message of application a. What it does may depend on
// luck: emit is called for each outcome.
func (m *Model) take(s State, a int, emit func(State)) {
	msg := s.up[a].pop()
	switch msg.Kind() {
	case MsgConnect:
		m.connect(s, a, emit)
		return
	case MsgUnmapReply:
		m.unmapped(&s, a, msg.Segment())
	case MsgUnbind:
		if !m.has(unbindIgnored) {
			m.unbind(&s)
		}
	case MsgDetach, MsgEnd:
		m.leave(&s, a)
	default:
		m.about(&s, a, msg)
	}
	emit(s)
}

// about handles a message about a session.
func (m *Model) about(s *State, a int, msg Message) {
	x := &s.sessions[msg.Slot()]
	if m.has(indexShared) && s.apps[a].rude {
		x = &s.sessions[(msg.Slot()+1)%m.Sessions] // as it has written there
	}
	if m.has(kindsMixedUp) && a == 0 && msg.Kind() == MsgDisconnect && msg.Slot() == 0 && msg.Gen() == 0 {
		s.bound = false
	}
	if x.state == free || x.gen != msg.Gen() && !m.has(staleHandleAccepted) {
		return
	}
	r := m.side(x.client, a)
	if m.has(senderEchoed) && msg.Kind() == MsgConfirm {
		r = server
	}
	if r < 0 {
		return
	}
	if x.sides[r]&told == 0 || x.sides[r]&done != 0 {
		m.again(s, x, r, msg)
		return
	}
	switch msg.Kind() {
	case MsgAcceptReply:
		if r == server && x.state == pending {
			m.establish(s, int(msg.Slot()), x)
		}
	case MsgReject:
		if r == server && x.state != ready {
			x.sides[server] |= done
			m.fail(s, x)
			m.releaseEnded(s, x)
		}
	case MsgDisconnect:
		m.finish(s, x, r, MsgClosed)
	case MsgFin:
		if x.state == ready && x.sides[r]&fin == 0 {
			x.sides[r] |= fin
			m.notify(s, x, 1-r, MsgFinished)
		}
	case MsgConfirm:
		asked := x.sides[r]&closing != 0 || m.has(unsolicitedConfirmationTaken)
		if asked && !m.has(confirmationIgnored) {
			x.sides[r] |= done
			m.releaseEnded(s, x)
		}
	}
	if m.has(acceptAnyTime) && msg.Kind() == MsgAcceptReply && r == server && x.state == ending {
		m.establish(s, int(msg.Slot()), x)
	}
}

// again handles a message of a side that is done, or was never told: it changes nothing.
func (m *Model) again(s *State, x *session, r int, msg Message) {
	if m.has(closesNotPerSide) && x.state == ending && msg.Kind() == MsgDisconnect {
		x.sides[1-r] |= done
		m.releaseEnded(s, x)
	}
}

// connect handles a connect of client a.
func (m *Model) connect(s State, a int, emit func(State)) {
	refuse := func(s State) {
		s.tell(uint8(a), about(MsgRefused, 0, 0))
		emit(s)
	}
	slot := m.freeSlot(&s)
	if !s.bound || slot < 0 {
		refuse(s)
		return
	}
	g := m.segmentFor(&s, uint8(a))
	if m.has(layerWaitsForReader) && s.apps[0].state != attached {
		s.bad |= stuck
		emit(s)
		return
	}
	if g < 0 {
		if m.has(failureLeaks) {
			s.sessions[slot] = session{state: ending, gen: s.sessions[slot].gen, client: uint8(a)}
		}
		refuse(s)
		return
	}
	if s.segments[g].state == free {
		if m.Fail {
			t := s
			if m.has(failureLeaks) {
				t.sessions[slot] = session{state: ending, gen: t.sessions[slot].gen, client: uint8(a)}
			}
			if m.has(lockKept) {
				t.bad |= stuck
			}
			refuse(t)
		}
		s.segments[g] = segment{state: live, client: uint8(a), place: m.freePlace(&s)}
	}
	x := &s.sessions[slot]
	*x = session{state: pending, gen: x.gen, client: uint8(a), segment: uint8(g)}
	m.begin(&s, slot)
	x.sides[server] = told
	accept := about(MsgAccept, m.index(slot), x.gen).in(x.segment, 1)
	if m.has(acceptBeforeMap) {
		s.tell(0, accept)
		m.tellMap(&s, x, server)
	} else {
		m.tellMap(&s, x, server)
		s.tell(0, accept)
	}
	emit(s)
}

// index returns the index of a slot as handles have it.
func (m *Model) index(slot int) uint8 {
	if m.has(indexCut) {
		return 0
	}
	return uint8(slot)
}

func (m *Model) freeSlot(s *State) int {
	for i := range int(m.Sessions) {
		if s.sessions[i].state == free {
			return i
		}
	}
	return -1
}

// establish answers the connect of a session that was accepted.
func (m *Model) establish(s *State, slot int, x *session) {
	x.state = ready
	m.tellMap(s, x, client)
	x.sides[client] |= told
	x.answer()
	reads := uint8(2)
	if m.has(fifosNotCrossed) {
		reads = 1
	}
	s.tell(x.client, about(MsgConnected, m.index(slot), x.gen).in(x.segment, reads))
}

func (x *session) answer() { x.replied = min(x.replied+1, 2) }

// fail answers a connect that will not be, exactly once.
func (m *Model) fail(s *State, x *session) {
	if x.state == ready {
		return
	}
	x.state = ending
	if x.sides[client]&done == 0 {
		x.answer()
		s.tell(x.client, about(MsgRefused, 0, 0))
	}
	x.sides[client] |= done
}

// finish makes a side done and tells the other, if that uses the session still.
func (m *Model) finish(s *State, x *session, r, kind int) {
	x.sides[r] |= done
	m.fail(s, x)
	if !m.has(closeNotNoted) {
		x.state = ending
	}
	m.notify(s, x, 1-r, kind)
	if m.has(closeFreesAtOnce) {
		x.sides[1-r] |= done
	}
	m.releaseEnded(s, x)
}

// notify tells a side of a session, unless it is done with it: a client that was refused is.
func (m *Model) notify(s *State, x *session, r, kind int) {
	if x.sides[r]&done != 0 {
		return
	}
	if kind != MsgFinished {
		x.sides[r] |= closing
	}
	if kind == MsgReset && m.Timeouts {
		x.sides[r] |= hurried // there is nothing to wait for
	}
	if kind == MsgClosed && m.has(closeNotTold) || kind == MsgFinished && m.has(halfCloseNotTold) {
		return
	}
	for i := range s.sessions {
		if &s.sessions[i] == x {
			s.tell(x.application(r), about(kind, m.index(i), x.gen))
		}
	}
}

// releaseEnded frees a session when both sides are done, and retires segments that are not needed.
func (m *Model) releaseEnded(s *State, x *session) {
	if x.sides[client]&x.sides[server]&done == 0 {
		return
	}
	gen := x.gen&^3 | (x.gen+1)&3
	if m.has(generationNotAdvanced) {
		gen = x.gen
	}
	c, left := x.client, s.segments[x.segment].left
	*x = session{gen: gen}
	m.sweep(s)
	switch {
	case m.has(memoryOfListener) && !s.bound:
	case left != 0 || !m.Linger:
		m.retireAll(s, c, left)
	}
}

// unbind takes the listener away, and refuses the connects that wait at it.
func (m *Model) unbind(s *State) {
	s.bound = false
	for i := range s.sessions {
		x := &s.sessions[i]
		if x.state == pending && !m.has(unbindLeavesPending) {
			m.fail(s, x)
			m.notify(s, x, server, MsgClosed)
		}
	}
}

// leave ends everything of an application that has detached or died.
func (m *Model) leave(s *State, a int) {
	s.apps[a].state = gone
	if a == 0 && !m.has(listenerOutlivesServer) {
		m.unbind(s)
	}
	for c := range s.apps {
		if c > 0 && (a == 0 || a == c) {
			s.part(uint8(c))
		}
	}
	for i := range s.segments {
		g := &s.segments[i]
		if g.state == free || a != 0 && a != int(g.client) {
			continue
		}
		if !m.has(deathKeepsMapping) {
			r := m.side(g.client, a)
			g.told &^= 1 << r
			if m.has(detachFreesPeerSegment) {
				g.told = 0
			}
			if !m.has(leaverAsked) {
				g.unmapping &^= 1 << r
			}
			m.collect(g)
		}
	}
	for i := range s.sessions {
		x := &s.sessions[i]
		r := role(a)
		if x.state == free || a != 0 && a != int(x.client) || x.sides[r]&done != 0 {
			continue
		}
		if m.has(pendingClientForgotten) && r == client && x.state == pending {
			continue
		}
		m.finish(s, x, r, MsgReset)
	}
	for i := range s.segments {
		g := &s.segments[i]
		switch {
		case g.left == 0:
		case m.has(detachForgetsPeer):
			*g = segment{} // without a word to the peer
		default:
			m.retireAll(s, g.client, g.left)
		}
	}
}

// patience takes the steps of the layer that time alone causes.
func (m *Model) patience(s State, emit func(int, State)) {
	if s.bad&stuck != 0 {
		return
	}
	if m.Timeouts {
		for i := range s.sessions {
			t := s
			x := &t.sessions[i]
			switch {
			case x.state == pending && !m.has(connectsWaitForEver):
				m.fail(&t, x)
				m.notify(&t, x, server, MsgClosed)
				m.emit(t, actConnectTimeout, emit)
			case !m.has(closeNotHurried):
				m.hurry(s, i, emit)
			}
		}
	}
	if m.Linger {
		for c := 1; c < m.apps; c++ {
			if t := s; m.idle(&t, uint8(c), 0) && !m.has(lingerForEver) {
				m.retireAll(&t, uint8(c), 0)
				m.emit(t, actLingerOver, emit)
			}
		}
	}
}

// hurry turns a close that is not confirmed into a reset. It frees nothing.
func (m *Model) hurry(s State, i int, emit func(int, State)) {
	x := &s.sessions[i]
	for r := range x.sides {
		if x.sides[r]&(closing|done|hurried) != closing {
			continue
		}
		m.notify(&s, x, r, MsgReset)
		if m.has(timeoutFrees) {
			x.sides[r] |= done
			m.releaseEnded(&s, x)
		}
		m.emit(s, actCloseTimeout, emit)
		return
	}
}
