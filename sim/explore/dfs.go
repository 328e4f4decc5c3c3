package explore

import (
	"fmt"

	"cutthrough/shm"
	"cutthrough/shm/access"
	"cutthrough/sim"
)

// DFS explores all executions with at most a given number of preemptions, fewest
// first: iterative context bounding (Musuvathi and Qadeer, PLDI 2007). A fault
// counts like a preemption in that order, but the number of faults is bounded by
// the configuration. Switches away from a task that waits or has ended, and
// drawn values, are all explored in every round. DFS is Exhaustive and an InputChooser.
type DFS struct {
	max   int // preemptions
	bound int // preemptions and faults allowed in this round
	stack []branch
	depth int
	left  bool // the bound left something out, so another round is due
	began bool
	over  bool
	names [maxTasks]string // of tasks, for messages
	err   error            // the program has diverged
}

// branch is one question on the current path. Costs are of the path before it.
type branch struct {
	choice, n, others  int32
	spent, preemptions int16
	free               bool // all options cost nothing
	at                 question
}

// question is where a question was asked, packed: searches store and compare a great many. Equal choices
// lead to equal questions.
type question struct {
	what uint64 // name and nth
	when uint64 // step, task and op; step 0 for a draw of the generator
}

func questionOf(p *sim.Point) question {
	return question{
		what: uint64(p.Name)<<32 | uint64(uint32(p.Nth)),
		when: uint64(p.Step)<<16 | uint64(uint8(p.Task))<<8 | uint64(p.Op),
	}
}

// place describes a question.
func (d *DFS) place(q question) string {
	step, task, op := q.when>>16, uint8(q.when>>8), access.Op(uint8(q.when))
	if step == 0 {
		return "a draw of the generator"
	}
	return fmt.Sprintf("step %d, %s @ %s %s #%d", step, d.names[task], shm.Name(q.what>>32), op, uint32(q.what))
}

// NewDFS returns a DFS with at most max preemptions.
func NewDFS(max int) *DFS { return &DFS{max: max} }

// String returns dfs:N.
func (d *DFS) String() string { return fmt.Sprintf("dfs:%d", d.max) }

// ChoosesInputs implements [InputChooser].
func (d *DFS) ChoosesInputs() {}

// Exhausted implements [Exhaustive].
func (d *DFS) Exhausted() string {
	if !d.over {
		return ""
	}
	if d.max == 1 {
		return "at most 1 preemption"
	}
	return fmt.Sprintf("at most %d preemptions", d.max)
}

// Next implements [Strategy].
func (d *DFS) Next() sim.Chooser {
	for d.began && !d.over && !d.backtrack() {
		if !d.left {
			d.over = true
			break
		}
		d.bound++
		d.left, d.began = false, false
	}
	if d.over {
		return nil
	}
	d.began = true
	d.depth = 0
	return d
}

// Done implements [Strategy].
func (d *DFS) Done(o *sim.Outcome) error {
	if d.err == nil && d.depth < len(d.stack) {
		d.err = fmt.Errorf("the execution ends after %d steps, where equal choices led to %s before", o.Steps, d.place(d.stack[d.depth].at))
	}
	return d.err
}

// Choose implements [sim.Chooser]. It returns [sim.Diverged] where the program departs from what it did before.
func (d *DFS) Choose(p *sim.Point) int {
	n, at := int32(p.N()), questionOf(p)
	if d.depth < len(d.stack) {
		b := &d.stack[d.depth]
		if b.n != n || b.at != at {
			before := d.place(b.at)
			d.learn(p)
			d.err = fmt.Errorf("%s has %d options, where equal choices led to %s with %d before", d.place(at), n, before, b.n)
			return sim.Diverged
		}
		d.depth++
		return int(b.choice)
	}
	b := branch{n: n, others: int32(p.Switches()), free: p.Forced || p.Draws > 0, at: at}
	if d.depth > 0 {
		last := &d.stack[d.depth-1]
		b.spent, b.preemptions = last.after()
	}
	d.stack = append(d.stack, b)
	d.depth++
	d.learn(p)
	return 0
}

// learn notes the name of the running task. Another input may have other tasks.
func (d *DFS) learn(p *sim.Point) {
	switch {
	case p.Step == 0:
		d.names = [maxTasks]string{}
	case d.names[p.Task] == "":
		d.names[p.Task] = p.TaskName()
	}
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
		d.left = true
		return 0
	}
	return c
}
