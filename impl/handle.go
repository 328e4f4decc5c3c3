package impl

import (
	"fmt"
	"slices"
)

// Handle names an application, listener, session, pair or segment of the session
// layer: kind, generation and index, 64 bits. Kinds are disjoint, and the
// generation tells an object from earlier ones with its index, so a handle
// designates at most one object ever: a stale or forged one designates nothing.
// The zero Handle is never valid.
type Handle uint64

// HandleKind is the kind of object that a [Handle] names.
type HandleKind uint8

// The kinds.
const (
	KindNone HandleKind = iota
	KindApp
	KindListener
	KindSession
	KindPair
	KindSegment
	numKinds
)

var kindText = [numKinds]string{"none", "app", "listener", "session", "pair", "segment"}

// String returns the kind as logs print it.
func (k HandleKind) String() string {
	if k < numKinds {
		return kindText[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

const generationMask = 1<<28 - 1

func newHandle(k HandleKind, generation, index uint32) Handle {
	return Handle(k)<<60 | Handle(generation&generationMask)<<32 | Handle(index)
}

// Kind returns the kind of object that h names, if any.
func (h Handle) Kind() HandleKind { return HandleKind(h >> 60) }

func (h Handle) index() uint32 { return uint32(h) }

func (h Handle) generation() uint32 { return uint32(h>>32) & generationMask }

// String returns for example "session 3.1": index and generation.
func (h Handle) String() string {
	if h == 0 {
		return "none"
	}
	return fmt.Sprintf("%v %d.%d", h.Kind(), h.index(), h.generation())
}

// pool owns objects of one kind. The lowest free index is not sought: the last one
// freed is reused at once, which the generation makes harmless and tests make
// common.
type pool[T any] struct {
	kind  HandleKind
	slots []slot[T]
	free  []uint32
	live  int
}

type slot[T any] struct {
	generation uint32
	v          *T // nil when free
}

// newPool returns an empty pool of objects of kind k.
func newPool[T any](k HandleKind) pool[T] { return pool[T]{kind: k} }

// count returns how many objects are live.
func (p *pool[T]) count() int { return p.live }

// add makes a new object and returns its handle.
func (p *pool[T]) add(v *T) Handle {
	p.live++
	if n := len(p.free); n > 0 {
		i := p.free[n-1]
		p.free = p.free[:n-1]
		p.slots[i].v = v
		return newHandle(p.kind, p.slots[i].generation, i)
	}
	p.slots = append(p.slots, slot[T]{generation: 1, v: v})
	return newHandle(p.kind, 1, uint32(len(p.slots)-1))
}

// get returns the object that h names, or nil.
func (p *pool[T]) get(h Handle) *T {
	if h.Kind() != p.kind || int(h.index()) >= len(p.slots) {
		return nil
	}
	s := &p.slots[h.index()]
	if s.generation&generationMask != h.generation() {
		return nil
	}
	return s.v
}

// remove frees h, which must be live. An index whose generations are used up is
// not reused, because a handle must never name two objects.
func (p *pool[T]) remove(h Handle) {
	if p.get(h) == nil {
		panic("impl: remove " + h.String())
	}
	s := &p.slots[h.index()]
	s.v = nil
	s.generation++
	p.live--
	if s.generation < generationMask {
		p.free = append(p.free, h.index())
	}
}

// clone returns a copy of the pool; deepen replaces what a copied object shares with the original.
func (p *pool[T]) clone(deepen func(*T)) pool[T] {
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

// each calls f for every live object in order of index.
func (p *pool[T]) each(f func(h Handle, v *T)) {
	for i := range p.slots {
		if s := p.slots[i]; s.v != nil {
			f(newHandle(p.kind, s.generation, uint32(i)), s.v)
		}
	}
}
