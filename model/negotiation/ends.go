package negotiation

// This file has the memory that both sides of a session see. It matters when the layer has died, and is there only if
// it may.

// begin clears the memory of a session that begins. That of the next layer does not matter: it does not die.
func (m *Model) begin(s *State, slot int) {
	if m.Restart && s.epoch == 0 {
		s.ends[slot] = ends{client: s.sessions[slot].client}
	}
}

// note sets the state of the side that an application is of a session.
func (m *Model) note(s *State, a int, slot, state uint8) {
	if x := &s.ends[slot]; x.client != 0 && s.now(a) == &s.apps[a].at[0] {
		x.sides[role(a)] = state
	}
}

// endAll ends the sides of an application that has closed its sessions and left, or that has died: the kernel says so.
func (m *Model) endAll(s *State, a, kind int) {
	if kind == MsgEnd && m.has(deathOfPeerLeftToLayer) {
		return
	}
	for i := range s.ends {
		if x := &s.ends[i]; x.client != 0 && (a == 0 || a == int(x.client)) {
			x.sides[role(a)] = over
		}
	}
	m.sweep(s)
}

// sweep forgets the memory of sessions that are over: while the first layer lives, it says when.
func (m *Model) sweep(s *State) {
	for i := range s.ends {
		x := &s.ends[i]
		past := s.epoch > 0 && s.never(x, client) && s.never(x, server)
		if past || s.epoch == 0 && s.sessions[i].state == free {
			*x = ends{}
		}
	}
}

// never says whether a side does not use a session of the past, and will not.
func (s *State) never(x *ends, r int) bool {
	return x.sides[r] == over || x.sides[r] == idle && s.apps[x.application(r)].state != cut
}
