package dpor

import (
	"fmt"

	"cutthrough/sim"
)

// Search is the strategy. It decides the executions of one program after the other, one program for each combination of
// the values that a generator draws.
type Search struct {
	births
	inputs []draw
	asked  int // inputs of this execution so far

	states []state // those before each event, and the one after the last
	trace  []event
	depth  int // events of this execution so far
	fresh  int // the first event that the execution before did not have

	attempts []attempt
	barrier  int  // events before the last moment at which no task could go on
	stuck    bool // there has been such a moment since the last event
	watched  bool
	strayed  bool // this execution is of no use: it repeats another, or goes where no step is possible

	seq  []int // the steps of a reversal, as indices of trace
	late event // the last of them
	free *branch

	began, over bool
	abandoned   int    // executions that were of no use
	left        string // what the search leaves out
	err         error
}

// draw is a value of a generator.
type draw struct{ value, n int }

// state is what is to be explored from a state of the program.
type state struct {
	sleep []step  // from here they lead to nothing that has not been explored
	first *branch // the branch that is being explored; nil leaves the choice open
	todo  *branch // the next ones
}

// New returns a Search that has explored nothing.
func New() *Search { return new(Search) }

// String returns dpor.
func (d *Search) String() string { return "dpor" }

// ChoosesInputs says that the explorer is to ask for the values that a generator draws.
func (d *Search) ChoosesInputs() {}

// Exhausted returns what was explored, in words, once everything was, until then and if something was left out "".
func (d *Search) Exhausted() string {
	if !d.over || d.left != "" {
		return ""
	}
	return "every order of dependent steps, without faults"
}

// LeftOut returns what the search leaves out although it has come to its end, or "".
func (d *Search) LeftOut() string { return d.left }

// Redundant returns the number of executions that were given up, because they repeat another or no step is possible.
func (d *Search) Redundant() int { return d.abandoned }

// Next returns the Search as Chooser of the next execution, or nil when there is none left.
func (d *Search) Next() sim.Chooser {
	if d.began && !d.backtrack() && !d.nextInput() {
		d.over = true
	}
	if d.over {
		return nil
	}
	if !d.began {
		d.began = true
		d.restart()
	}
	d.forget()
	d.asked, d.depth, d.barrier, d.stuck, d.strayed = 0, 0, 0, false, false
	d.attempts = d.attempts[:0]
	return d
}

func (d *Search) restart() {
	d.trace, d.states, d.fresh, d.watched, d.list = d.trace[:0], d.states[:0], 0, false, d.list[:0]
	d.push()
}

// push adds a state without anything to do.
func (d *Search) push() *state {
	n := len(d.states)
	if n == cap(d.states) {
		d.states = append(d.states, state{})
	}
	d.states = d.states[:n+1]
	s := &d.states[n]
	s.sleep, s.first, s.todo = s.sleep[:0], nil, nil
	return s
}

// backtrack makes the last branch that is left the next one, or says that there is none.
func (d *Search) backtrack() bool {
	for i := len(d.states) - 1; i >= 0; i-- {
		s := &d.states[i]
		d.drop(s.first)
		s.first = nil
		b := s.todo
		if b == nil {
			continue
		}
		s.todo, b.next = b.next, nil
		if i < len(d.trace) {
			s.sleep = append(s.sleep, d.trace[i].step)
		}
		s.first = b
		d.trace, d.states, d.fresh = d.trace[:i], d.states[:i+1], i
		return true
	}
	return false
}

// nextInput makes the draws of the generator the next ones, or says that there are none.
func (d *Search) nextInput() bool {
	for len(d.inputs) > 0 {
		v := &d.inputs[len(d.inputs)-1]
		if v.value++; v.value < v.n {
			d.restart()
			return true
		}
		d.inputs = d.inputs[:len(d.inputs)-1]
	}
	return false
}

// Done learns from the execution. The error says that the program is not deterministic.
func (d *Search) Done(o *sim.Outcome) error {
	switch {
	case d.err != nil:
	case d.strayed:
		d.abandoned++
	case d.depth < len(d.trace):
		d.err = fmt.Errorf("the execution ends after %d steps, where equal choices led to another one before", o.Steps)
	default:
		d.analyse()
	}
	return d.err
}

// Choose implements [sim.Chooser].
func (d *Search) Choose(p *sim.Point) int {
	if p.Draws > 0 {
		return d.draw(p)
	}
	d.watched = p.Watched()
	t := d.pick(p)
	switch {
	case t < 0:
		return sim.Diverged
	case t == p.Task && !p.Forced:
		return 0
	}
	return p.SwitchChoice(t)
}

