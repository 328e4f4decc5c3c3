package evq

// orders are the ways to rename so many producers: the new number of each.
func orders(producers uint8) [][maxProducers]uint8 {
	switch producers {
	case 2:
		return [][maxProducers]uint8{{1, 0, 2}}
	case 3:
		return [][maxProducers]uint8{{0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}
	}
	return nil
}

// Canonical implements [check.Symmetric]: producers differ only in their numbers. It
// is the state with the least code among those that renaming makes.
func (m *Model) Canonical(s State) State {
	least, code := s, s.code()
	for _, order := range m.orders {
		t := s.renamed(&order)
		if c := t.code(); c.less(&code) {
			least, code = t, c
		}
	}
	return least
}

// renamed returns the state with new numbers for the producers.
func (s *State) renamed(order *[maxProducers]uint8) State {
	t := *s
	t.want, t.waiters = renamedBits(s.want, order), renamedBits(s.waiters, order)
	for i := range s.slots {
		t.slots[i].event = renamedEvent(s.slots[i].event, order)
	}
	for p := range s.producers {
		q := s.producers[p]
		q.want = renamedBits(q.want, order)
		q.seen.event = renamedEvent(q.seen.event, order)
		t.producers[order[p]] = q
	}
	return t
}

func renamedBits(bits uint8, order *[maxProducers]uint8) uint8 {
	return bits&1<<order[0] | bits>>1&1<<order[1] | bits>>2&1<<order[2]
}

func renamedEvent(e uint8, order *[maxProducers]uint8) uint8 {
	if e == 0 {
		return 0
	}
	return order[e>>4]<<4 | e&15
}

// code is what renaming changes of a state, for comparison.
type code [maxProducers + 2]uint64

func (s *State) code() code {
	var c code
	for p := range s.producers {
		q := &s.producers[p]
		c[p] = uint64(q.pc) | uint64(q.posted)<<5 | uint64(q.got)<<9 | uint64(q.at)<<13 |
			uint64(q.seen.lap)<<21 | uint64(q.seen.event)<<29 | uint64(q.want)<<37 | uint64(q.why)<<40
		if q.fresh {
			c[p] |= 1 << 42
		}
		if q.bell {
			c[p] |= 1 << 43
		}
	}
	for _, t := range s.slots {
		c[maxProducers] = c[maxProducers]<<16 | uint64(t.lap)<<8 | uint64(t.event)
	}
	c[maxProducers+1] = uint64(s.want) | uint64(s.waiters)<<8
	return c
}

func (c *code) less(d *code) bool {
	for i := range c {
		if c[i] != d[i] {
			return c[i] < d[i]
		}
	}
	return false
}
