package cli

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/exec"
	"cutthrough/sim/scenario"
)

var (
	nameSum   = shm.NewName("test.sum")
	nameBell  = shm.NewName("test.bell")
	nameOther = shm.NewName("test.other")
)

// testScenarios provoke the results that the real scenarios, which hold, do not.
func testScenarios() []*scenario.Scenario {
	return []*scenario.Scenario{
		{
			Name: "test-sum", Verbs: sumVerbs, Generate: genSum, Compile: sum(false), Sometimes: []string{"added"},
			Doc: "two processes add to a sum, not atomically", Long: "The sum is too small when they add at the same time.",
		},
		{
			Name: "test-atomic", Verbs: sumVerbs, Generate: genSum, Compile: sum(true), Sometimes: []string{"added"},
			Doc: "two processes add to a sum, atomically", Long: "The sum is right.",
		},
		{Name: "test-loop", Generate: genNothing, Compile: hangs(loop), Doc: "a task computes for ever"},
		{Name: "test-block", Generate: genNothing, Compile: hangs(func() { <-make(chan int) }), Doc: "a task waits at a channel"},
		{Name: "test-mutex", Generate: genNothing, Compile: hangs(lockTwice), Doc: "a task waits at a mutex"},
		{Name: "test-goexit", Generate: genNothing, Compile: justOne(runtime.Goexit), Doc: "a task calls Goexit"},
		{Name: "test-goroutine", Generate: genNothing, Compile: oneTask(startsGoroutine), Doc: "a task starts a goroutine"},
		{Name: "test-unjoined", Generate: genNothing, Compile: oneTask(startsUnjoined), Doc: "a task starts a goroutine and goes on"},
		{Name: "test-setup-goexit", Generate: genNothing, Compile: program(func(*sim.World) { runtime.Goexit() }), Doc: "the setup calls Goexit"},
		{Name: "test-deadlock", Generate: genNothing, Compile: program(waitForever), Doc: "a task waits for ever"},
		{
			Name: "test-unreached", Generate: genNothing, Compile: program(idle), Sometimes: []string{"something"},
			Doc: "nothing ever happens",
		},
		{Name: "test-idle", Generate: genNothing, Compile: program(idle), Doc: "nothing to find"},
		{Name: "test-luck", Generate: genNothing, Compile: program(luck), Doc: "executions depend on more than their choices"},
		{Name: "test-long", Generate: genNothing, Compile: program(long), Doc: "a violation with much to show"},
		{Name: "test-large", Generate: genNothing, Compile: limited(time.Minute, choosing), Doc: "a violation after nearly as many interventions as there may be steps"},
		{Name: "test-late", Generate: genNothing, Compile: program(late), Doc: "a violation, and a file at the place of the directory for it"},
		{Name: "test-stuck", Generate: genNothing, Compile: program(stuck), Doc: "an execution that does not end"},
		{Name: "test-panic", Generate: genNothing, Compile: crash, Doc: "the scenario itself is wrong"},
		{Name: "test-invalid", Generate: genNothing, Compile: invalid, Doc: "the scenario refuses its own cases"},
	}
}

func genNothing(scenario.Source) scenario.Input { return scenario.Input{} }

func program(setup func(*sim.World)) func(scenario.Input) (scenario.Program, error) {
	return limited(500*time.Millisecond, setup)
}

// limited is a program with a limit for how long a task may be away between two accesses.
func limited(limit time.Duration, setup func(*sim.World)) func(scenario.Input) (scenario.Program, error) {
	return func(scenario.Input) (scenario.Program, error) {
		return scenario.Program{Config: sim.Config{HangLimit: limit}, Setup: setup}, nil
	}
}

// add is an operation of a sum: a process adds n.
type add struct{ n int }

var sumVerbs = scenario.Verbs{
	scenario.VerbOf("add", []string{"a", "b"}, add{}, scenario.Number("n", 0, 100, func(o *add) *int { return &o.n })),
}

func genSum(src scenario.Source) scenario.Input {
	b := &scenario.Builder{Verbs: sumVerbs}
	b.Set("spare", src.Intn(3, "spare"))
	for _, p := range []string{"a", "b"} {
		for range 1 + src.Intn(2, "operations") {
			b.Op(p, add{1 + src.Intn(3, "n")})
		}
	}
	return b.Input
}

// oneTask is a program of one task, a, which accesses a word before it calls f.
func oneTask(f func(w *sim.World, x shm.Uint64)) func(scenario.Input) (scenario.Program, error) {
	return program(taskA(f))
}

// taskA is the setup of oneTask.
func taskA(f func(w *sim.World, x shm.Uint64)) func(*sim.World) {
	return func(w *sim.World) {
		p := w.Process("a")
		seg, err := p.CreateSegment(4096)
		if err != nil {
			panic(err)
		}
		x := seg.Uint64(64, nameOther)
		p.Go("a", func() {
			x.Load()
			f(w, x)
		})
	}
}

