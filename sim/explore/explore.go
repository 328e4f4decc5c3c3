package explore

import (
	"fmt"
	"maps"

	"cutthrough/sim"
	"cutthrough/sim/exec"
	"cutthrough/sim/scenario"
)

// Options say how to explore.
type Options struct {
	// Strategies take turns. At least one.
	Strategies []Strategy
	// Seed decides the cases, and nothing else.
	Seed uint64
	// MaxExecutions ends the exploration; 0 means no limit.
	MaxExecutions int
	// Stop ends the exploration when it returns true; it is asked every few
	// hundred executions and may look at a clock. May be nil.
	Stop func() bool
	// Progress is called now and then with the report so far. May be nil.
	Progress func(*Report)
	// Width is how many values of every draw a DFS explores; 0 means 2.
	Width int
	// Fixed, if not nil, is explored instead of generated cases.
	Fixed *scenario.Input
}

// Violation is a violation: everything needed to replay it.
type Violation struct {
	Input    scenario.Input
	Schedule []exec.Intervention
	Failure  exec.Failure
	Digest   uint64
	Steps    int
	Strategy string
}

// Report is the result of an exploration.
type Report struct {
	Executions int
	Steps      int
	Faults     int // that happened
	Cases      int // distinct in a row, for DFS; drawn, for the others
	Distinct   int // executions with different digests; exact up to a million
	Checked    int // executions run twice to compare digests
	Exhausted  bool
	Violation  *Violation // nil when everything held
	Sometimes  map[string]int
	Unreached  []string // Sometimes marks that were declared and never reached
	Coverage   []sim.FaultCoverage
}

// distinctLimit bounds the memory of counting distinct executions.
const distinctLimit = 1 << 20

// turn is how many executions a strategy gets before the next one.
const turn = 256

// lane is one strategy with its current case.
type lane struct {
	strategy Strategy
	source   *scenario.Rand
	choice   *choiceSource // DFS draws cases through its own chooser
	program  scenario.Program
	c        scenario.Input
	left     int // executions until the next case is drawn
	over     bool
}

type explorer struct {
	test  *scenario.Scenario
	opt   Options
	r     *sim.Runner
	again *sim.Runner // for second runs: they count for nothing
	lanes []*lane
	rep   *Report
	seen  map[uint64]struct{}
}

// Explore runs executions of test until one violates a property, every strategy
// is exhausted, or a limit is reached. The error is about the test's own
// cases, not about what they do.
func Explore(test *scenario.Scenario, opt Options) (*Report, error) {
	r := sim.NewRunner()
	defer r.Close()
	again := sim.NewRunner()
	defer again.Close()
	x := &explorer{test: test, opt: opt, r: r, again: again, rep: &Report{}, seen: map[uint64]struct{}{}}
	if x.opt.Width == 0 {
		x.opt.Width = 2
	}
	seeds := scenario.NewRand(opt.Seed)
	for _, s := range opt.Strategies {
		l := &lane{strategy: s, source: seeds.Fork(1)}
		if _, ok := s.(*DFS); ok {
			l.choice = &choiceSource{width: x.opt.Width}
		}
		x.lanes = append(x.lanes, l)
	}
	err := x.explore()
	x.finish()
	return x.rep, err
}

func (x *explorer) explore() error {
	for {
		active := false
		for _, l := range x.lanes {
			if l.over {
				continue
			}
			active = true
			for range turn {
				if x.opt.MaxExecutions > 0 && x.rep.Executions >= x.opt.MaxExecutions {
					return nil
				}
				if done, err := x.one(l); done || err != nil {
					return err
				}
				if l.over {
					break
				}
			}
			if x.opt.Progress != nil {
				x.rep.Distinct = len(x.seen)
				x.opt.Progress(x.rep)
			}
			if x.opt.Stop != nil && x.opt.Stop() {
				return nil
			}
		}
		if !active {
			return nil
		}
	}
}

// one runs one execution of l; it says whether a violation was found.
func (x *explorer) one(l *lane) (bool, error) {
	ch := l.strategy.Next()
	if ch == nil {
		l.over = true
		x.rep.Exhausted = true // a DFS that is exhausted covers what the others sample
		return false, nil
	}
	if err := x.draw(l, ch); err != nil {
		return false, err
	}
	o := x.r.Run(l.program.Config, ch, l.program.Setup)
	l.strategy.Done(o.Steps)
	x.rep.Executions++
	x.rep.Steps += o.Steps
	x.rep.Faults += o.Faults
	if len(x.seen) < distinctLimit {
		x.seen[o.Digest] = struct{}{}
	}
	if o.Failure == nil && !x.due() {
		return false, nil
	}
	f := &Violation{Input: l.c, Schedule: x.r.Schedule(), Digest: o.Digest, Steps: o.Steps, Strategy: l.strategy.String()}
	if o.Failure != nil {
		f.Failure = *o.Failure
	}
	if again := x.check(l, f); again != "" {
		f.Failure = exec.Failure{Property: exec.Determinism, Message: again}
	}
	if f.Failure.Property == "" {
		return false, nil
	}
	x.rep.Violation = f
	return true, nil
}

// due says whether this execution is one of those that are run twice.
func (x *explorer) due() bool { return x.rep.Executions <= 16 || x.rep.Executions%512 == 0 }

// check runs an execution again from its schedule and compares.
func (x *explorer) check(l *lane, f *Violation) string {
	x.rep.Checked++
	rp := sim.NewReplay(f.Schedule)
	o := x.again.Run(l.program.Config, rp, l.program.Setup)
	property := ""
	if o.Failure != nil {
		property = o.Failure.Property
	}
	switch {
	case len(rp.Unmet()) > 0:
		return fmt.Sprintf("replaying the schedule, %q was never reached", f.Schedule[rp.Unmet()[0]])
	case property != f.Failure.Property:
		return fmt.Sprintf("%q at first, %q when replayed with equal choices", f.Failure.Property, property)
	case o.Digest != f.Digest:
		return fmt.Sprintf("digest %016x after %d steps at first, %016x after %d when replayed with equal choices", f.Digest, f.Steps, o.Digest, o.Steps)
	}
	return ""
}

// draw gives l a case for the execution.
func (x *explorer) draw(l *lane, ch sim.Chooser) error {
	if x.opt.Fixed != nil {
		if l.program.Setup != nil {
			return nil
		}
		l.c = *x.opt.Fixed
		return x.compile(l)
	}
	if l.choice != nil {
		if l.choice.same(ch) && l.program.Setup != nil {
			return nil
		}
		l.c = x.test.Generate(l.choice)
		return x.compile(l)
	}
	if l.left > 0 {
		l.left--
		return nil
	}
	if !x.test.OneTask {
		l.left = 31
	}
	l.c = x.test.Generate(scenario.RandSource{R: l.source})
	return x.compile(l)
}

func (x *explorer) compile(l *lane) (err error) {
	x.rep.Cases++
	l.program, err = x.test.Compile(l.c)
	return err
}

func (x *explorer) finish() {
	x.rep.Distinct = len(x.seen)
	x.rep.Sometimes = maps.Clone(x.r.SometimesCounts())
	x.rep.Coverage = x.r.Coverage()
	for _, m := range x.test.Sometimes {
		if x.rep.Sometimes[m] == 0 {
			x.rep.Unreached = append(x.rep.Unreached, m)
		}
	}
}
