package sim

import (
	"time"

	"cutthrough/shm"
	"cutthrough/shm/access"
)

// atWait is [World.at] for an operation that goes on once on is signalled or deadline has passed.
func (w *World) atWait(a Access, faults []option, on waitable, deadline time.Duration) option {
	w.expect(on, deadline)
	o := w.at(a, faults)
	w.expect(nil, 0)
	return o
}

// expect says what the next operation of the running task waits for until deadline, nil for nothing.
func (w *World) expect(on waitable, deadline time.Duration) {
	if t := w.cur; t != nil {
		t.waits = nil
		if deadline > w.now {
			t.waits, t.deadline = on, deadline
		}
	}
}

// wordWait is what [Process.Await] waits for.
type wordWait struct {
	w   *World
	x   shm.Uint64
	met func(uint64) bool
}

func (a *wordWait) signalled() (ok bool) {
	a.w.unhooked(func() { ok = a.met(a.x.Load()) })
	return ok
}

// Await loads x once met holds for its value, and returns the value. The load is one step: the task waits, instead of
// loading again and again, until another task has written a value that met accepts. met must depend on its argument alone. Only tasks
// may call Await, for words that their process has mapped.
func (p *Process) Await(x shm.Uint64, met func(uint64) bool) uint64 {
	t := p.w.cur
	t.await = wordWait{p.w, x, met}
	p.w.expect(&t.await, shm.Forever)
	v := x.Load()
	p.w.expect(nil, 0)
	t.poll.progress()
	return v
}

// awaits makes t wait before the load that it has come to.
func (w *World) awaits(t *task) {
	for !t.await.signalled() {
		w.begin(t)
		w.polling++
		w.block(t, &t.await, nil, shm.Forever)
		w.polling--
		t.pending.Op = access.Load
	}
}

// Stuck says whether task i would only begin or continue to wait if it ran now. A task that is not enabled is stuck too,
// but for one of a stopped process.
func (p *Point) Stuck(i int) bool {
	t := p.w.tasks[i]
	on := t.waits
	if t.on != nil {
		if on = t.on; t.timedOut {
			return false
		}
		if _, polls := on.(change); polls {
			return t.state == taskBlocked
		}
	}
	return on != nil && !on.signalled() && t.deadline > p.w.now
}

// Watched says whether the program has properties that are checked after every step.
func (p *Point) Watched() bool { return len(p.w.always) > 0 }
