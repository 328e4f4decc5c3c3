package negotiation

// This file says what of a step can be observed from outside: a comparison of the machine with
// an implementation needs it.

// Taken returns the message that the layer takes in a step from s, and whose it is;
// false if the step is another one.
func (m *Model) Taken(s State, action int) (app int, msg Message, ok bool) {
	for a := range m.apps {
		if action == m.numbers[actTake+a] {
			return a, s.up[a][0], true
		}
	}
	return 0, 0, false
}

// Told returns what the layer tells an application in the step from s to t.
func (m *Model) Told(s, t State, app int) []Message { return added(&s.down[app], &t.down[app]) }

// Returns says which application attaches with an action, and binds in the same step, if [State.Bound] says that the server
// has bound; false if none does.
func (m *Model) Returns(action int) (app int, ok bool) {
	for a := range m.apps {
		if action == m.numbers[actAttach+a] || action == m.numbers[actReturn+a] {
			return a, true
		}
	}
	return 0, false
}

// Falls says whether an action is the death of the layer.
func (m *Model) Falls(action int) bool { return action == m.numbers[actFall] }

// Timeout says whether an action is that time has passed for the layer.
func (m *Model) Timeout(action int) bool {
	for _, act := range [...]int{actConnectTimeout, actCloseTimeout, actLingerOver} {
		if action == m.numbers[act] {
			return true
		}
	}
	return false
}

// Calm says whether an action is one in which neither the layer nor an application dies, and no application leaves, offends, or
// stops listening.
func (m *Model) Calm(action int) bool {
	for a := range m.apps {
		for _, act := range [...]int{actOffend, actDetach, actDie} {
			if action == m.numbers[act+a] {
				return false
			}
		}
	}
	return action != m.numbers[actUnbind] && action != m.numbers[actFall]
}

// Bound says whether the layer has the listener.
func (s *State) Bound() bool { return s.bound }

// Hears says whether an application is there to hear what the layer tells it.
func (s *State) Hears(app int) bool { return s.apps[app].state == attached }

// Live returns how many sessions and segments the layer has.
func (s *State) Live() (sessions, segments int) {
	for i := range s.sessions {
		if s.sessions[i].state != free {
			sessions++
		}
	}
	for i := range s.segments {
		if s.segments[i].state != free {
			segments++
		}
	}
	return sessions, segments
}

// Failed says whether the step from s to t is one in which a segment could not be created.
func (m *Model) Failed(s, t State, action int) bool {
	a, msg, ok := m.Taken(s, action)
	if !ok || !m.Fail || msg.Kind() != MsgConnect || !s.bound || m.freeSlot(&s) < 0 {
		return false
	}
	g := m.segmentFor(&s, uint8(a))
	before, _ := s.Live()
	after, _ := t.Live()
	return g >= 0 && s.segments[g].state == free && after == before
}

// Established says whether a session is established.
func (s *State) Established() bool {
	return !s.all(func(x *session) bool { return x.state != ready })
}

// ActionNames returns the names of the actions of all configurations.
func ActionNames() []string {
	m := Model{
		Config: Config{Deaths: 1, Detaches: 1, Rude: 1, Half: true, Unbind: true, Silent: true, Timeouts: true, Linger: true, Restart: true},
		apps:   maxApps,
	}
	var names []string
	for action := range numActions {
		if name := m.action(action); name != "" {
			names = append(names, name)
		}
	}
	return names
}
