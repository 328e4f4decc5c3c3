package lin

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"cutthrough/model"
	"cutthrough/sim/exec"
)

// checkStream decides histories of a [model.ByteQueue] in linear time, exactly.
//
// The operations of each side are a chain in a known order, and their answers
// say how far each has moved its counter. So everything the specification
// demands of an operation is about which operations of the other side come
// before it:
//
//   - enough of them that the peer has moved as far as this operation saw, and
//   - none of those after which the peer must have shown more than it saw.
//
// Together with real time these are edges "X before Y" of a graph on two
// chains, and the history is linearizable exactly when the graph has no cycle: any
// topological order is legal, because states depend only on the two positions.
// Merging the chains, always taking one whose edges are satisfied, finds a cycle
// by getting stuck.
//
// It answers Unknown when operations of one side overlap.
func checkStream(h []exec.Operation, capacity int) Result {
	c := streamCheck{h: h, capacity: capacity}
	prod, cons, overlap := c.split()
	if overlap != "" {
		return unknown("%s", overlap)
	}
	p, bad := c.producer(prod)
	if bad != "" {
		return violation("%s", bad)
	}
	q, bad := c.consumer(cons)
	if bad != "" {
		return violation("%s", bad)
	}
	if bad := c.merge(c.crashed(p, prod, q), c.crashed(q, cons, p)); bad != "" {
		return violation("%s", bad)
	}
	return Result{Verdict: Linearizable}
}

type streamCheck struct {
	h        []exec.Operation
	capacity int
}

// A streamOp is an operation as the other side sees it. Both counters of a
// side only grow.
type streamOp struct {
	call, ret int64
	op        int // index in the history
	moved     int // own counter after it: bytes appended or removed
	told      int // of these, at least so many the peer must see from then on
	need      int // the peer has moved at least this far before it
	most      int // the peer has told at most this before it
	soonest   int // the least most of it and all later operations of the side
}

// noLimit is a most that excludes nothing.
const noLimit = math.MaxInt

// split returns the indices of the operations of each side in order, unless two of
// them overlap.
func (c *streamCheck) split() (prod, cons []int, overlap string) {
	prod, cons = make([]int, 0, len(c.h)), make([]int, 0, len(c.h))
	for i := range c.h {
		if c.h[i].Input.(model.ByteIn).Op.Producer() {
			prod = append(prod, i)
		} else {
			cons = append(cons, i)
		}
	}
	for _, side := range [][]int{prod, cons} {
		if overlap := oneByOne(c.h, side); overlap != "" {
			return nil, nil, overlap
		}
	}
	return prod, cons, ""
}

// oneByOne sorts the indices of operations of h by call, and names two that
// overlap if there are any.
func oneByOne(h []exec.Operation, ops []int) (overlap string) {
	byCall := func(a, b int) int { return cmp.Compare(h[a].Call, h[b].Call) }
	if !slices.IsSortedFunc(ops, byCall) {
		slices.SortStableFunc(ops, byCall)
	}
	for i := 1; i < len(ops); i++ {
		if a, b := &h[ops[i-1]], &h[ops[i]]; a.Return >= b.Call {
			return fmt.Sprintf("operations of one side overlap: %v and %v", *a, *b)
		}
	}
	return ""
}

// answer returns input and answer of operation i. If no state allows them,
// where at is the position of its side, it says why.
func (c *streamCheck) answer(i, at int) (in model.ByteIn, n int, bad string) {
	o := &c.h[i]
	in, out := o.Input.(model.ByteIn), o.Output.(model.ByteOut)
	switch {
	case out.Bad:
		bad = "the bytes are not those of the stream"
	case out.N < 0 || out.N > in.N:
		bad = "the answer is out of range"
	case in.Op > model.Release || in.At != at && (in.Op != model.Peek || in.At < at):
		bad = fmt.Sprintf("the operations before it end at %d", at)
	case in.N != 0 && (in.Op == model.Publish || in.Op == model.Release):
		bad = "it takes no length"
	default:
		return in, out.N, ""
	}
	return in, out.N, fmt.Sprintf("%v: %s", *o, bad)
}

// producer returns the producer's chain, without a pending operation at its end.
func (c *streamCheck) producer(ops []int) (chain []streamOp, bad string) {
	chain = make([]streamOp, 0, len(ops)+1)
	tail, shown := 0, 0
	for _, i := range ops {
		if c.h[i].Pending {
			break
		}
		in, n, bad := c.answer(i, tail)
		if bad != "" {
			return nil, bad
		}
		x := streamOp{call: c.h[i].Call, ret: c.h[i].Return, op: i, most: noLimit}
		if in.Op == model.Publish || n < in.N {
			shown = tail
		}
		if in.Op == model.Enqueue {
			tail += n
			x.need = tail - c.capacity
			if n < in.N {
				if x.most = x.need; x.most < 0 {
					return nil, fmt.Sprintf("%v: %d bytes more were free from the start", c.h[i], -x.most)
				}
			}
		}
		x.moved, x.told = tail, shown
		chain = append(chain, x)
	}
	return chain, ""
}

