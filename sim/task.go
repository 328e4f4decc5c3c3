package sim

import (
	"fmt"
	"iter"
	"runtime/debug"
	"strings"
	"time"

	"cutthrough/shm/access"
	"cutthrough/sim/exec"
)

// coro is the coroutine of a task and of those that follow in its place: it runs the task, then idles until there is another.
type coro struct {
	resume func() (struct{}, bool)
	cancel func()
	yield  func(struct{}) bool
	self   goroutine
}

func newCoro(t *task) *coro {
	c := new(coro)
	c.resume, c.cancel = iter.Pull(func(yield func(struct{}) bool) {
		c.yield = yield
		c.self.id = goroutineID()
		for yield(struct{}{}) {
			t.main()
		}
	})
	c.resume()
	return c
}

type taskState uint8

const (
	taskNew taskState = iota
	taskReady
	taskBlocked
	taskDone
)

// task is one thread of control of a simulated process.
type task struct {
	id   int
	name string
	proc *Process
	// parent is the task that started it, -1 for the setup function, and rank its number among those that parent started.
	parent, rank      int
	children, objects int // that it has started and created
	body              func()
	co                *coro
	state             taskState
	// endedAt is the state in which the execution left the task.
	endedAt taskState
	daemon  bool
	begun   bool
	unwind  bool // its next hooked access, and every later one, panics

	// pending is what the task does next or, while it is blocked, what it waits for; nth is how often it came to that.
	pending Access
	nth     int

	// While blocked.
	on       waitable
	ready    func() bool // the caller's own condition, for telling a lost wake-up
	deadline time.Duration
	timedOut bool
	// blockedOp is the operation that began the wait.
	blockedOp access.Op

	waits waitable // what the pending operation waits for, nil if it does not wait
	await wordWait

	poll   poll
	counts []uint32 // how often it came to each site, for anchors
	steps  int      // in phase 2, to name a spinner
}

// waitable is what a task can wait for.
type waitable interface {
	// signalled says whether a waiter may go on.
	signalled() bool
}

// unwound is panicked through the stack of a task that was killed or whose
// execution is over. It is private, so no code under test can mistake it.
type unwound struct{}

// start prepares t's coroutine; the task runs when it is first scheduled.
func (w *World) start(t *task) {
	if t.co == nil || t.co.self.gone {
		t.co = newCoro(t)
	}
	t.state = taskReady
	t.pending = Access{Name: nameTask, Op: access.Begin}
	w.enabled |= 1 << t.id
}

// main is the body of t's coroutine.
func (t *task) main() {
	w := t.proc.w
	t.begun = true
	returned := false
	defer func() {
		r := recover()
		t.state = taskDone
		w.enabled &^= 1 << t.id
		switch {
		case returned:
		case r == nil:
			w.goexit(t)
		case !t.unwind: // else the code that unwinds the task decides what runs next
			w.failNow(exec.Failure{Property: exec.NoPanic, Message: fmt.Sprintf("%s panics: %v\n%s", t.name, r, panicSite())})
		}
	}()
	w.point(t, nil)
	if w.observer != nil {
		w.tell(t, nil)
	}
	t.body()
	w.ended(t)
	returned = true
}

// panicSite returns the innermost frames of the code under test.
func panicSite() string {
	lines := strings.Split(string(debug.Stack()), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "panic(") && i+2 < len(lines) {
			lines = lines[i+2:]
			break
		}
	}
	return strings.Join(lines[:min(len(lines), 8)], "\n")
}

// switchTo suspends t and runs o; it returns when t is scheduled again.
func (w *World) switchTo(t, o *task) {
	w.next = o
	t.co.yield(struct{}{})
	if t.unwind {
		panic(unwound{})
	}
}

// block suspends t, which has begun the step of its pending access, until on is signalled or deadline has passed; it says
// whether t timed out.
func (w *World) block(t *task, on waitable, ready func() bool, deadline time.Duration) (timedOut bool) {
	w.doing.Blocked = true
	w.flush()
	t.on, t.ready, t.deadline, t.timedOut = on, ready, deadline, false
	if t.pending.Op != access.Block {
		t.blockedOp, t.pending.Op = t.pending.Op, access.Block
	}
	t.state = taskBlocked
	w.enabled &^= 1 << t.id
	w.waiting |= 1 << t.id
	if w.rec != nil {
		w.rec.wait(exec.WaitEvent, t)
	}
	if o := w.pick(t, t.pending); o != t {
		w.switchTo(t, o)
	}
	if w.observer != nil {
		w.tellWake(t, on)
	}
	t.on, t.ready = nil, nil
	w.waiting &^= 1 << t.id
	if w.rec != nil {
		w.rec.wait(exec.WakeEvent, t)
	}
	return t.timedOut
}

// wake makes the tasks that wait for on ready or not, according to on.
func (w *World) wake(on waitable) {
	for m := w.waiting; m != 0; m &= m - 1 {
		t := w.tasks[trailing(m)]
		if t.on == on && t.state != taskDone && !t.timedOut {
			w.setReady(t, on.signalled())
		}
	}
}

func (w *World) setReady(t *task, ready bool) {
	if ready {
		t.state = taskReady
		if !t.proc.stopped {
			w.enabled |= 1 << t.id
		}
		return
	}
	t.state = taskBlocked
	w.enabled &^= 1 << t.id
}

// ended is t's last act: it picks the task that goes on.
func (w *World) ended(t *task) {
	w.flush()
	t.state = taskDone
	w.enabled &^= 1 << t.id
	w.next = w.pick(t, Access{Name: nameTask, Op: access.End})
}

// pick returns the task that goes on when t cannot, advancing the clock and
// resuming stopped processes as needed, or nil when the execution is over.
func (w *World) pick(t *task, at Access) *task {
	for w.enabled == 0 {
		if !w.advance() && !w.resumeStopped() && !w.idle() && !w.stopPolling() {
			w.quiesce()
			return nil
		}
	}
	if w.enabled&(w.enabled-1) == 0 {
		return w.tasks[trailing(w.enabled)]
	}
	if w.fair {
		return w.tasks[trailing(rotateAfter(w.enabled, t.id))]
	}
	p := w.askAt(t, &at)
	p.Forced, p.faults = true, p.faults[:0]
	p.others = w.enabled
	p.nOther = ones(w.enabled)
	return w.tasks[w.decide(t, p).id]
}
