package impl

import (
	"sync"
	"time"

	"cutthrough/shm"
)

// waitUnlocked waits for b without mu, which the caller holds before and after. Every wait of this
// package for what other tasks do goes through it.
func waitUnlocked(mu sync.Locker, b shm.Doorbell, ready func() bool, until time.Duration) error {
	mu.Unlock()
	defer mu.Lock()
	return b.Wait(ready, until)
}
