package signal

// Where the reader is: before the access that is named.
const (
	rCall     = iota // Read: choose a size; then load tail, or store head if as much is known to be there
	rRelease         // NeedsDequeueNotify: store head
	rWant            // NeedsDequeueNotify: load want
	rHas             // NeedsDequeueNotify: load has
	rLook            // NeedsDequeueNotify: load tail
	rMark            // NeedsDequeueNotify: swap has
	rRing            // Read: ring
	rArm             // ArmEvent: swap event
	rRecheck         // ArmEvent: load tail
	rWait            // Wait, and not asleep
	rAsleep          // Wait, asleep
	rReload          // a variant: load want
	rPutBack         // a variant: swap want
	rMarkLate        // a variant: swap has
	rSize            // a variant: load tail
	rClear           // a variant: swap event
	rDone
	rDead
)

// known returns the bytes that the reader knows to be there.
func (s *State) known() uint8 { return s.rtail - s.rhead }

// reader takes the steps of Reader.Read.
func (m *Model) reader(s State, emit func(int, State)) {
	t := s
	switch s.rpc {
	case rCall:
		m.read(s, emit)
	case rRelease:
		m.release(&t)
		emit(aRelease, t)
	case rWant:
		m.wanted(&t)
		emit(aAskWant, t)
	case rHas:
		switch {
		case s.has:
			m.notified(&t)
		case m.variants.Has(notifyBeforeRelease) && s.head != s.rhead:
			t.rpc = rRelease // look releases first
		default:
			t.rpc = rLook
		}
		emit(aAskHas, t)
	case rLook:
		t.rtail = s.tail
		t.rpc = rMark
		if m.Capacity-t.known() < s.rwant && !m.variants.Has(rungForLess) {
			m.notified(&t)
		}
		emit(aReaderLook, t)
	case rMark, rMarkLate:
		m.markHas(&t)
		emit(aMarkHas, t)
	case rRing:
		t.wbell = true
		if t.rpc = rMarkLate; !m.variants.Has(ntfSentSetAfterRing) {
			m.notified(&t)
		}
		emit(aRingWriter, t)
	case rReload:
		t.rkept = s.want
		t.rpc = rPutBack
		emit(aAskWant, t)
	case rPutBack:
		if s.want == s.rkept {
			t.want = s.rwant
		}
		t.rkept = 0
		m.worth(&t)
		emit(aAskWant, t)
	default:
		m.readerSleep(s, emit)
	}
}

// read starts a Read: it takes what it knows to be there if that fills the buffer,
// and else looks.
func (m *Model) read(s State, emit func(int, State)) {
	least := m.Read
	if m.Any {
		least = 1
	}
	for n := least; n <= m.Read; n++ {
		t := s
		switch {
		case m.variants.Has(drainWhatWasSeen):
			m.take(&t, n)
			m.reader(t, emit)
		case n > s.known():
			t.rtail = s.tail
			m.take(&t, n)
			emit(aReaderLook, t)
		default:
			m.take(&t, n)
			m.reader(t, emit) // the first access is the one that releases
		}
	}
}

// take dequeues up to n bytes.
func (m *Model) take(t *State, n uint8) {
	n = min(n, t.known())
	t.rhead += n
	switch {
	case n == 0:
		t.rpc = m.arming()
	case m.variants.Has(notifyBeforeRelease) && (m.Batch == 0 || n < m.Batch):
		t.rpc = rWant
	default:
		t.rpc = rRelease
	}
}

// arming returns where ArmEvent begins.
func (m *Model) arming() uint8 {
	if m.variants.Has(clearEventAfterSizeCheck) || m.variants.Has(eventNeverCleared) {
		return rRecheck
	}
	return rArm
}

// releaseLate is what a reader keeps that releases after it has asked.
const releaseLate = 1

