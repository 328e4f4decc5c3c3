package signal

import "cutthrough/model/check"

// Properties implements [check.Model].
func (m *Model) Properties() []check.Property[State] {
	type S = State
	slept := func(sides uint8) func(S) bool { return func(s S) bool { return s.slept&sides == sides } }
	ps := []check.Property[S]{
		check.NoDeadlock("no deadlock", func(s S) bool { return s.over() }),
		check.Invariant(noLostWakeup, func(s S) bool { return !m.stuck(&s) }),
		check.Invariant(noOverrun, func(s S) bool { return s.wtail-s.head <= m.Capacity }),
		check.Invariant(noUnderrun, func(s S) bool { return s.tail-s.rhead <= m.Capacity && s.rhead-s.head <= m.Capacity }),
		check.Invariant(flagMeaning, func(s S) bool { return !(s.event && s.events == 0) && !(s.has && s.notices == 0) }),
		check.Invariant(onlyOnce, func(s S) bool { return s.events <= 1 && s.notices <= 1 }),
		check.Invariant(drained, func(s S) bool { return s.wpc != wDone || s.rpc == rDead || s.head == s.tail }),
		check.StepInvariant(ringsUntold, func(s *S, _ int, t *S) bool {
			return (s.rings() || !t.rings() || !s.event && t.events > s.events) &&
				(s.rpc == rRing || t.rpc != rRing || !s.has && t.notices > s.notices)
		}),
		check.StepInvariant(asksNoMore, func(s *S, _ int, t *S) bool {
			return (s.wpc == wMark || t.wpc != wMark || !s.event) && (s.rpc != rHas || t.rpc != rLook || !s.has) &&
				(s.rpc == rHas || t.rpc != rHas || t.rwant > 0 && m.Capacity-t.known() >= t.rwant)
		}),
		check.StepInvariant(asksForMore, func(s *S, _ int, t *S) bool {
			return (s.wpc == wArm || t.wpc != wArm || m.free(t) < t.need) && (s.rpc == rArm || t.rpc != rArm || t.known() == 0)
		}),
		check.StepInvariant(forRoom, func(s *S, _ int, t *S) bool {
			return s.rpc == rMark || t.rpc != rMark || s.rwant > 0 && m.Capacity-(s.tail-s.rhead) >= s.rwant
		}),
		check.StepInvariant(moves, func(s *S, action int, t *S) bool {
			return (action != aPublish || t.tail != s.tail) && (action != aRelease || t.head != s.head)
		}),
		check.Reachable("the writer slept", slept(sleptWriter)),
		check.Reachable("the reader slept", slept(sleptReader)),
		check.Reachable("the drain slept", slept(sleptDrain)),
		check.Reachable("both slept in one run", slept(sleptWriter|sleptReader|sleptDrain)),
		check.Reachable("the fifo is full", func(s S) bool { return s.tail-s.head == m.Capacity }),
		check.Reachable("a ring is left over", func(s S) bool { return s.over() && (s.wbell || s.rbell) }),
		check.Reachable("all is read", func(s S) bool { return s.rhead-start == m.Bytes && s.over() }),
	}
	if m.Death {
		ps = append(ps,
			check.Reachable("the writer was told of a death", func(s S) bool { return s.wpc == wDone && s.tail-s.rhead != 0 }),
			check.Reachable("the reader was told of a death", func(s S) bool { return s.rpc == rDone && s.rhead-start != m.Bytes }))
	}
	if m.Safety {
		return ps
	}
	writer, reader := m.fairness()
	return append(ps,
		check.Inevitable(allRead, func(s S) bool { return s.rhead-start == m.Bytes || s.wpc == wDead || s.rpc == rDead }, writer, reader),
		check.Inevitable(allDone, func(s S) bool { return s.over() }, writer, reader))
}

func (s *State) over() bool { return s.wpc >= wDone && s.rpc >= rDone }

// stuck says that no side will take a step again, unless it wakes for no reason, although a side
// is not done.
func (m *Model) stuck(s *State) bool {
	hangup := !m.variants.Has(hangupUntold)
	writer := s.wpc >= wDone || s.wpc == wAsleep && !s.wbell && !(s.rpc == rDead && hangup)
	reader := s.rpc >= rDone || s.rpc == rAsleep && !s.rbell && !(s.wpc == wDead && hangup)
	return writer && reader && !s.over()
}

// fairness returns the steps of either side: each goes on as long as it can. Neither
// has to die, or to wake for no reason.
func (m *Model) fairness() (writer, reader check.Fair) {
	for a := aWriterLook; a < aReaderLook; a++ {
		writer = append(writer, a)
	}
	for a := aReaderLook; a < aWriterSpurious; a++ {
		reader = append(reader, a)
	}
	if m.Death {
		writer, reader = append(writer, aWriterTold), append(reader, aReaderTold)
	}
	return writer, reader
}
