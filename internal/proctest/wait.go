package proctest

import (
	"sync"
	"time"
)

// Liveness bounds what must happen at all, on a busy machine.
const Liveness = 30 * time.Second

const (
	quiet    = Liveness / 2    // without an event; an agent that waits for one replies in time
	patience = 5 * time.Second // of Eventually
	interval = time.Millisecond
)

// Events counts events that tests wait for. The zero Events is ready to use. Safe for concurrent use.
type Events struct {
	mu   sync.Mutex
	n    int
	next chan struct{} // closed by the next event; nil if no call waits
}

// Note counts one event and wakes the calls that wait for it.
func (e *Events) Note() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.n++
	if e.next != nil {
		close(e.next)
		e.next = nil
	}
}

// Count returns how many events there were.
func (e *Events) Count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.n
}

// Beyond returns the count as soon as it is above n, or n when there was no such event for half of Liveness. A caller that
// takes n before it looks at something misses no event after that.
func (e *Events) Beyond(n int) int {
	e.mu.Lock()
	if e.n > n {
		defer e.mu.Unlock()
		return e.n
	}
	if e.next == nil {
		e.next = make(chan struct{})
	}
	next := e.next
	e.mu.Unlock()
	select {
	case <-next:
		return e.Count()
	case <-time.After(quiet):
		return n
	}
}

// Await returns true as soon as done does, which it calls at once and after each event, or false when there was no
// event for half of Liveness.
func (e *Events) Await(done func() bool) bool {
	for n := e.Count(); !done(); {
		last := n
		if n = e.Beyond(last); n == last {
			return false
		}
	}
	return true
}

// Eventually returns true as soon as done does, which it calls every millisecond, or false after five seconds. It is
// for what neither the kernel nor the runtime has an event for; a comment at each call says what that is.
func Eventually(done func() bool) bool {
	again, end := time.NewTicker(interval), time.After(patience)
	defer again.Stop()
	for !done() {
		select {
		case <-again.C:
		case <-end:
			return false
		}
	}
	return true
}
