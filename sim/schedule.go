package sim

import (
	"syscall"

	"cutthrough/shm"
	"cutthrough/shm/access"
	"cutthrough/sim/exec"
)

// errnos are the errors that simulated calls fail with.
var errnos = [...]struct {
	no   syscall.Errno
	name string
}{
	{syscall.EMFILE, "EMFILE"}, {syscall.ENFILE, "ENFILE"}, {syscall.ENOMEM, "ENOMEM"}, {syscall.ENOSPC, "ENOSPC"},
}

// failWith returns the fault that makes a call fail with no.
func failWith(no syscall.Errno) option { return option{kind: exec.Fail, id: int32(no)} }

func errnoName(no syscall.Errno) string {
	for _, e := range errnos {
		if e.no == no {
			return e.name
		}
	}
	panic("sim: " + no.Error() + " has no name for traces")
}

// Replay is the Chooser of a given schedule: at an anchor it does what the schedule
// says, everywhere else it takes choice 0. A schedule must have no two
// interventions with the same anchor.
type Replay struct {
	want []anchor
}

type anchor struct {
	exec.Intervention
	name  shm.Name
	op    access.Op
	known bool // name and op exist in this build
	met   bool
}

// NewReplay returns a Chooser for schedule.
func NewReplay(schedule []exec.Intervention) *Replay {
	r := new(Replay)
	for _, v := range schedule {
		a := anchor{Intervention: v}
		name, ok := shm.LookupName(v.Name)
		op, ok2 := access.Parse(v.Op)
		a.name, a.op, a.known = name, op, ok && ok2
		r.want = append(r.want, a)
	}
	return r
}

// Reset makes the Replay ready for another execution.
func (r *Replay) Reset() {
	for i := range r.want {
		r.want[i].met = false
	}
}

// Choose implements [Chooser].
func (r *Replay) Choose(p *Point) int {
	for i := range r.want {
		a := &r.want[i]
		if a.met || !a.known || a.name != p.Name || a.op != p.Op || a.Nth != p.Nth || a.Task != p.TaskName() {
			continue
		}
		if c := a.choice(p); c >= 0 {
			a.met = true
			return c
		}
	}
	return 0
}

// choice returns the option of p that a asks for, or -1.
func (a *anchor) choice(p *Point) int {
	if a.Effect.Kind == exec.CorruptRead {
		return p.CorruptRead(a.Effect.Arg)
	}
	for c := range p.N() {
		if p.Option(c) == a.Effect {
			return c
		}
	}
	return -1
}

// Unmet returns the indices of the interventions whose anchor was not met, or
// where the effect was not possible: the schedule is stale.
func (r *Replay) Unmet() []int {
	var u []int
	for i := range r.want {
		if !r.want[i].met {
			u = append(u, i)
		}
	}
	return u
}
