package check_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"cutthrough/model/check"
)

// crowd is three processes that follow the same random program: a state of each,
// and one that they share. The clients may be exchanged.
type crowd struct {
	program []instruction
	bad     instant
	wanted  instant
	fair    []check.Fair
	blind   bool // Canonical does what no symmetry would
}

type place struct {
	member [3]byte
	shared byte
}

// instruction lets one process that is in state member take an action if shared
// is so, and becomes what it says.
type instruction struct {
	action   int
	from, to instant
}

// instant is a shared state, and a state of some process.
type instant struct{ member, shared byte }

func (i instant) in(s place) bool {
	return s.shared == i.shared && slices.Contains(s.member[:], i.member)
}

func (c crowd) Name() string { return fmt.Sprintf("crowd %+v", c.program) }

func (c crowd) Actions() []string { return []string{"a", "b"} }

func (c crowd) Init() []place { return []place{{}} }

func (c crowd) Next(s place, emit func(int, place)) {
	for i, member := range s.member {
		for _, in := range c.program {
			if in.from == (instant{member, s.shared}) {
				t := s
				t.member[i], t.shared = in.to.member, in.to.shared
				emit(in.action, t)
			}
		}
	}
}

func (c crowd) Properties() []check.Property[place] {
	return []check.Property[place]{
		check.Invariant("always", func(s place) bool { return !c.bad.in(s) }),
		check.StepInvariant("step", func(s *place, action int, t *place) bool {
			return action == 0 || s.shared != c.bad.shared || c.bad.in(*t)
		}),
		check.Reachable("sometimes", c.wanted.in),
		check.NoDeadlock("deadlock", c.wanted.in),
		check.LeadsTo("leads to", c.bad.in, c.wanted.in, c.fair...),
	}
}

func (c crowd) Canonical(s place) place {
	if c.blind {
		s.member = [3]byte{}
	}
	slices.Sort(s.member[:])
	return s
}

func drawCrowd(t *rapid.T) crowd {
	drawInstant := rapid.Custom(func(t *rapid.T) instant {
		return instant{rapid.Byte().Draw(t, "member") % 3, rapid.Byte().Draw(t, "shared") % 3}
	})
	c := crowd{
		program: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) instruction {
			return instruction{rapid.IntRange(0, 1).Draw(t, "action"), drawInstant.Draw(t, "from"), drawInstant.Draw(t, "to")}
		}), 1, 12).Draw(t, "program"),
		bad:    drawInstant.Draw(t, "bad"),
		wanted: drawInstant.Draw(t, "wanted"),
		fair:   rapid.SampledFrom([][]check.Fair{nil, {{0}}, check.Each(0, 1), {{0, 1}}}).Draw(t, "fair"),
	}
	if rapid.Bool().Draw(t, "both actions") {
		for _, in := range c.program {
			in.action = 1 - in.action
			c.program = append(c.program, in)
		}
	}
	return c
}

// TestSymmetry compares searches with and without symmetry: the first visits one
// state of each orbit of the second, the verdicts are the same, the runs as long,
// and they are runs of the model as it is.
func TestSymmetry(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCrowd(t)
		o := check.Options{KeepGoing: true, Witness: true}
		all, err := check.Run(context.Background(), c, o)
		if err != nil {
			t.Fatal(err)
		}
		o.Symmetry = true
		o.Workers = rapid.IntRange(1, 2).Draw(t, "workers")
		o.Exact = rapid.Bool().Draw(t, "exact")
		some, err := interrupted(c, o, rapid.IntRange(0, 5).Draw(t, "levels before checkpoint"))
		if err != nil {
			t.Fatal(err)
		}
		if n := c.orbits(); some.Stats.Distinct != n || some.Stats.Depth != all.Stats.Depth || !some.Symmetry {
			t.Fatalf("%d orbits, depth %d:\n%v", n, all.Stats.Depth, some)
		}
		if some.Liveness.Distinct != all.Stats.Distinct {
			t.Fatalf("%d states looked at for liveness:\n%v", some.Liveness.Distinct, all)
		}
		for i, o := range some.Outcomes {
			want := all.Outcomes[i]
			if o.Verdict != want.Verdict || len(o.Trace) != len(want.Trace) || len(o.Cycle) != len(want.Cycle) {
				t.Fatalf("%s: without symmetry\n%v\nwith it\n%v", o.Name, all, some)
			}
			if len(o.Trace) > 0 {
				c.follow(t, o)
			}
		}
		o.MaxStates = some.Stats.Distinct
		limited, err := check.Run(context.Background(), c, o)
		if err != nil || (limited.Reason == check.StateLimit) != (all.Stats.Distinct > o.MaxStates) {
			t.Fatalf("with a limit of %d, error %v: %v", o.MaxStates, err, limited)
		}
	})
}

// orbits counts reachable states up to the order of members.
func (c crowd) orbits() uint64 {
	seen := map[place]bool{}
	orbits := map[place]bool{}
	var visit func(place)
	visit = func(s place) {
		if !seen[s] {
			seen[s] = true
			orbits[c.Canonical(s)] = true
			c.Next(s, func(_ int, t place) { visit(t) })
		}
	}
	visit(place{})
	return uint64(len(orbits))
}

// follow checks that an outcome's runs are runs, and that they show what they
// are to show.
func (c crowd) follow(t *rapid.T, o check.Outcome[place]) {
	s := place{}
	for i, step := range slices.Concat(o.Trace[1:], o.Cycle) {
		found := false
		c.Next(s, func(action int, to place) { found = found || action == step.Action && to == step.State })
		if !found {
			t.Fatalf("%s: step %d is none:\n%v", o.Name, i+1, o.Trace)
		}
		s = step.State
	}
	last := o.Trace[len(o.Trace)-1].State
	if o.Name == "always" && !c.bad.in(last) || o.Name == "sometimes" && !c.wanted.in(last) {
		t.Fatalf("%s: the run does not show it:\n%v", o.Name, o.Trace)
	}
}
