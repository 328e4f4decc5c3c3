package properties

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"cutthrough/internal/proctest"
	"cutthrough/properties/oracle"
	"cutthrough/properties/session"
	"cutthrough/sim"
	"cutthrough/sim/explore"
	"cutthrough/sim/scenario"
	"cutthrough/sim/trace"

	"pgregory.net/rapid"
)

// TestScenariosHold explores every scenario a little on the real code: nothing
// may be found, and every state of interest must be reached.
func TestScenariosHold(t *testing.T) {
	short, long := proctest.Rounds(t, 4000, 10_000), proctest.Rounds(t, 500, 750) // executions, by their length
	walks := proctest.Rounds(t, 2000, 10_000)                                     // of the layer beside a model, which are as long as the model is large
	for _, s := range All() {
		t.Run(s.Name, func(t *testing.T) {
			n := short
			if slices.ContainsFunc(session.Scenarios(), func(o *scenario.Scenario) bool { return o.Name == s.Name }) {
				n = long // a hundred times longer executions
			}
			if strings.HasSuffix(s.Name, "-refinement") {
				n = walks
			}
			rep, err := explore.Search(s, explore.SearchOptions{Seed: 1, MaxExecutions: n, Workers: 2})
			if err != nil {
				t.Fatal(err)
			}
			if s.Broken {
				if rep.Violation == nil || rep.Violation.Failure.Property != oracle.NoOverlap {
					t.Errorf("found %+v in %d executions", rep.Violation, rep.Executions)
				}
				return
			}
			if rep.Violation != nil {
				t.Fatalf("%v\n%s", rep.Violation.Failure, trace.Format(explore.NewTrace(s.Name, rep.Violation)))
			}
			if len(rep.Unreached) > 0 {
				t.Errorf("never reached: %v", rep.Unreached)
			}
			if rep.Executions < n || rep.Distinct < min(n-n/100, 1000) || rep.Checked < 32 {
				t.Errorf("%d executions, %d distinct, %d run twice", rep.Executions, rep.Distinct, rep.Checked)
			}
		})
	}
}

// caseSource lets rapid draw a case.
type caseSource struct{ t *rapid.T }

// Intn implements [scenario.Source].
func (s caseSource) Intn(n int, label string) int {
	return rapid.IntRange(0, n-1).Draw(s.t, label)
}

// TestRapid lets rapid draw configuration, workload, faults and, last, the whole
// schedule as one flat list: 0 means go on, and so does the end of the list. What
// it finds is handed to the Shrinker, which knows more about schedules.
func TestRapid(t *testing.T) {
	for _, s := range All() {
		if s.Broken {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			r := sim.NewRunner()
			defer r.Close()
			rapid.Check(t, func(t *rapid.T) {
				c := s.Generate(caseSource{t})
				schedule := rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(t, "schedule")
				p, err := s.Compile(c)
				if err == nil {
					o := r.Run(p.Config, &explore.ByteChooser{Data: schedule}, p.Setup)
					err = explain(s, r, c, o)
				}
				if err != nil {
					t.Fatalf("%v", err)
				}
			})
		})
	}
}

// violation is what a property test prints: a trace to replay.
type violation struct{ text string }

func (v violation) Error() string { return v.text }

// explain returns nil or the shrunk violation as a trace.
func explain(s *scenario.Scenario, r *sim.Runner, c scenario.Input, o sim.Outcome) error {
	if o.Failure == nil {
		return nil
	}
	f := &explore.Violation{Input: c, Schedule: r.Schedule(), Failure: *o.Failure, Digest: o.Digest, Steps: o.Steps}
	shrinker := explore.Shrinker{Scenario: s, Budget: 20_000}
	small, err := shrinker.Shrink(f)
	if err != nil {
		return err
	}
	return violation{small.Failure.String() + "\n" + string(trace.Format(explore.NewTrace(s.Name, small)))}
}

