package negotiation

// This file has the death of the layer, and what goes on after it: the sessions that applications have, and their way to
// the next layer.

// firstGen returns the generation of the first sessions of a layer: handles begin with the epoch.
func (m *Model) firstGen(epoch uint8) uint8 {
	if m.has(epochNotCounted) {
		return 0
	}
	return epoch << 2
}

// fall lets the layer die. What was under way to it is lost, what it has said may be heard or not. The next layer
// knows neither applications nor sessions.
func (m *Model) fall(s State, emit func(int, State)) {
	if !m.Restart || s.epoch > 0 {
		return
	}
	s.epoch, s.bound = 1, false
	s.segments = [maxSegments]segment{}
	for i := range s.sessions {
		s.sessions[i] = session{gen: m.firstGen(s.epoch)}
	}
	for a := range s.apps {
		s.up[a] = queue{}
		switch p := &s.apps[a]; p.state {
		case attached:
			p.state = cut
		case left, dead:
			p.state = gone
		}
	}
	m.sweep(&s)
	m.emit(s, actFall, emit)
}

// goOn takes the steps of application a that follow from the death of the layer.
func (m *Model) goOn(s State, a int, emit func(int, State)) {
	switch s.apps[a].state {
	case cut:
		m.notice(s, a, emit)
	case adrift:
		m.rejoin(s, a, emit)
		m.depart(s, a, emit)
	}
	for i := range s.apps[a].at[0].views {
		if s.apps[a].at[0].views[i].state != unused {
			m.outlive(s, a, uint8(i), emit)
		}
	}
}

// notice has an application notice that the layer has died: its dial fails, its sessions go on.
func (m *Model) notice(s State, a int, emit func(int, State)) {
	p := &s.apps[a]
	p.state = adrift
	if !m.has(dialOutlivesLayer) {
		p.waiting = false
	}
	if !m.has(messageOfOldLayerHeard) {
		s.down[a] = queue{}
	}
	if m.has(layerDeathEndsSessions) {
		p.at[0].views = [maxSessions]view{}
	}
	m.release(p)
	m.sweep(&s)
	m.emit(s, actNotice+a, emit)
}

// rejoin has an application attach to the next layer, where the server binds its listener.
func (m *Model) rejoin(s State, a int, emit func(int, State)) {
	if m.has(returnWaitsForSessions) && s.apps[a].uses(0) {
		return
	}
	s.apps[a].state = attached
	s.bound = s.bound || a == 0 && !s.unbound && !m.has(returnForgetsListeners)
	m.emit(s, actReturn+a, emit)
}

// release unmaps what an application has mapped of a layer that has died, when no session of that is left.
func (m *Model) release(p *app) {
	busy := p.uses(0) && !m.has(oldMemoryUnmappedAtOnce)
	if p.state == cut || busy || m.has(oldAttachmentKept) {
		return
	}
	p.at[0] = attachment{views: p.at[0].views}
}

// outlive takes the steps that an application may take with a session of a layer that has died: it closes the session; it
// sees that its peer is done; the server, if it has noticed the death, gives up a session that its client has not opened.
func (m *Model) outlive(s State, a int, slot uint8, emit func(int, State)) {
	if s.apps[a].at[0].views[slot].state == usedAlone {
		m.closePast(s, a, slot, actConfirm, emit)
		return
	}
	m.closePast(s, a, slot, actClose, emit)
	ended, doubtful := s.ends[slot].sides[1-role(a)] == over, s.ends[slot].sides[client] == idle
	if m.has(acceptOfOldLayerAnswered) && m.Silent && a == 0 && s.apps[a].state == attached && doubtful {
		t := s
		t.say(a, about(MsgAcceptReply, slot, s.apps[a].at[0].views[slot].gen))
		m.emit(t, actAcceptLate, emit)
	}
	s.apps[a].at[0].views[slot].state = usedAlone
	if ended {
		m.emit(s, actSee+a, emit)
	}
	if doubtful && a == 0 && s.apps[a].state != cut && !m.has(halfMadeSessionWaits) {
		m.emit(s, actDoubt, emit)
	}
}

// closePast has an application close a session of a layer that has died.
func (m *Model) closePast(s State, a int, slot uint8, action int, emit func(int, State)) {
	p := &s.apps[a]
	p.at[0].views[slot] = view{}
	if !m.has(closeToldToLayerOnly) {
		s.ends[slot].sides[role(a)] = over
	}
	m.release(p)
	m.sweep(&s)
	m.emit(s, action+a, emit)
}
