package evq

import "math/bits"

// Where the consumer is: before the access that is named.
const (
	cPoll    = iota // Poll: load slot
	cTake           // Poll: store slot
	cWant           // TakeSpaceWaiters: load want
	cSwap           // TakeSpaceWaiters: swap want
	cRing           // TryRecv: ring the producers that waited
	cArm            // ArmNonEmpty: store sleep
	cRecheck        // ArmNonEmpty: load slot
	cWait           // Wait, and not asleep
	cAsleep         // Wait, asleep
	cDisarm         // Disarm: store sleep
	cLate           // a variant: load slot
	cCorrupt        // it has given up
)

// The operations of the consumer.
const (
	coLoadSlot = iota
	coTake
	coLoadWant
	coSwapWant
	coRing
	coArm
	coDisarm
	coSpin
	coSleep
	coWake
	coSpurious
)

// poll returns where TryRecv begins.
func (m *Model) poll() uint8 {
	if m.variants.Has(waitersTakenBeforePoll) {
		return cWant
	}
	return cPoll
}

// consumer takes the steps of QueueReader.Recv, again and again.
func (m *Model) consumer(s State, emit func(int, State)) {
	op := -1
	switch s.pc {
	case cPoll:
		op = coLoadSlot
		m.look(&s)
	case cTake:
		op = coTake
		m.take(&s)
	case cLate:
		op = coLoadSlot
		i, _ := m.place(s.head - 1)
		m.deliver(&s, s.slots[i].event)
		s.pc = cWant
	case cWant:
		op = coLoadWant
		if s.pc = cSwap; s.want == 0 {
			s.pc = cPoll
		} else if m.variants.Has(waitersReadThenCleared) {
			s.waiters = s.want
		}
	case cSwap:
		op = coSwapWant
		if !m.variants.Has(waitersReadThenCleared) {
			s.waiters = s.want
		}
		if !m.variants.Has(waitersStayOnList) {
			s.want = 0
		}
		if s.pc = cRing; m.variants.Has(waitersTakenBeforePoll) {
			s.pc = cPoll
		}
	case cRing:
		m.ringWaiters(s, emit)
		return
	default:
		m.consumerSleep(s, emit)
		return
	}
	emit(m.consumerAction(op), s)
}

func (m *Model) consumerAction(op int) int { return int(m.Producers)*m.ops + op }

// look is what Poll does with the slot at the head.
func (m *Model) look(s *State) {
	i, lap := m.place(s.head)
	seen := s.slots[i]
	switch {
	case seen == slot{lap, 0}:
		s.pc, s.waiters = cArm, 0
	case m.ahead(seen, lap) != 0 || seen.event == 0:
		s.pc = cCorrupt
		s.bad |= badCorrupt
	default:
		s.pc = cTake
	}
}

// take empties the slot at the head.
func (m *Model) take(s *State) {
	i, lap := m.place(s.head)
	taken := s.slots[i].event
	s.slots[i] = slot{lap + 1, 0}
	if m.variants.Has(pollKeepsLap) {
		s.slots[i].lap = lap
	}
	s.head++
	switch {
	case m.variants.Has(drainBeforeRead):
		s.pc = cLate
		return
	case s.waiters != 0: // waitersTakenBeforePoll
		s.pc = cRing
	default:
		s.pc = cWant
	}
	m.deliver(s, taken)
}

// deliver gives an event to the application, which knows what comes next.
func (m *Model) deliver(s *State, taken uint8) {
	p := taken >> 4
	if taken == 0 || taken&15 != s.producers[p].got+1 {
		s.bad |= badEvent
		return
	}
	s.producers[p].got++
}

// ringWaiters rings one of the producers that waited, in any order.
func (m *Model) ringWaiters(s State, emit func(int, State)) {
	for w := s.waiters; w != 0; w &= w - 1 {
		p := bits.TrailingZeros8(w)
		t := s
		t.waiters &^= 1 << p
		if m.variants.Has(wakeOneProducer) {
			t.waiters = 0
		}
		if t.producers[p].pc < pDone {
			t.producers[p].bell = true
		}
		if t.waiters == 0 {
			t.pc = m.poll()
		}
		emit(m.consumerAction(coRing), t)
	}
}

// consumerSleep takes the steps of QueueReader.sleep.
func (m *Model) consumerSleep(s State, emit func(int, State)) {
	op := -1
	switch s.pc {
	case cArm:
		op = coArm
		s.setSleep(true)
		if s.pc = cRecheck; m.variants.Has(armNonEmptyWithoutLook) {
			s.pc = cWait
		}
	case cRecheck:
		op = coLoadSlot
		if s.pc = cWait; m.nonEmpty(&s) {
			s.pc = cDisarm
		}
	case cDisarm:
		op = coDisarm
		if !m.variants.Has(awakeUntold) {
			s.setSleep(false)
		}
		s.pc = m.poll()
	case cWait, cAsleep:
		m.consumerWait(s, emit)
		return
	default:
		return // it has given up
	}
	emit(m.consumerAction(op), s)
}

// consumerWait takes the steps of Bell.Wait.
func (m *Model) consumerWait(s State, emit func(int, State)) {
	t := s
	t.pc = cDisarm
	switch {
	case s.bell:
		t.bell = false
		emit(m.consumerAction(coWake), t)
	case s.pc == cWait:
		t.pc = cAsleep
		emit(m.consumerAction(coSleep), t)
	case m.Spurious:
		emit(m.consumerAction(coSpurious), t)
	}
	if s.pc == cWait && m.nonEmpty(&s) {
		t = s
		t.pc = cDisarm
		emit(m.consumerAction(coSpin), t)
	}
}
