package sim

import (
	"fmt"
	"math/bits"
	"time"

	"cutthrough/shm"
	"cutthrough/shm/access"
)

// maxTasks bounds the tasks of one execution: the set of enabled ones is a word.
const maxTasks = 64

var nameTask = shm.NewName("task")

// World is one execution of a program: its processes, their tasks and memory,
// the clock, and what is to hold. The program's setup function gets it, makes
// processes and starts tasks; then the tasks run, one at a time, each hooked
// access being a scheduling point. Its methods may be called from the setup
// function and from tasks, never from other goroutines.
type World struct {
	run     *Runner
	cfg     Config
	chooser Chooser

	procs   []*Process
	tasks   []*task
	enabled uint64 // ready tasks of processes that are not stopped
	cur     *task  // nil in setup and while a property is evaluated
	next    *task  // whom the root resumes
	now     time.Duration
	step    int
	fair    bool // phase 2: faults have stopped, round robin
	spent   int  // faults so far

	pt       Point
	faultBuf []Effect
	digest   uint64
	record   []Intervention
	failure  *Failure

	started    bool
	generation uint64 // of the last segment
	listeners  []*listener
	free       []*task // of earlier executions
	dying      []*task // of a process that was just killed

	always []check
	atEnd  []check
	onIdle []func() bool
	hist   history
	mems   []*memory
	log    []Step
	races  raceDetector
}

type check struct {
	name string
	f    func() error
}

// Process returns a new process. Process names and task names share one space.
func (w *World) Process(name string) *Process {
	p := &Process{w: w, id: len(w.procs), name: name}
	w.procs = append(w.procs, p)
	return p
}

// Always registers a property that must hold after every step. The function
// runs outside the schedule: its accesses to shared memory are not hooked.
func (w *World) Always(name string, f func() error) { w.always = append(w.always, check{name, f}) }

// AtEnd registers a property that must hold when no task can go on any more.
func (w *World) AtEnd(name string, f func() error) { w.atEnd = append(w.atEnd, check{name, f}) }

// OnIdle registers what happens when no task can go on, before that is called a
// deadlock: an operator who ends what waits for nobody. The function rings a bell and returns
// true, or returns false when it has nothing left to do.
func (w *World) OnIdle(f func() bool) { w.onIdle = append(w.onIdle, f) }

// idle asks the OnIdle functions; it says whether one has done something.
func (w *World) idle() bool {
	cur := w.cur
	w.cur = nil
	defer func() { w.cur = cur }()
	for _, f := range w.onIdle {
		if f() {
			return true
		}
	}
	return false
}

// Sometimes counts that a state of interest was reached; [Report] names those
// that were declared in Config.Sometimes and never reached.
func (w *World) Sometimes(name string) { w.run.sometimes[name]++ }

// Fail ends the execution as a violation of property. It does not return when
// called from a task.
func (w *World) Fail(property, format string, args ...any) {
	w.failNow(Failure{Property: property, Message: fmt.Sprintf(format, args...)})
	if w.cur != nil {
		w.cur.unwind = true
		panic(unwound{})
	}
}

// Note adds a line to the log of the running task; it shows in diagrams.
func (w *World) Note(format string, args ...any) {
	if w.cfg.Log && w.cur != nil {
		w.log = append(w.log, Step{Task: w.cur.id, Note: fmt.Sprintf(format, args...)})
	}
}

// Now returns the virtual time.
func (w *World) Now() time.Duration { return w.now }

// Choose returns a number in [0, n), decided by the strategy; 0 is the simplest.
// The name anchors the choice in a trace.
func (w *World) Choose(name shm.Name, n int) int {
	if n <= 1 || w.cur == nil {
		return 0
	}
	t := w.cur
	w.step++
	p := w.ask(t, name, access.Choose)
	p.Draws, p.nOther, p.faults = n, 0, p.faults[:0]
	return int(w.decide(t, p).Arg)
}

// failNow records the first failure; the execution ends at the next switch.
func (w *World) failNow(f Failure) {
	if w.cur != nil && w.cur.unwind {
		return // a deferred function of a task that is no more
	}
	if w.failure == nil {
		if w.cur != nil {
			f.Task = w.cur.name
		}
		f.Step = w.step
		w.failure = &f
	}
	w.next = nil
}

// inspect runs f with hooks off.
func (w *World) inspect(f func() error) error {
	cur := w.cur
	w.cur = nil
	defer func() { w.cur = cur }()
	return f()
}

// quiesce is reached when no task can ever go on: everything must be finished.
func (w *World) quiesce() {
	if f := w.stuck(); f != nil {
		w.failNow(*f)
		return
	}
	w.cur = nil
	for _, c := range w.atEnd {
		if err := w.inspect(c.f); err != nil {
			w.failNow(Failure{Property: c.name, Message: err.Error()})
			return
		}
	}
	if err := w.leaks(); err != nil {
		w.failNow(Failure{Property: NoLeak, Message: err.Error()})
	}
}

// stuck describes the tasks that wait for ever, if any.
func (w *World) stuck() *Failure {
	f := Failure{Property: NoDeadlock}
	for _, t := range w.tasks {
		if t.state != taskBlocked || t.daemon {
			continue
		}
		lost := false
		if t.ready != nil {
			_ = w.inspect(func() error { lost = t.ready(); return nil })
		}
		if f.Message != "" {
			f.Message += "; "
		}
		f.Message += fmt.Sprintf("%s waits for ever at %s", t.name, t.at)
		if lost {
			f.Property = NoLostWakeup
			f.Message += " although what it waits for holds"
		}
	}
	if f.Message == "" {
		return nil
	}
	return &f
}

// advance moves the clock to the next deadline or delayed arrival; it says
// whether there was one.
func (w *World) advance() bool {
	at := shm.Forever
	for _, t := range w.tasks {
		if t.state == taskBlocked && !t.proc.stopped && t.deadline < at {
			at = t.deadline
		}
	}
	for _, d := range w.run.delayed {
		at = min(at, d.at)
	}
	if at == shm.Forever {
		return false
	}
	w.now = max(w.now, at)
	w.arrive()
	for _, t := range w.tasks {
		if t.state == taskBlocked && t.deadline <= w.now {
			t.timedOut = true
			w.setReady(t, true)
		}
	}
	return true
}

func (w *World) resumeStopped() bool {
	any := false
	for _, p := range w.procs {
		if p.stopped {
			w.setStopped(p, false)
			any = true
		}
	}
	return any
}

func (w *World) setStopped(p *Process, stopped bool) {
	p.stopped = stopped
	for _, t := range w.tasks {
		if t.proc != p || t.state != taskReady {
			continue
		}
		if stopped {
			w.enabled &^= 1 << t.id
		} else {
			w.enabled |= 1 << t.id
		}
	}
}

func trailing(m uint64) int { return bits.TrailingZeros64(m) }
func ones(m uint64) int     { return bits.OnesCount64(m) }

// rotateAfter returns the bit of the first member of m after id, cyclically.
func rotateAfter(m uint64, id int) uint64 {
	if hi := m &^ (1<<(id+1) - 1); hi != 0 {
		return hi
	}
	return m
}
