package sim

import "cutthrough/sim/trace"

// Case is one configuration and workload of a [Test], as a trace writes it.
type Case struct {
	Config   []trace.KV
	Workload []trace.Op
}

// Test is something to explore: a family of programs.
type Test struct {
	Name string
	// Doc is one line for lists; Long says what runs, what is checked and what is not.
	Doc, Long string
	// Broken scenarios show a mechanism that cannot work: exploring them must find a violation.
	Broken bool
	// Generate draws a case.
	Generate func(Source) Case
	// Compile returns the program of a case, or an error that says what is wrong
	// with it: a case may come from a file.
	Compile func(Case) (Program, error)
	// Sometimes are the states of interest that an exploration must reach.
	Sometimes []string
	// OneTask says that programs have one task and no faults: there is nothing to schedule, and
	// every execution has a case of its own.
	OneTask bool
}

// Program is what one execution runs.
type Program struct {
	Config Config
	Setup  func(*World)
}

// RunOnce runs one execution of a case under a schedule and returns its outcome and
// the indices of the interventions that were not met. The outcome is valid
// until the Runner's next Run.
func (t *Test) RunOnce(r *Runner, c Case, schedule []trace.Intervention, log bool) (Outcome, []int, error) {
	p, err := t.Compile(c)
	if err != nil {
		return Outcome{}, nil, err
	}
	p.Config.Log = log
	rp := NewReplay(schedule)
	o := r.Run(p.Config, rp, p.Setup)
	return o, rp.Unmet(), nil
}
