//go:build !purego

package shm

// pause tells the core that the caller spins: it waits for some tens of
// nanoseconds and leaves the core's units to whoever shares them.
func pause()
