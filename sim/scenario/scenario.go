package scenario

import (
	"cutthrough/sim"
	"cutthrough/sim/trace"
)

// Input is one configuration and workload of a [Test], as a trace writes it.
type Input struct {
	Config   []trace.KV
	Workload []trace.Op
}

// Scenario is something to explore: a family of programs.
type Scenario struct {
	Name string
	// Doc is one line for lists; Long says what runs, what is checked and what is not.
	Doc, Long string
	// Broken scenarios show a mechanism that cannot work: exploring them must find a violation.
	Broken bool
	// Generate draws a case.
	Generate func(Source) Input
	// Compile returns the program of a case, or an error that says what is wrong
	// with it: a case may come from a file.
	Compile func(Input) (Program, error)
	// Sometimes are the states of interest that an exploration must reach.
	Sometimes []string
	// OneTask says that programs have one task and no faults: there is nothing to schedule, and
	// every execution has a case of its own.
	OneTask bool
}

// Program is what one execution runs.
type Program struct {
	Config sim.Config
	Setup  func(*sim.World)
}

// RunOnce runs one execution of a case under a schedule and returns its outcome and
// the indices of the interventions that were not met. The outcome is valid
// until the Runner's next Run.
func (t *Scenario) RunOnce(r *sim.Runner, c Input, schedule []trace.Intervention, log bool) (sim.Outcome, []int, error) {
	p, err := t.Compile(c)
	if err != nil {
		return sim.Outcome{}, nil, err
	}
	p.Config.Log = log
	rp := sim.NewReplay(schedule)
	o := r.Run(p.Config, rp, p.Setup)
	return o, rp.Unmet(), nil
}
