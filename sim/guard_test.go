package sim_test

import (
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/exec"
	"cutthrough/sim/internal/pairtest"
)

// TestGuards runs programs that leave the simulation: each is a failure that names the task and the place.
func TestGuards(t *testing.T) {
	never := make(chan struct{})
	spins := 0
	t.Cleanup(func() { close(never) }) // ends the tasks that are left behind
	for _, tt := range []struct {
		name, property, message string
		task                    func(w *sim.World, p *pairtest.Pair)
	}{
		{"endless loop", exec.NoHang, `^a has not come back to a hooked access for 500ms: it computes without an end at guard_test.go:\d+$`,
			func(*sim.World, *pairtest.Pair) {
				for ended := false; !ended; {
					select {
					case _, open := <-never:
						ended = !open
					default:
						spins++
					}
				}
			}},
		{"channel", exec.NoHang, `it waits outside of the simulation \(chan receive\) at guard_test.go:\d+$`,
			func(*sim.World, *pairtest.Pair) { <-never }},
		{"mutex", exec.NoHang, `it waits outside of the simulation \(sync.Mutex.Lock\) at guard_test.go:\d+$`,
			func(*sim.World, *pairtest.Pair) {
				var mu sync.Mutex
				mu.Lock()
				go func() { <-never; mu.Unlock() }()
				mu.Lock()
			}},
		{"Goexit", exec.NoGoexit, `^a calls runtime.Goexit \(as t.FailNow does\) at guard_test.go:\d+$`,
			func(*sim.World, *pairtest.Pair) { runtime.Goexit() }},
		{"goroutine", exec.TasksOnly, `^a goroutine that is not a task makes the access x store at guard_test.go:\d+: start it with Host.Go$`,
			func(_ *sim.World, p *pairtest.Pair) {
				done := make(chan struct{})
				go func() { defer close(done); p.XA.Store(1) }()
				<-done
				p.XA.Load()
			}},
		{"goroutine that the task waits for", exec.TasksOnly, `makes the access x store at guard_test.go:\d+`,
			func(_ *sim.World, p *pairtest.Pair) {
				done := make(chan struct{})
				go func() { p.XA.Store(1); close(done) }()
				select {
				case <-done:
				case <-never:
				}
			}},
		{"segment of another process", exec.OwnMapping, `^a: x load of byte 64 of a segment that only process b has mapped here$`,
			func(_ *sim.World, p *pairtest.Pair) { p.XB.Load() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := sim.NewRunner()
			o := r.Run(sim.Config{HangLimit: 500 * time.Millisecond}, sim.Default{}, func(w *sim.World) {
				p := pairtest.New(w)
				p.A.Go("a", func() { p.YA.Load(); tt.task(w, p) })
			})
			if o.Failure == nil || o.Failure.Property != tt.property || !regexp.MustCompile(tt.message).MatchString(o.Failure.Message) {
				t.Errorf("got %v, want %s: %s", o.Failure, tt.property, tt.message)
			}
		})
	}
}

// TestHangKeepsTheSchedule: the Runner knows how it came to a task that hangs, and what other executions reached.
func TestHangKeepsTheSchedule(t *testing.T) {
	t.Parallel()
	never := make(chan struct{})
	t.Cleanup(func() { close(never) })
	r := sim.NewRunner()
	o := r.Run(sim.Config{}, sim.NewReplay(schedule(t, "a @ x store #2 -> b")), func(w *sim.World) {
		w.Sometimes("began")
		p := pairtest.New(w)
		p.A.Go("a", func() { p.XA.Store(1); p.XA.Store(2) })
		p.B.Go("b", func() {
			if p.XB.Load() == 1 {
				<-never
			}
		})
	})
	if o.Verdict() != exec.NoHang || fmt.Sprint(r.Schedule()) != "[a @ x store #2 -> b]" || r.SometimesCounts()["began"] != 1 {
		t.Errorf("%v by %v, marks %v", o.Failure, r.Schedule(), r.SometimesCounts())
	}
}

