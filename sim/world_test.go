package sim_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/exec"
	"cutthrough/sim/internal/pairtest"

	"github.com/google/go-cmp/cmp"
)

// TestWaitersOfALock: one waiter takes the lock, and then the other cannot go on any more.
func TestWaitersOfALock(t *testing.T) {
	o := replay(t, sim.Config{}, func(w *sim.World) {
		p := pairtest.New(w)
		l := p.A.NewLock(nameL)
		p.A.Go("a", func() { pass(l); p.YA.Load() })
		p.B.Go("b", func() { l.Lock(); p.XB.Load(); l.Unlock() })
		p.B.Go("c", func() { l.Lock(); p.YB.Load(); l.Unlock() })
	}, "a @ lock unlock #1 -> b")
	if o.Failure != nil {
		t.Fatal(o.Failure)
	}
	for _, tt := range []struct{ task, access, want string }{
		{"a", "lock lock", "a b c"}, {"c", "lock lock", "a c"}, {"a", "y load", "a b c"}, {"b", "x load", "b"}, {"c", "y load", "c"},
	} {
		if got := enabled(t, o.Execution, tt.task, tt.access, 1); got != tt.want {
			t.Errorf("at %s %s %s can run, want %s", tt.task, tt.access, got, tt.want)
		}
	}
}

// TestWhoGoesOn: which task goes on after one that cannot is explored without any preemption.
func TestWhoGoesOn(t *testing.T) {
	var orders []string
	rep := wantExhausted(t, "dfs:0", sim.Config{}, func(w *sim.World) {
		p := pairtest.New(w)
		order := ""
		for _, name := range []string{"a", "b", "c"} {
			p.A.Go(name, func() {
				order += name
				p.A.Sleep(1)
			})
		}
		w.AtEnd("order", func() error { orders = append(orders, order); return nil })
	})
	slices.Sort(orders)
	orders = slices.Compact(orders)
	// The first is a. Then two may go on, and later all three wake in any order.
	if want := []string{"abc", "acb"}; !slices.Equal(orders, want) || rep.Executions != 2*6 {
		t.Errorf("orders %v, %d executions", orders, rep.Executions)
	}
}

// TestIdle: the OnIdle functions are asked when neither a task nor the clock can go on, in order, until one has done something.
func TestIdle(t *testing.T) {
	rings := 0
	o := replay(t, sim.Config{}, func(w *sim.World) {
		rings = 0
		p := pairtest.New(w)
		bell := p.A.NewLocalDoorbell(nameB)
		asked := ""
		w.OnIdle(func() bool {
			asked += fmt.Sprintf("first at %d, ", w.Now())
			if rings++; rings <= 2 {
				_ = bell.Ring()
				return true
			}
			return false
		})
		w.OnIdle(func() bool { asked += "second, "; return false })
		p.A.Go("a", func() {
			for range 2 {
				_ = bell.Wait(nil, shm.Forever)
				w.Note("rung")
				p.A.Sleep(w.Now() + 5)
			}
		})
		p.B.GoDaemon("d", func() { p.B.NewLocalDoorbell(nameB).Wait(nil, shm.Forever) })
		w.AtEnd("asked", func() error {
			if want := "first at 0, first at 5, first at 10, second, "; asked != want {
				return fmt.Errorf("%q, want %q", asked, want)
			}
			return nil
		})
	})
	wantNotes(t, o, "rung", "rung")
}

// TestDaemonsMayWait: a daemon, or a task of a service, that waits for ever is no deadlock; any other task is.
func TestDaemonsMayWait(t *testing.T) {
	wait := func(p *sim.Process) func() {
		return func() { _ = p.NewLocalDoorbell(nameB).Wait(nil, shm.Forever) }
	}
	for _, tt := range []struct {
		name  string
		start func(p *sim.Process)
		want  string
	}{
		{"task", func(p *sim.Process) { p.Go("t", wait(p)) }, exec.NoDeadlock},
		{"daemon", func(p *sim.Process) { p.GoDaemon("t", wait(p)) }, exec.Pass},
		{"service", func(p *sim.Process) { p.Service().Go("t", wait(p)) }, exec.Pass},
		{"task beside a daemon", func(p *sim.Process) { p.GoDaemon("t", wait(p)); p.Go("t", wait(p)) }, exec.NoDeadlock},
	} {
		o := replay(t, sim.Config{}, func(w *sim.World) {
			p := pairtest.New(w)
			p.A.Go("a", func() { p.XA.Load() })
			tt.start(w.Process("p"))
		})
		if o.Verdict() != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, o.Failure, tt.want)
		}
	}
}

