package scenario

import (
	"iter"

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

// Among returns the scenario whose inputs are those of a list. Its generator draws one number, the case.
func (t *Scenario) Among(inputs []Input) *Scenario {
	among := *t
	among.Generate = func(src Source) Input { return inputs[src.Intn(len(inputs), "case")] }
	return &among
}