// TestGuardPassesOn: what ends the guarded function ends the caller.
func TestGuardPassesOn(t *testing.T) {
	r := sim.NewRunner()
	defer r.Close()
	func() {
		defer func() {
			if got := recover(); got != "stop" {
				t.Errorf("recovered %v", got)
			}
		}()
		r.Guard(func() { panic("stop") })
	}()
	func() {
		defer func() {
			if got, _ := recover().(string); !strings.Contains(got, "index out of range") || !strings.Contains(got, "guard_test.go") {
				t.Errorf("recovered %q, want a message with the place", got)
			}
		}()
		r.Guard(func() { _ = make([]int, 1)[len(t.Name())] })
	}()
	ended := make(chan bool)
	go func() {
		returned := false
		defer func() { ended <- returned }()
		r.Guard(runtime.Goexit)
		returned = true
	}()
	if <-ended {
		t.Error("Guard returned after Goexit")
	}
}

// peterson is Peterson's lock for two tasks; swapped, a task looks before it announces itself.
func peterson(swapped bool) func(*sim.World) {
	return func(w *sim.World) {
		a, b := w.Process("a"), w.Process("b")
		sa, err := a.CreateSegment(shm.MinSegment)
		if err != nil {
			panic(err)
		}
		inside := 0
		enter := func(s *shm.Segment, me uint64) func() {
			mine, other := s.Uint64(64+8*me, nameX), s.Uint64(64+8*(1-me), nameX)
			turn := s.Uint64(80, nameY)
			return func() {
				if swapped {
					turn.Store(1 - me)
					mine.Store(1)
				} else {
					mine.Store(1)
					turn.Store(1 - me)
				}
				for other.Load() == 1 && turn.Load() == 1-me {
				}
				if inside++; inside == 2 {
					w.Fail("Exclusive", "both are inside")
				}
				turn.Load()
				inside--
				mine.Store(0)
			}
		}
		a.Go("a", enter(sa, 0))
		b.Go("b", enter(b.View(sa), 1))
	}
}

// TestPolling: loops that wait for a word are explored, not spun in.
func TestPolling(t *testing.T) {
	for _, strategy := range []string{"dfs:2", "pct:3", "random"} {
		rep := exploreWith(t, strategy, 1000, pairtest.Fixed(sim.Config{}, peterson(true)))
		if rep.Violation == nil || rep.Violation.Failure.Property != "Exclusive" {
			t.Errorf("%s: found %+v in %d executions", strategy, rep.Violation, rep.Executions)
		}
	}
	wantExhausted(t, "dfs:3", sim.Config{}, peterson(false))
	wantFailure(t, sim.Config{MaxSteps: 200}, func(w *sim.World) {
		p := pairtest.New(w)
		p.A.Go("a", func() {
			for p.XA.Load() == 0 {
			}
		})
		p.B.Go("b", func() { p.YB.Store(1) })
	}, exec.NoLivelock, "a spins around x load")
}

// TestStrayOfAnEarlierExecution: a goroutine that outlives its execution does not spoil the next one unnoticed.
func TestStrayOfAnEarlierExecution(t *testing.T) {
	r := sim.NewRunner()
	defer r.Close()
	start, done := make(chan struct{}), make(chan struct{})
	r.Run(sim.Config{}, sim.Default{}, func(w *sim.World) {
		p := pairtest.New(w)
		go func() { defer close(done); <-start; p.XA.Store(1) }()
		p.A.Go("a", func() { p.XA.Load() })
	})
	o := r.Run(sim.Config{}, sim.Default{}, func(w *sim.World) {
		p := pairtest.New(w)
		close(start) // while the root runs
		<-done
		p.A.Go("a", func() { p.XA.Load() })
	})
	if o.Failure == nil || o.Failure.Property != exec.TasksOnly || !strings.Contains(o.Failure.Message, "x store at guard_test.go") {
		t.Errorf("got %v", o.Failure)
	}
}
