package sim

import (
	"math/bits"

	"cutthrough/shm"
)

// EffectKind says what an intervention does.
type EffectKind uint8

// The effects. Continue is choice 0 everywhere: keep running, no fault.
const (
	Continue EffectKind = iota
	Switch              // run task Arg instead
	Draw                // the value Arg of a Choose call
	Kill                // the running task's process dies before the access
	Stop                // the running task's process stops before the access
	Resume              // the stopped process Arg goes on
	Jump                // the clock jumps to the next deadline
	Hostile             // a hostile peer writes Arg to the word before the load
	Spurious            // the wait returns for no reason
	Delay               // the ring or message arrives only when nothing else can happen
	Fail                // the call fails with errno Arg
	Short               // the message is truncated
	NumEffects
)

var effectText = [NumEffects]string{
	"continue", "->", "=", "kill", "stop", "resume", "jump", "hostile", "spurious", "delay", "fail", "short",
}

// String returns the word used in traces.
func (k EffectKind) String() string { return effectText[k] }

// Fault says whether the effect is something the environment does to the
// program, as opposed to an order of steps or a drawn value.
func (k EffectKind) Fault() bool { return k >= Kill }

// Effect is one option at a [Point].
type Effect struct {
	Kind EffectKind
	Arg  uint64
}

// Point is one nondeterministic question, put to a [Chooser] by the running task
// right before it does something that others can observe. It is valid only
// during the call.
type Point struct {
	Task int // the running task
	Name shm.Name
	Op   shm.Op
	Nth  int // this is the task's nth Op on Name, from 1
	Step int
	// Forced points are those where the running task cannot go on (it waits or
	// has ended): which task goes on instead is not a preemption.
	Forced bool
	// Draws is the number of values of a Choose call, 0 at every other point.
	Draws int

	w      *World
	others uint64 // enabled tasks but the running one
	nOther int
	faults []Effect
}

// N returns the number of options; choice 0 is always the default.
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
func (p *Point) Option(i int) Effect {
	if p.Draws > 0 {
		return Effect{Draw, uint64(i)}
	}
	if !p.Forced {
		if i == 0 {
			return Effect{}
		}
		i--
	}
	if i < p.nOther {
		return Effect{Switch, uint64(p.other(i))}
	}
	return p.faults[i-p.nOther]
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

// A Chooser answers every nondeterministic question of one execution: it
// returns a number in [0, p.N()), or [Diverged]. Strategies, replay and fuzz inputs are all
// Choosers. It is called from the one running task, never concurrently.
type Chooser interface {
	Choose(p *Point) int
}

// Diverged is what a Chooser returns when the program is not where equal choices led it before. The
// execution ends there as a violation of [Determinism].
const Diverged = -1

// Default always takes choice 0: no preemption, no fault, simplest values.
type Default struct{}

// Choose returns 0.
func (Default) Choose(*Point) int { return 0 }
