package dpor

import (
	"math/rand/v2"
	"strings"
	"testing"

	"cutthrough/sim"
	"cutthrough/sim/exec"
)

// seen is what a search has seen of a program.
type seen struct {
	states     map[string]bool
	between    map[string]bool
	executions int
	abandoned  int
	polls      bool // a task polled: the classes count when it did
	classes    map[string]bool
}

// searchAll runs the search to its end, or until limit.
func searchAll(r *sim.Runner, p program, limit int) (s seen, ok bool) {
	r.Guard(func() { s, ok = searchGuarded(r, p, limit) })
	return s, ok
}

func searchGuarded(r *sim.Runner, p program, limit int) (seen, bool) {
	s := seen{states: map[string]bool{}}
	d := New()
	m := &machine{alwayss: map[string]bool{}}
	ok := true
	for {
		ch := d.Next()
		if ch == nil {
			break
		}
		o := r.Run(p.config(), ch, func(w *sim.World) { p.setup(m, w) })
		if err := d.Done(&o); err != nil {
			panic(err)
		}
		if !d.strayed {
			s.executions++
			s.states[m.state(&o)] = true
		}
		if s.executions > limit {
			ok = false
			break
		}
	}
	s.between, s.abandoned = m.alwayss, d.abandoned
	return s, ok
}

// bruteAll runs all schedules, or says that they are more than limit.
func bruteAll(r *sim.Runner, p program, limit int) (s seen, ok bool) {
	r.Guard(func() { s, ok = bruteGuarded(r, p, limit) })
	return s, ok
}

func bruteGuarded(r *sim.Runner, p program, limit int) (seen, bool) {
	s := seen{states: map[string]bool{}, classes: map[string]bool{}}
	m := &machine{alwayss: map[string]bool{}}
	b := new(brute)
	b.d.forget()
	for {
		o := r.Run(p.config(), b, func(w *sim.World) { p.setup(m, w) })
		s.executions++
		s.states[m.state(&o)] = true
		s.classes[b.class(p.always)] = true
		if !b.next() {
			break
		}
		if s.executions > limit {
			return s, false
		}
	}
	s.between, s.polls = m.alwayss, b.polls
	return s, true
}

// violated says whether an execution was ended by a violation that is not one of its last state.
func violated(states map[string]bool) bool {
	for s := range states {
		if strings.Contains(s, exec.NoUseAfterUnmap) {
			return true
		}
	}
	return false
}

func missing(want, got map[string]bool) (not []string) {
	for k := range want {
		if !got[k] {
			not = append(not, k)
		}
	}
	return not
}

func verbsTo(first, last verb) (all []verb) {
	for v := first; v <= last; v++ {
		all = append(all, v)
	}
	return all
}

func TestRandomPrograms(t *testing.T) {
	groups := []struct {
		name    string
		of      []verb
		optimal bool
	}{
		{"words", []verb{load, store, add, swap}, true},
		{"cas", []verb{load, store, add, cas}, false},
		{"ranges", []verb{load, readRange, writeRange}, true},
		{"locks", []verb{load, store, locked, unlocked}, true},
		{"bells", []verb{ring, wait, store, load}, true},
		{"channels", []verb{send, recv, store, load}, true},
		{"awaits", []verb{await, store, add, load}, true},
		{"tries", []verb{tryWait, trySend, tryRecv, ring, send}, false},
		{"clock", []verb{sleep, waitTill, ring, store, load}, false},
		{"histories", []verb{call, store}, false},
		{"spawn", []verb{spawn, store, load}, false},
		{"calls", []verb{hangUp, ring, wait, dial, accept}, false},
		{"unmap", []verb{unmap, load, store, create}, false},
		{"doorbells", []verb{knock, listen, leave, listen}, false},
		{"descriptors", []verb{hand, take, part, listen, leave}, false},
		{"ends", []verb{part, send, tryRecv, recv}, false},
		{"doors", []verb{dial, accept, shutDoor, openDoor, load}, false},
		{"all", verbsTo(0, verbs-1), false},
	}
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			r := sim.NewRunner()
			defer r.Close()
			rnd := rand.New(rand.NewPCG(1, 1))
			programs, classes, abandoned, brutes := 0, 0, 0, 0
			for range 60 {
				p := random(rnd, g.of, 4, 5)
				if want, got, ok := compare(t, r, p, 1500, g.optimal); ok {
					programs++
					classes += len(want.classes)
					abandoned += got.abandoned
					brutes += want.executions
				}
			}
			t.Logf("%d programs, %d schedules, %d classes, %d abandoned", programs, brutes, classes, abandoned)
		})
	}
}

// compare fails the test if the search does not see what all schedules of p show; ok is false if they are more than limit.
func compare(t *testing.T, r *sim.Runner, p program, limit int, optimal bool) (want, got seen, ok bool) {
	t.Helper()
	if want, ok = bruteAll(r, p, limit); !ok {
		return want, got, false
	}
	got, _ = searchAll(r, p, 20000)
	if violated(want.states) || violated(got.states) {
		if !violated(got.states) || !violated(want.states) {
			t.Fatalf("%v\nnot found: access through a mapping that is gone", p)
		}
		return want, got, true // a search ends with a violation, and such an execution has no end to compare
	}
	if m := missing(want.states, got.states); m != nil {
		t.Fatalf("%v\nmissed %q\nof %d", p, m, len(want.states))
	}
	if m := missing(got.states, want.states); m != nil {
		t.Fatalf("%v\ninvented %q", p, m)
	}
	if m := missing(want.between, got.between); m != nil {
		t.Fatalf("%v\nnever saw %q", p, m)
	}
	if optimal && !want.polls && (got.abandoned > 0 || got.executions != len(want.classes)) {
		t.Fatalf("%v\n%d executions, %d abandoned, %d classes", p, got.executions, got.abandoned, len(want.classes))
	}
	return want, got, true
}

// TestPrograms: programs that show what random ones show seldom.
func TestPrograms(t *testing.T) {
	r := sim.NewRunner()
	defer r.Close()
	for _, p := range []program{
		{depth: 1, procs: 1, tasks: [][]op{{{verb: recv}, {verb: unmap}}, {{verb: send}, {verb: load}}}},
		{depth: 1, procs: 1, always: true, tasks: [][]op{{{store, 0, 1}}, {{store, 1, 1}}}},
		{depth: 1, procs: 2, tasks: [][]op{{{verb: send}, {verb: send}, {verb: load}}, {{verb: recv}, {store, 0, 1}}}},
		{depth: 1, procs: 2, tasks: [][]op{{{verb: send}, {verb: trySend}}, {{verb: recv}}}},
		{depth: 1, procs: 2, tasks: [][]op{{{verb: send}}, {{verb: part}}, nil, {{verb: tryRecv}, {verb: recv}}}},
		{depth: 1, procs: 2, tasks: [][]op{{{verb: hand}, {verb: leave}}, {{verb: part}, {verb: leave}}, {{listen, 0, 2}}}},
		{depth: 1, procs: 2, tasks: [][]op{{{verb: hand}, {verb: leave}, {verb: listen}}, {{verb: leave}, {verb: part}}}},
		{depth: 2, procs: 2, tasks: [][]op{{{verb: hand}, {verb: leave}}, {{verb: take}}, {{listen, 0, 2}}}},
	} {
		if _, _, ok := compare(t, r, p, 60000, false); !ok {
			t.Errorf("%v\ntoo many schedules", p)
		}
	}
}
