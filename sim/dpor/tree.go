package dpor

// branch is a step that is still to be taken in a state, and what is to be taken after it: a node of a wakeup tree.
type branch struct {
	step
	child *branch // in the state after the step; nil leaves it open
	next  *branch // the next sibling
}

// grow adds the sequence d.seq to the wakeup tree whose first siblings are in *list, unless the tree has an
// equivalent branch already.
func (d *Search) grow(list **branch) {
search:
	for len(d.seq) > 0 {
		p := list
		for b := *p; b != nil; p, b = &b.next, b.next {
			if k := d.first(b.task); k >= 0 {
				if !d.initial(k) {
					continue
				}
				d.seq = append(d.seq[:k], d.seq[k+1:]...)
			} else if !d.commutes(&b.step) {
				continue
			}
			if b.child == nil {
				return
			}
			list = &b.child
			continue search
		}
		for _, at := range d.seq {
			*p = d.newBranch(&d.at(at).step)
			p = &(*p).child
		}
		return
	}
}

func (d *Search) newBranch(s *step) *branch {
	b := d.free
	if b == nil {
		return &branch{step: *s}
	}
	d.free = b.next
	*b = branch{step: *s}
	return b
}

// drop gives b and all below it back.
func (d *Search) drop(b *branch) {
	for b != nil {
		next := b.next
		d.drop(b.child)
		b.next, d.free = d.free, b
		b = next
	}
}

// last stands for d.late in a sequence of indices of d.trace.
const last = -1

func (d *Search) at(i int) *event {
	if i == last {
		return &d.late
	}
	return &d.trace[i]
}

// first returns the place in d.seq of the first step of task, or -1.
func (d *Search) first(task int) int {
	for k, i := range d.seq {
		if d.at(i).task == task {
			return k
		}
	}
	return -1
}

// initial says whether no step of d.seq happens before the one at place k.
func (d *Search) initial(k int) bool {
	e := d.at(d.seq[k])
	for _, i := range d.seq[:k] {
		g := d.at(i)
		if e.clock[g.task] >= g.nth {
			return false
		}
	}
	return true
}

// commutes says whether s is independent of all of d.seq.
func (d *Search) commutes(s *step) bool {
	for _, i := range d.seq {
		if dependent(s, &d.at(i).step, d.watched) {
			return false
		}
	}
	return true
}
