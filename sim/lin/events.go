package lin

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"cutthrough/model"
	"cutthrough/sim/exec"
)

// checkEvents decides histories of a [model.EventQueue] in O(n log n). Every
// verdict but Unknown is exact.
//
// With one consumer, the order of the polls is known, and with distinct values
// so is the order of the posts they answer: the same. What is left are the bad
// patterns: an event polled that was not posted, or polled twice, and a
// position in the queue that some operation would have to take before it
// was called or after it returned ([eventOrder]).
//
// The order of posts that were never polled is not known. Two are tried, by
// return and by call. If neither is legal, each position gets the best of all their
// calls and the best of all their returns: if even that fails, no order is legal.
//
// It answers Unknown when
//   - a value is posted twice (posts that were Full do not count),
//   - complete polls overlap (several consumers),
//   - a poll is pending, others follow it, and the history is illegal unless it took something,
//   - one unpolled post lies within another's interval, posts were Full, and neither order is legal.
//
// From the field: bad patterns for queues with distinct values are Henzinger,
// Sezgin and Vafeiadis, "Aspect-oriented linearizability proofs"; they know
// neither capacity nor Full, for which one consumer is needed here.
func checkEvents(h []exec.Operation, capacity int) Result {
	c := eventCheck{h: h, capacity: capacity}
	if r := c.sortOut(); r.Verdict != Linearizable {
		return r
	}
	if r := c.arrange(); r.Verdict != Linearizable {
		return r
	}
	r := c.decide()
	if r.Verdict == Violation && c.takeover {
		return unknown("a poll is pending and others follow; unless it took an event, %s", r.Reason)
	}
	return r
}

// An eventSpan is when an operation can happen. For reports it names the operations that bound it.
type eventSpan struct {
	call, ret     int64
	callOp, retOp int
	value         uint64 // of an accepted post
	taken         int    // of a poll: how many events were taken before
	empty         bool   // of a poll: it takes none
	polled        bool   // of a post
}

type eventCheck struct {
	h        []exec.Operation
	capacity int

	accepted []eventSpan // posts that were accepted or are pending, by value
	fulls    []eventSpan
	polls    []eventSpan // complete, in order
	pending  []eventSpan // polls after them
	takeover bool        // there are other pending polls

	posts []eventSpan // posts that were polled, in order
	rest  []eventSpan // complete and not polled, by return
	maybe []eventSpan // pending and not polled, by call
}

// sortOut puts each operation where it belongs. It returns Linearizable to go on.
func (c *eventCheck) sortOut() Result {
	c.accepted = make([]eventSpan, 0, len(c.h))
	var polls, pending []int
	for i := range c.h {
		o := &c.h[i]
		in := o.Input.(model.EventIn)
		out, _ := o.Output.(model.EventOut)
		span := eventSpan{call: o.Call, ret: o.Return, callOp: i, retOp: i, value: in.V}
		switch {
		case in.Op == model.Poll && o.Pending:
			pending = append(pending, i)
		case in.Op == model.Poll && (out.Status == model.OK || out == model.EventOut{Status: model.Empty}):
			polls = append(polls, i)
		case in.Op == model.Post && out == model.EventOut{Status: model.Full}:
			c.fulls = append(c.fulls, span)
		case in.Op == model.Post && out == model.EventOut{Status: model.OK}:
			c.accepted = append(c.accepted, span)
		case !o.Pending:
			return violation("%v: no queue answers that", *o)
		}
	}
	slices.SortFunc(c.accepted, func(a, b eventSpan) int { return cmp.Compare(a.value, b.value) })
	for i := 1; i < len(c.accepted); i++ {
		if v := c.accepted[i].value; v == c.accepted[i-1].value {
			return unknown("event %d is posted twice", v)
		}
	}
	if overlap := oneByOne(c.h, polls); overlap != "" {
		return unknown("%s", overlap)
	}
	c.sortOutPolls(polls, pending)
	return Result{Verdict: Linearizable}
}

// sortOutPolls takes the indices of complete polls, in order, and of pending ones.
func (c *eventCheck) sortOutPolls(polls, pending []int) {
	c.polls = make([]eventSpan, 0, len(polls)+len(pending))
	last := int64(math.MinInt64)
	for _, i := range polls {
		last = c.h[i].Return
		empty := c.h[i].Output.(model.EventOut).Status == model.Empty
		c.polls = append(c.polls, eventSpan{call: c.h[i].Call, ret: last, callOp: i, retOp: i, empty: empty})
	}
	for _, i := range pending {
		if c.h[i].Call > last {
			c.pending = append(c.pending, eventSpan{call: c.h[i].Call, ret: math.MaxInt64, callOp: i, retOp: i})
		} else {
			c.takeover = true
		}
	}
	slices.SortFunc(c.pending, byCall)
}

