package explore

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"cutthrough/sim"
	"cutthrough/sim/exec"
	"cutthrough/sim/internal/pairtest"
	"cutthrough/sim/scenario"
	"cutthrough/sim/trace"

	"github.com/google/go-cmp/cmp"
)

// mortals is two tasks, one of which may die, with a draw and with a wait that may be spurious.
func mortals(w *sim.World) {
	p := pairtest.New(w)
	p.A.Mortal()
	bell := p.B.NewLocalDoorbell(nameBell)
	p.A.Go("a", func() { p.XA.Store(uint64(w.Choose(nameY, 2))); p.XA.Store(2) })
	p.B.Go("b", func() { p.XB.Load(); _ = bell.Wait(nil, 1); p.XB.Load() })
}

// costs returns how many preemptions and faults a schedule has.
func costs(schedule []exec.Intervention) (preemptions, faults int) {
	for _, v := range schedule {
		switch {
		case v.Effect.Kind.Fault():
			faults++
		case v.Effect.Kind == exec.Switch && v.Op != "block" && v.Op != "end":
			preemptions++
		}
	}
	return preemptions, faults
}

// schedules returns the schedules that a strategy goes through, in the order in which they appear first.
func schedules(t *testing.T, st Strategy, cfg sim.Config, n int, setup func(*sim.World)) [][]exec.Intervention {
	t.Helper()
	r := sim.NewRunner()
	defer r.Close()
	seen := map[string]bool{}
	var found [][]exec.Intervention
	for range n {
		ch := st.Next()
		if ch == nil {
			break
		}
		o := r.Run(cfg, ch, setup)
		if err := st.Done(&o); err != nil || o.Failure != nil {
			t.Fatal(err, o.Failure)
		}
		if s := r.Schedule(); !seen[fmt.Sprint(s)] {
			seen[fmt.Sprint(s)] = true
			found = append(found, s)
		}
	}
	return found
}

// all is a strategy that goes through all executions, in depth-first order: the definition of what DFS does.
type all struct {
	path, options []int
	depth         int
}

func (a *all) Next() sim.Chooser {
	for n := len(a.path); n > 0; n-- {
		if a.path[n-1]++; a.path[n-1] < a.options[n-1] {
			break
		}
		a.path, a.options = a.path[:n-1], a.options[:n-1]
	}
	if len(a.path) == 0 && a.depth > 0 {
		return nil
	}
	a.depth = 0
	return a
}

func (a *all) Choose(p *sim.Point) int {
	if a.depth == len(a.path) {
		a.path, a.options = append(a.path, 0), append(a.options, p.N())
	}
	a.depth++
	return a.path[a.depth-1]
}

func (a *all) Done(*sim.Outcome) error { return nil }
func (a *all) String() string          { return "all" }

// TestDFSGoesThroughItsBound: dfs:N has exactly the executions with at most N preemptions and as many faults as the
// configuration allows, and those with fewer of both come first.
func TestDFSGoesThroughItsBound(t *testing.T) {
	for maxFaults := range 3 {
		cfg := sim.Config{Faults: sim.Faults(exec.Kill, exec.Spurious), MaxFaults: maxFaults}
		every := schedules(t, &all{}, cfg, 1<<20, mortals)
		for bound := range 5 {
			want := map[string]bool{}
			for _, s := range every {
				if n, _ := costs(s); n <= bound {
					want[fmt.Sprint(s)] = true
				}
			}
			d := NewDFS(bound)
			most := 0
			for _, s := range schedules(t, d, cfg, 1<<20, mortals) {
				preemptions, faults := costs(s)
				if preemptions+faults < most {
					t.Errorf("dfs:%d, %d faults: %v comes after executions with %d", bound, maxFaults, s, most)
				}
				most = max(most, preemptions+faults)
				if !want[fmt.Sprint(s)] {
					t.Errorf("dfs:%d, %d faults: %v is beyond the bound", bound, maxFaults, s)
				}
				delete(want, fmt.Sprint(s))
			}
			if len(want) > 0 {
				t.Errorf("dfs:%d, %d faults: never went through %v", bound, maxFaults, slices.Sorted(maps.Keys(want)))
			}
			if d.Exhausted() == "" {
				t.Errorf("dfs:%d has not exhausted its bound", bound)
			}
		}
	}
}

