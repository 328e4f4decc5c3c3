package sim

import (
	"fmt"
	"maps"

	"cutthrough/shm"
	"cutthrough/shm/access"
	"cutthrough/sim/exec"
)

// defaultMaxSteps is far above what any finished workload of a scenario needs.
const defaultMaxSteps = 20_000

// Runner runs executions one after the other and keeps what they can share:
// coroutines, memory, buffers, coverage. Not safe for concurrent use; two
// Runners are independent.
type Runner struct {
	*engine
	// left is the schedule of the last execution if a task of it hangs, and hung says so.
	left []exec.Intervention
	hung bool
}

// engine is what a Runner leaves behind with a task that hangs.
type engine struct {
	memories  map[uint64]*memories // by size
	processes pool[Process]
	tasks     pool[task]
	views     pool[view]
	descs     pool[desc]
	bells     pool[bell]
	doorbells pool[doorbell]
	ringers   pool[ringer]
	locks     pool[lock]
	pipes     pool[pipe]
	conns     pool[conn]
	bytes     []byte // of messages
	world     World
	delayed   []delayed
	sites     sites
	sometimes map[string]int
	guard     guard
}

// NewRunner returns a Runner. Close it when done.
func NewRunner() *Runner { return &Runner{engine: newEngine()} }

func newEngine() *engine {
	return &engine{memories: map[uint64]*memories{}, sometimes: map[string]int{}}
}

// abandon leaves the engine to the task that hangs, and goes on with a new one.
func (r *Runner) abandon() {
	old := r.engine
	r.left, r.hung = old.world.schedule(), true
	r.engine = newEngine()
	r.sites = old.sites.clone()
	maps.Copy(r.sometimes, old.sometimes)
}

// Close ends the coroutines of tasks.
func (r *Runner) Close() { r.engine.close() }

func (r *engine) close() {
	for _, t := range r.tasks.objects {
		if t.co != nil && !t.co.self.gone {
			t.co.cancel()
		}
	}
	r.tasks = pool[task]{}
}

// Schedule returns the choices other than the default that the last execution took. The caller may keep it.
func (r *Runner) Schedule() []exec.Intervention {
	if r.hung {
		return r.left
	}
	return r.world.schedule()
}

// Run runs one execution of the program that setup makes, every choice being
// made by ch. A setup function that panics is a violation of exec.NoPanic. A task that does not come back to a hooked access is a violation of exec.NoHang, see [Runner.Guard].
func (r *Runner) Run(cfg Config, ch Chooser, setup func(*World)) Outcome {
	if !r.guard.on {
		return r.runGuarded(cfg, ch, setup)
	}
	if cfg.MaxSteps == 0 {
		cfg.MaxSteps = defaultMaxSteps
	}
	if cfg.HangLimit == 0 {
		cfg.HangLimit = hangLimit
	}
	if cfg.MaxTasks == 0 {
		cfg.MaxTasks = 16
	}
	cfg.MaxTasks = min(cfg.MaxTasks, MaxTasks)
	e := r.engine // the one that this execution began with
	r.left, r.hung = nil, false
	w := &e.world
	w.reset(e, cfg, ch)
	e.guard.entitled = &e.guard.root
	e.guard.limit.Store(int64(cfg.HangLimit))
	if w.prepared(setup) {
		w.launchAll()
	}
	for w.next != nil {
		t := w.next
		w.next = nil
		w.resume(t)
		if len(w.dying) > 0 {
			w.reap()
		}
	}
	w.cur = nil
	e.guard.leave()
	w.flush()
	w.strays()
	x := w.unwind()
	e.guard.entitled = nil
	return Outcome{Failure: w.failure, Steps: w.step, Faults: w.spent, Digest: w.digest, Cut: w.fair, Execution: x}
}

// prepared runs the setup function. One that panics violates NoPanic, as a task would, and no task runs.
func (w *World) prepared(setup func(*World)) (ok bool) {
	defer func() {
		if r := recover(); r != nil {
			w.failNow(exec.Failure{Property: exec.NoPanic, Message: fmt.Sprintf("the setup function panics: %v\n%s", r, panicSite())})
		}
	}()
	setup(w)
	return true
}

func (r *Runner) runGuarded(cfg Config, ch Chooser, setup func(*World)) (o Outcome) {
	if hang := r.Guard(func() { o = r.Run(cfg, ch, setup) }); hang != nil {
		return *hang
	}
	return o
}

// resume lets t go on until it hands back control. Afterwards t still counts as the running task: resume is called for every
// switch, and the root has nothing to do in between that the difference would matter for.
func (w *World) resume(t *task) {
	w.cur = t
	w.run.guard.enter(t)
	t.co.resume()
	w.run.guard.check()
}