// consumer returns the consumer's chain, without a pending operation at its end.
func (c *streamCheck) consumer(ops []int) (chain []streamOp, bad string) {
	chain = make([]streamOp, 0, len(ops)+1)
	head, freed, seen := 0, 0, 0
	for _, i := range ops {
		if c.h[i].Pending {
			break
		}
		in, n, bad := c.answer(i, head)
		if bad != "" {
			return nil, bad
		}
		x := streamOp{call: c.h[i].Call, ret: c.h[i].Return, op: i, most: noLimit}
		if in.Op == model.Release || n < in.N {
			freed = head
		}
		if n < in.N {
			if x.most = in.At + n; x.most < seen {
				return nil, fmt.Sprintf("%v: an earlier operation saw bytes up to %d", c.h[i], seen)
			}
		}
		if n > 0 {
			seen = max(seen, in.At+n)
		}
		if in.Op == model.Dequeue || in.Op == model.Drop {
			head += n
		}
		x.need, x.moved, x.told = seen, head, freed
		chain = append(chain, x)
	}
	return chain, ""
}

// crashed returns the chain of a side, completed by the pending operation at its
// end if the peer's complete operations depend on it. Then it moved the
// least that they need: less is impossible, more only demands more.
func (c *streamCheck) crashed(chain []streamOp, ops []int, peer []streamOp) []streamOp {
	if len(chain) == len(ops) {
		return chain
	}
	i := ops[len(chain)]
	in := c.h[i].Input.(model.ByteIn)
	x := streamOp{call: c.h[i].Call, ret: math.MaxInt64, op: i, most: noLimit}
	if len(chain) > 0 {
		last := chain[len(chain)-1]
		x.moved, x.told = last.moved, last.told
	}
	far := 0
	for _, y := range peer {
		far = max(far, y.need)
	}
	n := min(far-x.moved, in.N)
	moves := in.Op == model.Enqueue || in.Op == model.Dequeue || in.Op == model.Drop
	if n <= 0 || !moves || in.At != x.moved {
		return chain
	}
	x.moved += n
	x.need = x.moved // bytes to remove
	if in.Op == model.Enqueue {
		x.need = x.moved - c.capacity
	}
	return append(chain, x)
}

// merge looks for a legal order of the two chains, and says what is in the way if
// there is none.
func (c *streamCheck) merge(a, b []streamOp) (bad string) {
	for _, chain := range [][]streamOp{a, b} {
		soonest := noLimit
		for i := len(chain) - 1; i >= 0; i-- {
			soonest = min(soonest, chain[i].most)
			chain[i].soonest = soonest
		}
	}
	i, j, movedA, movedB := 0, 0, 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && a[i].may(movedB, b[j:]):
			movedA = a[i].moved
			i++
		case j < len(b) && b[j].may(movedA, a[i:]):
			movedB = b[j].moved
			j++
		case i < len(a) && j < len(b):
			return c.stuck(a[i], movedB, b[j:]) + "; " + c.stuck(b[j], movedA, a[i:])
		case i < len(a):
			return c.stuck(a[i], movedB, nil)
		default:
			return c.stuck(b[j], movedA, nil)
		}
	}
	return ""
}

// may says whether x can come before rest, the remaining operations of the
// other side, which has moved so far.
func (x *streamOp) may(moved int, rest []streamOp) bool {
	return moved >= x.need && (len(rest) == 0 || rest[0].ret >= x.call && rest[0].soonest >= x.told)
}

// stuck says why x cannot come before rest.
func (c *streamCheck) stuck(x streamOp, moved int, rest []streamOp) string {
	o := c.h[x.op]
	switch {
	case moved < x.need:
		return fmt.Sprintf("%v: needs the other side at %d, which is at %d", o, x.need, moved)
	case rest[0].ret < x.call:
		return fmt.Sprintf("%v: begins after the end of %v", o, c.h[rest[0].op])
	}
	i := slices.IndexFunc(rest, func(y streamOp) bool { return y.most < x.told })
	return fmt.Sprintf("%v: shows %d bytes, more than a later operation saw: %v", o, x.told, c.h[rest[i].op])
}