// fuzzScenario fuzzes generator and schedule with the same bytes that the
// generator and the scheduler would get from any other source.
func fuzzScenario(f *testing.F, name string) {
	s, err := All().Find(name)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{}, []byte{})
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8}, []byte{0, 0, 200, 0, 130, 0, 0, 255})
	r := sim.NewRunner()
	f.Fuzz(func(t *testing.T, draws, schedule []byte) {
		c := s.Generate(&scenario.ByteSource{Data: draws})
		p, err := s.Compile(c)
		if err != nil {
			t.Fatalf("generated case does not compile: %v", err)
		}
		if err := explain(s, r, c, r.Run(p.Config, &explore.ByteChooser{Data: schedule}, p.Setup)); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzFifoStream(f *testing.F)  { fuzzScenario(f, "fifo-stream") }
func FuzzFifoWakeup(f *testing.F)  { fuzzScenario(f, "fifo-wakeup") }
func FuzzFifoHostile(f *testing.F) { fuzzScenario(f, "fifo-hostile") }
func FuzzEvq(f *testing.F)         { fuzzScenario(f, "evq") }
func FuzzAlloc(f *testing.F)       { fuzzScenario(f, "alloc") }
func FuzzCloseStorm(f *testing.F)  { fuzzScenario(f, "close-storm") }
func FuzzDetachCrash(f *testing.F) { fuzzScenario(f, "detach-crash") }
func FuzzMultiApp(f *testing.F)    { fuzzScenario(f, "multi-app") }

// TestVerbsPrintWhatTheyRead: every operation of every scenario, with each argument at the ends of its range, is printed
// as it was read. One beyond an end is refused.
func TestVerbsPrintWhatTheyRead(t *testing.T) {
	for _, s := range All() {
		if len(s.Verbs) == 0 {
			t.Errorf("%s has no verbs", s.Name)
		}
		for _, v := range s.Verbs {
			for _, proc := range v.Procs {
				checkVerb(t, s, proc, v)
			}
		}
	}
}

func checkVerb(t *testing.T, s *scenario.Scenario, proc string, v scenario.Verb) {
	t.Helper()
	op := func(i, n int) trace.Op { // argument i is n, the others have their least value
		o := trace.Op{Proc: proc, Verb: v.Name}
		for j, a := range v.Args {
			if i != j {
				o.Args = append(o.Args, strconv.Itoa(a.Min))
			} else {
				o.Args = append(o.Args, strconv.Itoa(n))
			}
		}
		return o
	}
	ops, bad := []trace.Op{op(-1, 0)}, []trace.Op{}
	for i, a := range v.Args {
		ops = append(ops, op(i, a.Min), op(i, a.Max))
		bad = append(bad, op(i, a.Min-1), op(i, a.Max+1))
	}
	in := scenario.Input{Workload: ops}
	_, read, err := scenario.ReadInput(in, nil, s.Verbs)
	if err != nil {
		t.Fatalf("%s: %v", s.Name, err)
	}
	for i, o := range read {
		if got := s.Verbs.Text(proc, o.Do); got.String() != ops[i].String() {
			t.Errorf("%s: %v is printed as %v", s.Name, ops[i], got)
		}
	}
	_, _ = s.Compile(in) // it may refuse the workload, but knows the types of its operations
	for i, o := range bad {
		_, err := s.Compile(scenario.Input{Workload: []trace.Op{o}})
		if want := o.String() + ": " + v.Args[i/2].Name + " is "; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", s.Name, err, want)
		}
	}
}

// TestBadCasesAreRefused: a case may come from a file.
func TestBadCasesAreRefused(t *testing.T) {
	kv := func(k, v string) []trace.KV { return []trace.KV{{Key: k, Value: v}} }
	work := func(proc, verb string, args ...string) []trace.Op {
		return []trace.Op{{Proc: proc, Verb: verb, Args: args}}
	}
	for _, tt := range []struct {
		scenario, want string
		c              scenario.Input
	}{
		{"fifo-stream", "no such key", scenario.Input{Config: kv("colour", "red")}},
		{"fifo-stream", "want a number from 1 to 4096", scenario.Input{Config: kv("fifo", "0")}},
		{"fifo-stream", "want a number from 1 to 4096", scenario.Input{Config: kv("fifo", "many")}},
		{"fifo-stream", "want one of", scenario.Input{Config: kv("faults", "lunch")}},
		{"fifo-stream", "no such operation", scenario.Input{Workload: work("prod", "read", "1")}},
		{"fifo-stream", "has 0 arguments, want 1", scenario.Input{Workload: work("prod", "write")}},
		{"fifo-stream", "want a number from 0 to 4096", scenario.Input{Workload: work("prod", "write", "-1")}},
		{"fifo-stream", "at most 256", scenario.Input{Workload: make([]trace.Op, 257)}},
		{"fifo-wakeup", "has no read", scenario.Input{Workload: work("prod", "write", "1")}},
		{"evq", "config producers=2", scenario.Input{Workload: work("p3", "send")}},
		{"alloc", "config procs=2", scenario.Input{Workload: work("c", "alloc", "1")}},
		{"alloc", "needs config procs=1", scenario.Input{Workload: work("a", "refree")}},
		{"alloc", "more than 256 bytes", scenario.Input{Config: kv("shared", "1"), Workload: work("a", "alloc", "256")}},
	} {
		s, err := All().Find(tt.scenario)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Compile(tt.c); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %v: %v, want %q", tt.scenario, tt.c, err, tt.want)
		}
	}
	if _, err := All().Find("nonsense"); err == nil || !strings.Contains(err.Error(), "fifo-stream") {
		t.Errorf("unknown scenario: %v", err)
	}
}
