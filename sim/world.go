package sim

import (
	"fmt"
	"math/bits"
	"time"

	"cutthrough/shm"
	"cutthrough/shm/access"
	"cutthrough/sim/exec"
	"cutthrough/sim/hb"
)

// MaxTasks bounds the tasks of one execution: the set of enabled ones is a word.
const MaxTasks = 64

var nameTask = shm.NewName("task")

// World is one execution of a program: its processes, their tasks and memory,
// the clock, and what is to hold. The program's setup function gets it, makes
// processes and starts tasks; then the tasks run, one at a time, each hooked
// access being a scheduling point. Its methods may be called from the setup
// function and from tasks, never from other goroutines.
type World struct {
	run     *engine
	cfg     Config
	chooser Chooser

	procs   []*Process
	tasks   []*task
	enabled uint64 // ready tasks of processes that are not stopped
	waiting uint64 // tasks that have waited and not gone on since, ready or not
	cur     *task  // nil in setup and while a property is evaluated
	next    *task  // the task that the root resumes
	now     time.Duration
	step    int
	done    int  // steps that have happened
	fair    bool // phase 2: faults have stopped, round robin
	spent   int  // faults so far

	pt       Point
	faultBuf []option
	digest   uint64
	choices  []choice // other than 0
	failure  *exec.Failure
	rec      *recorder // nil unless Config.Record
	observer Observer  // the chooser, if it is one
	watched  bool      // whether there is a recorder or an observer
	doing    Step      // the step that is under way, for the observer
	inDoing  bool
	touched  []Touch
	tail     Tail // of the step that is under way

	started   bool
	origins   []Origin      // of the objects
	objects   []exec.Object // when recording
	listeners []*listener
	dying     []*task // of a process that was just killed
	polling   int     // tasks that wait for a word to change

	always []check
	atEnd  []check
	onIdle []func() bool
	hist   history
	mems   []*memory
	order  bool // whether hb is kept
	hb     hb.Engine
}

// choice is a choice other than 0, in the form that costs nothing to keep.
type choice struct {
	task, nth int
	name      shm.Name
	op        access.Op
	option
}

// schedule returns the choices other than 0 as interventions.
func (w *World) schedule() []exec.Intervention {
	var s []exec.Intervention
	for _, c := range w.choices {
		s = append(s, exec.Intervention{Task: w.tasks[c.task].name, Name: c.name.String(), Op: c.op.String(), Nth: c.nth, Effect: w.effect(c.option)})
	}
	return s
}

// object returns the number of a new object.
func (w *World) object(kind, name string) Object {
	o := Object(len(w.origins))
	at := Origin{-1, uint16(o)}
	if c := w.cur; c != nil {
		at = Origin{int16(c.id), uint16(c.objects)}
		c.objects++
	}
	w.origins = append(w.origins, at)
	if w.rec != nil {
		w.objects = append(w.objects, exec.Object{Kind: kind, Name: name})
	}
	return o
}

type check struct {
	name string
	f    func() error
}

// Process returns a new process. Process names and task names share one space.
func (w *World) Process(name string) *Process {
	p := w.run.processes.get()
	*p = Process{w: w, id: len(w.procs), name: name, open: p.open[:0], onDeath: p.onDeath[:0]}
	w.procs = append(w.procs, p)
	return p
}

// Always registers a property that must hold after every step. The function
// runs outside the schedule: its accesses to shared memory are not hooked.
func (w *World) Always(name string, f func() error) { w.always = append(w.always, check{name, f}) }

// AtEnd registers a property that must hold when no task can go on any more.
func (w *World) AtEnd(name string, f func() error) { w.atEnd = append(w.atEnd, check{name, f}) }

// OnIdle registers f, which is called when no task can go on. If f returns true it has woken a task, for example by
// ringing a bell, and the execution continues. If every registered function returns false the execution is over, and
// tasks that still wait are a deadlock.
func (w *World) OnIdle(f func() bool) { w.onIdle = append(w.onIdle, f) }

// idle asks the OnIdle functions; it says whether one has done something.
func (w *World) idle() bool {
	woken := false
	w.unhooked(func() {
		for i := 0; i < len(w.onIdle) && !woken; i++ {
			woken = w.onIdle[i]()
		}
	})
	return woken
}

// unhooked runs f outside the schedule: its accesses to shared memory are not scheduling points.
func (w *World) unhooked(f func()) {
	cur := w.cur
	w.cur = nil
	defer func() { w.cur = cur }()
	f()
}

// Sometimes counts that a state of interest was reached. A search reports the marks that its scenario declares and that no
// execution reached.
func (w *World) Sometimes(name string) {
	w.run.sometimes[name]++
	if w.rec != nil && w.cur != nil {
		w.rec.event(exec.MarkEvent, w.cur.id, name)
	}
}

// Fail ends the execution as a violation of property. It does not return when
// called from a task.
func (w *World) Fail(property, format string, args ...any) {
	w.failNow(exec.Failure{Property: property, Message: fmt.Sprintf(format, args...)})
	if w.cur != nil {
		w.cur.unwind = true
		panic(unwound{})
	}
}

// Note adds a remark of the running task to the record; it shows in diagrams.
func (w *World) Note(format string, args ...any) {
	if w.rec != nil && w.cur != nil {
		w.rec.event(exec.NoteEvent, w.cur.id, fmt.Sprintf(format, args...))
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
	w.flush()
	w.step++
	t.pending = Access{Name: name, Op: access.Choose}
	p := w.ask(t)
	p.Draws, p.nOther, p.faults = n, 0, p.faults[:0]
	return int(w.decide(t, p).arg)
}

// failNow records the first failure; the execution ends at the next switch.
func (w *World) failNow(f exec.Failure) {
	if w.cur != nil && w.cur.unwind {
		return // a deferred function of a task that is no more
	}
	if w.failure == nil {
		if w.cur != nil {
			f.Task = w.cur.name
		}
		f.Step = w.done
		w.failure = &f
	}
	w.next = nil
}

// inspect runs f with hooks off.
func (w *World) inspect(f func() error) (err error) {
	w.unhooked(func() { err = f() })
	return err
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
			w.failNow(exec.Failure{Property: c.name, Message: err.Error()})
			return
		}
	}
	if err := w.leaks(); err != nil {
		w.failNow(exec.Failure{Property: exec.NoLeak, Message: err.Error()})
	}
}

// stuck describes the tasks that wait for ever, if any.
func (w *World) stuck() *exec.Failure {
	property, message := exec.NoDeadlock, ""
	for _, t := range w.tasks {
		if t.state != taskBlocked || t.daemon {
			continue
		}
		lost := false
		if t.ready != nil {
			_ = w.inspect(func() error { lost = t.ready(); return nil })
		}
		if message != "" {
			message += "; "
		}
		message += fmt.Sprintf("%s waits for ever at %s", t.name, t.pending)
		if lost {
			property = exec.NoLostWakeup
			message += " although what it waits for holds"
		}
	}
	if message == "" {
		return nil
	}
	return &exec.Failure{Property: property, Message: message}
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

// leaks says what the processes that ended by themselves did not release.
func (w *World) leaks() error {
	for _, p := range w.procs {
		if p.dead || p.service || !w.cfg.Leaks {
			continue
		}
		if len(p.open) > 0 {
			return fmt.Errorf("%s ends with %d unreleased: %v", p.name, len(p.open), p.open)
		}
	}
	return nil
}
