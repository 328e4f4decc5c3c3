package explore

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/exec"
	"cutthrough/sim/internal/pairtest"
	"cutthrough/sim/scenario"
)

// lucky are programs that depend on more than their choices. Each call of one returns a program that
// has not run yet.
var lucky = map[string]func() func(*sim.World){
	"map iteration": func() func(*sim.World) {
		words := map[int]bool{0: true, 1: true, 2: true, 3: true, 4: true, 5: true, 6: true, 7: true}
		return func(w *sim.World) {
			p := pairtest.New(w)
			p.A.Go("a", func() {
				for k := range words {
					p.XA.Store(uint64(k))
				}
			})
			p.B.Go("b", func() { p.YB.Load(); p.YB.Load(); p.YB.Load() })
		}
	},
	"a counter outside": func() func(*sim.World) {
		runs := uint64(0)
		return func(w *sim.World) {
			p := pairtest.New(w)
			runs++
			n := runs
			p.A.Go("a", func() { p.YA.Load(); p.XA.Store(n) })
			p.B.Go("b", func() { p.YB.Load() })
		}
	},
	"late, in a value": func() func(*sim.World) {
		return late(func(w *sim.World, p *pairtest.Pair, n uint64) {
			p.A.Go("a", func() { p.YA.Load(); p.XA.Store(n) })
			p.B.Go("b", func() { busy(p.YB) })
		})
	},
	"late, in the number of tasks": func() func(*sim.World) {
		return late(func(w *sim.World, p *pairtest.Pair, n uint64) {
			p.A.Go("a", func() { p.YA.Load(); p.XA.Store(1) })
			p.B.Go("b", func() { busy(p.YB) })
			if n%2 == 1 {
				w.Process("c").Go("c", func() {})
			}
		})
	},
	"late, in the number of steps": func() func(*sim.World) {
		return late(func(w *sim.World, p *pairtest.Pair, n uint64) {
			p.A.Go("a", func() {
				for range 3 - n%2 {
					p.XA.Load()
				}
			})
			p.B.Go("b", func() { busy(p.YB) })
		})
	},
	"late, in which word": func() func(*sim.World) {
		return late(func(w *sim.World, p *pairtest.Pair, n uint64) {
			p.A.Go("a", func() {
				if n%2 == 1 {
					p.XA.Load()
				} else {
					p.YA.Load()
				}
			})
			p.B.Go("b", func() { busy(p.YB) })
		})
	},
}

// late gives a program the number of its execution, but 0 for the first 1000.
func late(program func(w *sim.World, p *pairtest.Pair, n uint64)) func(*sim.World) {
	runs := uint64(0)
	return func(w *sim.World) {
		runs++
		n := runs
		if n <= 1000 {
			n = 0
		}
		p := pairtest.New(w)
		program(w, p, n)
		d := w.Process("d")
		x, _, _ := p.Third(d)
		d.Go("d", func() { x.Load(); x.Load(); x.Load() })
	}
}

func busy(y shm.Uint64) {
	for i := range uint64(8) {
		y.Store(i)
	}
}

// TestNondeterminism: a program that depends on more than its choices is reported as such whatever the
// strategy, with the first step that differs; no strategy panics.
func TestNondeterminism(t *testing.T) {
	step := regexp.MustCompile("step [1-9]")
	for name, program := range lucky {
		for _, strategy := range []string{"dfs:5", "pct:3", "random", "dfs:5,pct:3,random"} {
			t.Run(name+"/"+strategy, func(t *testing.T) {
				setup := program()
				all, err := ParseStrategies(strategy, 1)
				if err != nil {
					t.Fatal(err)
				}
				rep, err := Explore(pairtest.Fixed(sim.Config{}, setup), Options{Strategies: all, MaxExecutions: 20_000})
				v := rep.Violation
				if err != nil || v == nil || v.Failure.Property != exec.Determinism || v.Failure.Step == 0 {
					t.Fatalf("%v, %+v after %d executions", err, v, rep.Executions)
				}
				if !step.MatchString(v.Failure.Message) {
					t.Errorf("no step that differs: %s", v.Failure.Message)
				}
				if strings.HasPrefix(name, "late") && rep.Executions < 900 {
					t.Errorf("found after %d executions", rep.Executions)
				}
			})
		}
	}
}

// TestNondeterministicGenerator: the generator, too, must depend on its draws alone.
func TestNondeterministicGenerator(t *testing.T) {
	runs := 0
	s := pairtest.Fixed(sim.Config{}, pairtest.Sixty)
	s.Generate = func(src scenario.Source) scenario.Input {
		runs++
		for range 1 + src.Intn(2, "first") {
			src.Intn(2+runs%2, "second")
			src.Intn(2, "third")
		}
		return scenario.Input{}
	}
	rep, err := Explore(s, Options{Strategies: []Strategy{NewDFS(0)}, Width: 3, MaxExecutions: 1000})
	if err != nil || rep.Violation == nil || rep.Violation.Failure.Property != exec.Determinism {
		t.Errorf("%v %+v", err, rep)
	}
}

