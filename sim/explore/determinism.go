package explore

import (
	"fmt"

	"cutthrough/sim"
	"cutthrough/sim/exec"
	"cutthrough/sim/scenario"
	"cutthrough/sim/trace"
)

// check runs the execution of v again from its schedule. If the two differ, or if a strategy has
// seen that the program diverged, v becomes a violation of Determinism that says where. If one of them leaves the
// simulation, v becomes a violation that says that.
func (x *explorer) check(p scenario.Program, v *Violation, diverged error) {
	if outside(&v.Failure) {
		return
	}
	x.rep.Checked++
	message := ""
	if diverged != nil {
		message = diverged.Error()
	} else {
		message = x.differs(p, v)
	}
	if message == "" || outside(&v.Failure) {
		return
	}
	step, first := firstDifference(x.again, p, v.Schedule)
	if first != "" {
		message += "; " + first
	}
	if step == 0 {
		step = v.Steps
	}
	v.Failure = exec.Failure{Property: exec.Determinism, Message: message, Task: v.Failure.Task, Step: step}
}

// differs says how the execution of v goes when it is replayed with equal choices, or "" if it goes as before.
func (x *explorer) differs(p scenario.Program, v *Violation) string {
	rp := sim.NewReplay(v.Schedule)
	o := x.again.Run(p.Config, rp, p.Setup)
	property := ""
	if o.Failure != nil {
		property = o.Failure.Property
		if outside(o.Failure) {
			v.Failure = *o.Failure
		}
	}
	switch {
	case len(rp.Unmet()) > 0:
		return fmt.Sprintf("replaying the schedule, %q was never reached", v.Schedule[rp.Unmet()[0]])
	case property != v.Failure.Property:
		return fmt.Sprintf("%s at first, %s when replayed with equal choices", verdict(v.Failure.Property), verdict(property))
	case o.Digest != v.Digest:
		return fmt.Sprintf("digest %016x after %d steps at first, %016x after %d when replayed with equal choices", v.Digest, v.Steps, o.Digest, o.Steps)
	}
	return ""
}

// outside says whether an execution has left the simulation, so that it is no wonder if another one differs.
func outside(f *exec.Failure) bool {
	return f.Property == exec.TasksOnly || f.Property == exec.NoHang
}

func verdict(property string) string {
	if property == "" {
		return trace.Pass
	}
	return property
}

// maxPairs is how many pairs of executions are compared to find the first step that differs: a program
// that depends on luck may be lucky twice.
const maxPairs = 8

// FirstDifference replays a schedule a few times and describes the first step in which executions differ. It
// returns "" if they do not. The error is about the input.
func FirstDifference(s *scenario.Scenario, in scenario.Input, schedule []exec.Intervention) (string, error) {
	p, err := s.Compile(in)
	if err != nil {
		return "", err
	}
	r := sim.NewRunner()
	defer r.Close()
	_, text := firstDifference(r, p, schedule)
	return text, nil
}

// firstDifference returns the number of the first step that differs and describes both executions, or
// nothing if they never differ.
func firstDifference(r *sim.Runner, p scenario.Program, schedule []exec.Intervention) (step int, text string) {
	p.Config.Record = true
	first := r.Run(p.Config, sim.NewReplay(schedule), p.Setup)
	for range maxPairs {
		again := r.Run(p.Config, sim.NewReplay(schedule), p.Setup)
		if first.Execution == nil || again.Execution == nil {
			return 0, "" // a task hangs
		}
		if step, text = exec.FirstDifference(first.Execution, again.Execution); text != "" {
			return step, text
		}
	}
	return 0, ""
}