func (w *World) reset(r *engine, cfg Config, ch Chooser) {
	*w = World{
		run: r, cfg: cfg, chooser: ch,
		procs: w.procs[:0], tasks: w.tasks[:0],
		pt:       Point{w: w, faults: w.pt.faults[:0]},
		faultBuf: w.faultBuf[:0], choices: w.choices[:0],
		always: w.always[:0], atEnd: w.atEnd[:0], onIdle: w.onIdle[:0],
		hist: history{ops: w.hist.ops[:0]},
		mems: w.mems[:0], origins: w.origins[:0], touched: w.touched[:0], hb: w.hb,
		order: cfg.Races || cfg.Record,
	}
	w.observer, _ = ch.(Observer)
	if cfg.Record {
		w.rec = newRecorder(w)
	}
	w.watched = w.rec != nil || w.observer != nil
	if w.order {
		w.hb.Reset(cfg.MaxTasks)
	}
	for o := range firstObject {
		w.origins = append(w.origins, Origin{-1, uint16(o)})
	}
	if w.rec != nil {
		w.objects = []exec.Object{{Kind: "none"}, {Kind: "clock"}, {Kind: "directory"}}
	}
	r.delayed = r.delayed[:0]
	r.processes.reset()
	r.tasks.reset()
	r.views.reset()
	r.descs.reset()
	r.bells.reset()
	r.doorbells.reset()
	r.ringers.reset()
	r.locks.reset()
	r.pipes.reset()
	r.conns.reset()
	r.bytes = r.bytes[:0]
}

// copyOf returns a copy of b that lasts as long as the execution.
func (e *engine) copyOf(b []byte) []byte {
	n := len(e.bytes)
	e.bytes = append(e.bytes, b...) // if it moves, the copies before keep their place
	return e.bytes[n:len(e.bytes):len(e.bytes)]
}

// newTask returns a task that is not launched yet.
func (w *World) newTask(p *Process, name string, f func()) *task {
	if len(w.tasks) == w.cfg.MaxTasks {
		panic(fmt.Sprintf("sim: more than %d tasks: see Config.MaxTasks", w.cfg.MaxTasks))
	}
	t := w.run.tasks.get()
	clear(t.counts)
	parent, rank := -1, len(w.tasks)
	if c := w.cur; c != nil {
		parent, rank = c.id, c.children
		c.children++
	}
	*t = task{
		id: len(w.tasks), parent: parent, rank: rank, name: name, proc: p, body: f, deadline: shm.Forever,
		co: t.co, counts: t.counts, poll: poll{loads: t.poll.loads[:0]},
	}
	w.tasks = append(w.tasks, t)
	return t
}

// launchAll starts the tasks that setup made; task 0 goes first unless the Chooser
// preempts it at its first step.
func (w *World) launchAll() {
	w.started = true
	for _, t := range w.tasks {
		w.launch(nil, t)
	}
	if len(w.tasks) > 0 {
		w.next = w.tasks[0]
	}
}

// launch makes t ready; what its parent did before is ordered before it.
func (w *World) launch(parent, t *task) {
	if w.order {
		from := -1
		if parent != nil {
			from = parent.id
		}
		w.hb.Start(from)
	}
	w.start(t)
}

// kill ends the running task's process before its access: its descriptors
// close, its tasks unwind, and another task goes on.
func (w *World) kill(t *task) {
	w.flush()
	p := t.proc
	p.dead = true
	for _, o := range w.tasks {
		if o.proc == p && o.state != taskDone {
			w.enabled &^= 1 << o.id
			o.unwind = true
			o.on = nil
			if o != t {
				w.dying = append(w.dying, o)
			}
		}
	}
	p.closeAll()
	w.cur = nil // what the world does is no step of the task
	for _, f := range p.onDeath {
		f()
	}
	w.cur = t
	w.next = w.pick(t, Access{Name: nameTask, Op: access.End})
	panic(unwound{})
}

// reap unwinds the tasks of a process that was just killed.
func (w *World) reap() {
	next := w.next
	for _, t := range w.dying {
		w.unwindTask(t)
	}
	w.dying = w.dying[:0]
	w.next = next
}

func (w *World) unwindTask(t *task) {
	if t.state == taskDone {
		return
	}
	t.unwind = true
	if t.begun {
		w.resume(t)
	}
	t.state = taskDone
}

// unwind closes the record and ends every task.
func (w *World) unwind() (x *exec.Execution) {
	for _, t := range w.tasks {
		t.endedAt = t.state
	}
	if w.rec != nil {
		x = w.rec.close()
		w.rec = nil
	}
	for _, t := range w.tasks {
		w.unwindTask(t)
	}
	for _, m := range w.mems {
		m.recycle()
	}
	w.cur, w.next = nil, nil
	return x
}
