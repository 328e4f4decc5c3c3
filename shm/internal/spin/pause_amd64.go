//go:build !purego

package spin

// Pause tells the core that the caller spins: it waits for some tens of
// nanoseconds and leaves the units of the core to the other hardware thread.
func Pause()
