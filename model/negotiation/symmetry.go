package negotiation

import "slices"

// Canonical implements [check.Symmetric]: clients differ only in their numbers. It is the
// state in which what client 1 has does not come after what client 2 has.
func (m *Model) Canonical(s State) State {
	if m.Clients < 2 || slices.Compare(s.key(1), s.key(2)) <= 0 {
		return s
	}
	s.up[1], s.up[2] = s.up[2], s.up[1]
	s.down[1], s.down[2] = s.down[2], s.down[1]
	s.apps[1], s.apps[2] = s.apps[2], s.apps[1]
	for i := range s.sessions {
		s.sessions[i].client = other(s.sessions[i].client)
	}
	for i := range s.segments {
		s.segments[i].client = other(s.segments[i].client)
	}
	for i := range s.ends {
		s.ends[i].client = other(s.ends[i].client)
	}
	return s
}

func other(c uint8) uint8 {
	if c == 0 {
		return 0 // of no client
	}
	return 3 - c
}

// key returns everything that a client has. Two have the same only if exchanging them
// changes nothing.
func (s *State) key(c uint8) []Message {
	key := make([]Message, 0, 64)
	key = append(key, s.up[c][:]...)
	key = append(key, s.down[c][:]...)
	p := &s.apps[c]
	key = append(key, Message(p.state)<<8|Message(p.connects), bit(p.rude)<<1|bit(p.waiting))
	for _, at := range p.at[:1+s.epoch] {
		key = append(key, Message(at.places))
		for _, place := range at.mapped {
			key = append(key, Message(place))
		}
		for _, v := range at.views {
			key = append(key, Message(v.state)<<8|Message(v.gen)<<4|Message(v.segment), Message(v.reads)<<2|bit(v.fin)<<1|bit(v.late))
		}
	}
	for i := range s.sessions {
		key = append(key, bit(s.sessions[i].client == c))
	}
	for i := range s.segments {
		key = append(key, bit(s.segments[i].client == c))
	}
	for i := range s.ends {
		key = append(key, bit(s.ends[i].client == c))
	}
	return key
}

func bit(b bool) Message {
	if b {
		return 1
	}
	return 0
}
