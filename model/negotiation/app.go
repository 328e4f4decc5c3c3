package negotiation

// Bits of State.bad: what must never happen, as applications and the layer see it.
const (
	badOverlap = 1 << iota // told to map where something is mapped
	badUse                 // told to unmap what it uses
	badUntold              // told to unmap what it has not mapped
	badNoMap               // told of a session before its segment
	badReply               // a reply to a connect that is not under way
	badHandle              // a handle names two sessions

	stuck // no harm by itself: the layer waits for ever, and takes no step any more
)

// hear has application a handle the oldest message of the layer. What it answers may be its
// choice: emit is called for each.
func (m *Model) hear(s State, a int, emit func(State)) {
	msg := s.down[a].pop()
	p := &s.apps[a]
	at := s.now(a)
	v := &at.views[msg.Slot()]
	switch msg.Kind() {
	case MsgMap:
		if at.places&(1<<msg.Number()) != 0 {
			s.blame(p, badOverlap)
		}
		at.places |= 1 << msg.Number()
		at.mapped[msg.Segment()] = 1 + msg.Number()
	case MsgUnmap:
		m.unmap(&s, a, msg.Segment())
	case MsgAccept:
		m.accept(s, a, msg, emit)
		return
	case MsgConnected, MsgRefused:
		if !p.waiting {
			s.blame(p, badReply)
		}
		p.waiting = false
		if msg.Kind() == MsgConnected {
			m.use(&s, a, msg)
		}
	case MsgClosed, MsgReset:
		if v.state == used {
			v.state = usedAlone
		}
	}
	emit(s)
}

// blame notes what has happened to an application that did nothing wrong.
func (s *State) blame(p *app, bad uint8) {
	if !p.rude {
		s.bad |= bad
	}
}

// use notes a session that an application has been told of.
func (m *Model) use(s *State, a int, msg Message) {
	p, at := &s.apps[a], s.now(a)
	v := &at.views[msg.Slot()]
	if past := &p.at[0].views[msg.Slot()]; v.state != unused || past.state != unused && past.gen == msg.Gen() {
		s.blame(p, badHandle)
	}
	if at.mapped[msg.Segment()] == 0 {
		s.blame(p, badNoMap)
	}
	*v = view{state: used, gen: msg.Gen(), segment: msg.Segment(), reads: msg.Number()}
	m.note(s, a, msg.Slot(), open)
}

func (m *Model) unmap(s *State, a int, segment uint8) {
	p, at := &s.apps[a], s.now(a)
	if at.mapped[segment] == 0 {
		s.blame(p, badUntold)
		return
	}
	for _, v := range at.views {
		if v.state != unused && v.segment == segment {
			s.blame(p, badUse)
		}
	}
	at.places &^= 1 << (at.mapped[segment] - 1)
	at.mapped[segment] = 0
	s.say(a, about(MsgUnmapReply, 0, 0).in(segment, 0))
}

// accept has the server answer: yes, no or, if it may, never.
func (m *Model) accept(s State, a int, msg Message, emit func(State)) {
	yes := s
	m.use(&yes, a, msg)
	yes.say(a, about(MsgAcceptReply, msg.Slot(), msg.Gen()))
	emit(yes)
	no := s
	no.say(a, about(MsgReject, msg.Slot(), msg.Gen()))
	emit(no)
	if m.has(listenerUnknown) {
		emit(s)
	}
	if m.Silent {
		m.use(&s, a, msg) // it may still think about it
		emit(s)
	}
}

