package impl

import (
	"errors"
	"fmt"
	"slices"
	"sort"

	"cutthrough/impl/wire"
	"cutthrough/shm"
)

// Errors of mapping and resolving.
var (
	ErrOverlap    = errors.New("segment overlaps one that is mapped") // the founding bug, refused where it would appear
	ErrUnresolved = errors.New("address is in no mapped segment")
)

// mapping is a segment that this application has mapped, and where the session layer
// has placed it.
type mapping struct {
	h    wire.Handle
	base wire.Location
	seg  *shm.Segment
	peer *peer // the application that shares it, if the event queues of the pair are here; else nil
	// users are the sessions that have something in it. The session layer unmaps it after they are over.
	users int
}

func (m *mapping) end() wire.Location { return m.base + wire.Location(m.seg.Size()) }

// segmentTable resolves addresses of the session layer's address space to segments,
// wherever this process has them mapped. The application's lock guards it.
type segmentTable struct {
	byBase []*mapping // in order of base, disjoint
}

// after returns the index of the first mapping whose base is above at.
func (t *segmentTable) after(at wire.Location) int {
	return sort.Search(len(t.byBase), func(i int) bool { return t.byBase[i].base > at })
}

// add enters m. ErrOverlap when a live mapping has part of its range.
func (t *segmentTable) add(m *mapping) error {
	i := t.after(m.base)
	if i > 0 && t.byBase[i-1].end() > m.base || i < len(t.byBase) && m.end() > t.byBase[i].base || m.end() < m.base {
		return fmt.Errorf("impl: map %v at %#x: %w", m.h, m.base, ErrOverlap)
	}
	t.byBase = append(t.byBase, nil)
	copy(t.byBase[i+1:], t.byBase[i:])
	t.byBase[i] = m
	return nil
}

// remove takes out the mapping of h and returns it, or nil.
func (t *segmentTable) remove(h wire.Handle) *mapping {
	for i, m := range t.byBase {
		if m.h == h {
			t.byBase = append(t.byBase[:i], t.byBase[i+1:]...)
			return m
		}
	}
	return nil
}

// used says whether sessions have something in the mapping of h: only a faulty session layer asks to unmap it then.
func (t *segmentTable) used(h wire.Handle) bool {
	return slices.ContainsFunc(t.byBase, func(m *mapping) bool { return m.h == h && m.users > 0 })
}

// resolve returns the mapping that at lies in and the offset there. ErrUnresolved.
func (t *segmentTable) resolve(at wire.Location) (*mapping, uint64, error) {
	if i := t.after(at); i > 0 && at < t.byBase[i-1].end() {
		return t.byBase[i-1], uint64(at - t.byBase[i-1].base), nil
	}
	return nil, 0, fmt.Errorf("impl: resolve %#x: %w", at, ErrUnresolved)
}
