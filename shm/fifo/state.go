package fifo

import (
	"fmt"

	"cutthrough/shm"
)

// State says what a side does with its fifo. Each side has a word for its own, which goes up only. So the end of a
// stream is in order with its bytes, and needs no message and no third party.
//
// No word asks for a ring at a change of state, because there are at most two changes: a side rings its peer after it
// has stored a state that ends something, in any case. A sleeper reads the state before each sleep. If it has read the
// old one, the ring comes after that, and its doorbell keeps the ring for the sleep.
type State uint32

// The states.
const (
	StateIdle   State = iota // the side has not said that it uses the fifo
	StateOpen                // it uses the fifo
	StateClosed              // it has closed: a producer after its last byte, and a consumer takes no more
	StateReset               // it has closed and thrown away what was under way
)

// loadState returns the state of a peer, from the word of a fifo at off.
func loadState(word shm.Uint32, name shm.Name, off uint64) (State, error) {
	s := State(word.Load())
	if s > StateReset {
		return 0, fmt.Errorf("fifo: at %#x: %s is %d: %w", off, name, s, shm.ErrCorrupt)
	}
	return s, nil
}
