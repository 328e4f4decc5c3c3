package sim

import (
	"math/bits"
	"syscall"

	"cutthrough/shm"
	"cutthrough/shm/access"
	"cutthrough/sim/exec"
)

// Object identifies something that tasks share, within one execution: a segment, a bell, a lock, one direction of a
// channel, a listener. Numbers are given in order of creation.
type Object uint32

// The objects that every execution has.
const (
	NoObject  Object = iota
	Clock            // virtual time
	Directory        // the addresses that listeners are found at
	firstObject
)

// Access is what a task does, or is about to do, at a hooked access or call.
type Access struct {
	Object Object
	Name   shm.Name
	Op     access.Op
	// Off and Len are the bytes of a segment; 0 for calls.
	Off, Len uint64
}

// String returns name and operation, as a trace anchors them.
func (a Access) String() string { return a.Name.String() + " " + a.Op.String() }

// option is an effect in the form that is cheap to make: id is the task, process or errno that it names.
type option struct {
	kind exec.Kind
	id   int32
	arg  uint64
}

// effect returns an option as data.
func (w *World) effect(o option) exec.Effect {
	e := exec.Effect{Kind: o.kind, Arg: o.arg}
	switch o.kind {
	case exec.Switch:
		e.Target = w.tasks[o.id].name
	case exec.Resume:
		e.Target = w.procs[o.id].name
	case exec.Fail:
		e.Target = errnoName(syscall.Errno(o.id))
	}
	return e
}

// Point is one nondeterministic question, put to a [Chooser] by the running task
// right before it does something that others can observe. It is valid only
// during the call.
type Point struct {
	Task   int // the running task
	Access     // what it is about to do
	Nth    int // how often this task has come to Name and Op, this time included
	Step   int
	// Forced points are those where the running task cannot go on (it waits or
	// has ended): the choice of another task is not a preemption there.
	Forced bool
	// Draws is the number of values of a Choose call, 0 at every other point.
	Draws int

	w      *World
	site   int
	others uint64 // enabled tasks but the running one
	nOther int
	faults []option
}

// N returns the number of options; choice 0 is the default. The options are: to continue (not at Forced points), then
// the switches to other enabled tasks, then the faults.
func (p *Point) N() int {
	if p.Draws > 0 {
		return p.Draws
	}
	if p.Forced {
		return p.nOther
	}
	return 1 + p.nOther + len(p.faults)
}

// Switches returns the number of tasks that could run instead of the running one.
func (p *Point) Switches() int { return p.nOther }

// Others returns the set of the tasks that could run instead, task i being bit i.
func (p *Point) Others() uint64 { return p.others }

// Faults returns the number of faults possible here; they are the last options.
func (p *Point) Faults() int { return len(p.faults) }

// Option returns what choice i does.
func (p *Point) Option(i int) exec.Effect { return p.w.effect(p.option(i)) }

func (p *Point) option(i int) option {
	if p.Draws > 0 {
		return option{kind: exec.Value, arg: uint64(i)}
	}
	if !p.Forced {
		if i == 0 {
			return option{}
		}
		i--
	}
	if i < p.nOther {
		return option{kind: exec.Switch, id: int32(p.other(i))}
	}
	return p.faults[i-p.nOther]
}

// SwitchChoice returns the choice that runs a task of Others instead of the running one.
func (p *Point) SwitchChoice(task int) int {
	before := bits.RotateLeft64(1, task-p.Task-1) - 1 // those between the running one and task, cyclically
	c := bits.OnesCount64(bits.RotateLeft64(p.others, -(p.Task+1)) & before)
	if p.Forced {
		return c
	}
	return 1 + c
}

// other returns the i-th enabled task after the running one, cyclically.
func (p *Point) other(i int) int {
	m := bits.RotateLeft64(p.others, -(p.Task + 1))
	for ; i > 0; i-- {
		m &= m - 1
	}
	return (bits.TrailingZeros64(m) + p.Task + 1) & 63
}

// Preemption says whether choice i takes the processor from a task that could go on.
func (p *Point) Preemption(i int) bool {
	return !p.Forced && p.Draws == 0 && i > 0 && i <= p.nOther
}

// CorruptRead returns a choice that writes v to the word that is about to be loaded, or -1 if a hostile peer is not
// possible here. Strategies try a few values; a trace may name any.
func (p *Point) CorruptRead(v uint64) int {
	for i := range p.faults {
		if p.faults[i].kind == exec.CorruptRead {
			p.faults[i].arg = v
			return 1 + p.nOther + i
		}
	}
	return -1
}

// TaskName returns the name of the running task.
func (p *Point) TaskName() string { return p.w.tasks[p.Task].name }

// Tasks returns the number of tasks so far; they are numbered from 0 in order of creation.
func (p *Point) Tasks() int { return len(p.w.tasks) }

// Birth returns the task that started task i, -1 if the setup function did, and how many that one had started before.
func (p *Point) Birth(i int) (parent, rank int) { return p.w.tasks[i].parent, p.w.tasks[i].rank }

// Enabled says whether task i can run, the running one included.
func (p *Point) Enabled(i int) bool { return p.w.enabled>>i&1 != 0 }

// Pending returns what task i does next if it is enabled, or what it waits for. It is false for a task that has ended.
func (p *Point) Pending(i int) (Access, bool) {
	t := p.w.tasks[i]
	return t.pending, t.state != taskDone
}

// A Chooser answers every nondeterministic question of one execution: it
// returns a number in [0, p.N()), or [Diverged]. Strategies, replay and fuzz inputs are all
// Choosers. It is called from the one running task, never concurrently.
type Chooser interface {
	Choose(p *Point) int
}

// Diverged is the answer of a Chooser that has seen, at this point of an execution with equal choices, other options: the
// execution ends as a violation of [exec.Determinism].
const Diverged = -1

// Default always takes choice 0: no preemption, no fault, simplest values.
type Default struct{}

// Choose returns 0.
func (Default) Choose(*Point) int { return 0 }
