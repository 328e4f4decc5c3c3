package signal

// What of a step can be observed from outside, for who compares the machine with an
// implementation.

// Access is an access to a shared word, or the use of a doorbell.
type Access struct {
	Reader bool   // who does it
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

// AccessOf returns the access that a step from s is; false if it is none: who was asleep goes on
// after a ring, or the action is one [ByChance].
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

// Sleeps says whether somebody goes to sleep with an action.
func Sleeps(action int) bool { return action == aWriterSleep || action == aReaderSleep }

// Reads says whether an action is one of the reader.
func Reads(action int) bool { return action >= aReaderLook && action <= aReaderWake }

// ByChance says whether an action is one that nobody takes who only does what he must: a look
// while waiting, a wake-up for nothing, a death and what comes of it.
func ByChance(action int) bool {
	return action == aWriterSpin || action == aReaderSpin || action >= aWriterSpurious
}
