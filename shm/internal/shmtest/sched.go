package shmtest

import (
	"iter"
	"slices"
	"testing"
	"time"

	"cutthrough/shm"
	"cutthrough/shm/access"
)

// Sched runs tasks one at a time and lets [Explore] decide at each shared access which one
// goes on. A task that waits for a [Bell] is not enabled.
type Sched struct {
	Tasks []*Task // in the order of Spawn
	cur   *Task
}

// Task is one task of a [Sched].
type Task struct {
	StopAt  int  // before this access, counted from 1, the task stops for ever; 0: never
	MayWait bool // for ever: it is no error

	name    string
	next    func() (struct{}, bool)
	cancel  func()
	yield   func(struct{}) bool
	bell    *Bell // waited for
	steps   int
	done    bool
	stopped bool
}

// Stopped says whether the task has stopped at StopAt.
func (t *Task) Stopped() bool { return t.stopped }

// point is called before each shared access and each call of a doorbell.
func (s *Sched) point() {
	t := s.cur
	if t == nil {
		return // setup and checks
	}
	t.steps++
	t.stopped = t.steps == t.StopAt
	s.suspend()
}

func (s *Sched) suspend() {
	if !s.cur.yield(struct{}{}) {
		panic(ErrKilled)
	}
}

// View returns a second view of the memory of seg, for the tasks of s.
func (s *Sched) View(tb testing.TB, seg *shm.Segment) *shm.Segment {
	view, y := Hooked(tb, seg)
	y.OnAccess = func(int, uint64, shm.Name, access.Op) { s.point() }
	return view
}

// Spawn adds a task that runs body.
func (s *Sched) Spawn(name string, body func()) *Task {
	t := &Task{name: name}
	t.next, t.cancel = iter.Pull(func(yield func(struct{}) bool) {
		t.yield = yield
		t.done = !Dies(body)
	})
	s.Tasks = append(s.Tasks, t)
	return t
}

func (t *Task) enabled() bool {
	return !t.done && !t.stopped && (t.bell == nil || t.bell.rung)
}

// run runs the tasks until none is enabled and returns those that wait for ever.
// pick chooses one of n, 0 being the current task if it can go on.
func (s *Sched) run(preemptions int, pick func(n int) int) (stuck []string) {
	for {
		var enabled []*Task
		for _, t := range s.Tasks {
			if t.enabled() {
				enabled = append(enabled, t)
			}
		}
		if len(enabled) == 0 {
			break
		}
		if i := slices.Index(enabled, s.cur); i >= 0 {
			enabled[0], enabled[i] = enabled[i], enabled[0]
			if preemptions == 0 {
				enabled = enabled[:1]
			}
		}
		next := enabled[pick(len(enabled))]
		if s.cur != nil && s.cur != next && s.cur.enabled() {
			preemptions--
		}
		s.cur = next
		next.next()
	}
	s.cur = nil
	for _, t := range s.Tasks {
		if !t.done && !t.stopped && !t.MayWait {
			stuck = append(stuck, t.name)
		}
		t.cancel()
	}
	return stuck
}

// Explore runs all executions of setup's tasks with at most that many
// preemptions, and check after each. It returns how many there were.
func Explore(tb testing.TB, preemptions int, setup func(s *Sched) (check func())) int {
	tb.Helper()
	type choice struct{ picked, n int }
	var path []choice
	for runs := 1; ; runs++ {
		at := 0
		s := &Sched{}
		check := setup(s)
		stuck := s.run(preemptions, func(n int) int {
			if at == len(path) {
				path = append(path, choice{0, n})
			}
			at++
			return path[at-1].picked
		})
		if check(); len(stuck) > 0 {
			tb.Errorf("%v wait for ever", stuck)
		}
		if tb.Failed() {
			tb.Fatalf("in execution %d, choices %v", runs, path)
		}
		for len(path) > 0 && path[len(path)-1].picked+1 == path[len(path)-1].n {
			path = path[:len(path)-1]
		}
		if len(path) == 0 {
			return runs
		}
		path[len(path)-1].picked++
	}
}

// NewBell returns a doorbell for the tasks of s.
func (s *Sched) NewBell() *Bell { return &Bell{s: s} }

// Bell is an [shm.Doorbell] for the tasks of a [Sched].
type Bell struct {
	s    *Sched
	rung bool
}

// Ring implements [shm.Doorbell].
func (b *Bell) Ring() error {
	b.s.point()
	b.rung = true
	return nil
}

// Wait implements [shm.Doorbell].
func (b *Bell) Wait(_ func() bool, deadline time.Duration) error {
	b.s.point()
	if !b.rung && deadline != shm.Forever {
		return shm.ErrDeadline
	}
	for !b.rung {
		b.s.cur.bell = b
		b.s.suspend()
		b.s.cur.bell = nil
	}
	b.rung = false
	return nil
}

// Close implements [shm.Doorbell].
func (b *Bell) Close() error { return nil }