// arrange finds the post of each poll. It returns Linearizable to go on.
func (c *eventCheck) arrange() Result {
	c.posts = make([]eventSpan, 0, len(c.accepted))
	for j := range c.polls {
		x := &c.polls[j]
		x.taken = len(c.posts)
		if x.empty {
			continue
		}
		v := c.h[x.callOp].Output.(model.EventOut).V
		i, ok := slices.BinarySearchFunc(c.accepted, v, func(p eventSpan, v uint64) int { return cmp.Compare(p.value, v) })
		switch {
		case !ok:
			return violation("%v: no post of it was accepted", c.h[x.callOp])
		case c.accepted[i].polled:
			return violation("%v: it has been polled before", c.h[x.callOp])
		}
		c.accepted[i].polled = true
		c.posts = append(c.posts, c.accepted[i])
	}
	for i := range c.accepted {
		switch x := &c.accepted[i]; {
		case x.polled:
		case c.h[x.retOp].Pending:
			c.maybe = append(c.maybe, *x)
		default:
			c.rest = append(c.rest, *x)
		}
	}
	slices.SortFunc(c.rest, byReturn)
	slices.SortFunc(c.maybe, byCall)
	return Result{Verdict: Linearizable}
}

func byReturn(a, b eventSpan) int {
	return cmp.Or(cmp.Compare(a.ret, b.ret), cmp.Compare(a.call, b.call))
}

func byCall(a, b eventSpan) int {
	return cmp.Or(cmp.Compare(a.call, b.call), cmp.Compare(a.ret, b.ret))
}

// decide tries any number of the pending posts, those called first first: they are
// alike but for that. Without a Full nothing is gained by more than none.
func (c *eventCheck) decide() Result {
	most := len(c.maybe)
	if len(c.fulls) == 0 {
		most = 0
	}
	verdict, reason := Violation, ""
	for n := 0; n <= most; n++ {
		tail := c.rest
		if n > 0 {
			tail = slices.Concat(c.rest, c.maybe[:n])
		}
		bad := c.impossible(tail)
		if bad != "" && !slices.IsSortedFunc(tail, byCall) {
			calls := slices.SortedFunc(slices.Values(tail), byCall)
			if bad = c.impossible(calls); bad != "" {
				if bad = c.impossible(bestOf(calls, tail)); bad == "" {
					verdict = Unknown
					continue
				}
			}
		}
		if bad == "" {
			return Result{Verdict: Linearizable}
		}
		if n == 0 {
			reason = bad
		}
	}
	if verdict == Unknown {
		return unknown("posts that were not polled lie within each other's intervals, and posts were full")
	}
	return Result{verdict, reason}
}

// bestOf returns the best span for each position: the calls of the one, in order,
// with the returns of the other, in order.
func bestOf(calls, returns []eventSpan) []eventSpan {
	best := slices.Clone(calls)
	for i, x := range returns {
		best[i].ret, best[i].retOp = x.ret, x.retOp
	}
	return best
}

// impossible says why no order is legal in which the unpolled posts come in
// order of tail, or "" if there is one.
func (c *eventCheck) impossible(tail []eventSpan) string {
	// Both appends may use the room behind, which no other operation keeps.
	q := eventOrder{capacity: c.capacity, posts: append(c.posts, tail...), polls: c.polls}
	// A pending poll at the end takes what is left: if it helps no operation, it can
	// come last.
	for i, x := range c.pending[:min(len(c.pending), len(tail))] {
		x.taken = len(c.posts) + i
		q.polls = append(q.polls, x)
	}
	if x, y := q.earliest(); x != nil {
		return c.conflict(x, y)
	}
	if x := q.notFull(c.fulls); x != nil {
		return fmt.Sprintf("%v: fewer than %d events were inside", c.h[x.callOp], c.capacity)
	}
	return ""
}

// conflict says that x returned before the call of y, which must precede it.
func (c *eventCheck) conflict(x, y *eventSpan) string {
	if y == nil {
		return fmt.Sprintf("%v: more than %d events are inside", c.h[x.retOp], c.capacity)
	}
	return fmt.Sprintf("%v must come after %v, but returned before its call", c.h[x.retOp], c.h[y.callOp])
}
