package oshost

import (
	"testing"
	"time"

	"cutthrough/shm"
)

// TestSpinnerLearns: failures halve the budget until spinning stops, then one wait in
// so many tries again, and one success restores the whole budget.
func TestSpinnerLearns(t *testing.T) {
	s := spinner{budget: maxSpin}
	for want := maxSpin; want >= minSpin; want /= 2 {
		if got := s.next(); got != want {
			t.Errorf("budget %v, want %v", got, want)
		}
		s.learn(false)
	}
	for range 2 {
		for i := range probeEvery - 1 {
			if got := s.next(); got != 0 {
				t.Fatalf("wait %d after giving up spins for %v", i, got)
			}
		}
		if got := s.next(); got != maxSpin {
			t.Errorf("the wait that tries again spins for %v, want %v", got, maxSpin)
		}
		s.learn(false)
	}
	s.learn(true)
	if got := s.next(); got != maxSpin {
		t.Errorf("budget %v after a success, want %v", got, maxSpin)
	}
}

// TestSpinnerPreempted: a condition that came true while this task did not run
// does not count as found by spinning.
func TestSpinnerPreempted(t *testing.T) {
	s, calls := spinner{budget: maxSpin}, 0
	late := func() bool {
		if calls++; calls <= 2*checkEvery {
			return false
		}
		<-time.After(2 * maxSpin) // other tasks have the processor
		return true
	}
	if s.try(late, shm.Forever); s.budget != maxSpin/2 {
		t.Errorf("budget %v after a spin of more than %v, want %v", s.budget, 2*maxSpin, maxSpin/2)
	}
}

// TestSpinnerDeadline: a spin ends with the deadline of its wait, and proves nothing.
func TestSpinnerDeadline(t *testing.T) {
	s, calls := spinner{budget: maxSpin}, 0
	never := func() bool { calls++; return false }
	if s.try(never, 1) || calls != checkEvery || s.budget != maxSpin {
		t.Errorf("with 1 ns left: %d tests, want %d; budget %v, want %v", calls, checkEvery, s.budget, maxSpin)
	}
}