// TestProperties: an Always property is evaluated after every access to a word, outside the schedule; AtEnd only if all went well;
// the first violation counts.
func TestProperties(t *testing.T) {
	evaluated := 0
	program := func(atEnd error, second func(w *sim.World, p *pairtest.Pair)) func(*sim.World) {
		return func(w *sim.World) {
			evaluated = 0
			p := pairtest.New(w)
			p.A.Go("a", func() { p.XA.Load(); p.XA.Store(1); p.DA.CopyIn(0, []byte{1}); p.XA.CompareAndSwap(7, 8) })
			p.B.Go("b", func() { second(w, p) })
			w.Always("Always", func() error { evaluated++; p.YB.Load(); return nil })
			w.AtEnd("AtEnd", func() error { return atEnd })
		}
	}
	nothing := func(*sim.World, *pairtest.Pair) {}
	o := replay(t, sim.Config{}, program(nil, nothing))
	if want := []string{"a x load", "a x store", "a data write", "a x cas"}; o.Failure != nil || evaluated != 3 || !slices.Equal(steps(o.Execution), want) {
		t.Errorf("%v, evaluated %d times in %q", o.Failure, evaluated, steps(o.Execution))
	}
	wrong := errors.New("wrong")
	if o := replay(t, sim.Config{}, program(wrong, nothing)); o.Verdict() != "AtEnd" || o.Failure.Message != "wrong" || o.Failure.Step != 4 {
		t.Errorf("%+v", o.Failure)
	}
	stuck := func(_ *sim.World, p *pairtest.Pair) { _ = p.B.NewLocalDoorbell(nameB).Wait(nil, shm.Forever) }
	if o := replay(t, sim.Config{}, program(wrong, stuck)); o.Verdict() != exec.NoDeadlock {
		t.Errorf("%+v", o.Failure)
	}
	fail := func(w *sim.World, p *pairtest.Pair) {
		defer func() { w.Fail("Second", "too late") }()
		p.XB.Load()
		w.Fail("First", "by %s", "b")
	}
	if o := replay(t, sim.Config{}, program(wrong, fail)); *o.Failure != (exec.Failure{Property: "First", Message: "by b", Task: "b", Step: 5}) {
		t.Errorf("%+v", o.Failure)
	}
}

// TestFirstFailureCounts: what is violated later may be a consequence of it.
func TestFirstFailureCounts(t *testing.T) {
	o := replay(t, sim.Config{}, func(w *sim.World) {
		w.Process("p").Go("t", func() { w.Fail("Second", "by t") })
		w.Fail("First", "before any step")
	})
	if want := (exec.Failure{Property: "First", Message: "before any step"}); o.Failure == nil || *o.Failure != want {
		t.Errorf("%+v", o.Failure)
	}
}

// TestChoose: a draw is a question only if there is a choice, and 0 is the default.
func TestChoose(t *testing.T) {
	setup := func(w *sim.World) {
		p := w.Process("p")
		if w.Choose(nameD, 5) != 0 {
			t.Error("a draw in setup")
		}
		p.Go("t", func() { w.Note("%d %d %d", w.Choose(nameD, 1), w.Choose(nameD, 3), w.Choose(nameD, 3)) })
	}
	wantNotes(t, replay(t, sim.Config{}, setup), "0 0 0")
	two := replay(t, sim.Config{}, setup, "t @ draw choose #2 = 2")
	wantNotes(t, two, "0 0 2")
	one := replay(t, sim.Config{}, setup, "t @ draw choose #1 = 1")
	wantNotes(t, one, "0 1 0")
	if one.Digest == two.Digest {
		t.Error("a drawn value is not in the digest")
	}
}

