// Package hb computes the happens-before order of an execution with vector clocks, and finds plain
// accesses that conflict without being ordered.
//
// An [Engine] holds the clock of every task. A [Var] holds the clock that a synchronising object passes on: a word, a
// doorbell, a lock. A [Shadow] remembers the last plain accesses to a piece of memory, byte by byte. The package knows nothing
// of the simulator: its tasks are numbers, so a race detector, a partial-order reduction or a diagram can each run an engine of
// its own.
//
// Vector clocks: Fidge 1988, Mattern 1989. The shadow is FastTrack (Flanagan and Freund, PLDI 2009) without its
// compression of variables: one epoch a byte for writes and one for each reading task.
//
// Nothing here is safe for concurrent use.
package hb

// Clock is a vector clock: for each task, the last of its epochs that happens before.
type Clock []uint32

// Join makes c, which is no shorter than d, the least clock that is after both.
func (c Clock) Join(d Clock) {
	for i, v := range d {
		c[i] = max(c[i], v)
	}
}

// Var is the clock of a synchronising object. The zero Var orders nothing. An Engine clears the Vars that it used
// when it is reset, so a Var belongs to one Engine.
type Var struct{ clock Clock }

// Engine holds the clocks of the tasks of one execution. The zero Engine has no tasks; call Reset.
type Engine struct {
	n     int // length of a clock
	tasks []Clock
	pool  []uint32
	used  []*Var
}

// Reset forgets everything and makes the engine ready for up to n tasks.
func (e *Engine) Reset(n int) {
	for _, v := range e.used {
		v.clock = nil
	}
	e.n, e.tasks, e.pool, e.used = n, e.tasks[:0], e.pool[:0], e.used[:0]
}

// Start begins task, the next free number. What parent did so far is ordered before it; a parent below 0 is none.
func (e *Engine) Start(parent int) (task int) {
	task = len(e.tasks)
	c := e.fresh()
	if parent >= 0 {
		c.Join(e.begun(e.tasks[parent]))
		e.tasks[parent][parent]++
	}
	c[task] = 1
	e.tasks = append(e.tasks, c)
	return task
}

// begun returns the part of c that is about tasks that have begun. The rest is zero, and n may be much larger.
func (e *Engine) begun(c Clock) Clock { return c[:len(e.tasks)] }

// Clock returns the clock of a task. The caller must not change or keep it.
func (e *Engine) Clock(task int) Clock { return e.tasks[task] }

// Acquire orders task after what v passes on: a load, a wait that was rung, a lock taken.
func (e *Engine) Acquire(task int, v *Var) {
	if v.clock != nil {
		e.tasks[task].Join(e.begun(v.clock))
	}
}

// Publish makes v pass on what task did so far, and nothing else: a store.
func (e *Engine) Publish(task int, v *Var) {
	e.own(v)
	copy(v.clock, e.begun(e.tasks[task]))
	e.tasks[task][task]++
}

// Update is Acquire and then Publish: a read-modify-write, which continues a release sequence.
func (e *Engine) Update(task int, v *Var) {
	e.Acquire(task, v)
	e.Publish(task, v)
}

// Release adds what task did so far to what v passes on: a ring, a lock given back.
func (e *Engine) Release(task int, v *Var) {
	e.own(v)
	v.clock.Join(e.begun(e.tasks[task]))
	e.tasks[task][task]++
}

// Snapshot returns what a message of task carries.
func (e *Engine) Snapshot(task int) Clock {
	c := e.fresh()
	copy(c, e.begun(e.tasks[task]))
	e.tasks[task][task]++
	return c
}

// Join orders task after a snapshot.
func (e *Engine) Join(task int, c Clock) { e.tasks[task].Join(e.begun(c)) }

// own gives v a clock.
func (e *Engine) own(v *Var) {
	if v.clock == nil {
		v.clock = e.fresh()
		e.used = append(e.used, v)
	}
}

// fresh returns a zero clock. It is valid until Reset.
func (e *Engine) fresh() Clock {
	if len(e.pool)+e.n > cap(e.pool) {
		e.pool = make([]uint32, 0, max(4096, 16*e.n, 2*cap(e.pool))) // soon it is large enough for all executions
	}
	i := len(e.pool)
	e.pool = e.pool[:i+e.n]
	c := Clock(e.pool[i : i+e.n : i+e.n])
	clear(c)
	return c
}
