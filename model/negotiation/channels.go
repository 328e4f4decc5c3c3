package negotiation

// say sends a message of an application to the layer, if that lives.
func (s *State) say(a int, m Message) {
	if s.apps[a].state != cut && !s.up[a].push(m) {
		s.full = true
	}
}

// tell sends a message of the layer to an application. One that has left does not hear it.
func (s *State) tell(a uint8, m Message) {
	if s.apps[a].state != attached {
		return
	}
	if !s.down[a].push(m) {
		s.full = true
	}
}
