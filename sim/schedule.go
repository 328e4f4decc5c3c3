package sim

import (
	"strconv"
	"syscall"

	"cutthrough/shm"
	"cutthrough/shm/access"
	"cutthrough/sim/trace"
)

// errnoNames are the errnos that simulated calls fail with.
var errnoNames = [...]struct {
	no   syscall.Errno
	text string
}{
	{syscall.EMFILE, "EMFILE"}, {syscall.ENFILE, "ENFILE"}, {syscall.ENOMEM, "ENOMEM"}, {syscall.ENOSPC, "ENOSPC"},
}

// Schedule returns the interventions of the execution as a trace writes them.
// Valid until the Runner's next Run; the result may be kept.
func (o *Outcome) Schedule() []trace.Intervention {
	var s []trace.Intervention
	for _, v := range o.Interventions {
		word, args := o.world.effectText(v.Effect)
		s = append(s, trace.Intervention{
			Task: o.world.tasks[v.Task].name, Name: v.Name.String(), Op: v.Op.String(), Nth: v.Nth,
			Effect: word, Args: args,
		})
	}
	return s
}

func (w *World) effectText(e Effect) (word string, args []string) {
	word = e.Kind.String()
	switch e.Kind {
	case Switch:
		args = []string{w.tasks[e.Arg].name}
	case Resume:
		args = []string{w.procs[e.Arg].name}
	case Fail:
		args = []string{"?"}
		for _, n := range errnoNames {
			if uint64(n.no) == e.Arg {
				args[0] = n.text
			}
		}
	case Draw, Delay, Short, Hostile:
		args = []string{strconv.FormatUint(e.Arg, 10)}
	}
	return word, args
}

// Replay is the Chooser of a given schedule: at an anchor it does what the schedule
// says, everywhere else it takes choice 0. A schedule must have no two
// interventions with the same anchor.
type Replay struct {
	want []anchored
}

type anchored struct {
	trace.Intervention
	name  shm.Name
	op    access.Op
	known bool // name and op exist in this build
	met   bool
}

// NewReplay returns a Chooser for schedule.
func NewReplay(schedule []trace.Intervention) *Replay {
	r := new(Replay)
	for _, v := range schedule {
		a := anchored{Intervention: v}
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
func (a *anchored) choice(p *Point) int {
	for c := range p.N() {
		word, args := p.w.effectText(p.Option(c))
		if word == a.Effect && (len(args) == 0 || len(a.Args) == 1 && args[0] == a.Args[0]) {
			return c
		}
	}
	if a.Effect != trace.EffectHostile || len(a.Args) != 1 || p.hostileOption() < 0 {
		return -1
	}
	// A trace may name any value, not only those that strategies try.
	v, err := strconv.ParseUint(a.Args[0], 0, 64)
	if err != nil {
		return -1
	}
	c := p.hostileOption()
	p.faults[c-1-p.nOther].Arg = v
	return c
}

// hostileOption returns the first option that writes a hostile value, or -1.
func (p *Point) hostileOption() int {
	for i, e := range p.faults {
		if e.Kind == Hostile {
			return 1 + p.nOther + i
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

// TaskName returns the name of the running task.
func (p *Point) TaskName() string { return p.w.tasks[p.Task].name }