func (d *Search) draw(p *sim.Point) int {
	if p.Step > 0 {
		d.left = "values that a task draws"
		return 0
	}
	if d.asked == len(d.inputs) {
		d.inputs = append(d.inputs, draw{0, p.Draws})
	}
	d.asked++
	return d.inputs[d.asked-1].value
}

// pick returns the task whose step is next, or -1 if the program departs from what it did before.
func (d *Search) pick(p *sim.Point) int {
	var able uint64 // tasks that can take a step, by their births
	enabled := p.Others()
	if !p.Forced {
		enabled |= 1 << p.Task
	}
	for i := range p.Tasks() {
		parent, rank := p.Birth(i)
		b, ok := d.birth(i, parent, rank)
		if !ok {
			d.tooMany()
			return following(enabled, p.Task)
		}
		if enabled>>i&1 != 0 && !p.Stuck(i) {
			able |= 1 << b
		}
	}
	if able == 0 {
		return following(enabled, p.Task) // to wait: then time can pass, or the execution ends
	}
	t := d.next(able, int(d.known[p.Task]))
	if t < 0 {
		d.err = fmt.Errorf("%s cannot go on at step %d, where it did after equal choices before", p.TaskName(), p.Step)
		return -1
	}
	return d.number[t]
}

// next returns which of the tasks that are able to takes the next step, beginning with task if that is left open; -1 if the
// program departs from what it did before.
func (d *Search) next(able uint64, task int) int {
	if d.strayed {
		return following(able, task)
	}
	if d.depth < len(d.trace) {
		want := d.trace[d.depth].task
		if able>>want&1 == 0 {
			return -1
		}
		return want
	}
	s := &d.states[d.depth]
	if s.first != nil {
		if able>>s.first.task&1 == 0 {
			d.strayed = true
			return following(able, task)
		}
		return s.first.task
	}
	var asleep uint64
	for i := range s.sleep {
		asleep |= 1 << s.sleep[i].task
	}
	if able&^asleep == 0 {
		d.strayed = true
		return following(able, task)
	}
	return following(able&^asleep, task)
}

// following returns the first task of a set that is not empty, beginning with task and going around.
func following(set uint64, task int) int {
	for set>>task&1 == 0 {
		task = (task + 1) % 64
	}
	return task
}

// Executed implements [sim.Observer].
func (d *Search) Executed(s sim.Step) {
	switch {
	case d.strayed || d.err != nil:
		return
	case s.Blocked:
		if e, ok := d.event(&s); ok {
			d.attempts = append(d.attempts, attempt{e, d.depth})
		}
		d.stuck = true
		return
	case s.Polled:
		d.left = "orders of steps in which a task polls without end"
	}
	if d.stuck {
		d.barrier, d.stuck = d.depth, false
	}
	e, ok := d.event(&s)
	if !ok {
		return
	}
	if d.depth < len(d.trace) {
		if o := &d.trace[d.depth].step; e.task != o.task || e.op != o.op || e.object != o.object || e.off != o.off {
			d.err = fmt.Errorf("step %d is %s, where equal choices led to %s before", d.depth+1, s.Access, d.trace[d.depth].op)
			return
		}
		d.depth++
		return
	}
	d.add(e)
}

// event returns what the search keeps of s, or says that there are too many tasks.
func (d *Search) event(s *sim.Step) (event, bool) {
	task, ok := d.birth(s.Task, s.Parent, s.Rank)
	if !ok {
		d.tooMany()
		return event{}, false
	}
	return event{
		step:  d.step(s, task),
		waits: s.Waits, failed: s.Failed, passed: s.Passed, polled: s.Polled, children: s.Children, contingent: s.Contingent, barrier: d.barrier, was: s.Was, met: s.Met,
	}, true
}

func (d *Search) tooMany() {
	d.left, d.strayed = fmt.Sprintf("programs of more than %d tasks", maxTasks), true
}

// add appends an event that no execution had before in this place.
func (d *Search) add(e event) {
	s := &d.states[d.depth]
	if s.first != nil && s.first.task != e.task || s.first == nil && s.sleeps(e.task) {
		d.strayed = true
		return
	}
	d.trace = append(d.trace, e)
	d.depth++
	next := d.push()
	s = &d.states[d.depth-1] // push may have moved it
	for i := range s.sleep {
		if q := &s.sleep[i]; q.task != e.task && !dependent(q, &e.step, d.watched) {
			next.sleep = append(next.sleep, *q)
		}
	}
	if b := s.first; b != nil {
		s.first = nil
		if next.first = b.child; next.first != nil {
			next.todo, next.first.next = next.first.next, nil
		}
		b.child, b.next = nil, nil
		d.drop(b)
	}
}

func (s *state) sleeps(task int) bool {
	for i := range s.sleep {
		if s.sleep[i].task == task {
			return true
		}
	}
	return false
}
