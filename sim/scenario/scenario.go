package scenario

import (
	"iter"
	"slices"

	"cutthrough/sim"
	"cutthrough/sim/exec"
	"cutthrough/sim/trace"
)

// Input is the configuration and the workload of one program of a [Scenario], as a trace
// writes them. The zero Input is the default configuration and an empty workload.
type Input struct {
	Config   []trace.KV
	Workload []trace.Op
}

// Scenario is a family of programs with the properties that they must have.
type Scenario struct {
	// Name identifies the scenario in traces and on the command line.
	Name string
	// Doc is one line for lists; Long says what runs, what is checked and what is not.
	Doc, Long string
	// Broken scenarios show a mechanism that cannot work: exploring them must find a violation.
	Broken bool
	// Verbs are the operations of workloads.
	Verbs Verbs
	// Generate draws an input that Compile accepts. If the Source answers 0 throughout, the
	// input is the simplest one.
	Generate func(Source) Input
	// Scope returns all inputs up to a size, the smallest first, and those that are equal but for names once. It may be nil. Long
	// says what the size is, and what no scope has.
	Scope func(n int) iter.Seq[Input]
	// Compile returns the program of an input. The error says what is wrong with the
	// input, which may come from a file.
	Compile func(Input) (Program, error)
	// Sometimes are the states of interest that an exploration must reach
	// ([sim.World.Sometimes]).
	Sometimes []string
	// OneTask says that programs have one task and no faults: there is nothing to schedule, and
	// every execution has an input of its own.
	OneTask bool
}

// Program is what one execution runs. Executions share it, so Setup must not change
// anything that outlives the World it is given.
type Program struct {
	Config sim.Config
	Setup  func(*sim.World)
}

// RunOnce runs one execution of an input under a schedule and returns its outcome and
// the indices of the interventions that were not met. With record the outcome holds the Execution.
func (t *Scenario) RunOnce(r *sim.Runner, in Input, schedule []exec.Intervention, record bool) (sim.Outcome, []int, error) {
	p, err := t.Compile(in)
	if err != nil {
		return sim.Outcome{}, nil, err
	}
	p.Config.Record = record
	rp := sim.NewReplay(schedule)
	o := r.Run(p.Config, rp, p.Setup)
	return o, rp.Unmet(), nil
}

// Within returns the scenario whose inputs are those of t's scope n, and their number. A generator draws one number, the case. Of
// several parts, numbered from 0, it has the cases whose number leaves the rest part when it is divided by parts.
func (t *Scenario) Within(n, part, parts int) (*Scenario, int) {
	all := slices.Collect(t.Scope(n))
	var mine []Input
	for i := part; i < len(all); i += parts {
		mine = append(mine, all[i])
	}
	within := *t
	within.Generate = func(src Source) Input { return mine[src.Intn(len(mine), "case")] }
	return &within, len(mine)
}
