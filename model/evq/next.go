package evq

// Init implements [check.Model].
func (m *Model) Init() []State { return []State{{pc: m.poll()}} }

// Next implements [check.Model].
func (m *Model) Next(s State, emit func(int, State)) {
	for p := range int(m.Producers) {
		m.producer(s, p, emit)
	}
	m.consumer(s, emit)
	if !m.Death {
		return
	}
	for p := range int(m.Producers) {
		m.fate(s, p, emit)
	}
}

// fate takes the steps that happen to a producer.
func (m *Model) fate(s State, p int, emit func(int, State)) {
	q := &s.producers[p]
	switch {
	case q.pc < pDone:
		q.end(pDead)
		emit(p*m.ops+m.opDie, s)
	case q.pc == pDead && !m.Unnoticed && !m.variants.Has(deathUntold):
		q.pc = pBuried
		s.bell = true
		emit(p*m.ops+m.opTell, s)
	}
}
