package alloc

import (
	"fmt"

	"cutthrough/shm"
)

// Stats says how the memory of a segment is used, in bytes. The sum of all fields never changes.
type Stats struct {
	Used     uint64 // handed out, also to processes that have died since
	Free     uint64 // given back, on a free list
	Lost     uint64 // given back, on no list: left by a death inside Alloc or Free
	Fresh    uint64 // never handed out
	Overhead uint64 // segment header, allocator, what is left at the end of the segment
}

// Stats counts the memory of the segment by a bounded walk over all blocks and free lists. The
// result is exact when no process allocates or frees meanwhile; otherwise blocks that move may be
// counted where they were, or as Lost. The only error is [shm.ErrCorrupt].
func (a *Allocator) Stats() (Stats, error) {
	var st Stats
	free := make([]uint64, a.classes) // blocks of each class
	unit := a.first
	for unit < a.units {
		s := blockState(a.state(unit).Load())
		if s == 0 {
			break
		}
		if !s.known() || !a.fits(unit, s.class()) {
			return Stats{}, fmt.Errorf("alloc: allocator stats: unit %d has state %#x: %w", unit, uint64(s), shm.ErrCorrupt)
		}
		size := classUnits(s.class())
		if s.kind() == blockFree {
			free[s.class()]++
		} else {
			st.Used += size * unitSize
		}
		unit += size
	}
	st.Fresh = (a.units - unit) * unitSize
	st.Overhead = a.seg.Size() - (a.units-a.first)*unitSize
	for class, n := range free {
		listed := a.listed(class, n)
		st.Free += listed * classUnits(class) * unitSize
		st.Lost += (n - listed) * classUnits(class) * unitSize
	}
	return st, nil
}

// listed returns how many of the limit free blocks of class its list reaches.
func (a *Allocator) listed(class int, limit uint64) uint64 {
	unit := listHead(a.head(class).Load()).unit()
	for n := range limit {
		if unit == 0 || !a.fits(unit, class) {
			return n
		}
		unit = blockState(a.state(unit).Load()).link()
	}
	return limit
}