// act takes the steps that application a takes by itself.
func (m *Model) act(s State, a int, emit func(int, State)) {
	p := &s.apps[a]
	if p.state == gone && s.detaches < m.Detaches {
		t := s
		t.detaches++
		t.apps[a] = app{connects: p.connects}
		if a == 0 {
			t.bound, t.unbound = true, false
		}
		m.emit(t, actAttach+a, emit)
	}
	if !p.hears() || !s.up[a].room(2) {
		return // the last place is for the end of the channel
	}
	if a > 0 && p.connects > 0 && !p.waiting {
		t := s
		t.apps[a].connects--
		t.apps[a].waiting = true
		t.say(a, about(MsgConnect, 0, 0))
		m.emit(t, actConnect+a, emit)
	}
	for i := range p.at[s.epoch].views {
		if p.at[s.epoch].views[i].state != unused {
			m.useOf(s, a, uint8(i), emit)
		}
	}
	if a == 0 && m.Unbind && !s.unbound {
		t := s
		t.unbound = true
		t.say(a, about(MsgUnbind, 0, 0))
		m.emit(t, actUnbind, emit)
	}
	if s.rude < m.Rude {
		m.offend(s, a, emit)
	}
	m.depart(s, a, emit)
}

// depart lets an application leave or die.
func (m *Model) depart(s State, a int, emit func(int, State)) {
	if s.detaches < m.Detaches {
		m.quit(s, a, left, MsgDetach, actDetach, emit)
	}
	if s.deaths < m.Deaths {
		m.quit(s, a, dead, MsgEnd, actDie, emit)
	}
}

// quit ends an application: it has closed and unmapped everything, or its kernel has.
func (m *Model) quit(s State, a int, state uint8, kind, action int, emit func(int, State)) {
	if kind == MsgDetach {
		s.detaches++
	} else {
		s.deaths++
	}
	p := s.apps[a]
	s.apps[a] = app{state: state, connects: p.connects}
	if m.has(detachBeforeUnmap) && state == left {
		s.apps[a].at = p.at
		s.apps[a].at[s.epoch].views = [maxSessions]view{}
	}
	s.down[a] = queue{}
	if p.state == attached {
		s.say(a, about(kind, 0, 0))
	} else {
		s.apps[a].state = gone // there is no layer that has yet to know
	}
	m.endAll(&s, a, kind)
	m.emit(s, action+a, emit)
}

// useOf takes the steps that an application may take with a session that it uses.
func (m *Model) useOf(s State, a int, slot uint8, emit func(int, State)) {
	v := s.apps[a].at[s.epoch].views[slot]
	end := func(kind, action int) {
		t := s
		t.apps[a].at[s.epoch].views[slot] = view{}
		t.say(a, about(kind, slot, v.gen))
		m.note(&t, a, slot, over)
		m.emit(t, action+a, emit)
	}
	end(MsgDisconnect, actClose)
	if v.state == usedAlone {
		end(MsgConfirm, actConfirm)
	}
	if m.Silent && a == 0 && !v.late {
		t := s
		t.apps[a].at[s.epoch].views[slot].late = true
		t.say(a, about(MsgAcceptReply, slot, v.gen))
		m.emit(t, actAcceptLate, emit)
	}
	if m.Half && v.state == used && !v.fin {
		t := s
		t.apps[a].at[s.epoch].views[slot].fin = true
		t.say(a, about(MsgFin, slot, v.gen))
		m.emit(t, actHalfClose+a, emit)
	}
}

// offend says what an application must not: about any session, now or the one before, or that it
// has unmapped a segment, whether or not it was asked, or has it.
func (m *Model) offend(s State, a int, emit func(int, State)) {
	s.rude++
	s.apps[a].rude = true
	for i := range m.Sessions {
		for _, kind := range [...]int{MsgAcceptReply, MsgReject, MsgDisconnect, MsgConfirm} {
			for back := range uint8(2) {
				gen := s.sessions[i].gen&^3 | (s.sessions[i].gen-back)&3
				if v := s.apps[a].at[s.epoch].views[i]; v.state != unused && v.gen == gen && kind != MsgAcceptReply {
					continue // it may say that, and has to mean it
				}
				t := s
				t.say(a, about(kind, i, gen))
				m.emit(t, actOffend+a, emit)
			}
		}
	}
	for i := range m.Segments {
		t := s
		t.say(a, about(MsgUnmapReply, 0, 0).in(i, 0))
		m.emit(t, actOffend+a, emit)
	}
}
