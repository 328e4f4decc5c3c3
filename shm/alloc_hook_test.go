package shm

import (
	"errors"
	"iter"
	"slices"
	"testing"
	"time"
)

// hookYielder calls hook before each access, counted from 1.
type hookYielder struct {
	n    int
	hook func(n int, off uint64, name Name, op Op)
}

func (y *hookYielder) Before(_ *Segment, off, _ uint64, name Name, op Op) {
	if y.hook != nil {
		y.n++
		y.hook(y.n, off, name, op)
	}
}

func (y *hookYielder) After(uint64, bool) {}

// hooked attaches the memory of seg once more, with a hook that the caller sets.
func hooked(tb testing.TB, seg *Segment) (*Segment, *hookYielder) {
	tb.Helper()
	y := &hookYielder{}
	view, err := AttachSegment(seg.mem, y, nil, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return view, y
}

func heapSegment(tb testing.TB, size uint64) *Segment {
	tb.Helper()
	seg, err := NewHeapSegment(size)
	if err != nil {
		tb.Fatal(err)
	}
	return seg
}

// errKilled is what a killed process panics with.
var errKilled = errors.New("killed")

// dies runs f and says whether it was killed.
func dies(f func()) (died bool) {
	defer func() {
		if r := recover(); r == errKilled {
			died = true
		} else if r != nil {
			panic(r)
		}
	}()
	f()
	return false
}

// sched runs tasks one at a time and lets explore decide at each shared access who
// goes on. A task that waits for a bell is not enabled.
type sched struct {
	tasks []*schedTask
	cur   *schedTask
}

type schedTask struct {
	name    string
	next    func() (struct{}, bool)
	cancel  func()
	yield   func(struct{}) bool
	bell    *schedBell // waited for
	steps   int
	stopAt  int  // before this access the task stops for ever; 0: never
	mayWait bool // for ever: it is no error
	done    bool
	stopped bool
}

// point is called before each shared access and each call of a doorbell.
func (s *sched) point() {
	t := s.cur
	if t == nil {
		return // setup and checks
	}
	t.steps++
	t.stopped = t.steps == t.stopAt
	s.suspend()
}

func (s *sched) suspend() {
	if !s.cur.yield(struct{}{}) {
		panic(errKilled)
	}
}

// view attaches the memory of seg for the tasks of s.
func (s *sched) view(tb testing.TB, seg *Segment) *Segment {
	view, y := hooked(tb, seg)
	y.hook = func(int, uint64, Name, Op) { s.point() }
	return view
}

func (s *sched) spawn(name string, body func()) *schedTask {
	t := &schedTask{name: name}
	t.next, t.cancel = iter.Pull(func(yield func(struct{}) bool) {
		t.yield = yield
		t.done = !dies(body)
	})
	s.tasks = append(s.tasks, t)
	return t
}

func (t *schedTask) enabled() bool {
	return !t.done && !t.stopped && (t.bell == nil || t.bell.rung)
}

// run runs the tasks until none is enabled and returns those that wait for ever.
// pick chooses one of n, 0 being the current task if it can go on.
func (s *sched) run(preemptions int, pick func(n int) int) (stuck []string) {
	for {
		var enabled []*schedTask
		for _, t := range s.tasks {
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
	for _, t := range s.tasks {
		if !t.done && !t.stopped && !t.mayWait {
			stuck = append(stuck, t.name)
		}
		t.cancel()
	}
	return stuck
}

// explore runs all executions of setup's tasks with at most that many
// preemptions, and check after each. It returns how many there were.
func explore(tb testing.TB, preemptions int, setup func(s *sched) (check func())) int {
	tb.Helper()
	type choice struct{ picked, n int }
	var path []choice
	for runs := 1; ; runs++ {
		at := 0
		s := &sched{}
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

// schedBell is a Doorbell for the tasks of a sched.
type schedBell struct {
	s    *sched
	rung bool
}

func (b *schedBell) Ring() error {
	b.s.point()
	b.rung = true
	return nil
}

func (b *schedBell) Wait(_ func() bool, deadline time.Duration) error {
	b.s.point()
	if !b.rung && deadline != Forever {
		return ErrDeadline
	}
	for !b.rung {
		b.s.cur.bell = b
		b.s.suspend()
		b.s.cur.bell = nil
	}
	b.rung = false
	return nil
}

func (b *schedBell) Desc() Desc   { return nil }
func (b *schedBell) Close() error { return nil }
