package oshost

import (
	"runtime"
	"time"

	"cutthrough/shm/internal/spin"
)

// Times of a spinner. A failed spin wastes its budget; a sleep costs two switches and a wake-up of
// about 25 us. A spin for twice that also finds a peer that has to wake up first. One such find is
// enough to end a state in which two processes that take turns both sleep.
const (
	maxSpin    = 50 * time.Microsecond
	minSpin    = 2 * time.Microsecond // less does not pay for reading the clock
	checkEvery = 16                   // tests of the condition between readings of the clock
	yieldEvery = 8                    // readings of the clock between offers of the processor
	probeEvery = 64                   // waits without a spin between two that try one
)

// spinner decides how long to spin, from the results of its last spins. One task at a time uses it.
type spinner struct {
	budget time.Duration // of the next spin; 0 when spinning does not pay
	idle   int           // waits without a spin, since the last one
}

// until calls ready until it returns true, at least once and at most for the budget or left, and
// says whether it did. With one processor no other task can make ready true during the spin, so it
// does not spin.
func (s *spinner) until(ready func() bool, left time.Duration) bool {
	if ready() {
		return true
	}
	if left <= 0 || runtime.GOMAXPROCS(0) == 1 || runtime.NumCPU() == 1 {
		return false
	}
	return s.try(ready, left)
}

// try spins, if that pays, and learns from the result.
func (s *spinner) try(ready func() bool, left time.Duration) bool {
	budget := s.next()
	if budget == 0 {
		return false
	}
	hit, took := spinFor(ready, min(budget, left))
	if hit || left > budget { // a spin that the deadline cut short is no evidence
		s.learn(hit && took <= maxSpin)
	}
	return hit
}

// next returns how long to spin this time.
func (s *spinner) next() time.Duration {
	if s.budget > 0 {
		return s.budget
	}
	if s.idle++; s.idle < probeEvery {
		return 0
	}
	s.idle = 0
	return maxSpin
}

// learn sets the budget to its maximum after a success, and halves it after a failure. A spin that
// took longer than maxSpin counts as a failure: another task had the processor.
func (s *spinner) learn(hit bool) {
	if hit {
		s.budget = maxSpin
	} else if s.budget /= 2; s.budget < minSpin {
		s.budget = 0
	}
}

// spinFor calls ready until it returns true or limit is over, and returns how long that took, 0 for
// less than one reading of the clock. It offers its processor now and then, because a peer in this
// process may need it.
func spinFor(ready func() bool, limit time.Duration) (hit bool, took time.Duration) {
	start := time.Now()
	for look := 1; ; look++ {
		for range checkEvery {
			if !ready() {
				spin.Pause()
				continue
			}
			if look > 1 {
				took = time.Since(start)
			}
			return true, took
		}
		if took = time.Since(start); took >= limit {
			return false, took
		}
		if look%yieldEvery == 0 {
			runtime.Gosched()
		}
	}
}
