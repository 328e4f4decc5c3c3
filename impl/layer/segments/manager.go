package segments

import (
	"cutthrough/impl/layer/pool"
	"cutthrough/impl/wire"
)

// Manager places segments in one address space, so that no two overlap, and keeps them under handles. Not safe
// for concurrent use.
type Manager struct {
	space    *Space
	segments pool.Pool[Segment]
}

// NewManager returns a manager of the address space [base, end), with guard free bytes after each segment. All
// are multiples of [Page]. Generations of handles begin with first.
func NewManager(base, end wire.Location, guard uint64, first uint32) *Manager {
	return &Manager{space: NewSpace(base, end, Page, guard), segments: pool.New[Segment](wire.KindSegment, first)}
}

// Place returns a new segment of size bytes, a multiple of [Page], or false if there is no place for it.
func (m *Manager) Place(owner wire.Handle, size uint64) (*Segment, bool) {
	base, ok := m.space.Alloc(size)
	if !ok {
		return nil, false
	}
	g := &Segment{
		Owner: owner, Base: base, Size: size,
		space: NewSpace(BlockAlign, wire.Location(size&^(BlockAlign-1)), BlockAlign, 0),
	}
	g.Handle = m.segments.Add(g)
	return g, true
}

// Remove forgets g and makes its place available.
func (m *Manager) Remove(g *Segment) {
	m.space.Release(g.Base, g.Size)
	m.segments.Remove(g.Handle)
}

// Get returns the segment that h names, or nil.
func (m *Manager) Get(h wire.Handle) *Segment { return m.segments.Get(h) }

// Each calls f for every segment, in an order that depends on nothing but the calls so far.
func (m *Manager) Each(f func(g *Segment)) {
	m.segments.Each(func(_ wire.Handle, g *Segment) { f(g) })
}

// Len returns how many segments there are.
func (m *Manager) Len() int { return m.segments.Len() }

// Indices returns one more than the largest index of a segment so far.
func (m *Manager) Indices() int { return m.segments.Indices() }

// InUse returns how many bytes of the address space are taken, guards included.
func (m *Manager) InUse() uint64 { return m.space.InUse() }

// Clone returns a copy that shares nothing with m.
func (m *Manager) Clone() *Manager {
	return &Manager{space: m.space.Clone(), segments: m.segments.Clone((*Segment).clone)}
}

// Check reports each property that does not hold: segments are disjoint (S1), their places are the used part
// of the address space (S19), and the books of each are in order (S20). It takes time quadratic in Len.
func (m *Manager) Check(report func(property, format string, args ...any)) {
	all := make([]*Segment, 0, 16) // as a rule on the stack
	used := uint64(0)
	m.Each(func(g *Segment) {
		for _, o := range all {
			if g.Base < o.Base+wire.Location(o.Size) && o.Base < g.Base+wire.Location(g.Size) {
				report("S1", "%v [%#x, +%d) overlaps %v [%#x, +%d)", g.Handle, g.Base, g.Size, o.Handle, o.Base, o.Size)
			}
		}
		all = append(all, g)
		used += m.space.Size(g.Size)
	})
	if used != m.space.InUse() {
		report("S19", "%d bytes of address space are used, the segments have %d", m.space.InUse(), used)
	}
	if err := m.space.Check(); err != nil {
		report("S19", "the address space: %v", err)
	}
	m.Each(func(g *Segment) {
		if err := g.space.Check(); err != nil {
			report("S20", "%v: %v", g.Handle, err)
		}
	})
}
