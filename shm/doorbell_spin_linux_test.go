package shm

import "testing"

// TestSpinnerLearns: success doubles the budget, failure halves it, within bounds, and
// a waiter that has given up spinning tries again now and then.
func TestSpinnerLearns(t *testing.T) {
	s := spinner{budget: maxSpin}
	for range 10 {
		s.learn(false)
	}
	if s.budget != minSpin || s.misses != 10 {
		t.Errorf("after failures: %+v, want a budget of %v", s, minSpin)
	}
	s.learn(true)
	if s.budget != 2*minSpin || s.misses != 0 {
		t.Errorf("after one success: %+v, want a budget of %v", s, 2*minSpin)
	}
	for range 10 {
		s.learn(true)
	}
	if s.budget != maxSpin {
		t.Errorf("after successes: %+v, want a budget of %v", s, maxSpin)
	}
	s.learn(false)
	if s.budget != maxSpin/2 {
		t.Errorf("after a failure: %+v, want a budget of %v", s, maxSpin/2)
	}
	probes := 0
	for range 2 * probeEvery {
		if s.next() == maxSpin {
			probes++
		}
		s.learn(false)
	}
	if probes != 2 {
		t.Errorf("%d long spins in %d failures, want 2", probes, 2*probeEvery)
	}
}
