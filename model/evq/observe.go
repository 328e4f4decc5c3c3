package evq

// This file says what of a step can be observed from outside: a comparison of the machine with
// an implementation needs it.

// Access is an access to a shared word, or the use of a doorbell.
type Access struct {
	Word string // tail, slot, want, sleep, or bell: of the consumer, or of a producer that waits for room
	Op   string // load, store, swap, cas, ring or wait
}

var producerAccesses = [opsAlways]Access{
	opLoadTail: {"tail", "load"}, opLoadSlot: {"slot", "load"}, opFill: {"slot", "cas"}, opMove: {"tail", "cas"},
	opLoadSleep: {"sleep", "load"}, opRing: {"bell", "ring"}, opClear: {"sleep", "cas"},
	opLoadWant: {"want", "load"}, opSwapWant: {"want", "cas"}, opSleep: {"bell", "wait"}, opWake: {"bell", "wait"},
}

var consumerAccesses = [...]Access{
	coLoadSlot: {"slot", "load"}, coTake: {"slot", "store"}, coLoadWant: {"want", "load"}, coSwapWant: {"want", "swap"},
	coRing: {"bell", "ring"}, coArm: {"sleep", "store"}, coDisarm: {"sleep", "store"},
	coSleep: {"bell", "wait"}, coWake: {"bell", "wait"}, coSpurious: {},
}

// Actor returns the number of the process that takes an action: a producer, or the consumer, which
// comes after the producers.
func (m *Model) Actor(action int) int { return min(action/m.ops, int(m.Producers)) }

// ByChance says whether an action is one that a process never has to take: a look while waiting,
// a wake-up without a ring, a death and what follows from it.
func (m *Model) ByChance(action int) bool {
	if p := m.Actor(action); p < int(m.Producers) {
		op := action % m.ops
		return op == opSpin || op >= opsAlways
	}
	op := action - m.consumerAction(0)
	return op == coSpin || op == coSpurious
}

// AccessOf returns the access that a step from s is; false if it is none: a process that was asleep
// goes on after a ring, or the action is one [Model.ByChance].
func (m *Model) AccessOf(s State, action int) (Access, bool) {
	if m.ByChance(action) {
		return Access{}, false
	}
	if p := m.Actor(action); p < int(m.Producers) {
		op := action % m.ops
		return producerAccesses[op], op != opWake || s.producers[p].pc == pWait
	}
	op := action - m.consumerAction(0)
	return consumerAccesses[op], op != coWake || s.pc == cWait
}

// Sleeps says whether a process goes to sleep with an action.
func (m *Model) Sleeps(action int) bool {
	if m.Actor(action) < int(m.Producers) {
		return action%m.ops == opSleep
	}
	return action == m.consumerAction(coSleep)
}

// Stops says whether a producer dies with an action.
func (m *Model) Stops(action int) bool {
	return m.Actor(action) < int(m.Producers) && action%m.ops == m.opDie
}

// TriesAgain says whether a producer that has found the queue full does not wait for room.
func (m *Model) TriesAgain(s State, action int) bool {
	p := m.Actor(action)
	return p < int(m.Producers) && s.producers[p].pc == pArm && action%m.ops == opLoadTail
}

// Posted returns how many events of a producer are or were in the queue.
func (s *State) Posted(p int) int { return int(s.producers[p].posted) }

// Done says whether a producer has posted all its events.
func (s *State) Done(p int) bool { return s.producers[p].pc == pDone }