// release stores the head.
func (m *Model) release(t *State) {
	full := t.rtail-t.head == m.Capacity
	t.head = t.rhead
	switch {
	case m.variants.Has(notifyOnlyIfFull) && !full:
		m.notified(t)
	case t.rkept == releaseLate:
		t.rkept = 0
		m.notified(t)
	case m.variants.Has(notifyBeforeRelease):
		t.rpc = rLook
	default:
		t.rpc = rWant
	}
}

// wanted goes on after want was loaded.
func (m *Model) wanted(t *State) {
	t.rwant = t.want
	if m.variants.Has(wantNtfWrittenBack) {
		t.rpc = rReload
		return
	}
	m.worth(t)
}

// worth goes on if there may be as much room as is wanted.
func (m *Model) worth(t *State) {
	if t.rwant == 0 || m.Capacity-t.known() < t.rwant && !m.variants.Has(rungForLess) {
		m.notified(t)
	} else {
		t.rpc = rHas
	}
}

// markHas swaps the flag of the dequeue notification.
func (m *Model) markHas(t *State) {
	was := t.has
	t.has = !m.variants.Has(ntfSentNotSet)
	if was || t.rpc == rMarkLate {
		m.notified(t)
		return
	}
	t.notices = min(t.notices+1, 2)
	t.rpc = rRing
}

// notified returns from Read, after the producer was notified or did not have to be.
func (m *Model) notified(t *State) {
	t.rwant = 0
	if t.head != t.rhead {
		t.rpc, t.rkept = rRelease, releaseLate
		return
	}
	switch {
	case t.rhead-start == m.Bytes:
		t.rpc = rDone
	case m.variants.Has(drainWhatWasSeen) && t.known() == 0:
		t.rpc = rWait
	default:
		t.rpc = rCall
	}
}

// readerSleep takes the steps of Reader.sleep.
func (m *Model) readerSleep(s State, emit func(int, State)) {
	t := s
	switch s.rpc {
	case rArm:
		m.news(s, emit)
		t.event, t.events = false, 0
		t.rpc = rRecheck
		if m.variants.Has(armEventWithoutLook) || m.variants.Has(clearEventAfterSizeCheck) {
			t.rpc = rWait
		}
		emit(aClearEvent, t)
	case rRecheck:
		t.rtail = s.tail
		switch {
		case t.known() > 0:
			t.rpc = rCall
		case m.variants.Has(clearEventAfterSizeCheck):
			t.rpc = rArm
		default:
			t.rpc = rWait
		}
		emit(aReaderLook, t)
	case rSize:
		t.rtail = s.tail
		t.rpc = rClear
		emit(aReaderLook, t)
	case rClear:
		t.event, t.events = false, 0
		if t.rpc = rCall; t.known() == 0 {
			t.rpc = rWait
		}
		emit(aClearEvent, t)
	case rWait, rAsleep:
		m.readerWait(s, emit)
	}
}

// news takes the step of a reader that notices before it sleeps that there are bytes.
func (m *Model) news(s State, emit func(int, State)) {
	if s.tail != s.rtail {
		m.awake(&s)
		emit(aReaderSpin, s)
	}
}

func (m *Model) awake(t *State) {
	if t.rpc = rCall; m.variants.Has(drainWhatWasSeen) {
		t.rpc = rSize
	}
}

// readerWait takes the steps of Bell.Wait.
func (m *Model) readerWait(s State, emit func(int, State)) {
	t := s
	switch {
	case s.rbell:
		t.rbell = false
		m.awake(&t)
		emit(aReaderWake, t)
	case s.rpc == rWait:
		t.rpc = rAsleep
		t.slept |= sleptReader
		emit(aReaderSleep, t)
	case m.Spurious && s.wpc != wDead:
		m.awake(&t)
		emit(aReaderSpurious, t)
	}
	if s.rpc == rWait {
		m.news(s, emit)
	}
	if s.wpc == wDead && !m.variants.Has(hangupUntold) {
		t = s
		t.endReader(rDone)
		emit(aReaderTold, t)
	}
}

// endReader ends the reader before its time.
func (s *State) endReader(at uint8) {
	s.rpc, s.rtail, s.rwant, s.rkept = at, 0, 0, 0
}
