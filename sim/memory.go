package sim

import "cutthrough/shm"

// memory is a piece of simulated shared memory with its shadow state.
type memory struct {
	bytes  []byte
	refs   int      // descriptors and mappings
	sync   []clock  // per 4 bytes: what a load of the word acquires
	synced []uint64 // indices of sync in use
	cells  []cell   // per byte, for plain accesses
	dirty  []span   // cells in use
}

type span struct{ off, n uint64 }

// memory returns a zero memory of size bytes, recycled if possible: clearing
// 8 KiB costs 60 ns, allocating it ten times that.
func (w *World) memory(size uint64) *memory {
	r := w.run
	var m *memory
	if free := r.memories[size]; len(free) > 0 {
		m = free[len(free)-1]
		r.memories[size] = free[:len(free)-1]
		clear(m.bytes)
	} else {
		m = &memory{bytes: shm.HeapBytes(size), sync: make([]clock, (size+3)/4)}
	}
	w.mems = append(w.mems, m)
	return m
}

// recycle clears the shadow state and gives m back.
func (m *memory) recycle(r *Runner) {
	for _, i := range m.synced {
		m.sync[i] = nil
	}
	for _, d := range m.dirty {
		clear(m.cells[d.off : d.off+d.n])
	}
	m.synced, m.dirty, m.refs = m.synced[:0], m.dirty[:0], 0
	size := uint64(len(m.bytes))
	r.memories[size] = append(r.memories[size], m)
}
