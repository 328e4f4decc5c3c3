package lin

import (
	"cmp"
	"math"
	"slices"

	"cutthrough/model"
	"cutthrough/sim/exec"
)

// checkRanges decides histories of [model.Ranges] in O(n log n) plus the cost of
// keeping the live ranges sorted. Every verdict but Unknown is exact.
//
// A range is live for certain from the return of its Alloc to the call of its
// Free. Nothing can make that shorter, and nothing but disjointness wants it
// longer or shorter; so let each Alloc happen at its return and each Free at
// its call, and sweep over time. If two live ranges overlap then, they do in
// any order. If none do, this is a legal order.
//
// Allocs and frees of one offset alternate. They are matched in order of returns
// and calls, which is the only way if every Free is called after the
// return of its Alloc: a process that frees a range knows that it exists.
//
// It answers Unknown when
//   - a Free is called before the Alloc of its range returned and might still be legal,
//   - there are more Frees of an offset than Allocs, but some of them are pending,
//   - the specification is Strict and some Alloc was Exhausted.
func checkRanges(h []exec.Operation, spec model.Ranges) Result {
	c := rangeCheck{h: h}
	if r := c.sortOut(spec); r.Verdict != Linearizable {
		return r
	}
	verdict := Result{Verdict: Linearizable}
	for from := 0; from < len(c.ops); {
		to := from
		for to < len(c.ops) && c.ops[to].off == c.ops[from].off {
			to++
		}
		switch r := c.alternate(c.ops[from:to]); r.Verdict {
		case Violation:
			return r
		case Unknown:
			verdict = r
		}
		from = to
	}
	if a, b := c.overlap(); b >= 0 {
		return violation("%v overlaps what is live: %v", h[b], h[a])
	}
	return verdict
}

type rangeCheck struct {
	h     []exec.Operation
	ops   []rangeOp
	edges []rangeEdge
}

// A rangeOp is an operation on the range at off.
type rangeOp struct {
	off  uint64
	kind int
	time int64 // of alloc its return, of the others their call
	op   int
}

// Kinds of rangeOp.
const (
	rangeAlloc = iota // OK
	rangeFree         // OK or pending
	rangeMiss         // NotAllocated
)

// A rangeEdge is the begin or the end of a live range.
type rangeEdge struct {
	time  int64
	begin bool
	op    int // the Alloc
}

// sortOut collects the operations by offset. It returns Linearizable to go on.
func (c *rangeCheck) sortOut(spec model.Ranges) Result {
	c.ops = make([]rangeOp, 0, len(c.h))
	strict := false
	for i := range c.h {
		o := &c.h[i]
		in := o.Input.(model.RangeIn)
		out, _ := o.Output.(model.RangeOut)
		switch {
		case o.Pending && in.Op == model.Free:
			c.ops = append(c.ops, rangeOp{in.Off, rangeFree, o.Call, i})
		case o.Pending:
		case in.Op == model.Alloc && out == model.RangeOut{Status: model.Exhausted}:
			strict = strict || spec.Strict
		case in.Op == model.Alloc && out.Status == model.OK && spec.Legal(in.N, out):
			c.ops = append(c.ops, rangeOp{out.Off, rangeAlloc, o.Return, i})
		case in.Op == model.Free && out == model.RangeOut{Status: model.OK}:
			c.ops = append(c.ops, rangeOp{in.Off, rangeFree, o.Call, i})
		case in.Op == model.Free && out == model.RangeOut{Status: model.NotAllocated}:
			c.ops = append(c.ops, rangeOp{in.Off, rangeMiss, o.Call, i})
		default:
			return violation("%v: no allocator of [%d, %d) answers that", *o, spec.Base, spec.End)
		}
	}
	if strict {
		return unknown("an alloc was exhausted")
	}
	slices.SortFunc(c.ops, func(a, b rangeOp) int {
		return cmp.Or(cmp.Compare(a.off, b.off), cmp.Compare(a.kind, b.kind), cmp.Compare(a.time, b.time), cmp.Compare(a.op, b.op))
	})
	return Result{Verdict: Linearizable}
}

// alternate checks the operations on one offset, and notes when its range is live.
func (c *rangeCheck) alternate(ops []rangeOp) Result {
	kind := func(x rangeOp, kind int) int { return cmp.Compare(x.kind, kind) }
	frees, _ := slices.BinarySearchFunc(ops, rangeFree, kind)
	misses, _ := slices.BinarySearchFunc(ops, rangeMiss, kind)
	a, f, m := ops[:frees], ops[frees:misses], ops[misses:]
	for i := range a {
		if i > 0 && (i > len(f) || a[i].time < f[i-1].time) {
			return violation("%v: allocated again before it was freed", c.h[a[i].op])
		}
		end := int64(math.MaxInt64)
		if i < len(f) {
			if end = f[i].time; a[i].time >= end {
				return c.early(a, f)
			}
		}
		c.edges = append(c.edges, rangeEdge{a[i].time, true, a[i].op}, rangeEdge{end, false, a[i].op})
	}
	for _, x := range m {
		// the last range that was live before the call
		i, _ := slices.BinarySearchFunc(a, x.time, func(y rangeOp, t int64) int { return cmp.Compare(y.time, t) })
		if i--; i >= 0 && (i >= len(f) || c.h[x.op].Return < f[i].time) {
			return violation("%v: it is allocated all the time", c.h[x.op])
		}
	}
	if len(f) > len(a) {
		return c.early(a, f)
	}
	return Result{Verdict: Linearizable}
}

// early decides the case of a Free that was called before the return of the Alloc
// it is matched with, or that is matched with none: a violation if at some time
// more had been freed than allocated.
func (c *rangeCheck) early(a, f []rangeOp) Result {
	var calls, returns []int64
	for _, x := range a {
		calls = append(calls, c.h[x.op].Call)
	}
	for _, x := range f {
		if !c.h[x.op].Pending {
			returns = append(returns, c.h[x.op].Return)
		}
	}
	slices.Sort(calls)
	slices.Sort(returns)
	for i, t := range returns {
		if i >= len(calls) || t < calls[i] {
			return violation("free %d: freed more often than allocated by time %d", f[0].off, t)
		}
	}
	return unknown("free %d: called before the alloc returned", f[0].off)
}

// overlap sweeps over time, and returns two Allocs whose ranges overlap
// while both are live, or -1.
func (c *rangeCheck) overlap() (a, b int) {
	slices.SortFunc(c.edges, func(x, y rangeEdge) int {
		if byTime := cmp.Compare(x.time, y.time); byTime != 0 || x.begin == y.begin {
			return cmp.Or(byTime, cmp.Compare(x.op, y.op))
		}
		if x.begin {
			return 1 // ends come first: a Free and an Alloc at one time can be in this order
		}
		return -1
	})
	type piece struct {
		off, end uint64
		op       int
	}
	var live []piece // by offset, disjoint
	for _, e := range c.edges {
		out := c.h[e.op].Output.(model.RangeOut)
		i, _ := slices.BinarySearchFunc(live, out.Off, func(p piece, off uint64) int { return cmp.Compare(p.off, off) })
		switch {
		case !e.begin:
			live = slices.Delete(live, i, i+1)
		case i < len(live) && live[i].off < out.Off+out.Len:
			return live[i].op, e.op
		case i > 0 && live[i-1].end > out.Off:
			return live[i-1].op, e.op
		default:
			live = slices.Insert(live, i, piece{out.Off, out.Off + out.Len, e.op})
		}
	}
	return -1, -1
}