// TestDFSDiverges: an execution ends where equal choices led elsewhere before, and the message says where.
func TestDFSDiverges(t *testing.T) {
	for _, tt := range []struct {
		name   string
		second func(p *pairtest.Pair)
		want   string
	}{
		{"another word", func(p *pairtest.Pair) { p.YA.Load() }, "step 2, a @ y load #1 has 3 options, where equal choices led to step 2, a @ x load #1 with 3 before"},
		{"a step more", func(p *pairtest.Pair) { p.XA.Load(); p.XA.Load() }, "step 3, a @ x load #2 has 3 options, where equal choices led to step 2, a @ task end #1 with 2 before"},
		{"nothing", func(*pairtest.Pair) {}, "step 1, a @ task end #1 has 2 options, where equal choices led to step 2, a @ x load #1 with 3 before"},
	} {
		d, r := NewDFS(0), sim.NewRunner()
		var o sim.Outcome
		var err error
		for run := 0; run < 2 && err == nil; run++ {
			o = r.Run(sim.Config{}, d.Next(), func(w *sim.World) {
				p := pairtest.New(w)
				c := w.Process("c")
				x, _, _ := p.Third(c)
				p.A.Go("a", func() {
					if run == 0 {
						p.XA.Load()
					} else {
						tt.second(p)
					}
				})
				p.B.Go("b", func() { p.YB.Load() })
				c.Go("c", func() { x.Load() })
			})
			err = d.Done(&o)
		}
		r.Close()
		if err == nil || err.Error() != tt.want || o.Failure == nil || o.Failure.Property != exec.Determinism {
			t.Errorf("%s: %v, want %s; %v", tt.name, err, tt.want, o.Failure)
		}
	}
}

// TestDFSClaims: a bound is exhausted when the last of its executions is over, and not before.
func TestDFSClaims(t *testing.T) {
	d := NewDFS(1)
	r := sim.NewRunner()
	defer r.Close()
	for {
		if claim := d.Exhausted(); claim != "" {
			t.Fatalf("claims %q too early", claim)
		}
		ch := d.Next()
		if ch == nil {
			break
		}
		o := r.Run(sim.Config{}, ch, mortals)
		if err := d.Done(&o); err != nil {
			t.Fatal(err)
		}
	}
	if claim := d.Exhausted(); claim != "at most 1 preemption" || d.Next() != nil {
		t.Errorf("claims %q", claim)
	}
}

// TestPCTPriorities: the task of the highest priority runs, and a depth has that many places at which it changes.
func TestPCTPriorities(t *testing.T) {
	for depth := 1; depth <= 3; depth++ {
		most := 0
		firsts := map[string]int{}
		for _, s := range schedules(t, NewPCT(depth, 1), sim.Config{}, 300, pairtest.Sixty) {
			preemptions, _ := costs(s)
			begins := 0
			for _, v := range s { // before its first step no task can have been chosen for its priority
				if v.Name == "task" && v.Op == "begin" {
					begins++
					firsts[v.Effect.Target]++
				}
			}
			most = max(most, preemptions-begins)
		}
		if most != depth-1 {
			t.Errorf("depth %d: up to %d preemptions", depth, most)
		}
		if firsts["b"] == 0 || firsts["c"] == 0 {
			t.Errorf("depth %d: who goes first: %v", depth, firsts)
		}
	}
}

// TestSwarm: the random strategies cause every kind of fault, also in a run without another kind, and executions without any.
func TestSwarm(t *testing.T) {
	cfg := sim.Config{Faults: sim.Faults(exec.Kill, exec.Spurious), MaxFaults: 9}
	for _, strategy := range []string{"pct:3", "random"} {
		st := must(ParseStrategy(strategy, 1))
		kinds := map[string]int{}
		for _, s := range schedules(t, st, cfg, 2000, mortals) {
			var names []string
			for _, v := range s {
				if k := v.Effect.Kind; k.Fault() && !slices.Contains(names, k.String()) {
					names = append(names, k.String())
				}
			}
			slices.Sort(names)
			kinds[strings.Join(names, "+")]++
		}
		for _, want := range []string{"", "kill", "spurious", "kill+spurious"} {
			if kinds[want] == 0 {
				t.Errorf("%s: no execution with the faults %q: %v", strategy, want, kinds)
			}
		}
	}
}

