package lin

import (
	"math"
	"sort"
)

// An eventOrder is an event queue history in which the order of the polls and
// that of the accepted posts are known. Then the operations need only times,
// within their spans, in which
//
//   - posts are in order, and so are polls,
//   - the poll of position i is after the post of position i,
//   - the post of position i is after the poll of position i-capacity,
//   - and after every poll that found the queue empty with i taken.
//
// All these say "X not before Y", so the earliest possible times are a
// fixpoint: each operation at its call or at the time of what precedes it. The
// order is possible if nothing is later than its return.
type eventOrder struct {
	capacity int
	posts    []eventSpan
	polls    []eventSpan

	early []stamp // per post: its earliest time
	takes []int   // per post: the index of its poll, as far as there are polls
}

// stamp is a time and the operation it is the call of.
type stamp struct {
	time int64
	op   *eventSpan
}

func (s *stamp) raise(t stamp) {
	if t.time > s.time {
		*s = t
	}
}

// earliest computes the earliest times. If there are none, x must come after y
// but returned before its call, or must come after a poll that never was (y is
// nil).
func (q *eventOrder) earliest() (x, y *eventSpan) {
	q.early = make([]stamp, len(q.posts))
	q.takes = make([]int, 0, len(q.posts))
	for j := range q.polls {
		if !q.polls[j].empty {
			q.takes = append(q.takes, j)
		}
	}
	post, poll := stamp{time: math.MinInt64}, stamp{time: math.MinInt64}
	done := 0 // polls that have a time
	step := func(until int) *eventSpan {
		for ; done < until; done++ {
			x := &q.polls[done]
			poll.raise(stamp{x.call, x})
			if !x.empty {
				poll.raise(q.early[x.taken])
			}
			if poll.time > x.ret {
				return x
			}
		}
		return nil
	}
	scan, until := 0, 0
	for i := range q.posts {
		for ; scan < len(q.polls) && q.polls[scan].taken <= i; scan++ {
			if q.polls[scan].empty {
				until = scan + 1
			}
		}
		switch k := i - q.capacity; {
		case k >= len(q.takes):
			return &q.posts[i], nil
		case k >= 0:
			until = max(until, q.takes[k]+1)
		}
		if x := step(until); x != nil {
			return x, poll.op
		}
		x := &q.posts[i]
		post.raise(stamp{x.call, x})
		post.raise(poll)
		if q.early[i] = post; post.time > x.ret {
			return x, post.op
		}
	}
	x = step(len(q.polls))
	return x, poll.op
}

// notFull returns the first of fulls that cannot be: there is no time in its span
// at which capacity events are inside. earliest has succeeded.
//
// With k events taken, the queue is full from the post of position k+capacity-1
// until the poll of position k, if that post can be before that poll at all. A
// span is served by each such k whose poll can wait for its call and whose post
// can be done by its return. The least one is as good as any for this span, and
// for all of them together: it never falls from one call to a later one, so two
// spans that follow each other never want the opposite.
//
// A poll can wait until its return, unless the post that needs its room
// returned before: but then k+1 serves the span, because that post is done.
func (q *eventOrder) notFull(fulls []eventSpan) *eventSpan {
	if len(fulls) == 0 {
		return nil
	}
	late := func(k int) int64 {
		if k == len(q.takes) {
			return math.MaxInt64 // a poll that never comes
		}
		return q.polls[q.takes[k]].ret
	}
	ends := len(q.takes) + 1
	next := make([]int, ends+1) // the first k at or after this one with which the queue can be full
	next[ends] = len(q.posts)   // none
	for k := ends - 1; k >= 0; k-- {
		next[k] = next[k+1]
		if last := k + q.capacity - 1; last < len(q.posts) && q.early[last].time <= late(k) {
			next[k] = k
		}
	}
	for i := range fulls {
		x := &fulls[i]
		k := next[sort.Search(ends, func(k int) bool { return late(k) >= x.call })]
		if last := k + q.capacity - 1; last >= len(q.posts) || q.early[last].time > x.ret {
			return x
		}
	}
	return nil
}
