package negotiation

// Next implements [check.Model].
func (m *Model) Next(s State, emit func(int, State)) {
	for a := range m.apps {
		if s.up[a][0] != 0 && !s.apps[a].away() && s.bad&stuck == 0 {
			m.take(s, a, func(t State) { m.emit(t, actTake+a, emit) })
		}
	}
	for a := range m.apps {
		if s.down[a][0] != 0 && s.apps[a].hears() && s.up[a].room(2) {
			m.hear(s, a, func(t State) { m.emit(t, actHear+a, emit) })
		}
	}
	for a := range m.apps {
		m.act(s, a, emit)
		if s.epoch > 0 {
			m.goOn(s, a, emit)
		}
	}
	m.patience(s, emit)
	m.fall(s, emit)
}
