package sim

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"cutthrough/shm"
	"cutthrough/shm/access"
	"cutthrough/sim/exec"
)

// hangLimit is the default of Config.HangLimit.
const hangLimit = 3 * time.Second

// guardTick is how often a guard looks. A process that was suspended as a whole misses ticks, so it does not seem to hang.
const guardTick = 100 * time.Millisecond

// beatEvery is after how many steps a running task gives a sign of life.
const beatEvery = 1024

// oneBeat is a sign of life in guard.pulse. What is below is the number of a task.
const oneBeat = 1 << 8

// guard watches the tasks of a Runner from outside.
type guard struct {
	on        bool          // the caller is inside Guard
	root      goroutine     // that runs executions
	entitled  *goroutine    // the one that may touch memory now: the root or the running task; nil between executions
	pulse     atomic.Uint64 // the number of the task that runs, from 1, and above that a count; the root and tasks write it
	limit     atomic.Int64  // Config.HangLimit of the execution
	abandoned atomic.Bool   // a task hangs and the caller of Guard has gone on
	stray     atomic.Pointer[stray]
	alarm     atomic.Bool // abandoned or stray is set
}

// stray is an access by a goroutine that is not a task.
type stray struct{ text string }

// enter notes that t runs.
func (g *guard) enter(t *task) {
	g.entitled = &t.co.self
	g.pulse.Store(g.pulse.Load()&^(oneBeat-1) | uint64(t.id+1))
}

// beat gives a sign of life.
func (g *guard) beat() { g.pulse.Add(oneBeat) }

// leave notes that no task runs any more, and gives a sign of life.
func (g *guard) leave() { g.pulse.Store(g.pulse.Load()&^(oneBeat-1) + oneBeat) }

// check ends the root, which runs again, if the caller of Guard has gone on without it: nothing may run any more.
func (g *guard) check() {
	if g.abandoned.Load() {
		runtime.Goexit()
	}
}

// Guard runs f, which may call Run any number of times, and watches the tasks: if one does not come back to a hooked access
// for Config.HangLimit of real time, Guard returns at once with the Outcome of that execution, a violation of exec.NoHang that names the
// task and the place in its code. The hanging goroutine cannot be ended from outside and is left behind; the Runner must not run
// anything any more. Otherwise Guard returns nil when f returns. A panic of f is passed on.
//
// Run guards a single execution by itself; a loop of executions is faster inside one Guard.
func (r *Runner) Guard(f func()) (hang *Outcome) {
	g := &r.guard
	if g.on {
		f()
		return nil
	}
	g.on = true
	ended := make(chan ending, 1) //tidy:concurrency the guard watches the simulation from outside
	go guarded(&g.root, f, ended)
	var e ending
	e, hang = r.watch(ended)
	if hang != nil {
		r.abandon()
		return hang
	}
	g.on = false
	switch {
	case e.returned:
		return nil
	case e.panicked != nil:
		panic(e.panicked)
	}
	runtime.Goexit() // as f did, for example by t.FailNow
	return nil
}

// ending says how a guarded function ended: it returned, panicked, or called runtime.Goexit.
type ending struct {
	returned bool
	panicked any
}

func guarded(root *goroutine, f func(), ended chan<- ending) { //tidy:concurrency it tells the guard
	var e ending
	defer func() {
		if !e.returned {
			e.panicked = recover()
		}
		if err, ok := e.panicked.(runtime.Error); ok {
			e.panicked = fmt.Sprintf("%v\n%s", err, debug.Stack())
		}
		ended <- e
	}()
	*root = goroutine{id: goroutineID()}
	f()
	e.returned = true
}

// watch waits until the function has ended or a task hangs.
func (r *Runner) watch(ended <-chan ending) (ending, *Outcome) { //tidy:concurrency the guard watches the simulation from outside
	g := &r.guard
	tick := time.NewTicker(guardTick) //tidy:concurrency a hang is measured in real time
	defer tick.Stop()
	last, same := g.pulse.Load(), time.Duration(0)
	for {
		select { //tidy:concurrency see above
		case e := <-ended:
			return e, nil
		case <-tick.C:
		}
		now := g.pulse.Load()
		running := now % oneBeat
		if now != last || running == 0 {
			last, same = now, 0
			continue
		}
		if same += guardTick; same < time.Duration(g.limit.Load()) {
			continue
		}
		g.abandoned.Store(true)
		g.alarm.Store(true)
		return ending{}, &Outcome{Failure: g.hang(r.world.tasks[running-1])}
	}
}

// hang describes a task that does not come back.
func (g *guard) hang(t *task) *exec.Failure {
	if s := g.stray.Load(); s != nil {
		return &exec.Failure{Property: exec.TasksOnly, Message: s.text, Task: t.name}
	}
	return &exec.Failure{
		Property: exec.NoHang, Task: t.name,
		Message: fmt.Sprintf("%s has not come back to a hooked access for %s: it %s", t.name, time.Duration(g.limit.Load()), whereabouts(t.co.self.id)),
	}
}

// mustRun checks that the caller is the goroutine that may touch memory now, the running task or the root: an access by any
// other would be neither scheduled nor repeatable. Such a goroutine ends here, with its deferred functions, and the execution
// fails at the next step of a task.
func (w *World) mustRun(name shm.Name, op access.Op) {
	if at := frame(); !w.run.guard.lets(at) {
		w.mayRun(at, name, op)
	}
}

// lets says that the caller, which is at, may touch memory now. If it does not the caller may still: only mayRun knows.
func (g *guard) lets(at uintptr) bool {
	e := g.entitled
	return e != nil && e.knows(at) && !g.alarm.Load()
}

// mayRun is mustRun where lets does not decide.
func (w *World) mayRun(at uintptr, name shm.Name, op access.Op) {
	g := &w.run.guard
	if g.entitled == nil {
		return // a look at memory after the execution
	}
	if !g.entitled.here(at) && !g.abandoned.Load() {
		g.stray.CompareAndSwap(nil, &stray{fmt.Sprintf("a goroutine that is not a task makes the access %s %s at %s: start it with Host.Go", name, op, caller())})
		g.alarm.Store(true)
		runtime.Goexit()
	}
	if t := w.cur; t != nil && g.alarm.Load() {
		w.strays()
		t.unwind = true
		panic(unwound{})
	}
}

// strays fails the execution if a goroutine that is not a task has made an access.
func (w *World) strays() {
	g := &w.run.guard
	if !g.alarm.Load() {
		return
	}
	g.alarm.Store(g.abandoned.Load())
	if s := g.stray.Swap(nil); s != nil {
		w.failNow(exec.Failure{Property: exec.TasksOnly, Message: s.text})
	}
}

// goexit fails the execution because t calls runtime.Goexit, and keeps the coroutine from ending: that would end the root, too.
// It does not return.
func (w *World) goexit(t *task) {
	w.failNow(exec.Failure{
		Property: exec.NoGoexit,
		Message:  fmt.Sprintf("%s calls runtime.Goexit (as t.FailNow does) at %s", t.name, callerOf("runtime.Goexit")),
	})
	t.co.self.gone = true
	t.co.yield(struct{}{})
}