// TestDigest: executions that differ in anything have different digests.
func TestDigest(t *testing.T) {
	seen := map[uint64]string{}
	r := sim.NewRunner()
	defer r.Close()
	for _, tt := range []struct {
		name string
		body func(w *sim.World, p *pairtest.Pair)
	}{
		{"nothing", func(*sim.World, *pairtest.Pair) {}},
		{"load", func(_ *sim.World, p *pairtest.Pair) { p.XA.Load() }},
		{"two loads", func(_ *sim.World, p *pairtest.Pair) { p.XA.Load(); p.XA.Load() }},
		{"store", func(_ *sim.World, p *pairtest.Pair) { p.XA.Store(1) }},
		{"another value", func(_ *sim.World, p *pairtest.Pair) { p.XA.Store(2) }},
		{"another name", func(_ *sim.World, p *pairtest.Pair) { p.YA.Store(1) }},
		{"another offset", func(_ *sim.World, p *pairtest.Pair) { p.Seg.Uint64(80, nameX).Store(1) }},
		{"swap", func(_ *sim.World, p *pairtest.Pair) { p.XA.Swap(1) }},
		{"write", func(_ *sim.World, p *pairtest.Pair) { p.DA.CopyIn(0, []byte{1}) }},
		{"write elsewhere", func(_ *sim.World, p *pairtest.Pair) { p.DA.CopyIn(8, []byte{1}) }},
		{"lock", func(_ *sim.World, p *pairtest.Pair) { p.A.NewLock(nameL).Lock() }},
	} {
		for last := range 2 {
			ch := sim.Chooser(sim.Default{})
			if last == 1 {
				ch = &menu{take: func(p *sim.Point) int { return p.N() - 1 }}
			}
			setup := func(w *sim.World) {
				p := pairtest.New(w)
				p.A.Go("a", func() { tt.body(w, p) })
				p.B.Go("b", func() { p.YB.Load() })
			}
			o, again := r.Run(sim.Config{}, ch, setup), r.Run(sim.Config{}, ch, setup)
			if o.Digest != again.Digest {
				t.Errorf("%s: %016x and %016x for the same", tt.name, o.Digest, again.Digest)
			}
			name := fmt.Sprintf("%s, option %d", tt.name, last)
			if other, ok := seen[o.Digest]; ok {
				t.Errorf("%s has the digest of %s", name, other)
			}
			seen[o.Digest] = name
		}
	}
}

// TestRunnerForgets: an execution is the same whatever its Runner ran before.
func TestRunnerForgets(t *testing.T) {
	probe := func(w *sim.World) {
		p := pairtest.New(w)
		ca, cb := w.ConnPair(p.A, p.B)
		bell := p.A.NewLocalDoorbell(nameB)
		p.A.Go("a", func() {
			w.Note("x %d", p.XA.Load())
			p.DA.CopyOut(make([]byte, 64), 0)
			for p.XA.Load() == 0 {
			}
			_ = bell.Wait(nil, w.Now()+5000)
			_ = ca.Send([]byte("x"), nil, shm.Forever)
		})
		p.B.Go("b", func() { p.XB.Store(1); _, _, _ = cb.Recv(make([]byte, 8), shm.Forever) })
	}
	cfg := sim.Config{Races: true, Record: true, Leaks: true, Faults: sim.Faults(exec.CorruptRead, exec.AdvanceClock), MaxFaults: 1}
	fresh := sim.NewRunner()
	defer fresh.Close()
	before, after := &menu{}, &menu{}
	want := fresh.Run(cfg, before, probe)
	all := sim.Config{Races: true, MaxSteps: 50, MaxFaults: 9, Faults: sim.Faults(exec.Kill, exec.Stop, exec.Delay, exec.CorruptRead)}
	for _, tt := range []struct {
		name     string
		setup    func(*sim.World)
		schedule []string
		verdict  string
	}{
		{"values, plain accesses, a late ring", func(w *sim.World) {
			p := pairtest.New(w)
			bell := p.A.NewLocalDoorbell(nameB)
			p.A.Go("a", func() { p.XA.Store(7); p.DA.CopyIn(0, make([]byte, 64)); _ = bell.Ring(); w.Fail("Over", "") })
			p.B.Go("b", func() { p.XB.Load() })
			p.B.Hostile(nameX)
		}, []string{"a @ bell ring #1 delay 1"}, "Over"},
		{"anchors and polling", func(w *sim.World) {
			p := pairtest.New(w)
			p.A.Go("a", func() {
				for p.XA.Load() == 0 {
				}
			})
			p.B.Go("b", func() { p.YB.Load(); p.XB.Load(); w.Fail("Over", "") })
		}, nil, "Over"},
		{"a race", func(w *sim.World) {
			p := pairtest.New(w)
			p.A.Go("a", func() { p.DA.CopyIn(0, make([]byte, 64)) })
			p.B.Go("b", func() { p.DB.CopyIn(0, make([]byte, 64)) })
		}, nil, exec.NoRace},
		{"a death and a stop", func(w *sim.World) {
			p := pairtest.New(w)
			p.A.Mortal()
			p.B.Mortal()
			p.A.Go("a", func() { _, _ = p.A.Listen("here"); p.XA.Load() })
			p.B.Go("b", func() { p.XB.Load() })
			w.Always("Never", func() error { return nil })
			w.AtEnd("Never", func() error { return nil })
			w.OnIdle(func() bool { return false })
			w.Return(w.Call(1), 2)
		}, []string{"a @ x load #1 kill", "b @ task begin #1 kill"}, exec.Pass},
		{"a livelock", func(w *sim.World) {
			p := pairtest.New(w)
			p.A.Go("a", func() {
				for {
					p.XA.Load()
				}
			})
		}, nil, exec.NoLivelock},
	} {
		r := sim.NewRunner()
		if o := r.Run(all, sim.NewReplay(schedule(t, tt.schedule...)), tt.setup); o.Verdict() != tt.verdict {
			t.Errorf("%s: %v, want %s", tt.name, o.Failure, tt.verdict)
		}
		got := r.Run(cfg, after, probe)
		if d := cmp.Diff(want, got) + cmp.Diff(before.offered, after.offered); d != "" {
			t.Errorf("after %s: %s", tt.name, d)
		}
		after.offered = nil
		r.Close()
	}
}

