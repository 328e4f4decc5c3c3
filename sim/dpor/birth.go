package dpor

import "cutthrough/sim"

// birth tells tasks apart in different executions: numbers depend on the order of steps that are independent, births do
// not. A task is known by the index of its birth.
type birth struct{ parent, rank int }

// births are the tasks of all executions of one program, and the numbers that the tasks have in this one.
type births struct {
	list   []birth
	known  [64]int8      // birth of a task of this execution, -1 if not known yet
	number [maxTasks]int // of the task of this execution with a birth
}

// forget begins an execution.
func (bs *births) forget() {
	for i := range bs.known {
		bs.known[i] = -1
	}
}

// birth returns the index of the birth of task i, which is rank of those that parent started; ok is false if there are too many
// tasks.
func (bs *births) birth(i, parent, rank int) (at int, ok bool) {
	if bs.known[i] >= 0 {
		return int(bs.known[i]), true
	}
	if parent >= 0 {
		parent = int(bs.known[parent])
	}
	b := birth{parent, rank}
	for at = 0; at < len(bs.list) && bs.list[at] != b; at++ {
	}
	if at == maxTasks {
		return 0, false
	}
	if at == len(bs.list) {
		bs.list = append(bs.list, b)
	}
	bs.known[i], bs.number[at] = int8(at), i
	return at, true
}

// object returns how an object is known. A task that creates objects has begun, so its birth is known.
func (bs *births) object(o sim.Origin) object {
	creator := -1
	if o.Task >= 0 {
		creator = int(bs.known[o.Task])
	}
	return object(creator+1)<<16 | object(o.Nth)
}

// step returns the part of s that dependence is decided by.
func (bs *births) step(s *sim.Step, task int) step {
	t := step{
		task: task, process: s.Process, op: s.Op, kind: kindOf(s), tail: s.Tail, object: bs.object(s.Origin),
		off: s.Off, end: s.Off + s.Len, seq: s.Seq, room: s.Room,
	}
	for _, o := range s.Touched {
		if t.touches == maxTouched {
			t.wide = true
			break
		}
		t.touched[t.touches] = touch{bs.object(o.Origin), o.How}
		t.touches++
	}
	return t
}
