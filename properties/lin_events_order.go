package properties

import (
	"math"
	"sort"
)

// An eventOrder is an event queue history in which the order of the polls and
// that of the accepted posts are known. Then the operations need only times, within their
// spans, in which
//
//   - posts are in order, and so are polls,
//   - the poll of position i is after the post of position i,
//   - the post of position i is after the poll of position i-capacity,
//   - and after every poll that found the queue empty with i taken.
//
// All these say "X not before Y", so the earliest possible times are a fixpoint: each
// operation at its call or at the time of what precedes it. The order is
// possible if nothing is later than its return.
type eventOrder struct {
	capacity int
	posts    []eventSpan
	polls    []eventSpan

	early []int64 // per post: its earliest time
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
	q.early = make([]int64, len(q.posts))
	q.takes = make([]int, 0, len(q.posts))
	for j := range q.polls {
		if !q.polls[j].empty {
			q.takes = append(q.takes, j)
		}
	}
	post, poll := stamp{time: math.MinInt64}, stamp{time: math.MinInt64}
	source := make([]*eventSpan, len(q.posts))
	done := 0 // polls that have a time
	step := func(until int) *eventSpan {
		for ; done < until; done++ {
			x := &q.polls[done]
			poll.raise(stamp{x.call, x})
			if !x.empty {
				poll.raise(stamp{q.early[x.taken], source[x.taken]})
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
		if q.early[i], source[i] = post.time, post.op; post.time > x.ret {
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
// until the poll of position k. Fewer taken need fewer posts, so the least k whose poll can
// wait for the call is best, for this operation and, since it never falls
// from one call to a later one, for all together.
func (q *eventOrder) notFull(fulls []eventSpan) *eventSpan {
	if len(fulls) == 0 {
		return nil
	}
	late := q.latest()
	for i := range fulls {
		x := &fulls[i]
		k := sort.Search(len(late), func(k int) bool { return late[k] >= x.call })
		if last := k + q.capacity - 1; last >= len(q.posts) || q.early[last] > x.ret {
			return x
		}
	}
	return nil
}

// latest returns the latest possible time of each poll that takes an event: the
// mirror image of earliest.
func (q *eventOrder) latest() []int64 {
	late := make([]int64, len(q.takes))
	posts := make([]int64, len(q.posts))
	post, poll := int64(math.MaxInt64), int64(math.MaxInt64)
	j := len(q.polls) - 1
	step := func(down int) {
		for ; j >= down; j-- {
			x := &q.polls[j]
			before := x.taken + q.capacity // the first post that must wait for it
			if x.empty {
				before = x.taken
			}
			if before < len(posts) {
				poll = min(poll, posts[before])
			}
			if poll = min(poll, x.ret); !x.empty {
				late[x.taken] = poll
			}
		}
	}
	for i := len(q.posts) - 1; i >= 0; i-- {
		if i < len(q.takes) {
			step(q.takes[i])
			post = min(post, late[i])
		}
		post = min(post, q.posts[i].ret)
		posts[i] = post
	}
	step(0)
	return late
}
