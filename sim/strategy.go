package sim

import (
	"fmt"
	"strconv"
	"strings"
)

// Strategy makes the Choosers of a sequence of executions. It is used by one
// goroutine.
type Strategy interface {
	// Next returns the Chooser of the next execution, or nil when everything
	// within the strategy's bound has been explored.
	Next() Chooser
	// Done tells the strategy that the execution is over and how long it was.
	Done(steps int)
	// String returns the strategy as ParseStrategy reads it.
	String() string
}

// ParseStrategy returns the strategy that text names, seeded with seed: "dfs:N"
// (exhaustive up to N preemptions and as many faults as the configuration
// allows), "pct:D" (probabilistic concurrency testing of depth D) or "random".
func ParseStrategy(text string, seed uint64) (Strategy, error) {
	kind, arg, has := strings.Cut(text, ":")
	n := 0
	if has {
		var err error
		if n, err = strconv.Atoi(arg); err != nil || n < 0 || n > 64 {
			return nil, fmt.Errorf("strategy %q: %q is not a number from 0 to 64", text, arg)
		}
	}
	switch {
	case kind == "dfs" && has:
		return NewDFS(n), nil
	case kind == "pct" && has && n >= 1:
		return NewPCT(n, seed), nil
	case kind == "random" && !has:
		return NewRandom(seed), nil
	}
	return nil, fmt.Errorf("unknown strategy %q (want dfs:N, pct:D with D at least 1, or random)", text)
}

// DFS explores all executions with at most a given number of preemptions, fewest
// first: iterative context bounding (Musuvathi and Qadeer, PLDI 2007). A fault
// counts like a preemption in that order, but the number of faults is bounded by
// the configuration. Switches away from a task that waits or has ended, and
// drawn values, are all explored in every round.
type DFS struct {
	max   int // preemptions
	bound int // preemptions and faults allowed in this round
	stack []branch
	depth int
	cut   bool // the bound left something out, so another round is due
	began bool
	over  bool
}

// branch is one question on the current path. Costs are of the path before it.
type branch struct {
	choice, n, others  int32
	spent, preemptions int16
	free               bool // all options cost nothing
}

// NewDFS returns a DFS with at most max preemptions.
func NewDFS(max int) *DFS { return &DFS{max: max} }

// String returns dfs:N.
func (d *DFS) String() string { return fmt.Sprintf("dfs:%d", d.max) }

// Next implements [Strategy].
func (d *DFS) Next() Chooser {
	for d.began && !d.over && !d.backtrack() {
		if !d.cut {
			d.over = true
			break
		}
		d.bound++
		d.cut, d.began = false, false
	}
	if d.over {
		return nil
	}
	d.began = true
	d.depth = 0
	return d
}

// Done implements [Strategy].
func (d *DFS) Done(int) {
	if d.depth < len(d.stack) {
		panic(fmt.Sprintf("sim: dfs: an execution asked %d questions where it asked %d before: the program is not deterministic", d.depth, len(d.stack)))
	}
}

// Choose implements [Chooser].
func (d *DFS) Choose(p *Point) int {
	n := int32(p.N())
	if d.depth < len(d.stack) {
		b := &d.stack[d.depth]
		if b.n != n {
			panic(fmt.Sprintf("sim: dfs: question %d has %d options where it had %d before: the program is not deterministic", d.depth, n, b.n))
		}
		d.depth++
		return int(b.choice)
	}
	b := branch{n: n, others: int32(p.nOther), free: p.Forced || p.Draws > 0}
	if d.depth > 0 {
		last := &d.stack[d.depth-1]
		b.spent, b.preemptions = last.after()
	}
	d.stack = append(d.stack, b)
	d.depth++
	return 0
}

// after returns the costs of the path up to and including b.
func (b *branch) after() (spent, preemptions int16) {
	spent, preemptions = b.spent, b.preemptions
	if b.choice > 0 && !b.free {
		spent++
		if b.choice <= b.others {
			preemptions++
		}
	}
	return spent, preemptions
}

// backtrack makes the path the next one in depth-first order, or says that
// there is none.
func (d *DFS) backtrack() bool {
	for len(d.stack) > 0 {
		b := &d.stack[len(d.stack)-1]
		if c := d.following(b); c > 0 {
			b.choice = c
			return true
		}
		d.stack = d.stack[:len(d.stack)-1]
	}
	return false
}

