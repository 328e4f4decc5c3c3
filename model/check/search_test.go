package check_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"cutthrough/model/check"
)

// memory is what of a result may depend on how a search came about.
var memory = cmpopts.IgnoreFields(check.Stats{}, "Bytes", "Peak")

// interrupted runs a search, saves it after some levels, and goes on with what
// was saved.
func interrupted[S comparable](m check.Model[S], o check.Options, levels int) (check.Result[S], error) {
	ctx := context.Background()
	s, err := check.New(m, o)
	if err != nil {
		return check.Result[S]{}, err
	}
	for range levels {
		s.Level(ctx)
	}
	var saved bytes.Buffer
	if err := s.Save(&saved); err != nil {
		return check.Result[S]{}, err
	}
	if s, err = check.Load(&saved, m, o); err != nil {
		return check.Result[S]{}, err
	}
	for s.Level(ctx) {
	}
	return s.Result(ctx)
}

// TestOracle compares the search with the dumb one on random graphs.
func TestOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for range 20 {
			checkGraph(t, drawGraph(t), check.Options{
				Workers:   rapid.IntRange(1, 3).Draw(t, "workers"),
				Exact:     rapid.Bool().Draw(t, "exact"),
				Seed:      rapid.Uint64Range(0, 3).Draw(t, "seed"),
				KeepGoing: rapid.Bool().Draw(t, "keep going"),
				MaxDepth:  rapid.SampledFrom([]int{0, 0, 0, 1, 2, 4}).Draw(t, "max depth"),
				Witness:   true,
			})
		}
	})
}

