package evq

// Where a producer is: before the access that is named.
const (
	pTail     = iota // Post: load tail
	pSlot            // Post: load slot
	pFill            // Post: compare-and-swap slot
	pMove            // Post: compare-and-swap tail, after filling the slot
	pHelp            // Post: compare-and-swap tail, before trying again
	pWake            // Wake: load sleep
	pRing            // Wake: ring
	pClear           // Wake: compare-and-swap sleep
	pArm             // ArmSpace: load want
	pArmSwap         // ArmSpace: compare-and-swap want
	pRoomTail        // hasRoom: load tail
	pRoomSlot        // hasRoom: load slot
	pWait            // Wait, and not asleep
	pAsleep          // Wait, asleep
	pRewait          // a variant: hasRoom
	pRefill          // a variant: load slot
	pReclear         // a variant: load sleep
	pDone            // all its events are posted
	pDead            // and the consumer does not know
	pBuried          // and the consumer was rung because of that
)

// Why a producer wakes the consumer.
const (
	whyPosted = iota
	whyFull   // Post found no room
	whyArmed  // and it is going to sleep
)

// The operations of a producer.
const (
	opLoadTail = iota
	opLoadSlot
	opFill
	opMove
	opLoadSleep
	opRing
	opClear
	opLoadWant
	opSwapWant
	opSpin
	opSleep
	opWake
	opsAlways // how many there are in every configuration
)

// producer takes the steps of QueueWriter.Send.
func (m *Model) producer(s State, p int, emit func(int, State)) {
	q := &s.producers[p]
	op := -1
	switch q.pc {
	case pTail:
		op = opLoadTail
		q.at, q.pc = s.tail, pSlot
	case pSlot:
		op = opLoadSlot
		m.post(&s, q)
	case pRefill:
		op = opLoadSlot
		i, _ := m.place(q.at)
		q.seen, q.pc = s.slots[i], pFill
	case pFill:
		op = opFill
		m.fill(&s, p)
	case pMove, pHelp:
		op = opMove
		m.move(&s, q)
	case pWake:
		op = opLoadSleep
		switch {
		case !s.sleep && !m.variants.Has(ringsAwake):
			m.woken(&s, p)
		case m.variants.Has(sleepClearedBeforeRing):
			q.fresh, q.pc = true, pClear
		default:
			q.fresh, q.pc = true, pRing
		}
	case pRing:
		op = opRing
		s.bell = true
		switch q.pc = pClear; {
		case m.variants.Has(sleepClearedBeforeRing):
			m.woken(&s, p)
		case m.variants.Has(postClearsLaterSleep):
			q.pc = pReclear
		}
	case pReclear:
		op = opLoadSleep
		q.fresh, q.pc = true, pClear
	case pClear:
		op = opClear
		m.clear(&s, p)
	default:
		m.producerSleep(s, p, emit)
		return
	}
	emit(p*m.ops+op, s)
}

// post decides what to do about the slot at the tail.
func (m *Model) post(s *State, q *producer) {
	i, lap := m.place(q.at)
	seen := s.slots[i]
	ahead := m.ahead(seen, lap)
	fill := seen == slot{lap, 0} ||
		m.variants.Has(postIgnoresLap) && seen.event == 0 ||
		m.variants.Has(postOverwritesFull) && ahead == -1
	switch {
	case fill && m.variants.Has(claimBeforeFill):
		q.seen, q.pc = seen, pMove
	case fill && m.variants.Has(postWithoutCAS):
		q.pc = pRefill
	case fill:
		q.seen, q.pc = seen, pFill
	case ahead >= 0:
		q.pc = pHelp
	case ahead == -1 && seen.event != 0:
		q.why, q.pc = whyFull, pWake
		if m.variants.Has(failedPostDoesNotWake) {
			q.pc = m.arming()
		}
		q.at = 0
	default:
		s.bad |= badCorrupt
		q.end(pDead)
	}
}

// fill puts the event into the slot, if that is as it was.
func (m *Model) fill(s *State, p int) {
	q := &s.producers[p]
	i, lap := m.place(q.at)
	ok := s.slots[i] == q.seen
	if ok {
		s.slots[i] = slot{lap, event(p, q.posted)}
	}
	if ok || m.variants.Has(claimBeforeFill) { // which takes the slot for its own
		q.posted++
	}
	q.seen = slot{}
	switch {
	case m.variants.Has(claimBeforeFill):
		q.at, q.why, q.pc = 0, whyPosted, pWake
	case ok:
		q.pc = pMove
	default:
		q.at, q.pc = 0, pTail
	}
}