// TestByteChooser: half of the values of a byte mean the default; draws and forced choices take all.
func TestByteChooser(t *testing.T) {
	r := sim.NewRunner()
	defer r.Close()
	for _, tt := range []struct {
		data []byte
		want string
	}{
		{nil, "[]"},
		{[]byte{127, 1, 0, 0, 0}, "[a @ y choose #1 = 1]"},
		{[]byte{129}, "[a @ task begin #1 -> b]"},
		{[]byte{128, 0, 131, 0, 129}, "[a @ x store #1 -> b b @ x load #1 -> a]"},
	} {
		r.Run(sim.Config{}, &ByteChooser{Data: tt.data}, mortals)
		if got := fmt.Sprint(r.Schedule()); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.data, got, tt.want)
		}
	}
}

// TestInputsAreExhausted: depth-first search goes through the first values of every draw of the generator, each with every schedule.
func TestInputsAreExhausted(t *testing.T) {
	for width, want := range map[int]int{2: 2 * (1 + 2), 3: 3 * (1 + 2 + 4)} {
		seen := map[string]int{}
		s := pairtest.Fixed(sim.Config{}, nil)
		s.Generate = func(src scenario.Source) scenario.Input {
			b := &scenario.Builder{Src: src, Verbs: additions}
			b.Number("first", 1, 2, 3, 4)
			for range src.Intn(5, "operations") {
				b.Op("a", addition{src.Intn(2, "number")})
			}
			return b.Input
		}
		s.Compile = func(in scenario.Input) (scenario.Program, error) {
			return scenario.Program{Setup: func(w *sim.World) {
				seen[fmt.Sprint(in)]++
				p := pairtest.New(w)
				p.A.Go("a", func() { p.XA.Load() })
				p.B.Go("b", func() { p.XB.Load() })
			}}, nil
		}
		rep, err := Explore(s, Options{Strategies: []Strategy{NewDFS(0)}, Width: width})
		if err != nil || rep.Violation != nil || rep.Strategies[0].Exhausted == "" {
			t.Fatal(err, rep)
		}
		if len(seen) != want || rep.Cases != want {
			t.Errorf("width %d: %d inputs, %d cases, want %d: %v", width, len(seen), rep.Cases, want, seen)
		}
	}
}

// TestCountsOfAnExploration pins how often inputs are drawn, executions are run twice, and when a search ends.
func TestCountsOfAnExploration(t *testing.T) {
	compiled := 0
	s := pairtest.Fixed(sim.Config{}, pairtest.Sixty)
	s.Compile = func(scenario.Input) (scenario.Program, error) {
		compiled++
		return scenario.Program{Setup: pairtest.Sixty}, nil
	}
	rep, err := Explore(s, Options{Strategies: []Strategy{NewRandom(1)}, MaxExecutions: 1200})
	if err != nil || rep.Executions != 1200 || rep.Checked != 16+2 || rep.Cases != compiled || rep.Cases != 38 {
		t.Errorf("%v: %d executions, %d run twice, %d cases, compiled %d times", err, rep.Executions, rep.Checked, rep.Cases, compiled)
	}
	asked := 0
	rep, err = Explore(s, Options{Strategies: []Strategy{NewRandom(1), NewPCT(2, 1)}, Stop: func() bool { asked++; return asked == 3 }})
	if err != nil || rep.Executions != 3*turn || rep.Strategies[0].Executions != 2*turn || rep.Strategies[1].Executions != turn {
		t.Errorf("%v: %+v", err, rep.Strategies)
	}
	one := scenario.Input{Config: []trace.KV{{Key: "fixed", Value: "1"}}}
	compiled = 0
	if rep, err = Explore(s, Options{Strategies: []Strategy{NewRandom(1)}, MaxExecutions: 100, Fixed: &one}); err != nil || compiled != 1 || rep.Cases != 1 {
		t.Errorf("%v: %d cases of a fixed input, compiled %d times", err, rep.Cases, compiled)
	}
}

