package explore

import (
	"cmp"
	"errors"
	"math"

	"cutthrough/sim"
	"cutthrough/sim/exec"
	"cutthrough/sim/scenario"
)

// Options say how to explore.
type Options struct {
	// Strategies take turns. At least one.
	Strategies []Strategy
	// Seed decides the inputs that are drawn at random, and nothing else.
	Seed uint64
	// MaxExecutions ends the exploration; 0 means no limit.
	MaxExecutions int
	// Stop ends the exploration when it returns true; it is asked every few
	// hundred executions and may look at a clock. May be nil.
	Stop func() bool
	// Progress is called now and then with the counts so far. May be nil.
	Progress func(*Report)
	// Width is how many values of every draw an InputChooser explores; 0 means 2, and -1 all.
	Width int
	// Fixed, if not nil, is explored instead of generated inputs.
	Fixed *scenario.Input
}

const (
	// distinctLimit bounds the memory of counting distinct executions.
	distinctLimit = 1 << 20
	// turn is how many executions a strategy gets before the next one.
	turn = 256
	// perInput is how many executions an input gets that was drawn at random.
	perInput = 32
)

// lane is one strategy with its current input.
type lane struct {
	strategy Strategy
	report   *StrategyReport
	source   *scenario.Rand
	inputs   *inputs // of an InputChooser
	program  scenario.Program
	input    scenario.Input
	left     int // executions until the next input is drawn
	over     bool
}

// explorer is one worker: it shares nothing with others.
type explorer struct {
	scenario *scenario.Scenario
	opt      Options
	r        *sim.Runner
	again    *sim.Runner // for second runs: they count for nothing
	lanes    []*lane
	at       int // of lanes, whose turn is next
	rep      *Report
	seen     map[uint64]struct{}
	out      sim.Outcome // here, or each would be allocated
	done     bool
}

// reduction is a Strategy that leaves out what is equivalent to something else.
type reduction interface {
	LeftOut() string
	Redundant() int
}

// Explore runs executions of s until one violates a property, no strategy has any left, or a limit is
// reached. The report is a function of s, the options and the strategies, unless Stop looks at a
// clock. The error is about the inputs of s, not about what they do.
func Explore(s *scenario.Scenario, opt Options) (*Report, error) {
	x := newExplorer(s, opt)
	defer x.close()
	for !x.done {
		if err := x.turn(); err != nil {
			return x.finish(), err
		}
		if opt.Progress != nil {
			opt.Progress(x.rep)
		}
		if opt.Stop != nil && opt.Stop() {
			break
		}
	}
	return x.finish(), nil
}

func newExplorer(s *scenario.Scenario, opt Options) *explorer {
	x := &explorer{
		scenario: s, opt: opt, r: sim.NewRunner(), again: sim.NewRunner(),
		rep:  &Report{Strategies: make([]StrategyReport, len(opt.Strategies))},
		seen: map[uint64]struct{}{},
	}
	width := cmp.Or(opt.Width, 2)
	if width < 0 {
		width = math.MaxInt
	}
	seeds := scenario.NewRand(opt.Seed)
	for i, st := range opt.Strategies {
		l := &lane{strategy: st, report: &x.rep.Strategies[i], source: seeds.Fork(1)}
		l.report.Name = st.String()
		if _, ok := st.(InputChooser); ok {
			l.report.Width = max(cmp.Or(opt.Width, 2), 0)
			l.inputs = &inputs{width: width}
		}
		x.lanes = append(x.lanes, l)
	}
	x.done = len(x.lanes) == 0
	return x
}

func (x *explorer) close() {
	x.r.Close()
	x.again.Close()
}

// turn gives the next strategy that is not over its turn.
func (x *explorer) turn() (err error) {
	hang := x.r.Guard(func() { err = x.unguarded() })
	if hang != nil {
		l := x.lanes[x.at]
		x.rep.Violation, x.done = &Violation{
			Input: l.input, Schedule: x.r.Schedule(), Failure: *hang.Failure, Strategy: l.report.Name,
		}, true
	}
	return err
}

func (x *explorer) unguarded() error {
	l := x.lanes[x.at]
	for range turn {
		if n := x.opt.MaxExecutions; n > 0 && x.rep.Executions >= n {
			x.done = true
		}
		if x.done || l.over {
			break
		}
		if err := x.one(l); err != nil {
			x.done = true
			return err
		}
	}
	x.rep.Distinct = len(x.seen)
	for range x.lanes {
		if x.at = (x.at + 1) % len(x.lanes); !x.lanes[x.at].over {
			return nil
		}
	}
	x.done = true
	return nil
}

// one runs one execution of l.
func (x *explorer) one(l *lane) error {
	ch := l.strategy.Next()
	if ch == nil {
		l.over = true
		if e, ok := l.strategy.(Exhaustive); ok && l.report.Cut == 0 {
			l.report.Exhausted = e.Exhausted()
		}
		if e, ok := l.strategy.(reduction); ok {
			l.report.LeftOut = e.LeftOut()
		}
		return nil
	}
	if err := x.draw(l, ch); err != nil {
		return err
	}
	if x.done {
		return nil
	}
	x.out = x.r.Run(l.program.Config, ch, l.program.Setup)
	o := &x.out
	diverged := l.strategy.Done(o)
	x.count(l, o)
	if e, ok := l.strategy.(reduction); ok {
		l.report.Redundant = e.Redundant()
	}
	if o.Failure == nil && diverged == nil && !x.due() {
		return nil
	}
	v := &Violation{Input: l.input, Schedule: x.r.Schedule(), Digest: o.Digest, Steps: o.Steps, Strategy: l.report.Name}
	if o.Failure != nil {
		v.Failure = *o.Failure
	}
	x.check(l.program, v, diverged)
	if v.Failure.Property != "" {
		x.rep.Violation, x.done = v, true
	}
	return nil
}

// count takes an execution into account.
func (x *explorer) count(l *lane, o *sim.Outcome) {
	x.rep.Executions++
	l.report.Executions++
	x.rep.Steps += o.Steps
	x.rep.Faults += o.Faults
	if o.Cut {
		x.rep.Cut++
		l.report.Cut++
	}
	if len(x.seen) < distinctLimit {
		x.seen[o.Digest] = struct{}{}
	}
}

// due says whether this execution is one of those that are run twice.
func (x *explorer) due() bool { return x.rep.Executions <= 16 || x.rep.Executions%512 == 0 }

// draw gives l an input for the execution.
func (x *explorer) draw(l *lane, ch sim.Chooser) error {
	switch {
	case x.opt.Fixed != nil:
		if l.program.Setup != nil {
			return nil
		}
		l.input = *x.opt.Fixed
	case l.inputs != nil:
		if l.inputs.same(ch) && l.program.Setup != nil {
			return nil
		}
		l.input = x.scenario.Generate(l.inputs)
		if err := l.inputs.err; err != nil {
			x.rep.Violation, x.done = &Violation{
				Input: l.input, Strategy: l.report.Name,
				Failure: exec.Failure{Property: exec.Determinism, Message: err.Error()},
			}, true
			return nil
		}
	default:
		if l.left > 0 {
			l.left--
			return nil
		}
		if !x.scenario.OneTask {
			l.left = perInput - 1
		}
		l.input = x.scenario.Generate(scenario.RandSource{R: l.source})
	}
	x.rep.Cases++
	p, err := x.scenario.Compile(l.input)
	if err == nil && p.Setup == nil {
		err = errors.New("a program without Setup")
	}
	l.program = p
	return err
}
