package signal

// Where the writer is: before the access that is named.
const (
	wCall     = iota // Write: choose a size; then as wLook, or as wPublish if it is known to fit
	wLook            // Enqueue: load head
	wPublish         // NeedsEvent, or Enqueue: store tail
	wAsk             // NeedsEvent: load event
	wMark            // NeedsEvent: swap event
	wRing            // Flush: ring
	wDrain           // Drain: load head
	wArm             // ArmDequeue: store want
	wReset           // ArmDequeue: swap has
	wRecheck         // ArmDequeue: load head
	wWait            // Wait, and not asleep
	wAsleep          // Wait, asleep
	wRewait          // a variant: load head
	wMarkLate        // a variant: store event
	wDone
	wDead
)

// The actions: those of the writer, those of the reader, and what happens to them.
const (
	aWriterLook = iota
	aPublish
	aAskEvent
	aMarkEvent
	aRingReader
	aWriterSpin
	aStoreWant
	aResetHas
	aWriterSleep
	aWriterWake

	aReaderLook
	aRelease
	aAskWant
	aAskHas
	aMarkHas
	aRingWriter
	aReaderSpin
	aClearEvent
	aReaderSleep
	aReaderWake

	aWriterSpurious
	aReaderSpurious

	aWriterTold
	aReaderTold
	aWriterDies
	aReaderDies
)

// Actions implements [check.Model].
func (m *Model) Actions() []string {
	all := []string{
		aWriterLook: "writer: load head", aPublish: "writer: store tail", aAskEvent: "writer: load event",
		aMarkEvent: "writer: swap event", aRingReader: "writer: ring", aWriterSpin: "writer: see room",
		aStoreWant: "writer: store want", aResetHas: "writer: swap has", aWriterSleep: "writer: sleep",
		aWriterWake: "writer: take ring",
		aReaderLook: "reader: load tail", aRelease: "reader: store head", aAskWant: "reader: load want",
		aAskHas: "reader: load has", aMarkHas: "reader: swap has", aRingWriter: "reader: ring",
		aReaderSpin: "reader: see news", aClearEvent: "reader: swap event", aReaderSleep: "reader: sleep",
		aReaderWake:     "reader: take ring",
		aWriterSpurious: "writer: wake for nothing", aReaderSpurious: "reader: wake for nothing",
		aWriterTold: "writer: peer died", aReaderTold: "reader: peer died",
		aWriterDies: "writer: die", aReaderDies: "reader: die",
	}
	switch {
	case m.Death:
		return all
	case m.Spurious:
		return all[:aWriterTold]
	}
	return all[:aWriterSpurious]
}

// free returns the bytes that the writer knows to be free.
func (m *Model) free(s *State) uint8 {
	if m.variants.Has(freeSpaceOffByOne) {
		return m.Capacity + 1 - (s.wtail - s.whead)
	}
	return m.Capacity - (s.wtail - s.whead)
}

// room says whether what the writer waits for is there, as hasFree does.
func (m *Model) room(s *State) bool { return m.Capacity-(s.wtail-s.head) >= s.need }

// writer takes the steps of Writer.Write and Writer.Drain.
func (m *Model) writer(s State, emit func(int, State)) {
	t := s
	switch s.wpc {
	case wCall:
		m.call(s, emit)
	case wLook:
		t.whead = s.head
		m.stage(&t)
		emit(aWriterLook, t)
	case wPublish:
		t.tail = s.wtail
		m.published(&t)
		emit(aPublish, t)
	case wAsk:
		m.asked(&t)
		emit(aAskEvent, t)
	case wMark, wMarkLate:
		m.markEvent(&t)
		emit(aMarkEvent, t)
	case wRing:
		t.rbell = true
		if m.variants.Has(setEventAfterRing) {
			t.wpc = wMarkLate
		} else {
			m.flushed(&t)
		}
		emit(aRingReader, t)
	case wDrain:
		t.whead = s.head
		if m.free(&t) >= m.Capacity {
			t.wpc = wDone
		} else {
			m.sleep(&t, m.Capacity)
		}
		emit(aWriterLook, t)
	default:
		m.writerSleep(s, emit)
	}
}

// call starts a Write.
func (m *Model) call(s State, emit func(int, State)) {
	rest := m.Bytes - (s.wtail - start)
	most := min(m.Write, rest)
	least := most
	if m.Any {
		least = 1
	}
	for n := least; n <= most; n++ {
		t := s
		t.left = n
		if n > m.free(&t) {
			t.whead = s.head
			m.stage(&t)
			emit(aWriterLook, t)
			continue
		}
		m.stage(&t)
		m.writer(t, emit) // the first access is the one that publishes
	}
}

// What a writer that asks before it publishes has been told meanwhile.
const (
	askedNoRing = 1 + iota
	askedRing
)

// stage enqueues what fits of what is left, up to where it must be published.
func (m *Model) stage(t *State) {
	n := min(t.left, m.free(t))
	if n == 0 && !m.variants.Has(nothingPublished) {
		m.full(t)
		return
	}
	if m.Batch > 0 {
		n = min(n, m.Batch)
	}
	t.wtail += n
	t.left -= n
	t.wpc = wPublish
	if m.variants.Has(askBeforePublish) && n != m.Batch {
		t.wpc = wAsk
	}
}