// move moves the tail on, unless another producer has.
func (m *Model) move(s *State, q *producer) {
	ok := s.tail == q.at
	if q.pc == pHelp && m.variants.Has(tailNotHelped) {
		ok = false
	}
	if ok {
		s.tail++
	}
	switch {
	case m.variants.Has(claimBeforeFill) && q.pc == pMove && ok:
		q.pc = pFill
		return
	case m.variants.Has(claimBeforeFill) || q.pc == pHelp:
		q.pc = pTail
	default:
		q.why, q.pc = whyPosted, pWake
	}
	q.at, q.seen = 0, slot{}
}

// event returns event number n of producer p.
func event(p int, n uint8) uint8 { return uint8(p)<<4 | n + 1 }

// clear says that the consumer is awake, if the word is as it was.
func (m *Model) clear(s *State, p int) {
	q := &s.producers[p]
	ok := q.fresh
	if ok && !m.variants.Has(sleepNeverCleared) {
		s.setSleep(false)
	}
	if ok && m.variants.Has(sleepClearedBeforeRing) {
		q.fresh, q.pc = false, pRing
		return
	}
	m.woken(s, p)
}

// setSleep writes evq.sleep: what others have read of it is old.
func (s *State) setSleep(asleep bool) {
	if !asleep && !s.sleep {
		return // the value that it has
	}
	s.sleep = asleep
	for p := range s.producers {
		s.producers[p].fresh = false
	}
}

// woken goes on after the consumer was woken, or did not have to be.
func (m *Model) woken(s *State, p int) {
	q := &s.producers[p]
	q.fresh = false
	switch {
	case q.why == whyPosted && q.posted >= m.Events:
		q.end(pDone)
	case q.why == whyPosted:
		q.pc = pTail
	case q.why == whyFull:
		q.pc = m.arming()
	default:
		q.pc = pWait
	}
	q.why = 0
}

// arming returns where ArmSpace begins.
func (m *Model) arming() uint8 {
	if m.variants.Has(roomCheckedBeforeWant) {
		return pRoomTail
	}
	return pArm
}

// producerSleep takes the steps of QueueWriter.sleep.
func (m *Model) producerSleep(s State, p int, emit func(int, State)) {
	q := &s.producers[p]
	bit := uint8(1) << p
	op := -1
	switch q.pc {
	case pArm:
		if m.Try {
			t := s
			t.producers[p].at, t.producers[p].pc = s.tail, pSlot
			emit(p*m.ops+opLoadTail, t)
		}
		op = opLoadWant
		if q.want, q.pc = s.want, pArmSwap; s.want&bit != 0 && !m.variants.Has(asksAgain) {
			m.armed(q)
		}
	case pArmSwap:
		op = opSwapWant
		if s.want == q.want || m.variants.Has(wantBitLostByReload) {
			s.want = q.want | bit
			m.armed(q)
		} else {
			q.want, q.pc = 0, pArm
		}
	case pRoomTail:
		op = opLoadTail
		q.at, q.pc = s.tail, pRoomSlot
	case pRoomSlot:
		op = opLoadSlot
		switch {
		case m.room(&s, q.at) && !m.variants.Has(sleepsBesideRoom):
			q.pc = pTail
		case m.variants.Has(roomCheckedBeforeWant):
			q.pc = pArm
		default:
			m.wakeArmed(q)
		}
		q.at = 0
	case pRewait:
		op = opLoadSlot
		if q.pc = pWait; m.room(&s, s.tail) {
			q.pc = pTail
		}
	case pWait, pAsleep:
		m.producerWait(s, p, emit)
		return
	default:
		return // it is over
	}
	emit(p*m.ops+op, s)
}

// armed goes on after the bit was set.
func (m *Model) armed(q *producer) {
	q.want = 0
	if q.pc = pRoomTail; m.variants.Has(roomCheckedBeforeWant) {
		m.wakeArmed(q)
	}
}

// wakeArmed wakes the consumer before the producer goes to sleep.
func (m *Model) wakeArmed(q *producer) {
	q.why, q.pc = whyArmed, pWake
	if m.variants.Has(blockedPostDoesNotWake) {
		q.why, q.pc = 0, pWait
	}
}

// producerWait takes the steps of Bell.Wait.
func (m *Model) producerWait(s State, p int, emit func(int, State)) {
	after := uint8(pTail)
	if m.variants.Has(waitAgainWithoutArming) {
		after = pRewait
	}
	t := s
	q := &t.producers[p]
	switch {
	case q.bell:
		q.bell, q.pc = false, after
		emit(p*m.ops+opWake, t)
	case q.pc == pWait:
		q.pc = pAsleep
		emit(p*m.ops+opSleep, t)
	case m.Spurious:
		q.pc = after
		emit(p*m.ops+m.opSpurious, t)
	}
	if s.producers[p].pc == pWait && m.room(&s, s.tail) {
		s.producers[p].pc = pTail
		emit(p*m.ops+opSpin, s)
	}
}