// TestMerge: counts of workers are added up, and the shortest schedule is shown, of several that of the first worker.
func TestMerge(t *testing.T) {
	violation := func(n int, name string) *Violation {
		return &Violation{Schedule: make([]exec.Intervention, n), Strategy: name}
	}
	cover := func(site string, hit uint64) sim.FaultCoverage {
		return sim.FaultCoverage{Site: site, Fault: "kill", Offered: 10, Hit: hit}
	}
	one := &Report{
		Executions: 1, Steps: 10, Faults: 100, Cases: 2, Distinct: 3, Checked: 4, Cut: 5, Violation: violation(2, "first"),
		Strategies: []StrategyReport{{Name: "dfs:1", Executions: 1, Exhausted: "all"}, {Name: "random", Executions: 2, Cut: 1}},
		Sometimes:  map[string]int{"full": 1, "empty": 0, "never": 0}, Coverage: []sim.FaultCoverage{cover("a", 1)}, Unreached: []string{"empty"},
	}
	two := &Report{
		Executions: 2, Steps: 20, Faults: 200, Cases: 20, Distinct: 30, Checked: 40, Cut: 50, Violation: violation(1, "second"),
		Strategies: []StrategyReport{{Name: "random", Executions: 7, Cut: 3}},
		Sometimes:  map[string]int{"full": 2, "empty": 3}, Coverage: []sim.FaultCoverage{cover("a", 2), cover("b", 0)},
	}
	three := &Report{Violation: violation(1, "third"), Strategies: []StrategyReport{{Name: "random", Executions: 1}}}
	got := merge([]*Report{one, two, three}, []Strategy{NewDFS(1), NewRandom(1)}, []string{"full", "empty", "never"})
	want := &Report{
		Executions: 3, Steps: 30, Faults: 300, Cases: 22, Distinct: 33, Checked: 44, Cut: 55, Violation: two.Violation,
		Strategies: []StrategyReport{{Name: "dfs:1", Executions: 1, Exhausted: "all"}, {Name: "random", Executions: 10, Cut: 4}},
		Sometimes:  map[string]int{"full": 3, "empty": 3, "never": 0}, Unreached: []string{"never"},
		Coverage: []sim.FaultCoverage{{Site: "a", Fault: "kill", Offered: 20, Hit: 3}, cover("b", 0)},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestCutOfAWorker: an exhaustive strategy that had an execution cut claims nothing, whatever its Exhausted says.
func TestCutOfAWorker(t *testing.T) {
	busyForever := func(w *sim.World) {
		p := pairtest.New(w)
		p.A.Go("a", func() { busy(p.YA); busy(p.YA) })
	}
	rep, err := Search(pairtest.Fixed(sim.Config{MaxSteps: 10}, busyForever), SearchOptions{Strategies: "dfs:0", Workers: 2})
	if err != nil || rep.Cut != 1 || rep.Strategies[0] != (StrategyReport{Name: "dfs:0", Executions: 1, Cut: 1, Width: 2}) {
		t.Errorf("%v %+v", err, rep)
	}
}

// grades fails in another way when it has fewer operations.
func grades() *scenario.Scenario {
	s := pairtest.Fixed(sim.Config{}, nil)
	s.Compile = func(in scenario.Input) (scenario.Program, error) {
		return scenario.Program{Setup: func(w *sim.World) {
			p := pairtest.New(w)
			p.A.Go("a", func() {
				p.XA.Load()
				if len(in.Workload) >= 3 {
					w.Fail("Many", "three or more")
				}
				w.Fail("Few", "less than three")
			})
			p.B.Go("b", func() { p.XB.Load() })
		}}, nil
	}
	return s
}

// TestShrinkKeepsTheProperty: what is smaller but violates something else is something else.
func TestShrinkKeepsTheProperty(t *testing.T) {
	v := &Violation{Failure: exec.Failure{Property: "Many"}, Strategy: "dfs:2"}
	for range 8 {
		v.Input.Workload = append(v.Input.Workload, trace.Op{Proc: "a", Verb: "add", Args: []string{"5"}})
	}
	before := fmt.Sprint(v.Input)
	s := Shrinker{Scenario: grades()}
	small, err := s.Shrink(v)
	if err != nil || small.Failure.Property != "Many" || small.Strategy != "dfs:2" || fmt.Sprint(small.Input.Workload) != "[a add 0 a add 0 a add 0]" {
		t.Errorf("%v: shrunk to %+v", err, small)
	}
	if fmt.Sprint(v.Input) != before {
		t.Errorf("the violation that was given has changed: %v", v.Input)
	}
	// What cannot be reproduced is returned as it is.
	v.Failure.Property = "Other"
	if same, err := s.Shrink(v); err != nil || same != v {
		t.Errorf("%v: %+v", err, same)
	}
}

// TestShrinkStops: the budget and Stop bound the work.
func TestShrinkStops(t *testing.T) {
	rep, err := Explore(counters(), Options{Strategies: []Strategy{NewRandom(1)}, Seed: 1})
	if err != nil || rep.Violation == nil {
		t.Fatal(err, rep)
	}
	asked := 0
	s := Shrinker{Scenario: counters(), Stop: func() bool { asked++; return asked > 20 }}
	if small, err := s.Shrink(rep.Violation); err != nil || small.Failure.Property != "Sum" || s.runs > 21 {
		t.Errorf("%v: stopped after %d executions with %+v", err, s.runs, small)
	}
	s = Shrinker{Scenario: counters(), Budget: 7}
	if small, err := s.Shrink(rep.Violation); err != nil || small.Failure.Property != "Sum" || s.runs != 7 {
		t.Errorf("%v: %d executions with a budget of 7: %+v", err, s.runs, small)
	}
}

// TestReplayOfATrace: what a replay observes, and that only the input can be an error.
func TestReplayOfATrace(t *testing.T) {
	s := counters()
	rep, err := Explore(s, Options{Strategies: []Strategy{NewRandom(1)}, Seed: 1})
	if err != nil || rep.Violation == nil {
		t.Fatal(err, rep)
	}
	tr := NewTrace(s.Name, rep.Violation, "A story.")
	got, err := Replay(s, tr)
	if err != nil || trace.Judge(tr, got.Observation) != trace.OK || got.Execution.Verdict() != "Sum" {
		t.Errorf("%v: %+v", err, got)
	}
	tr.Schedule = append(slices.Clone(tr.Schedule), exec.Intervention{Task: "a", Name: "x", Op: "load", Nth: 99, Effect: exec.Effect{Kind: exec.Kill}})
	if got, err = Replay(s, tr); err != nil || !slices.Equal(got.Unmet, []int{len(tr.Schedule) - 1}) {
		t.Errorf("%v: %+v", err, got)
	}
	s.Compile = func(scenario.Input) (scenario.Program, error) { return scenario.Program{}, fmt.Errorf("no such key") }
	if _, err = Replay(s, tr); err == nil || err.Error() != "scenario counters: no such key" {
		t.Error(err)
	}
}

// TestHangInAnExploration: a task that does not come back is a violation like any other, with input and schedule.
func TestHangInAnExploration(t *testing.T) {
	t.Parallel()
	never := make(chan struct{})
	t.Cleanup(func() { close(never) })
	rep, err := Explore(pairtest.Fixed(sim.Config{}, func(w *sim.World) {
		p := pairtest.New(w)
		p.A.Go("a", func() { p.XA.Store(1); p.XA.Store(2) })
		p.B.Go("b", func() {
			if p.XB.Load() == 1 {
				<-never
			}
		})
	}), Options{Strategies: []Strategy{NewDFS(2)}})
	if err != nil || rep.Violation == nil || rep.Violation.Failure.Property != exec.NoHang || fmt.Sprint(rep.Violation.Schedule) != "[a @ x store #2 -> b]" {
		t.Errorf("%v %+v", err, rep.Violation)
	}
}

// TestWorkersDiffer: workers explore different inputs.
func TestWorkersDiffer(t *testing.T) {
	var mu sync.Mutex
	drawn := map[int]bool{}
	s := pairtest.Fixed(sim.Config{}, pairtest.Sixty)
	s.Generate = func(src scenario.Source) scenario.Input {
		mu.Lock()
		defer mu.Unlock()
		drawn[src.Intn(1<<40, "number")] = true
		return scenario.Input{}
	}
	rep, err := Search(s, SearchOptions{Strategies: "random", Seed: 1, Workers: 3, MaxExecutions: 3 * 2 * perInput})
	if err != nil || rep.Cases != 6 || len(drawn) != 6 {
		t.Errorf("%v: %d cases, %d different inputs", err, rep.Cases, len(drawn))
	}
}

// TestSearchEndsWithItsRound: a violation ends the search of all workers after one turn each.
func TestSearchEndsWithItsRound(t *testing.T) {
	runs := 0
	s := pairtest.Fixed(sim.Config{}, nil)
	s.Generate = func(src scenario.Source) scenario.Input {
		return scenario.Input{Config: []trace.KV{{Key: "n", Value: fmt.Sprint(src.Intn(1<<30, "number"))}}}
	}
	first := ""
	s.Compile = func(in scenario.Input) (scenario.Program, error) {
		if runs++; first == "" {
			first = in.Config[0].Value // of the first worker, which alone fails
		}
		return scenario.Program{Setup: func(w *sim.World) {
			p := pairtest.New(w)
			p.A.Go("a", func() {
				if p.XA.Load(); in.Config[0].Value == first {
					w.Fail("Odd", "the first input")
				}
			})
		}}, nil
	}
	rep, err := Search(s, SearchOptions{Strategies: "random", Seed: 1, Workers: 1, MaxExecutions: 5000})
	if err != nil || rep.Violation == nil || rep.Executions != 1 {
		t.Fatal(err, rep)
	}
	g := &group{errs: make([]error, 2), panicked: make([]string, 2)}
	found := newExplorer(s, Options{})
	found.done, found.rep.Violation = true, rep.Violation
	busy := newExplorer(s, Options{Strategies: []Strategy{NewRandom(2)}})
	g.explorers = []*explorer{found, busy}
	defer g.close()
	if g.round() || busy.rep.Executions != turn {
		t.Errorf("the search goes on after %d executions of the other worker", busy.rep.Executions)
	}
}

// TestDiffers: what counts as another execution when the schedule of a violation is replayed.
func TestDiffers(t *testing.T) {
	p := scenario.Program{Setup: needsTwo}
	rep := exploreWith(t, "dfs:2", 1000, pairtest.Fixed(sim.Config{}, needsTwo))
	for _, tt := range []struct {
		name   string
		change func(v *Violation)
		want   string
	}{
		{"equal", func(*Violation) {}, ""},
		{"another property", func(v *Violation) { v.Failure.Property = "Other" }, "Other at first, Both when replayed"},
		{"none at first", func(v *Violation) { v.Failure.Property = "" }, "pass at first, Both when replayed"},
		{"none when replayed", func(v *Violation) { v.Schedule = v.Schedule[:1] }, "Both at first, pass when replayed"},
		{"digest", func(v *Violation) { v.Digest++ }, "digest "},
		{"unmet", func(v *Violation) {
			v.Schedule = append(v.Schedule, exec.Intervention{Task: "z", Name: "x", Op: "load", Nth: 1, Effect: exec.Effect{Kind: exec.Kill}})
		}, `"z @ x load #1 kill" was never reached`},
	} {
		x := newExplorer(pairtest.Fixed(sim.Config{}, needsTwo), Options{})
		v := *rep.Violation
		v.Schedule = slices.Clone(v.Schedule)
		tt.change(&v)
		if got := x.differs(p, &v); !strings.Contains(got, tt.want) || (got == "") != (tt.want == "") {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		x.close()
	}
}

// TestShrinkDropsInterventions: what is not needed goes within a few executions, long runs first, without a new search.
func TestShrinkDropsInterventions(t *testing.T) {
	s := pairtest.Fixed(sim.Config{}, func(w *sim.World) {
		needsTwo(w)
		w.Process("c").Go("c", func() {
			for range 20 {
				w.Choose(nameY, 2)
			}
		})
	})
	rep := exploreWith(t, "dfs:2", 1000, pairtest.Fixed(sim.Config{}, needsTwo))
	var noise []exec.Intervention // c goes first and draws other values
	for nth := range 20 {
		noise = append(noise, exec.Intervention{Task: "c", Name: "y", Op: "choose", Nth: 1 + nth, Effect: exec.Effect{Kind: exec.Value, Arg: 1}})
	}
	noise = append(noise, exec.Intervention{Task: "a", Name: "task", Op: "begin", Nth: 1, Effect: exec.Effect{Kind: exec.Switch, Target: "c"}})
	sh := Shrinker{Scenario: s, Budget: 60, r: sim.NewRunner()}
	defer sh.r.Close()
	v := must(sh.replay(scenario.Input{}, append(noise, rep.Violation.Schedule...), "Both"))
	if v == nil || len(v.Schedule) < 22 {
		t.Fatalf("the noise is in the way: %+v", v)
	}
	sh.best = v
	if sh.interventions(); len(sh.best.Schedule) != len(rep.Violation.Schedule) {
		t.Errorf("%v left after %d executions", sh.best.Schedule, sh.runs)
	}
}
