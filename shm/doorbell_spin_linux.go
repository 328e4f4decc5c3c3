package shm

import (
	"runtime"
	"time"
)

// A failed spin wastes its budget, a sleep costs two switches and a wake-up:
// about 25 us. Spinning for twice that at most is never much worse than sleeping
// at once, and usually a hundred times better.
const (
	minSpin    = 2 * time.Microsecond
	maxSpin    = 50 * time.Microsecond
	checkEvery = 32 // tests of the condition between looks at the clock
	yieldEvery = 8  // looks at the clock between offers of the processor
	probeEvery = 64 // failed spins in a row after which one spins long again
)

// spinner decides how long to spin, from what spinning did lately. One task at a
// time uses it.
type spinner struct {
	budget time.Duration
	misses int // in a row
}

// until calls ready until it returns true, at least once and at most for the
// budget or left, and says whether it did. With one processor nobody can make
// ready true while this task spins, so it does not.
func (s *spinner) until(ready func() bool, left time.Duration) bool {
	if ready() {
		return true
	}
	if left <= 0 || runtime.GOMAXPROCS(0) == 1 || runtime.NumCPU() == 1 {
		return false
	}
	budget := s.next()
	hit := spin(ready, min(budget, left))
	if hit || left > budget { // a spin that the deadline cut short says nothing
		s.learn(hit)
	}
	return hit
}

// next returns how long to spin this time. Without the long spins now and then, a
// waiter whose peer needs a little more than minSpin would sleep for ever after.
func (s *spinner) next() time.Duration {
	if s.misses%probeEvery == probeEvery-1 {
		return maxSpin
	}
	return s.budget
}

// learn moves the budget.
func (s *spinner) learn(hit bool) {
	if hit {
		s.budget, s.misses = min(2*s.budget, maxSpin), 0
		return
	}
	s.budget, s.misses = max(s.budget/2, minSpin), s.misses+1
}

// spin offers its processor now and then: a peer in this process may need it.
func spin(ready func() bool, limit time.Duration) bool {
	start := time.Now()
	for look := 1; ; look++ {
		for range checkEvery {
			if ready() {
				return true
			}
		}
		if time.Since(start) >= limit {
			return false
		}
		if look%yieldEvery == 0 {
			runtime.Gosched()
		}
	}
}