func justOne(f func()) func(scenario.Input) (scenario.Program, error) {
	return oneTask(func(*sim.World, shm.Uint64) { f() })
}

// hangs is justOne for what never comes back, so the limit, which passes in any case, may be short.
func hangs(f func()) func(scenario.Input) (scenario.Program, error) {
	return limited(100*time.Millisecond, taskA(func(*sim.World, shm.Uint64) { f() }))
}

// stuck says so and hangs where no guard looks.
func stuck(*sim.World) {
	fmt.Fprintln(os.Stderr, "stuck")
	select {}
}

var ready atomic.Bool // stays false

func loop() {
	for !ready.Load() {
	}
}

func lockTwice() {
	var mu sync.Mutex
	mu.Lock()
	mu.Lock()
}

func startsGoroutine(_ *sim.World, x shm.Uint64) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		x.Store(1)
	}()
	<-done
	x.Load()
}

func startsUnjoined(_ *sim.World, x shm.Uint64) {
	go x.Store(1)
	for range 100 {
		x.Load()
	}
}

// sum returns programs in which two processes add to a sum.
func sum(atomic bool) func(scenario.Input) (scenario.Program, error) {
	return func(c scenario.Input) (scenario.Program, error) { return compileSum(c, atomic) }
}

func compileSum(c scenario.Input, atomic bool) (scenario.Program, error) {
	_, ops, err := scenario.ReadInput(c, []scenario.Key{{Name: "spare", Max: 2}}, sumVerbs)
	if err != nil {
		return scenario.Program{}, err
	}
	return scenario.Program{Config: sim.Config{MaxFaults: 1, Faults: sim.Faults(exec.Stop, exec.Resume)}, Setup: func(w *sim.World) {
		a, b := w.Process("a"), w.Process("b")
		seg, err := a.CreateSegment(4096)
		if err != nil {
			panic(err)
		}
		want := 0
		for _, p := range []*sim.Process{a, b} {
			mine := scenario.OpsOf[add](ops, p.Name())
			for _, o := range mine {
				want += o.n
			}
			sum := p.View(seg).Uint64(64, nameSum)
			p.Go(p.Name(), func() {
				for _, o := range mine {
					if atomic {
						sum.Add(uint64(o.n))
					} else {
						sum.Store(sum.Load() + uint64(o.n))
					}
					w.Sometimes("added")
				}
			})
		}
		w.AtEnd("Sum", func() error {
			if v := seg.Uint64(64, nameSum).Load(); v != uint64(want) {
				return fmt.Errorf("the sum is %d, not %d", v, want)
			}
			return nil
		})
	}}, nil
}

func waitForever(w *sim.World) {
	p := w.Process("a")
	bell := p.NewLocalDoorbell(nameBell)
	p.Go("a", func() { _ = bell.Wait(func() bool { return false }, shm.Forever) })
}

func idle(w *sim.World) {
	for _, name := range []string{"a", "b"} {
		p := w.Process(name)
		seg, err := p.CreateSegment(4096)
		if err != nil {
			panic(err)
		}
		x := seg.Uint64(64, nameOther)
		p.Go(name, func() { x.Add(1) })
	}
}

var executions atomic.Uint64

func luck(w *sim.World) {
	p := w.Process("a")
	seg, err := p.CreateSegment(4096)
	if err != nil {
		panic(err)
	}
	x := seg.Uint64(64, nameOther)
	p.Go("a", func() { x.Store(executions.Add(1)) })
}

// long fails only after many steps, with many interventions and a long message.
func long(w *sim.World) {
	a := w.Process("a")
	seg, err := a.CreateSegment(4096)
	if err != nil {
		panic(err)
	}
	x, drawn := seg.Uint64(64, nameOther), 0
	a.Go("a", func() {
		for range 60 {
			drawn += w.Choose(nameOther, 2)
			x.Add(1)
		}
		if drawn >= 20 {
			w.Fail("Long", "%d\n2\n3\n4\n5\n6\n7\n8", drawn)
		}
	})
}

// choosing draws one of four in nearly all of the steps that there may be, and fails unless all are the default.
func choosing(w *sim.World) {
	w.Process("a").Go("a", func() {
		drawn := 0
		for range 19_000 {
			drawn += w.Choose(nameOther, 4)
		}
		if drawn > 0 {
			w.Fail("Long", "%d", drawn)
		}
	})
}

// late makes a file where the trace is to go, as another process might.
func late(w *sim.World) {
	_ = os.WriteFile("late", nil, 0o600)
	waitForever(w)
}

func crash(scenario.Input) (scenario.Program, error) { panic("test-panic") }

func invalid(scenario.Input) (scenario.Program, error) {
	return scenario.Program{}, errors.New("no such case")
}
