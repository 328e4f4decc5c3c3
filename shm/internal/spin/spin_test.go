package spin

import "testing"

// A Watcher spins long only for a peer that has answered a spin, and now and then to find
// out whether it would.
func TestWatcher(t *testing.T) {
	const limit = 1 << shorterSpins
	var w Watcher
	looks := func(hit int) (n int) {
		w.Until(func() bool { n++; return n == hit }, limit)
		return n
	}
	check := func(when string, got, want int) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %d looks, want %d", when, got, want)
		}
	}
	check("new", looks(0), 1)
	check("answered", looks(1), 1)
	for n := limit; n > 1; n /= 2 {
		check("in vain", looks(0), n)
	}
	for w.waits%longSpinEach != longSpinEach-1 {
		check("idle", looks(0), 1)
	}
	check("now and then", looks(limit), limit)
	check("answered late", looks(limit), limit)
}
