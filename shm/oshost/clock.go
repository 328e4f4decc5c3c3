package oshost

import (
	"sync"
	"time"

	"cutthrough/shm"
)

// clock is the part of [OS] that needs nothing but the Go runtime.
type clock struct{ start time.Time }

// Now implements [Host] with the monotonic clock.
func (c clock) Now() time.Duration { return time.Since(c.start) }

// At implements [Host].
func (c clock) At(t time.Time) time.Duration { return t.Sub(c.start) }

// Sleep implements [Host]. Comparing before subtracting keeps a deadline of the
// distant past from overflowing into the distant future.
func (c clock) Sleep(until time.Duration) {
	for now := c.Now(); now < until; now = c.Now() {
		time.Sleep(until - now)
	}
}

// Go implements [Host]. The name is for simulators.
func (clock) Go(_ string, f func()) { go f() }

// NewLock implements [Host]. The name is for simulators.
func (clock) NewLock(shm.Name) sync.Locker { return new(sync.Mutex) }
