package evq

import "cutthrough/model/check"

// Properties implements [check.Model].
func (m *Model) Properties() []check.Property[State] {
	type S = State
	ps := []check.Property[S]{
		check.NoDeadlock("no deadlock", func(s S) bool { return m.over(&s) }),
		check.Invariant(noneLost, func(s S) bool { return m.accounted(&s) }),
		check.Invariant(inOrder, func(s S) bool { return s.bad&badEvent == 0 }),
		check.Invariant(noneCorrupt, func(s S) bool { return s.bad&badCorrupt == 0 }),
		check.Invariant(awakeSaysSo, func(s S) bool { return s.pc > cRing || !s.sleep }),
		check.StepInvariant(ringsAsleep, func(s *S, _ int, t *S) bool { return s.sleep || m.at(t, pRing)&^m.at(s, pRing) == 0 }),
		check.StepInvariant(saysSo, func(s *S, action int, t *S) bool { return m.saysSo(s, action, t) }),
		check.StepInvariant(asksOnce, func(s *S, _ int, t *S) bool { return m.at(t, pArmSwap)&^m.at(s, pArmSwap)&s.want == 0 }),
		check.StepInvariant(seenFull, func(s *S, _ int, t *S) bool { return m.full(s, m.at(s, pRoomSlot)&m.at(t, pWake)) }),
		check.StepInvariant(takenOff, func(_ *S, action int, t *S) bool {
			return action != m.consumerAction(coSwapWant) || t.waiters&t.want == 0
		}),
		check.Invariant(consumerWakes, func(s S) bool {
			return s.queued() == 0 || m.Unnoticed && m.count(&s, dead) > 0 || m.count(&s, alive) > 0 || !m.stuck(&s)
		}),
		check.Invariant(producerWakes, func(s S) bool { return m.count(&s, alive) == 0 || !m.stuck(&s) }),
		check.Reachable("the consumer sleeps", func(s S) bool { return s.pc == cAsleep }),
		check.Reachable("a producer sleeps", func(s S) bool { return m.count(&s, asleep) > 0 }),
		check.Reachable("the queue is full", func(s S) bool { return s.queued() == m.Slots }),
		check.Reachable("the tail lags", func(s S) bool { return m.lags(&s) }),
		check.Reachable("a ring is left over", func(s S) bool { return s.bell && s.queued() == 0 && m.count(&s, alive) == 0 }),
		check.Reachable("all events are taken", func(s S) bool { return s.head == m.Producers*m.Events }),
	}
	if m.Producers > 1 && m.Producers*m.Events >= m.Slots+2 { // the queue is full of what others posted
		ps = append(ps, check.Reachable("two producers ask for room", func(s S) bool { return s.want&(s.want-1) != 0 }))
	}
	if m.Death {
		ps = append(ps, check.Reachable("an event outlives its producer", func(s S) bool { return m.count(&s, outlived) > 0 }))
	}
	if m.Safety {
		return ps
	}
	fair := m.fairness()
	return append(ps,
		check.Inevitable(producersEnd, func(s S) bool { return m.count(&s, alive) == 0 }, fair...),
		check.Inevitable(allTaken, func(s S) bool { return m.over(&s) }, fair...))
}

// fairness returns the steps of each producer, of the consumer and of the system that tells of
// deaths: each goes on as long as it can.
func (m *Model) fairness() []check.Fair {
	var fair []check.Fair
	for p := range int(m.Producers) {
		var steps check.Fair
		for op := range opsAlways {
			steps = append(steps, p*m.ops+op)
		}
		fair = append(fair, steps)
		if m.opTell >= 0 {
			fair = append(fair, check.Fair{p*m.ops + m.opTell})
		}
	}
	var steps check.Fair
	for op := range coSpurious {
		steps = append(steps, m.consumerAction(op))
	}
	return append(fair, steps)
}

func alive(p *producer) bool    { return p.pc < pDone }
func asleep(p *producer) bool   { return p.pc == pAsleep }
func dead(p *producer) bool     { return p.pc == pDead }
func outlived(p *producer) bool { return p.pc > pDone && p.posted > p.got }

// count returns how many producers are as asked.
func (m *Model) count(s *State, as func(*producer) bool) int {
	n := 0
	for p := range m.Producers {
		if as(&s.producers[p]) {
			n++
		}
	}
	return n
}

// at returns a bit for each producer that is at a place.
func (m *Model) at(s *State, pc uint8) (bits uint8) {
	for p := range m.Producers {
		if s.producers[p].pc == pc {
			bits |= 1 << p
		}
	}
	return bits
}

// full says whether the slot at the tail, as each of some producers has read it, is a lap behind.
func (m *Model) full(s *State, producers uint8) bool {
	for p := range m.Producers {
		i, lap := m.place(s.producers[p].at)
		if producers>>p&1 != 0 && (s.slots[i].event == 0 || m.ahead(s.slots[i], lap) != -1) {
			return false
		}
	}
	return true
}

// saysSo says whether a producer that finds the consumer asleep knows whether that is written again, and
// writes that it is awake if not.
func (m *Model) saysSo(s *State, action int, t *State) bool {
	for p := range int(m.Producers) {
		switch action {
		case p*m.ops + opLoadSleep:
			return !s.sleep || t.producers[p].fresh
		case p*m.ops + opClear:
			return !s.producers[p].fresh || !t.sleep
		}
	}
	return true
}

// queued returns how many events are in the queue.
func (s *State) queued() uint8 {
	n := uint8(0)
	for _, t := range s.slots {
		if t.event != 0 {
			n++
		}
	}
	return n
}

// accounted says whether each event that was posted is in the queue or was taken, and none was posted twice.
func (m *Model) accounted(s *State) bool {
	var queued [16]uint8 // whatever a variant makes of an event
	for _, t := range s.slots {
		if t.event != 0 {
			queued[t.event>>4]++
		}
	}
	for i, p := range s.producers {
		if p.posted != p.got+queued[i] || p.posted > m.Events {
			return false
		}
	}
	return true
}

// lags says whether the position at the tail is filled, and the producer that filled it is gone.
func (m *Model) lags(s *State) bool {
	i, lap := m.place(s.tail)
	if t := s.slots[i]; t.event != 0 && t.lap == lap {
		return !m.Death || s.producers[t.event>>4].pc >= pDead
	}
	return false
}

// stuck says that no process will take a step again, unless it wakes for no reason.
func (m *Model) stuck(s *State) bool {
	if s.pc != cCorrupt && (s.pc != cAsleep || s.bell) {
		return false
	}
	told := !m.Unnoticed && !m.variants.Has(deathUntold)
	for p := range m.Producers {
		q := &s.producers[p]
		halted := q.pc >= pDone && !(q.pc == pDead && told && m.Death) || q.pc == pAsleep && !q.bell
		if !halted {
			return false
		}
	}
	return true
}

// over says that there is nothing left to do.
func (m *Model) over(s *State) bool {
	if s.pc != cAsleep || m.count(s, alive) > 0 {
		return false
	}
	return s.queued() == 0 || m.Unnoticed && m.count(s, dead) > 0
}
