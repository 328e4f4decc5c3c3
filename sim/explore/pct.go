package explore

import (
	"fmt"
	"math/bits"

	"cutthrough/sim"
	"cutthrough/sim/scenario"
)

// PCT gives tasks random priorities, always runs the highest, and lowers the
// running task's at depth-1 random steps: it finds a bug of depth d among n
// tasks and k steps with probability at least 1/(n k^(d-1)) (Burckhardt et al.,
// ASPLOS 2010).
type PCT struct {
	randomized
	depth  int
	prio   [maxTasks]uint64
	change []int
}

// NewPCT returns a PCT of the given depth, at least 1.
func NewPCT(depth int, seed uint64) *PCT {
	return &PCT{randomized: randomized{root: scenario.NewRand(seed)}, depth: depth, change: make([]int, depth-1)}
}

// String returns pct:D.
func (z *PCT) String() string { return fmt.Sprintf("pct:%d", z.depth) }

// Next implements [Strategy].
func (z *PCT) Next() sim.Chooser {
	z.renew()
	for i := range z.prio {
		z.prio[i] = z.r.Uint64() | 1<<63
	}
	for i := range z.change {
		z.change[i] = 1 + z.r.Intn(z.length())
	}
	return z
}

// Choose implements [sim.Chooser].
func (z *PCT) Choose(p *sim.Point) int {
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
	best, next := uint64(0), -1
	if !p.Forced {
		best = z.prio[p.Task]
	}
	for others := p.Others(); others != 0; others &= others - 1 {
		if i := bits.TrailingZeros64(others); z.prio[i] > best || p.Forced && next < 0 {
			best, next = z.prio[i], i
		}
	}
	if next < 0 {
		return 0
	}
	return p.SwitchChoice(next)
}
