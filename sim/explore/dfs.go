package explore

import (
	"fmt"

	"cutthrough/sim"
)

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
func (d *DFS) Next() sim.Chooser {
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
func (d *DFS) Choose(p *sim.Point) int {
	n := int32(p.N())
	if d.depth < len(d.stack) {
		b := &d.stack[d.depth]
		if b.n != n {
			panic(fmt.Sprintf("sim: dfs: question %d has %d options where it had %d before: the program is not deterministic", d.depth, n, b.n))
		}
		d.depth++
		return int(b.choice)
	}
	b := branch{n: n, others: int32(p.Switches()), free: p.Forced || p.Draws > 0}
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
