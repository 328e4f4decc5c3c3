package fifo

import (
	"errors"
	"testing"

	"cutthrough/shm"
)

// TestState: each side sees what the other says.
func TestState(t *testing.T) {
	f := newFixture(t, nil, 10, 0)
	for _, want := range []State{StateIdle, StateOpen, StateClosed, StateReset} {
		if want != StateIdle {
			f.p.SetState(want)
		}
		if got, err := f.c.PeerState(); got != want || err != nil {
			t.Errorf("the consumer sees %d, %v, want %d", got, err, want)
		}
		if want != StateIdle {
			f.c.SetState(want)
		}
		if got, err := f.p.PeerState(); got != want || err != nil {
			t.Errorf("the producer sees %d, %v, want %d", got, err, want)
		}
	}
}

// TestForgedState: a state that does not exist is corrupt.
func TestForgedState(t *testing.T) {
	f := newFixture(t, nil, 10, 0)
	for _, forged := range []uint32{uint32(StateReset) + 1, 1 << 31} {
		f.p.writerState.Store(forged)
		f.c.readerState.Store(forged)
		if got, err := f.c.PeerState(); !errors.Is(err, shm.ErrCorrupt) {
			t.Errorf("the consumer takes %d for %d, %v", forged, got, err)
		}
		if got, err := f.p.PeerState(); !errors.Is(err, shm.ErrCorrupt) {
			t.Errorf("the producer takes %d for %d, %v", forged, got, err)
		}
	}
}