// following returns the next option of b that the bounds allow, or 0.
func (d *DFS) following(b *branch) int32 {
	c := b.choice + 1
	if b.free {
		if c < b.n {
			return c
		}
		return 0
	}
	if c <= b.others && int(b.preemptions) >= d.max {
		c = b.others + 1
	}
	if c >= b.n {
		return 0
	}
	if int(b.spent) >= d.bound {
		d.cut = true
		return 0
	}
	return c
}

// randomized is what the random strategies share: a generator per execution and a
// plan of faults.
type randomized struct {
	root    *Rand
	r       *Rand
	longest int // steps of the longest execution so far
	faultAt int
	kinds   uint32 // kinds of faults that this execution may have
}

// renew draws what holds for one execution. Each execution leaves out whole
// kinds of faults (swarm testing, Groce et al. 2012).
func (z *randomized) renew() {
	z.r = z.root.Fork(0)
	z.longest = max(z.longest, 50)
	z.faultAt = z.r.Intn(z.longest + z.longest/3)
	z.kinds = ^uint32(0)
	if z.r.Intn(2) == 0 {
		z.kinds = uint32(z.r.Uint64())
	}
}

// Done notes the length of the execution.
func (z *randomized) Done(steps int) { z.longest = max(z.longest, min(steps, 2000)) }

// fault returns the option of a planned fault that is due, or 0.
func (z *randomized) fault(p *Point) int {
	if len(p.faults) == 0 || p.Forced || p.Step < z.faultAt {
		return 0
	}
	i := z.r.Intn(len(p.faults))
	if z.kinds>>p.faults[i].Kind&1 == 0 {
		return 0
	}
	z.faultAt = p.Step + 1 + z.r.Intn(z.longest)
	return 1 + p.nOther + i
}

// Random preempts at every point with one probability, drawn anew for each
// execution between 1/2 and 1/64.
type Random struct {
	randomized
	odds int
}

// NewRandom returns a Random.
func NewRandom(seed uint64) *Random { return &Random{randomized: randomized{root: NewRand(seed)}} }

// String returns "random".
func (z *Random) String() string { return "random" }

// Next implements [Strategy].
func (z *Random) Next() Chooser {
	z.renew()
	z.odds = 2 << z.r.Intn(6)
	return z
}

// Choose implements [Chooser].
func (z *Random) Choose(p *Point) int {
	if p.Draws > 0 || p.Forced {
		return z.r.Intn(p.N())
	}
	if c := z.fault(p); c > 0 {
		return c
	}
	if p.nOther == 0 || z.r.Intn(z.odds) > 0 {
		return 0
	}
	return 1 + z.r.Intn(p.nOther)
}

// PCT gives tasks random priorities, always runs the highest, and lowers the
// running task's at depth-1 random steps: it finds a bug of depth d among n
// tasks and k steps with probability at least 1/(n k^(d-1)) (Burckhardt et al.,
// ASPLOS 2010).
type PCT struct {
	randomized
	depth  int
	prio   [MaxTasks]uint64
	change []int
}

// NewPCT returns a PCT of the given depth, at least 1.
func NewPCT(depth int, seed uint64) *PCT {
	return &PCT{randomized: randomized{root: NewRand(seed)}, depth: depth, change: make([]int, depth-1)}
}

// String returns pct:D.
func (z *PCT) String() string { return fmt.Sprintf("pct:%d", z.depth) }

// Next implements [Strategy].
func (z *PCT) Next() Chooser {
	z.renew()
	for i := range z.prio {
		z.prio[i] = z.r.Uint64() | 1<<63
	}
	for i := range z.change {
		z.change[i] = 1 + z.r.Intn(z.longest)
	}
	return z
}

// Choose implements [Chooser].
func (z *PCT) Choose(p *Point) int {
	if p.Draws > 0 {
		return z.r.Intn(p.Draws)
	}
	if c := z.fault(p); c > 0 {
		return c
	}
	for i, at := range z.change {
		if at > 0 && p.Step >= at {
			z.prio[p.Task] = uint64(i)
			z.change[i] = 0
		}
	}
	best, at := uint64(0), 0
	first := 0
	if !p.Forced {
		best, first = z.prio[p.Task], 1
	}
	for i := range p.nOther {
		if q := z.prio[p.other(i)]; q > best || first == 0 && i == 0 {
			best, at = q, first+i
		}
	}
	return at
}
