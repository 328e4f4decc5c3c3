package dpor

import (
	"cutthrough/sim"
)

// brute goes through all schedules of a program, and tells executions apart by what happens before what.
type brute struct {
	stack []draw
	depth int
	trace []event
	bar   int
	d     Search
	polls bool // a task polled in an execution
}

// next says whether there is another execution.
func (b *brute) next() bool {
	for b.depth = len(b.stack); b.depth > 0; b.depth-- {
		if v := &b.stack[b.depth-1]; v.value+1 < v.n {
			v.value++
			break
		}
		b.stack = b.stack[:b.depth-1]
	}
	again := b.depth > 0
	b.depth, b.bar, b.trace = 0, 0, b.trace[:0]
	b.d.forget()
	return again
}

func (b *brute) Choose(p *sim.Point) int {
	if b.depth == len(b.stack) {
		b.stack = append(b.stack, draw{0, p.N() - p.Faults()})
	}
	b.depth++
	return b.stack[b.depth-1].value
}

func (b *brute) Executed(s sim.Step) {
	b.polls = b.polls || s.Polled
	if s.Blocked {
		return
	}
	b.d.barrier = b.bar
	e, ok := b.d.event(&s)
	if !ok {
		panic("too many tasks")
	}
	b.trace = append(b.trace, e)
}

// class describes the happens-before order of the execution.
func (b *brute) class(watched bool) string {
	var tasks [maxTasks][]byte
	d := &b.d
	d.trace = b.trace
	for j := range d.trace {
		e := &d.trace[j]
		d.past(e, j)
		for i := range d.trace[:j] {
			if g := &d.trace[i]; g.task != e.task && dependent(&g.step, &e.step, watched) {
				e.clock.join(&g.clock)
			}
		}
		e.clock[e.task]++
		e.nth = e.clock[e.task]
		t := append(tasks[e.task], byte(e.op), byte(e.object>>16), byte(e.object), byte(e.off), byte(e.seq))
		for _, n := range e.clock {
			t = append(t, byte(n))
		}
		tasks[e.task] = t
	}
	var all []byte
	for _, t := range tasks {
		all = append(append(all, t...), 0xff)
	}
	return string(all)
}