// TestNamesOfTasks: a name that is taken gets a number, and there are no more tasks than were asked for.
func TestNamesOfTasks(t *testing.T) {
	setup := func(w *sim.World) {
		p := w.Process("p")
		for range 3 {
			p.Go("t", func() { p.Go("t", func() {}) })
		}
	}
	o := replay(t, sim.Config{MaxTasks: 6}, setup)
	var names []string
	for _, task := range o.Execution.Tasks {
		names = append(names, task.Name)
	}
	if got := strings.Join(names, " "); o.Failure != nil || got != "t t.2 t.3 t.4 t.5 t.6" {
		t.Errorf("%v, tasks %s", o.Failure, got)
	}
	if o := replay(t, sim.Config{MaxTasks: 5}, setup); o.Verdict() != exec.NoPanic || !strings.Contains(o.Failure.Message, "more than 5 tasks: see Config.MaxTasks") {
		t.Errorf("%v", o.Failure)
	}
}

// TestReplayAgain: a Replay that was reset does the same again.
func TestReplayAgain(t *testing.T) {
	ch := sim.NewReplay(schedule(t, "a @ x store #1 -> b"))
	r := sim.NewRunner()
	defer r.Close()
	var digests []uint64
	for range 2 {
		digests = append(digests, r.Run(sim.Config{}, ch, lostUpdate).Digest)
		if s := fmt.Sprint(r.Schedule(), ch.Unmet()); s != "[a @ x store #1 -> b] []" {
			t.Errorf("took %s", s)
		}
		ch.Reset()
		if u := ch.Unmet(); !slices.Equal(u, []int{0}) {
			t.Errorf("unmet %v after Reset", u)
		}
	}
	if digests[0] != digests[1] {
		t.Errorf("%x", digests)
	}
}

// TestMergeCoverage: pairs of both sides are added up, in order.
func TestMergeCoverage(t *testing.T) {
	c := func(site string, offered, hit uint64) sim.FaultCoverage {
		return sim.FaultCoverage{Site: site, Fault: "kill", Offered: offered, Hit: hit}
	}
	got := sim.MergeCoverage([]sim.FaultCoverage{c("b", 5, 2), c("d", 1, 1)}, []sim.FaultCoverage{c("a", 1, 0), c("b", 10, 3), c("c", 2, 2), c("e", 1, 0)})
	want := []sim.FaultCoverage{c("a", 1, 0), c("b", 15, 5), c("c", 2, 2), c("d", 1, 1), c("e", 1, 0)}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if s := got[1].String(); s != "b kill: 5 of 15" {
		t.Error(s)
	}
}

