package valloc

import "math/bits"

// The actions: those of the layer alone, and those that concern a process, of which the
// last two are there only if processes die.
const (
	aCreate = iota
	aClose
	aProcess // the first of the first process
)

const (
	opTell  = iota // the layer tells it to map a segment
	opMap          // it maps
	opUnmap        // it unmaps and acknowledges
	opAck          // the layer takes the acknowledgement
	opAsk          // the layer tells it to unmap the first segment, and so on for each
)

// opDie returns the number of the operation that kills a process.
func (m *Model) opDie() int { return opAsk + int(m.Segments) }

// opNotice returns the number of the one by which the layer learns of it, and a new
// process takes its place.
func (m *Model) opNotice() int { return m.opDie() + 1 }

// ops returns how many actions there are for each process.
func (m *Model) ops() int {
	if m.Death {
		return m.opNotice() + 1
	}
	return m.opDie()
}

func (m *Model) action(p, op int) int { return aProcess + p*m.ops() + op }

// Next implements [check.Model].
func (m *Model) Next(s State, emit func(int, State)) {
	for p := range int(m.Processes) {
		m.process(s, p, emit)
		m.acknowledged(s, p, emit)
		m.ask(s, p, emit)
	}
	m.create(s, emit)
	for p := range int(m.Processes) {
		m.tell(s, p, emit)
	}
	for i := range int(m.Segments) {
		if s.segments[i].state == segLive {
			t := s
			t.segments[i].state = segClosing
			m.collect(&t, i)
			emit(aClose, t)
		}
	}
	if m.Death {
		m.fate(s, emit)
	}
}

// create makes a segment of any size at any offset, if there is room.
func (m *Model) create(s State, emit func(int, State)) {
	i := 0
	for i < int(m.Segments) && s.segments[i].state != segFree {
		i++
	}
	if i == int(m.Segments) {
		return
	}
	for size := uint8(1); size <= m.Size; size++ {
		need := m.paged(size) + m.guard()
		for offset := uint8(0); offset <= m.Offset; offset += m.Page {
			t := s
			at, ok := m.alloc(&t, need)
			if !ok {
				return
			}
			t.segments[i] = segment{state: segLive, place: span{at, need}, size: size, offset: offset}
			emit(aCreate, t)
		}
	}
}

// paged returns a size in whole pages.
func (m *Model) paged(size uint8) uint8 {
	if m.variants.Has(sizesNotRounded) {
		return size
	}
	return (size + m.Page - 1) / m.Page * m.Page
}

// tell tells a process to map a segment. A segment is that of two processes.
func (m *Model) tell(s State, p int, emit func(int, State)) {
	for i := range int(m.Segments) {
		g := &s.segments[i]
		live := g.state == segLive || g.state == segClosing && m.variants.Has(toldWhileClosing)
		taken := bits.OnesCount8(g.told) >= 2 && !m.variants.Has(toldToAll)
		if !live || g.told>>p&1 != 0 || taken {
			continue
		}
		t := s
		if t.processes[p].send(message{units: g.mapped(), segment: uint8(i) + 1}) {
			t.segments[i].told |= 1 << p
			t.processes[p].bound |= g.mapped()
			emit(m.action(p, opTell), t)
		}
	}
}

// ask tells a process to unmap a segment that closes.
func (m *Model) ask(s State, p int, emit func(int, State)) {
	for i := range int(m.Segments) {
		g := &s.segments[i]
		told := g.told>>p&1 != 0 || m.variants.Has(unmapToUntold)
		if g.state != segClosing || !told || g.asked>>p&1 != 0 {
			continue
		}
		t := s
		if t.processes[p].send(message{segment: uint8(i) + 1, unmap: true}) {
			t.segments[i].asked |= 1 << p
			if m.variants.Has(reuseBeforeAck) {
				t.segments[i].told &^= 1 << p
				m.collect(&t, i)
			}
			emit(m.action(p, opAsk+i), t)
		}
	}
}

// send puts a message into the channel, if it has room.
func (q *process) send(x message) bool {
	for i := range q.in {
		if q.in[i].segment == 0 {
			q.in[i] = x
			return true
		}
	}
	return false
}

// process takes the step of a process that has a message.
func (m *Model) process(s State, p int, emit func(int, State)) {
	q := &s.processes[p]
	if q.late != 0 {
		t := s
		t.processes[p].maps[q.late-1], t.processes[p].late = 0, 0
		emit(m.action(p, opUnmap), t)
	}
	x := q.in[0]
	if x.segment == 0 || q.dead || q.late != 0 && x.unmap {
		return
	}
	copy(q.in[:], q.in[1:])
	q.in[maxQueue-1] = message{}
	at := &q.maps[x.segment-1]
	if !x.unmap {
		if *at != 0 {
			s.bad |= badMap
		}
		if *at&x.units != 0 {
			s.bad |= badOver
		}
		if q.stray != 0 {
			s.bad |= badMemory // the first descriptor that came
		}
		*at = x.units
		emit(m.action(p, opMap), s)
		return
	}
	if *at == 0 {
		s.bad |= badUnmap
	}
	if m.variants.Has(ackBeforeUnmap) {
		q.late = x.segment
	} else {
		*at = 0
	}
	if m.variants.Has(descriptorsCounted) {
		q.stray = x.segment
	}
	for i := range q.out {
		if q.out[i] == 0 {
			q.out[i] = x.segment
			break
		}
	}
	emit(m.action(p, opUnmap), s)
}

// acknowledged takes the step of the layer that has an acknowledgement.
func (m *Model) acknowledged(s State, p int, emit func(int, State)) {
	q := &s.processes[p]
	i := int(q.out[0]) - 1
	if i < 0 {
		return
	}
	copy(q.out[:], q.out[1:])
	q.out[maxSegments-1] = 0
	g := &s.segments[i]
	q.bound &^= g.mapped()
	g.told &^= 1 << p
	if m.variants.Has(freedTwice) && g.told != 0 {
		m.release(&s, g.place)
	}
	m.collect(&s, i)
	emit(m.action(p, opAck), s)
}

// collect gives the range of a segment back if it closes and no process has it any more.
func (m *Model) collect(s *State, i int) {
	g := &s.segments[i]
	closed := g.state == segClosing || m.variants.Has(closedByDeath)
	if !closed || g.told != 0 {
		return
	}
	r := g.place
	if m.variants.Has(releaseMovedBase) {
		r.at += g.offset
	}
	if g.asked != 0 || !m.variants.Has(untoldLost) {
		m.release(s, r)
	}
	*g = segment{}
}

// fate takes the steps of dying and of being replaced.
func (m *Model) fate(s State, emit func(int, State)) {
	for p := range int(m.Processes) {
		t := s
		q := &t.processes[p]
		if !q.dead {
			*q = process{dead: true}
			emit(m.action(p, m.opDie()), t)
			continue
		}
		*q = process{}
		for i := range int(m.Segments) {
			g := &t.segments[i]
			if g.told>>p&1 == 0 || m.variants.Has(deathForgotten) {
				continue
			}
			g.told &^= 1 << p
			if !m.variants.Has(deathNotCollected) {
				m.collect(&t, i)
			}
		}
		emit(m.action(p, m.opNotice()), t)
	}
}
