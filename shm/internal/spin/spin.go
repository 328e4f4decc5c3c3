// Package spin looks for progress for a moment before its caller goes to sleep.
//
// A sleep and a wake-up between two processes cost about 25 us on each side, a hundred times
// what a busy peer needs to answer. A [Watcher] spins for as long as that pays, and learns from
// every spin whether it does.
package spin

// How a Watcher learns.
const (
	shorterSpins = 6  // a spin in vain makes the next half as long, so many times
	longSpinEach = 64 // and one of so many is long whatever came before
)

// Watcher looks for progress before its owner asks for a ring and sleeps, which spares a busy
// peer the ring. The zero value is ready for use. Only one goroutine may use it at a time.
type Watcher struct {
	trust uint // in the peer: 0, at first, to shorterSpins
	waits uint
}

// Until calls ready up to limit times and says whether it returned true. A new Watcher, and one
// whose spins were in vain, calls it a few times only. One spin of 64 has the full limit: it
// finds out whether a peer that also sleeps between messages, and so never answers within a
// short spin, could be faster.
func (w *Watcher) Until(ready func() bool, limit int) bool {
	if w.waits++; w.waits%longSpinEach != 0 {
		limit >>= shorterSpins - w.trust
	}
	for range limit {
		Pause() // first: the caller has just looked, and each look costs the peer's next store
		if ready() {
			w.trust = shorterSpins
			return true
		}
	}
	w.trust -= min(w.trust, 1)
	return false
}
