package explore

import (
	"cutthrough/sim"
	"cutthrough/sim/scenario"
)

// randomized is what the random strategies share: a generator per execution and a
// plan of faults.
type randomized struct {
	root    *scenario.Rand
	r       *scenario.Rand
	longest int // steps of the longest execution so far
	faultAt int
	kinds   uint32 // kinds of faults that this execution may have
}

// renew draws what holds for one execution. Each execution leaves out whole
// kinds of faults (swarm testing, Groce et al. 2012).
func (z *randomized) renew() {
	z.r = z.root.Fork(0)
	z.faultAt = z.r.Intn(z.length() + z.length()/3)
	z.kinds = ^uint32(0)
	if z.r.Intn(2) == 0 {
		z.kinds = uint32(z.r.Uint64())
	}
}

// length returns how long an execution is at most, as far as is known.
func (z *randomized) length() int {
	if z.longest == 0 {
		return 50 // before the first has ended
	}
	return z.longest
}

// Done notes the length of the execution.
func (z *randomized) Done(o *sim.Outcome) error {
	z.longest = max(z.longest, min(o.Steps, 2000))
	return nil
}

// fault returns the option of a planned fault that is due, or 0.
func (z *randomized) fault(p *sim.Point) int {
	if p.Faults() == 0 || p.Forced || p.Step < z.faultAt {
		return 0
	}
	first := 1 + p.Switches()
	i := first + z.r.Intn(p.Faults())
	if z.kinds>>p.Option(i).Kind&1 == 0 {
		return 0
	}
	z.faultAt = p.Step + 1 + z.r.Intn(z.length())
	return i
}

// Random preempts at every point with one probability, drawn anew for each
// execution between 1/2 and 1/64.
type Random struct {
	randomized
	odds int
}

// NewRandom returns a Random.
func NewRandom(seed uint64) *Random {
	return &Random{randomized: randomized{root: scenario.NewRand(seed)}}
}

// String returns "random".
func (z *Random) String() string { return "random" }

// Next implements [Strategy].
func (z *Random) Next() sim.Chooser {
	z.renew()
	z.odds = 2 << z.r.Intn(6)
	return z
}

// Choose implements [sim.Chooser].
func (z *Random) Choose(p *sim.Point) int {
	if p.Draws > 0 || p.Forced {
		return z.r.Intn(p.N())
	}
	if c := z.fault(p); c > 0 {
		return c
	}
	if p.Switches() == 0 || z.r.Intn(z.odds) > 0 {
		return 0
	}
	return 1 + z.r.Intn(p.Switches())
}
