package signal

// Init implements [check.Model].
func (m *Model) Init() []State {
	s := State{tail: start, head: start, wtail: start, whead: start, rhead: start, rtail: start, wpc: wCall, rpc: rCall}
	if m.variants.Has(drainWhatWasSeen) {
		s.rpc = rWait
	}
	return []State{s}
}

// Next implements [check.Model].
func (m *Model) Next(s State, emit func(int, State)) {
	m.writer(s, emit)
	m.reader(s, emit)
	if m.Death && s.wpc < wDone {
		t := s
		t.endWriter(wDead)
		emit(aWriterDies, t)
	}
	if m.Death && s.rpc < rDone {
		t := s
		t.endReader(rDead)
		emit(aReaderDies, t)
	}
}
