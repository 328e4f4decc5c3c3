package valloc

// orders are the ways to rename so many processes: the new number of each.
func orders(processes uint8) [][maxProcesses]uint8 {
	if processes == 2 {
		return [][maxProcesses]uint8{{1, 0, 2}}
	}
	return [][maxProcesses]uint8{{0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}
}

// Canonical implements [check.Symmetric]: processes differ only in their numbers. It
// is the state with the least code among those that renaming makes.
func (m *Model) Canonical(s State) State {
	least, code := s, s.code()
	for i := range m.orders {
		t := s.renamed(&m.orders[i])
		if c := t.code(); c.less(&code) {
			least, code = t, c
		}
	}
	return least
}

// renamed returns the state with new numbers for the processes.
func (s *State) renamed(order *[maxProcesses]uint8) State {
	t := *s
	for i := range s.segments {
		t.segments[i].told = renamedBits(s.segments[i].told, order)
		t.segments[i].asked = renamedBits(s.segments[i].asked, order)
	}
	for p := range s.processes {
		t.processes[order[p]] = s.processes[p]
	}
	return t
}

func renamedBits(bits uint8, order *[maxProcesses]uint8) uint8 {
	return bits&1<<order[0] | bits>>1&1<<order[1] | bits>>2&1<<order[2]
}

// code is what renaming changes of a state, for comparison: six words of each process,
// and one of the segments.
type code [6*maxProcesses + 1]uint64

func (s *State) code() code {
	var c code
	for p := range s.processes {
		q := &s.processes[p]
		w := c[6*p:][:6]
		for i, x := range q.in {
			w[i/2] = w[i/2]<<32 | uint64(x.units)<<16 | uint64(x.segment)<<8 | bit(x.unmap)
		}
		for i := range q.maps {
			w[3] = w[3]<<16 | uint64(q.maps[i])
			w[4] = w[4]<<8 | uint64(q.out[i])
		}
		w[5] = uint64(q.bound)<<24 | uint64(q.late)<<16 | uint64(q.stray)<<8 | bit(q.dead)
	}
	for i := range s.segments {
		c[len(c)-1] = c[len(c)-1]<<16 | uint64(s.segments[i].told)<<8 | uint64(s.segments[i].asked)
	}
	return c
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func (c *code) less(d *code) bool {
	for i := range c {
		if c[i] != d[i] {
			return c[i] < d[i]
		}
	}
	return false
}
