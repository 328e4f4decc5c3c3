package model

import "fmt"

// Spec is a sequential specification of one shared object: states S, inputs I,
// outputs O. It is not a simulation: given an input and the output that was
// observed, it says whether that output is legal, so that a specification may
// leave the object a choice (an enqueue may accept a prefix) and stay a function.
//
// All methods are pure and safe for concurrent use.
type Spec[S comparable, I, O any] interface {
	// Init returns the state of a new object.
	Init() S
	// Step returns the state after an operation that was called with in and
	// returned out, or false when it cannot have returned that in state s.
	Step(s S, in I, out O) (S, bool)
	// Crash returns states without duplicates that together allow all that an
	// operation which never returned may leave behind: s itself first (it did
	// nothing), then one for each legal effect.
	Crash(s S, in I) []S
}

// Status is how an operation ended, where a number does not say it.
type Status uint8

// The statuses. OK is the only one that changes a state.
const (
	OK           Status = iota
	Full                // post: no room
	Empty               // poll: nothing there
	Exhausted           // alloc: no room
	NotAllocated        // free: no live range begins there
	numStatus
)

var statusText = [numStatus]string{"ok", "full", "empty", "exhausted", "not allocated"}

// String returns the status as failure reports print it.
func (s Status) String() string {
	if s < numStatus {
		return statusText[s]
	}
	return fmt.Sprintf("status %d", uint8(s))
}
