package sim

import (
	"cutthrough/shm"
	"cutthrough/sim/hb"
)

// memory is a piece of simulated shared memory with its shadow state.
type memory struct {
	id     Object
	bytes  []byte
	home   *memories
	sync   []hb.Var   // per 4 bytes: what a load of the word acquires; the engine clears those in use
	shadow *hb.Shadow // plain accesses, nil until the first
}

// memories are the pieces of memory of one size that no execution uses.
type memories struct{ free []*memory }

// memory returns a zero memory of size bytes, recycled if possible: clearing
// 8 KiB costs 60 ns, allocating it ten times that.
func (w *World) memory(size uint64) *memory {
	home := w.run.memories[size]
	if home == nil {
		home = new(memories)
		w.run.memories[size] = home
	}
	var m *memory
	if n := len(home.free); n > 0 {
		m = home.free[n-1]
		home.free = home.free[:n-1]
		clear(m.bytes)
	} else {
		m = &memory{home: home, bytes: shm.HeapBytes(size), sync: make([]hb.Var, (size+3)/4)}
	}
	m.id = w.object("segment", "")
	w.mems = append(w.mems, m)
	return m
}

// recycle clears the shadow state and gives m back.
func (m *memory) recycle() {
	if m.shadow != nil {
		m.shadow.Reset()
	}
	m.home.free = append(m.home.free, m)
}
