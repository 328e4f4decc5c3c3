package sim

import (
	"fmt"

	"cutthrough/shm"
	"cutthrough/shm/access"
)

// defaultMaxSteps is far above what any finished workload of a scenario needs.
const defaultMaxSteps = 20_000

// Runner runs executions one after the other and keeps what they can share:
// coroutines, memory, buffers, coverage. Not safe for concurrent use; two
// Runners are independent.
type Runner struct {
	idle      []*coro
	memories  map[uint64][]*memory // free ones by size
	world     World
	delayed   []delayed
	coverage  coverage
	sometimes map[string]int
}

// NewRunner returns a Runner. Close it when done.
func NewRunner() *Runner {
	return &Runner{memories: map[uint64][]*memory{}, sometimes: map[string]int{}}
}

// Close ends the pooled coroutines.
func (r *Runner) Close() {
	for _, c := range r.idle {
		c.cancel()
	}
	r.idle = nil
}

func (r *Runner) coro() *coro {
	if n := len(r.idle); n > 0 {
		c := r.idle[n-1]
		r.idle = r.idle[:n-1]
		return c
	}
	return newCoro()
}

// Run runs one execution of the program that setup makes, every choice being
// made by ch. The Outcome's slices are valid until the next Run.
func (r *Runner) Run(cfg Config, ch Chooser, setup func(*World)) Outcome {
	if cfg.MaxSteps == 0 {
		cfg.MaxSteps = defaultMaxSteps
	}
	if cfg.MaxTasks == 0 {
		cfg.MaxTasks = 16
	}
	cfg.MaxTasks = min(cfg.MaxTasks, maxTasks)
	w := &r.world
	w.reset(r, cfg, ch)
	setup(w)
	w.begin()
	for w.next != nil {
		t := w.next
		w.next = nil
		w.cur = t
		t.co.resume()
		w.cur = nil
		w.reap()
	}
	w.unwind()
	return w.outcome()
}

func (w *World) reset(r *Runner, cfg Config, ch Chooser) {
	old := *w
	*w = World{
		run: r, cfg: cfg, chooser: ch,
		procs: old.procs[:0], tasks: old.tasks[:0],
		faultBuf: old.faultBuf[:0], record: old.record[:0],
		always: old.always[:0], atEnd: old.atEnd[:0], onIdle: old.onIdle[:0],
		hist: history{ops: old.hist.ops[:0]},
		mems: old.mems[:0], log: old.log[:0], races: old.races,
		free: append(old.free, old.tasks...),
	}
	w.pt.faults = old.pt.faults[:0]
	if w.races.edges == nil {
		w.races.edges = map[any]clock{}
	}
	r.delayed = r.delayed[:0]
}

// newTask returns a task, recycled if possible.
func (w *World) newTask(p *Process, name string, f func()) *task {
	if len(w.tasks) == w.cfg.MaxTasks {
		panic(fmt.Sprintf("sim: more than %d tasks: see Config.MaxTasks", w.cfg.MaxTasks))
	}
	var t *task
	if n := len(w.free); n > 0 {
		t = w.free[n-1]
		w.free = w.free[:n-1]
		for _, i := range t.touched {
			t.counts[i] = 0
		}
		*t = task{counts: t.counts, touched: t.touched[:0], clock: t.clock}
	} else {
		t = new(task)
	}
	t.id, t.name, t.proc, t.body, t.deadline = len(w.tasks), name, p, f, shm.Forever
	w.tasks = append(w.tasks, t)
	return t
}

// begin starts the tasks that setup made; task 0 goes first unless the Chooser
// preempts it at its first step.
func (w *World) begin() {
	if w.cfg.Races {
		w.races.reset(w.cfg.MaxTasks)
	}
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
	if w.cfg.Races {
		if len(t.clock) != w.races.n {
			t.clock = make(clock, w.races.n)
		}
		clear(t.clock)
		if parent != nil {
			t.clock.join(parent.clock)
			parent.clock[parent.id]++
		}
		t.clock[t.id] = 1
	}
	w.start(t)
}

// kill ends the running task's process before its access: its descriptors
// close, its tasks unwind, and somebody else goes on.
func (w *World) kill(t *task) {
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
	for _, f := range p.onDeath {
		f()
	}
	w.next = w.pick(t, site{nameTask, access.End})
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
		w.cur = t
		t.co.resume()
		w.cur = nil
	}
	t.state = taskDone
}

// unwind ends every task and returns its coroutine to the pool.
func (w *World) unwind() {
	for _, t := range w.tasks {
		t.endedAt = t.state
		if t.co == nil {
			continue
		}
		w.unwindTask(t)
		w.run.idle = append(w.run.idle, t.co)
		t.co = nil
	}
	for _, m := range w.mems {
		m.recycle(w.run)
	}
	w.next = nil
}

func (w *World) outcome() Outcome {
	return Outcome{
		Failure: w.failure, Steps: w.step, Faults: w.spent, Digest: w.digest,
		Interventions: w.record, History: w.hist.ops, Log: w.log,
		world: w,
	}
}