func checkGraph(t *rapid.T, g *graph, o check.Options) {
	var r check.Result[node]
	var err error
	if levels := rapid.IntRange(-1, 6).Draw(t, "levels before checkpoint"); levels < 0 {
		r, err = check.Run(context.Background(), g.model(), o)
	} else {
		r, err = interrupted(g.model(), o, levels)
	}
	if len(g.init) == 0 {
		if !errors.Is(err, check.ErrModel) {
			t.Fatalf("no initial state: error %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if wrong := compare(g, r, g.explore(o.KeepGoing, o.MaxDepth)); wrong != "" {
		t.Fatalf("%s\n%v", wrong, r)
	}
}

// compare says where a result differs from what the oracle says.
func compare(g *graph, r check.Result[node], want answer) string {
	var taken []uint64
	for _, a := range r.Actions {
		taken = append(taken, a.Steps)
	}
	got := answer{r.Stats.Levels, r.Stats.Steps, r.Stats.Cut, taken, map[string]run{}, r.Reason}
	distinct := uint64(0)
	for _, n := range want.levels {
		distinct += n
	}
	if r.Stats.Distinct != distinct || r.Stats.Depth != len(want.levels)-1 {
		return fmt.Sprintf("%d states, depth %d", r.Stats.Distinct, r.Stats.Depth)
	}
	for _, o := range r.Outcomes {
		if o.Kind == check.Eventually {
			if wrong := compareEventually(g, r, o); wrong != "" {
				return o.Name + ": " + wrong
			}
			continue
		}
		for _, step := range o.Trace {
			got.first[o.Name] = append(got.first[o.Name], edge{step.Action, int(step.State[10])})
		}
		if v := wantVerdict(o.Kind, want.first[o.Name] != nil, want.ended); o.Verdict != v {
			return fmt.Sprintf("%s: %v, not %v", o.Name, o.Verdict, v)
		}
	}
	return cmp.Diff(want, got, cmp.AllowUnexported(answer{}, edge{}))
}

func wantVerdict(kind check.Kind, found bool, ended check.Reason) check.Verdict {
	switch {
	case found && kind == check.Sometimes:
		return check.Holds
	case found:
		return check.Violated
	case ended != check.Exhausted:
		return check.Incomplete
	case kind == check.Sometimes:
		return check.Violated
	}
	return check.Holds
}

func compareEventually(g *graph, r check.Result[node], o check.Outcome[node]) string {
	want, length := check.Holds, 0
	if r.Reason != check.Exhausted {
		want = check.Incomplete
	}
	if r.Reason == check.Exhausted || r.Reason == check.Cut {
		if length = g.lasso(o.Name == "inevitable"); length > 0 {
			want = check.Violated
		}
	}
	if o.Verdict != want || len(o.Trace) != length {
		return fmt.Sprintf("%v after %d states, not %v after %d", o.Verdict, len(o.Trace), want, length)
	}
	if length > 0 {
		return g.wrongLasso(o, o.Name == "inevitable")
	}
	return ""
}

// TestThroughGoal has two ways to a cycle: the shorter pays what it owes on the
// way, so that only the longer is a counterexample. Random graphs rarely do that.
func TestThroughGoal(t *testing.T) {
	none := make([]bool, 7)
	g := &graph{
		actions:  1,
		init:     []int{0},
		edges:    [][]edge{{{0, 1}, {0, 4}}, {{0, 2}}, {{0, 3}}, {{0, 3}}, {{0, 5}}, {{0, 6}}, {{0, 3}}},
		badStep:  [][]bool{{false, false}, {false}, {false}, {false}, {false}, {false}, {false}},
		bad:      none,
		goal:     none,
		terminal: none,
		trigger:  []bool{1: true, 5: true, 6: false},
		wanted:   []bool{2: true, 6: false},
		fair:     check.Each(0),
	}
	r, err := check.Run(context.Background(), g.model(), check.Options{})
	if o := mustOutcome(t, r, "leads to"); err != nil || len(o.Trace) != 5 || o.Trace[2].State != at(5) || len(o.Cycle) != 1 {
		t.Errorf("%v, error %v", r, err)
	}
}

// maze is a model whose levels are wider than a round: each state has doors to
// others all over it, without any pattern.
type maze struct {
	states uint32
	bad    uint32 // this room and as many after it as are left
}

type room [3]uint32

func (m maze) Name() string { return fmt.Sprintf("maze states=%d", m.states) }

func (m maze) Actions() []string { return []string{"left", "ahead", "right"} }

func (m maze) Init() []room { return []room{{0}, {1}, {0}} }

func (m maze) Next(s room, emit func(int, room)) {
	for door := range uint32(3) {
		x := (s[0]*3 + door) * 2654435761
		x ^= x >> 15
		x *= 2246822519
		x ^= x >> 13
		emit(int(door), room{x % m.states})
	}
}

func (m maze) Properties() []check.Property[room] {
	props := []check.Property[room]{
		check.Invariant("not there", func(s room) bool { return s[0] != m.bad }),
		check.LeadsTo("not in circles",
			func(s room) bool { return s[0] == m.bad },
			func(s room) bool { return s[0] == 0 }),
	}
	for bad := m.bad; bad < m.states; bad++ {
		props = append(props, check.Reachable(fmt.Sprint("room ", bad), func(s room) bool { return s[0] == bad }))
	}
	return props
}

// queue explores the maze with a queue. It returns the width of levels, and from
// where each room was entered first.
func (m maze) queue() (levels []uint64, from map[uint32]uint32) {
	from = map[uint32]uint32{0: 0, 1: 1}
	level := []uint32{0, 1}
	for len(level) > 0 {
		levels = append(levels, uint64(len(level)))
		var next []uint32
		for _, s := range level {
			m.Next(room{s}, func(_ int, t room) {
				if _, seen := from[t[0]]; !seen {
					from[t[0]] = s
					next = append(next, t[0])
				}
			})
		}
		level = next
	}
	return levels, from
}

// TestManyRounds explores a model of many pages. However it is done the result is
// that of a queue, including which of many shortest ways to a room it is.
func TestManyRounds(t *testing.T) {
	m := maze{states: 80_000, bad: 79_970}
	levels, from := m.queue()
	if widest := slices.Max(levels); widest < 18_000 {
		t.Fatalf("the widest level has %d states: not enough for two rounds", widest)
	}
	var first check.Result[room]
	for i, o := range []check.Options{{Workers: 1}, {Workers: 2}, {Workers: 3}, {Exact: true}, {Seed: 1}} {
		o.KeepGoing, o.Witness = true, true
		r, err := check.Run(context.Background(), m, o)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(levels, r.Stats.Levels); diff != "" || r.Stats.Distinct != uint64(len(from)) {
			t.Fatalf("%+v: %d states of %d, levels (-queue +search):\n%s", o, r.Stats.Distinct, len(from), diff)
		}
		for _, o := range r.Outcomes {
			for i := 1; i < len(o.Trace); i++ {
				if before, here := o.Trace[i-1].State[0], o.Trace[i].State[0]; from[here] != before {
					t.Fatalf("%s: entered room %d first from %d, not %d", o.Name, here, from[here], before)
				}
			}
		}
		if i == 0 {
			first = r
		}
		if diff := cmp.Diff(first, r, memory, cmpopts.IgnoreFields(r, "Exact")); diff != "" {
			t.Fatalf("%+v differs (-first +this):\n%s", o, diff)
		}
	}
	there := 0
	for _, o := range first.Outcomes {
		if _, reached := from[m.bad]; o.Name == "not there" && (o.Verdict == check.Violated) != reached {
			t.Errorf("%s: %v", o.Name, o.Verdict)
		}
		if o.Kind == check.Sometimes && o.Verdict == check.Holds {
			there++
		}
	}
	if there < 20 {
		t.Errorf("%d rooms were found: not enough to tell orders apart", there)
	}
}

func mustOutcome[S comparable](t *testing.T, r check.Result[S], name string) check.Outcome[S] {
	t.Helper()
	o, ok := r.Outcome(name)
	if !ok {
		t.Fatalf("no outcome of %q", name)
	}
	return o
}

// TestCancel stops a search in the middle of a level, twice, and goes on: first as
// it is, then from a checkpoint.
func TestCancel(t *testing.T) {
	m := maze{states: 80_000, bad: 79_990}
	whole, err := check.Run(context.Background(), m, check.Options{KeepGoing: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	o := check.Options{KeepGoing: true, ProgressEvery: 20_000, Progress: func(check.Stats) { cancel() }}
	s, err := check.New(m, o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		for s.Level(ctx) {
		}
		r, err := s.Result(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict == check.Holds || r.Reason != check.Cancelled || r.Stats.Distinct < 20_000 || r.Stats.Waiting == 0 {
			t.Fatalf("cancelled: %v", r)
		}
		if o := mustOutcome(t, r, "not there"); o.Verdict == check.Holds {
			t.Fatalf("cancelled: %v", o)
		}
		if i == 1 {
			var saved bytes.Buffer
			if err := s.Save(&saved); err != nil {
				t.Fatal(err)
			}
			o.Progress = nil
			if s, err = check.Load(&saved, m, o); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel = context.WithCancel(context.Background())
	}
	defer cancel()
	for s.Level(ctx) {
	}
	r, err := s.Result(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(whole, r, memory); diff != "" {
		t.Fatalf("interrupted search differs (-whole +interrupted):\n%s", diff)
	}
}

// TestLimits stops searches at every limit: none says that anything holds.
func TestLimits(t *testing.T) {
	m := maze{states: 80_000, bad: 200_000}
	for _, test := range []struct {
		options check.Options
		want    check.Reason
	}{
		{check.Options{MaxStates: 30_000}, check.StateLimit},
		{check.Options{MaxDepth: 5}, check.DepthLimit},
		{check.Options{MaxBytes: 2 << 20}, check.MemoryLimit},
	} {
		r, err := check.Run(context.Background(), m, test.options)
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict != check.Incomplete || r.Reason != test.want {
			t.Errorf("%+v: %v", test.options, r)
		}
		for _, o := range r.Outcomes {
			if o.Verdict != check.Incomplete {
				t.Errorf("%+v: %s %v", test.options, o.Name, o.Verdict)
			}
		}
	}
	_, rooms := m.queue()
	r, err := check.Run(context.Background(), m, check.Options{MaxStates: uint64(len(rooms)), MaxDepth: 1 << 20, MaxBytes: 1 << 30})
	if err != nil || r.Reason != check.Exhausted {
		t.Errorf("limits that are just not passed: %v, error %v", r, err)
	}
}

// TestNearlyDone looks at verdicts where there is nearly nothing left to do.
func TestNearlyDone(t *testing.T) {
	up := toy[byte]{actions: []string{"up"}, next: func(s byte, emit func(int, byte)) {
		if s < 9 {
			emit(0, s+1)
		}
	}, props: []check.Property[byte]{check.Reachable("two", func(s byte) bool { return s == 2 })}}
	r, err := check.Run(context.Background(), up, check.Options{MaxDepth: 3})
	if o := mustOutcome(t, r, "two"); err != nil || o.Verdict != check.Holds || r.Verdict != check.Incomplete {
		t.Errorf("all that was asked is known, but not all there is: %v, error %v", r, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	up.next = nil
	if r, err = check.Run(ctx, up, check.Options{}); err != nil || r.Reason != check.Exhausted {
		t.Errorf("cancelled when nothing is left: %v, error %v", r, err)
	}
}
