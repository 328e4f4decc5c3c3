package signal

// This file says what of a step can be observed from outside: a comparison of the machine with
// an implementation needs it.

// Access is an access to a shared word, or the use of a doorbell.
type Access struct {
	Reader bool   // the reader does it, otherwise the writer
	Word   string // tail, head, event, want, has, writer or reader: the last two are doorbells
	Op     string // load, store, swap, cas, ring or wait
}

// accesses are the accesses of the actions that have one whatever the state.
var accesses = map[int]Access{
	aWriterLook: {false, "head", "load"}, aPublish: {false, "tail", "store"}, aAskEvent: {false, "event", "load"},
	aMarkEvent: {false, "event", "swap"}, aRingReader: {false, "reader", "ring"}, aStoreWant: {false, "want", "store"},
	aResetHas: {false, "has", "swap"}, aWriterSleep: {false, "writer", "wait"}, aWriterWake: {false, "writer", "wait"},
	aReaderLook: {true, "tail", "load"}, aRelease: {true, "head", "store"}, aAskWant: {true, "want", "load"},
	aAskHas: {true, "has", "load"}, aMarkHas: {true, "has", "swap"}, aRingWriter: {true, "writer", "ring"},
	aClearEvent: {true, "event", "swap"}, aReaderSleep: {true, "reader", "wait"}, aReaderWake: {true, "reader", "wait"},
}

// AccessOf returns the access that a step from s is; false if it is none: a side that was asleep goes
// on after a ring, or the action is one [ByChance].
func AccessOf(s State, action int) (Access, bool) {
	a, ok := accesses[action]
	switch {
	case action == aWriterWake && s.wpc == wAsleep, action == aReaderWake && s.rpc == rAsleep:
		return Access{}, false
	case action == aAskWant && s.rpc == rPutBack:
		a.Op = "cas"
	}
	return a, ok
}

// Sleeps says whether a side goes to sleep with an action.
func Sleeps(action int) bool { return action == aWriterSleep || action == aReaderSleep }

// Reads says whether an action is one of the reader.
func Reads(action int) bool { return action >= aReaderLook && action <= aReaderWake }

// ByChance says whether an action is one that a process never has to take: a look while waiting,
// a wake-up without a ring, a death and what follows from it.
func ByChance(action int) bool {
	return action == aWriterSpin || action == aReaderSpin || action >= aWriterSpurious
}