// rings says whether the writer is about to ring, after it has published at the latest.
func (s *State) rings() bool { return s.wpc == wRing || s.wkept == askedRing }

// published goes on after the tail was stored.
func (m *Model) published(t *State) {
	switch {
	case t.left > 0 && m.free(t) > 0:
		m.stage(t) // the next batch
	case t.wkept == askedNoRing:
		t.wkept = 0
		m.flushed(t)
	case t.wkept == askedRing:
		t.wkept, t.wpc = 0, wRing
	case m.variants.Has(flushOnlyAtEnd) && t.left > 0:
		m.full(t)
	default:
		t.wpc = wAsk
	}
}

// asked goes on after the event flag was loaded.
func (m *Model) asked(t *State) {
	switch {
	case t.event && t.tail != t.wtail:
		t.wkept, t.wpc = askedNoRing, wPublish
	case t.event && !m.variants.Has(toldAgain):
		m.flushed(t)
	case m.variants.Has(setEventAfterRing):
		t.events, t.wpc = min(t.events+1, 2), wRing
	default:
		t.wpc = wMark
	}
}

// markEvent swaps the event flag.
func (m *Model) markEvent(t *State) {
	was := t.event
	t.event = !m.variants.Has(eventNotMarked)
	if was || t.wpc == wMarkLate {
		m.flushed(t)
		return
	}
	t.events = min(t.events+1, 2)
	if t.wpc = wRing; t.tail != t.wtail {
		t.wkept, t.wpc = askedRing, wPublish
	}
}

// flushed goes on after what was enqueued was published and announced.
func (m *Model) flushed(t *State) {
	switch {
	case t.left > 0:
		m.full(t)
	case t.wtail-start < m.Bytes:
		t.wpc = wCall
	default:
		t.wpc = wDrain
	}
}

// full goes to sleep until it pays to go on.
func (m *Model) full(t *State) { m.sleep(t, min(t.left, (m.Capacity+1)/2)) }

func (m *Model) sleep(t *State, need uint8) {
	t.need = need
	t.wpc = wArm
	switch {
	case m.variants.Has(armDequeueAfterLook):
		t.wpc = wRecheck
	case m.variants.Has(wantNtfNotPublished):
		t.wpc = wReset
	}
}

// retry goes back to Enqueue or Free after a sleep that was not needed, or is over.
func (m *Model) retry(t *State) {
	t.need = 0
	switch {
	case t.left == 0:
		t.wpc = wDrain
	case t.left > m.free(t):
		t.wpc = wLook
	default:
		m.stage(t)
	}
}

// writerSleep takes the steps of Writer.sleep.
func (m *Model) writerSleep(s State, emit func(int, State)) {
	t := s
	switch s.wpc {
	case wArm:
		m.see(s, emit)
		t.want = s.need
		t.wpc = wReset
		if m.variants.Has(ntfSentNotResetForDrain) && s.need == m.Capacity {
			t.wpc = wRecheck
		}
		emit(aStoreWant, t)
	case wReset:
		t.has, t.notices = false, 0
		t.wpc = wRecheck
		switch {
		case m.variants.Has(armDequeueAfterLook) && m.free(&s) >= s.need:
			m.retry(&t)
		case m.variants.Has(armDequeueAfterLook), m.variants.Has(skipRecheck):
			t.wpc = wWait
		}
		emit(aResetHas, t)
	case wRecheck:
		t.whead = s.head
		switch {
		case m.variants.Has(armDequeueAfterLook):
			t.wpc = wArm
		case m.free(&t) >= s.need:
			m.retry(&t)
		default:
			t.wpc = wWait
		}
		emit(aWriterLook, t)
	case wRewait:
		t.wpc = wWait
		if m.room(&s) {
			m.retry(&t)
		}
		emit(aWriterLook, t)
	case wWait, wAsleep:
		m.writerWait(s, emit)
	}
}

// see takes the step of a writer that notices before it sleeps that there is room.
func (m *Model) see(s State, emit func(int, State)) {
	if m.room(&s) {
		m.retry(&s)
		emit(aWriterSpin, s)
	}
}

// writerWait takes the steps of Bell.Wait. A writer that wakes after the reader died wakes to
// be told of it.
func (m *Model) writerWait(s State, emit func(int, State)) {
	t := s
	switch {
	case s.wbell:
		t.wbell = false
		if t.wpc = wRewait; !m.variants.Has(waitWithoutRearming) {
			m.retry(&t)
		}
		emit(aWriterWake, t)
	case s.wpc == wWait:
		t.wpc = wAsleep
		t.slept |= sleptWriter
		if s.left == 0 {
			t.slept |= sleptDrain
		}
		emit(aWriterSleep, t)
	case m.Spurious && s.rpc != rDead:
		if t.wpc = wRewait; !m.variants.Has(waitWithoutRearming) {
			m.retry(&t)
		}
		emit(aWriterSpurious, t)
	}
	if s.wpc == wWait {
		m.see(s, emit)
	}
	if s.rpc == rDead && !m.variants.Has(hangupUntold) {
		t = s
		t.endWriter(wDone)
		emit(aWriterTold, t)
	}
}

// endWriter ends the writer before its time.
func (s *State) endWriter(at uint8) {
	s.wpc, s.wtail, s.whead, s.left, s.need, s.wkept = at, s.tail, 0, 0, 0, 0
}