// TestHostileHalfWords: what a hostile peer puts into a word of 4 bytes fits it and differs from what was there.
func TestHostileHalfWords(t *testing.T) {
	var seen []uint32
	wantExhausted(t, "dfs:0", sim.Config{Faults: sim.Faults(exec.CorruptRead), MaxFaults: 1}, func(w *sim.World) {
		p := pairtest.New(w)
		half, above := p.Seg.Uint32(80, nameX), p.Seg.Uint32(84, nameY)
		half.Store(1)
		p.A.Go("a", func() {
			seen = append(seen, half.Load())
			if above.Load() != 0 {
				t.Error("the word above has changed")
			}
		})
		p.B.Hostile(nameX)
	})
	seen = slices.Compact(seen)
	want := []uint32{1, 0, 2, 0xffffffff, 1 + 1<<31}
	if !slices.Equal(seen, want) {
		t.Errorf("seen %#x, want %#x", seen, want)
	}
}

// TestHostileWordsAlone: a hostile process changes the words that it was said to reach, in memory that it has mapped, before another process loads
// them.
func TestHostileWordsAlone(t *testing.T) {
	r, m := sim.NewRunner(), &menu{}
	defer r.Close()
	o := r.Run(sim.Config{Faults: sim.Faults(exec.CorruptRead), MaxFaults: 1}, m, func(w *sim.World) {
		p := pairtest.New(w)
		own, err := p.A.CreateSegment(shm.MinSegment)
		if err != nil {
			t.Error(err)
		}
		word := own.Uint64(shm.SegmentHeader, nameB)
		p.A.Go("a", func() {
			p.XA.Load()
			word.Load()
			p.YA.Store(1)
			p.YA.Load()
			p.YA.CompareAndSwap(1, 2)
			p.XA.Load()
		})
		p.B.Go("b", func() { p.YB.Load() })
		p.B.Hostile(nameY, nameB)
	})
	for _, s := range m.offered {
		if !strings.HasPrefix(s, "a @ y load: corrupt-read ") {
			t.Errorf("offered %s", s)
		}
	}
	if o.Failure != nil || len(m.offered) < 5 {
		t.Errorf("%v, offered %q", o.Failure, m.offered)
	}
}

// TestHistory: calls and returns have logical times of their own, and what did not return is pending.
func TestHistory(t *testing.T) {
	o := replay(t, kills, func(w *sim.World) {
		p := pairtest.New(w)
		p.A.Mortal()
		p.A.Go("a", func() {
			op := w.Call("get")
			p.XA.Load()
			w.Return(op, 7)
			w.Call("put")
			p.XA.Store(1)
		})
		p.B.Go("b", func() { op := w.Call("look"); p.XB.Load(); w.Return(op, nil) })
	}, "a @ x load #1 -> b", "a @ x store #1 kill")
	var got []string
	for _, op := range o.Execution.History {
		got = append(got, op.String())
	}
	want := []string{"client 0 [1, 4] get -> 7", "client 1 [2, 3] look -> <nil>", "client 0 [5, ?] put -> pending"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestScheduleIsWhatHappened: the schedule that a Runner returns has every choice, in order, and is that of the record.
func TestScheduleIsWhatHappened(t *testing.T) {
	lines := []string{"a @ draw choose #1 = 2", "a @ x load #1 -> b", "b @ bell wait #1 spurious", "a @ x store #1 kill"}
	cfg := sim.Config{Faults: sim.Faults(exec.Kill, exec.Spurious), MaxFaults: 2}
	o := replay(t, cfg, func(w *sim.World) {
		p := pairtest.New(w)
		p.A.Mortal()
		bell := p.B.NewLocalDoorbell(nameB)
		p.A.Go("a", func() { w.Choose(nameD, 3); p.XA.Load(); p.XA.Store(1) })
		p.B.Go("b", func() { _ = bell.Wait(nil, shm.Forever) })
	}, lines...)
	var got []string
	for _, v := range o.Execution.Interventions {
		got = append(got, v.String())
	}
	if !slices.Equal(got, lines) || o.Faults != 2 {
		t.Errorf("%q, want %q", got, lines)
	}
}