// TestSearchIsDeterministic: equal options give equal reports, also when a violation ends the search.
func TestSearchIsDeterministic(t *testing.T) {
	for _, s := range []*scenario.Scenario{counters(), pairtest.Fixed(sim.Config{Races: true}, pairtest.Sixty, "never")} {
		for _, workers := range []int{1, 2, 3} {
			var got [3]string
			for i := range got {
				rep, err := Search(s, SearchOptions{Seed: 3, MaxExecutions: 5000, Workers: workers})
				if err != nil {
					t.Fatal(err)
				}
				got[i] = fmt.Sprintf("%+v %+v", rep.Violation, *rep)
				got[i] = regexp.MustCompile("0x[0-9a-f]+").ReplaceAllString(got[i], "")
			}
			if got[0] != got[1] || got[1] != got[2] {
				t.Errorf("%s, %d workers:\n%s", s.Name, workers, strings.Join(got[:], "\n"))
			}
		}
	}
}

// TestSearchSumsUp: each strategy of each worker is in the report, and an exhaustive one runs once.
func TestSearchSumsUp(t *testing.T) {
	rep, err := Search(pairtest.Fixed(sim.Config{}, pairtest.Sixty), SearchOptions{Strategies: "random, dfs:0, pct:2,dfs:1", MaxExecutions: 4000, Workers: 3})
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	var names []string
	for _, s := range rep.Strategies {
		sum += s.Executions
		names = append(names, fmt.Sprintf("%s %q", s.Name, s.Exhausted))
	}
	want := `random "", dfs:0 "at most 0 preemptions", pct:2 "", dfs:1 "at most 1 preemption"`
	if got := strings.Join(names, ", "); got != want || sum != rep.Executions || sum != 4000 {
		t.Errorf("%s; %d of %d executions", got, sum, rep.Executions)
	}
	if alone := exploreWith(t, "dfs:0", 100, pairtest.Fixed(sim.Config{}, pairtest.Sixty)); rep.Strategies[1].Executions != alone.Executions {
		t.Errorf("dfs:0 runs %d executions for all workers, %d alone", rep.Strategies[1].Executions, alone.Executions)
	}
	if rep, err = Search(pairtest.Fixed(sim.Config{}, pairtest.Sixty), SearchOptions{Strategies: "dfs:1", Workers: 4}); err != nil || rep.Strategies[0].Exhausted == "" {
		t.Errorf("%v, %+v", err, rep)
	}
	if _, err = Search(pairtest.Fixed(sim.Config{}, pairtest.Sixty), SearchOptions{Strategies: "luck"}); err == nil {
		t.Error("a strategy that does not exist")
	}
}

// TestSearchPanicsWhereItIsCalled: the caller can recover what a worker panics with.
func TestSearchPanicsWhereItIsCalled(t *testing.T) {
	defer func() {
		if r := fmt.Sprint(recover()); !strings.Contains(r, "of its own making") {
			t.Errorf("panics with %q", r)
		}
	}()
	s := pairtest.Fixed(sim.Config{}, pairtest.Sixty)
	s.Generate = func(scenario.Source) scenario.Input { panic("of its own making") }
	_, err := Search(s, SearchOptions{Workers: 2, MaxExecutions: 100})
	t.Errorf("returned %v", err)
}

// lifo is a strategy from outside the package: it always preempts in favour of the last task, a bounded number of times.
type lifo struct{ runs, left int }

func (l *lifo) Next() sim.Chooser {
	if l.runs == 3 {
		return nil
	}
	l.runs++
	l.left = l.runs
	return l
}

func (l *lifo) Done(*sim.Outcome) error { return nil }
func (l *lifo) String() string          { return "lifo" }
func (l *lifo) Exhausted() string       { return "three executions" }

func (l *lifo) Choose(p *sim.Point) int {
	if p.Draws > 0 || p.Switches() == 0 || l.left == 0 {
		return 0
	}
	l.left--
	return p.N() - 1 - p.Faults()
}

func TestStrategyOfYourOwn(t *testing.T) {
	rep, err := Explore(pairtest.Fixed(sim.Config{}, pairtest.Sixty), Options{Strategies: []Strategy{&lifo{}}})
	if err != nil || rep.Executions != 3 || rep.Strategies[0].Exhausted != "three executions" {
		t.Errorf("%v %+v", err, rep)
	}
	// What diverges by its own account ends there, too.
	rep, err = Explore(pairtest.Fixed(sim.Config{}, pairtest.Sixty), Options{Strategies: []Strategy{&diverging{}}})
	if err != nil || rep.Violation == nil || rep.Violation.Failure.Property != exec.Determinism {
		t.Errorf("%v %+v", err, rep.Violation)
	}
}

type diverging struct{ lifo }

func (d *diverging) Next() sim.Chooser { return d }

func (d *diverging) Choose(p *sim.Point) int {
	if p.Step > 5 {
		return sim.Diverged
	}
	return 0
}

// TestCutIsNotExhausted: what differs only behind the step bound was not explored.
func TestCutIsNotExhausted(t *testing.T) {
	rep, err := Explore(pairtest.Fixed(sim.Config{MaxSteps: 5}, func(w *sim.World) {
		p := pairtest.New(w)
		p.A.Go("a", func() { busy(p.YA) })
	}), Options{Strategies: []Strategy{NewDFS(1)}})
	if err != nil || rep.Executions != 1 || rep.Cut != 1 || rep.Strategies[0] != (StrategyReport{Name: "dfs:1", Executions: 1, Cut: 1, Width: 2}) {
		t.Errorf("%v %+v", err, rep)
	}
}
