package oshost

import (
	"os"
	"sync"
	"time"

	"cutthrough/shm"
)

// clock is the part of a host that uses the Go runtime only.
type clock struct{ start time.Time }

// Now implements [shm.Host] with the monotonic clock.
func (c clock) Now() time.Duration { return time.Since(c.start) }

// At implements [shm.Host].
func (c clock) At(t time.Time) time.Duration { return t.Sub(c.start) }

// Sleep implements [shm.Host]. The comparison before the subtraction keeps a
// deadline in the distant past from overflowing into the distant future.
func (c clock) Sleep(until time.Duration) {
	for now := c.Now(); now < until; now = c.Now() {
		time.Sleep(until - now)
	}
}

// Go implements [shm.Host]. Only simulators use the name.
func (clock) Go(_ string, f func()) { go f() }

// Self implements [shm.Host]: the effective user and group.
func (clock) Self() shm.Peer {
	return shm.Peer{UID: uint32(os.Geteuid()), GID: uint32(os.Getegid()), PID: os.Getpid()}
}

// NewLock implements [shm.Host]. Only simulators use the name.
func (clock) NewLock(shm.Name) sync.Locker { return new(sync.Mutex) }
