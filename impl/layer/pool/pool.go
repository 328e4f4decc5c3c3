package pool

import (
	"slices"

	"cutthrough/impl/wire"
)

// Pool owns objects of one kind. The lowest free index is not sought: the last one freed is used again at once,
// which the generation makes harmless and tests make common.
type Pool[T any] struct {
	kind  wire.Kind
	first uint32 // generation of every index
	slots []slot[T]
	free  []uint32
	live  int
}

type slot[T any] struct {
	generation uint32
	v          *T // nil when free
}

// New returns an empty pool of objects of kind k. The generations of each index begin with first, from 1 to
// wire.MaxGeneration.
func New[T any](k wire.Kind, first uint32) Pool[T] { return Pool[T]{kind: k, first: first} }

// Len returns how many objects are live.
func (p *Pool[T]) Len() int { return p.live }

// Indices returns one more than the largest index that a handle has had.
func (p *Pool[T]) Indices() int { return len(p.slots) }

// Add keeps v and returns its new handle.
func (p *Pool[T]) Add(v *T) wire.Handle {
	p.live++
	if n := len(p.free); n > 0 {
		i := p.free[n-1]
		p.free = p.free[:n-1]
		p.slots[i].v = v
		return wire.NewHandle(p.kind, p.slots[i].generation, i)
	}
	p.slots = append(p.slots, slot[T]{generation: p.first, v: v})
	return wire.NewHandle(p.kind, p.first, uint32(len(p.slots)-1))
}

// Get returns the object that h names, or nil.
func (p *Pool[T]) Get(h wire.Handle) *T {
	if h.Kind() != p.kind || int(h.Index()) >= len(p.slots) {
		return nil
	}
	s := &p.slots[h.Index()]
	if s.generation&wire.MaxGeneration != h.Generation() {
		return nil
	}
	return s.v
}

// Remove frees h. It panics if h is not live. An index whose generations are used up is not used again, because
// a handle must never name two objects.
func (p *Pool[T]) Remove(h wire.Handle) {
	if p.Get(h) == nil {
		panic("impl: remove " + h.String())
	}
	s := &p.slots[h.Index()]
	s.v = nil
	s.generation++
	p.live--
	if s.generation < wire.MaxGeneration {
		p.free = append(p.free, h.Index())
	}
}

// Clone returns a copy of the pool and of its objects. deepen replaces what a copied object shares with the
// original.
func (p *Pool[T]) Clone(deepen func(*T)) Pool[T] {
	c := *p
	c.slots, c.free = slices.Clone(p.slots), slices.Clone(p.free)
	for i := range c.slots {
		if s := &c.slots[i]; s.v != nil {
			v := *s.v
			deepen(&v)
			s.v = &v
		}
	}
	return c
}

// Each calls f for every live object in order of index.
func (p *Pool[T]) Each(f func(h wire.Handle, v *T)) {
	for i := range p.slots {
		if s := p.slots[i]; s.v != nil {
			f(wire.NewHandle(p.kind, s.generation, uint32(i)), s.v)
		}
	}
}
