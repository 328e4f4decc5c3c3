package dpor

import (
	"cutthrough/shm/access"
	"cutthrough/sim"
)

// event is a step of the execution.
type event struct {
	step
	clock      clock  // of each task, the number of its events that happen before or are this one
	nth        uint16 // of its task, from 1
	waits      bool
	failed     bool // a compare-and-swap
	passed     bool
	polled     bool
	contingent bool
	children   int // that the task has started, after the event
	barrier    int // number of events before the last moment at which no task could go on
	was        uint64
	met        func(uint64) bool
}

type clock [maxTasks]uint16

func (c *clock) join(o *clock) {
	for i, n := range o {
		c[i] = max(c[i], n)
	}
}

// attempt is a task that began to wait when no task could go on.
type attempt struct {
	event
	at int // number of events before
}

// analyse finds the races of the execution that have not been found before, and plans their reversals.
func (d *Search) analyse() {
	for j := d.fresh; j < len(d.trace); j++ {
		d.races(&d.trace[j], j)
	}
	for i := range d.attempts {
		if a := &d.attempts[i]; a.at > d.fresh {
			d.races(&a.event, a.at)
		}
	}
}

// races computes the clock of e, which comes after j events of the trace, and plans the reversal of its races. A step that does not wait
// races with the last steps that it depends on. One that waits may have been able to go on earlier than those: it races with each that
// left it able to go on.
func (d *Search) races(e *event, j int) {
	d.past(e, j)
	before := e.clock
	for i := j - 1; i >= 0; i-- {
		g := &d.trace[i]
		if e.clock[g.task] >= g.nth && !(e.waits && before[g.task] < g.nth) || !dependent(&g.step, &e.step, d.watched) {
			continue
		}
		if !e.waits || d.ready(e, i, j) {
			d.reverse(e, i, j, &before)
		}
		e.clock.join(&g.clock)
	}
	e.nth = before[e.task] + 1
	e.clock[e.task] = e.nth
}

// past makes e's clock that of what its task knew before e.
func (d *Search) past(e *event, j int) {
	e.clock = clock{}
	for i := range d.trace[:e.barrier] {
		g := &d.trace[i]
		e.clock[g.task] = g.nth
	}
	for i := j - 1; i >= 0; i-- {
		if g := &d.trace[i]; g.task == e.task {
			e.clock.join(&g.clock)
			return
		}
	}
	born := &d.list[e.task]
	if e.op != access.Begin || born.parent < 0 {
		return
	}
	for i := range d.trace[:j] {
		if g := &d.trace[i]; g.task == born.parent && g.children > born.rank {
			e.clock.join(&g.clock)
			return
		}
	}
}

// reverse plans that e comes before the event i that it races with: what does not happen after i comes first, then e. It is not planned
// if an explored branch, or a planned one, covers it.
func (d *Search) reverse(e *event, i, j int, before *clock) {
	g := &d.trace[i]
	d.seq = d.seq[:0]
	d.late = *e
	d.late.clock = *before
	lost := uint32(0) // operations of e's kind on its channel that do not come before it any more
	for k := i; k < j; k++ {
		o := &d.trace[k]
		if o.clock[g.task] < g.nth {
			d.seq = append(d.seq, k)
		} else if o.op == e.op && o.object == e.object {
			lost++
		}
	}
	d.announced(lost)
	for _, k := range d.seq {
		if o := &d.trace[k]; dependent(&o.step, &d.late.step, d.watched) {
			d.late.clock.join(&o.clock)
		}
	}
	d.seq = append(d.seq, last)
	s := &d.states[i]
	for q := range s.sleep {
		if d.covered(&s.sleep[q]) {
			return
		}
	}
	d.grow(&s.todo)
}

// announced makes d.late what is known of it before it happens elsewhere: a compare-and-swap may succeed there, and
// what the task does next may be something else.
func (d *Search) announced(lost uint32) {
	e := &d.late
	if e.failed {
		e.op = access.CAS
	}
	if e.kind == channel {
		e.seq -= lost
	}
	e.tail = sim.Called | sim.Returned
	e.wide = e.contingent
}

// covered says whether d.seq may as well begin with s, from whose state everything has been explored.
func (d *Search) covered(s *step) bool {
	if k := d.first(s.task); k >= 0 {
		return d.initial(k)
	}
	return d.commutes(s)
}

// ready says whether e, an event that waits, can go on without the event i and what happens after it. It may say so
// falsely of what it does not know, which costs an execution.
func (d *Search) ready(e *event, i, j int) bool {
	g := &d.trace[i]
	switch {
	case e.polled:
		return true
	case e.met != nil:
		whole := g.object == e.object && g.off == e.off && g.end == e.end && g.kind == memory && g.op != access.Write
		return !whole || e.met(g.was)
	case e.op == access.Lock:
		return g.op != access.Unlock
	}
	return d.signalled(e, i, j)
}

// signalled says whether e, which waits for a bell, channel or call, can go on after the events of the first j that do not happen after
// the event i.
func (d *Search) signalled(e *event, i, j int) bool {
	g := &d.trace[i]
	rung, closed, sent, received := false, false, 0, 0
	for k := range d.trace[:j] {
		o := &d.trace[k]
		if k >= i && o.clock[g.task] >= g.nth {
			continue
		}
		for _, t := range o.touched[:o.touches] {
			closed = closed || t.object == e.object && t.how != sim.Looked
		}
		switch {
		case o.object != e.object:
		case o.op == access.Ring:
			rung = true
		case o.passed && o.op == access.Wait:
			rung = false
		case o.passed && o.op == access.Send:
			sent++
		case o.passed && o.op == access.Recv:
			received++
		}
	}
	switch e.op {
	case access.Wait:
		return rung || closed
	case access.Recv:
		return sent > received || closed
	case access.Send:
		return sent < received+int(e.room) || closed
	}
	return true
}
