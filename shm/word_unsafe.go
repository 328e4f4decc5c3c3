package shm

import (
	"fmt"
	"sync/atomic"
	"unsafe"
)

// Words and ranges are the only code that touches shared bytes. Each operation
// starts with a nil check, of what only a segment with a Yielder gives its handles;
// everything else about simulation is out of line, so the fast paths inline
// (TestInlining pins it).

// Uint32 is a 32-bit word in a segment. All operations are sequentially
// consistent atomics and safe for concurrent use. The zero value is not usable.
type Uint32 struct {
	p    *uint32
	s    *Segment // nil without a Yielder
	name Name
}

// Uint64 is a 64-bit word in a segment. All operations are sequentially
// consistent atomics and safe for concurrent use. The zero value is not usable.
type Uint64 struct {
	p    *uint64
	s    *Segment // nil without a Yielder
	name Name
}

// Uint32 returns a handle of the word at off. It panics when off is not a
// multiple of 4 or lies outside the segment: an offset that came from a peer
// must be checked with [Segment.Contains] first.
func (s *Segment) Uint32(off uint64, name Name) Uint32 {
	hooked := s.mustContain(off, 4, 4, name)
	return Uint32{(*uint32)(unsafe.Pointer(&s.mem[off])), hooked, name}
}

// Uint64 returns a handle of the word at off. It panics when off is not a
// multiple of 8 or lies outside the segment: an offset that came from a peer
// must be checked with [Segment.Contains] first.
func (s *Segment) Uint64(off uint64, name Name) Uint64 {
	hooked := s.mustContain(off, 8, 8, name)
	return Uint64{(*uint64)(unsafe.Pointer(&s.mem[off])), hooked, name}
}

// mustContain panics when the bytes are not in the segment. It returns what a
// handle of them keeps: s when a Yielder must see the accesses, else nil, so that an
// access in production reads nothing but its handle.
func (s *Segment) mustContain(off, n, align uint64, name Name) (hooked *Segment) {
	if !s.Contains(off, n, align) {
		panic(fmt.Sprintf("shm: %s: [%d,+%d) aligned to %d is not in a segment of %d bytes", name, off, n, align, len(s.mem)))
	}
	if s.y == nil {
		return nil
	}
	return s
}

// Load returns the value of the word.
func (w Uint32) Load() uint32 {
	if w.s != nil {
		return w.loadSlow()
	}
	return atomic.LoadUint32(w.p)
}

// Store sets the word to v. It is a full barrier.
func (w Uint32) Store(v uint32) {
	if w.s != nil {
		w.storeSlow(v)
	} else {
		atomic.StoreUint32(w.p, v)
	}
}

// CompareAndSwap sets the word to new if it holds old, and says whether it did.
func (w Uint32) CompareAndSwap(old, new uint32) bool {
	if w.s != nil {
		return w.casSlow(old, new)
	}
	return atomic.CompareAndSwapUint32(w.p, old, new)
}

// Add adds delta and returns the new value.
func (w Uint32) Add(delta uint32) uint32 {
	if w.s != nil {
		return w.addSlow(delta)
	}
	return atomic.AddUint32(w.p, delta)
}

// Swap sets the word to v and returns the old value. It is a full barrier.
func (w Uint32) Swap(v uint32) uint32 {
	if w.s != nil {
		return w.swapSlow(v)
	}
	return atomic.SwapUint32(w.p, v)
}

// Load returns the value of the word.
func (w Uint64) Load() uint64 {
	if w.s != nil {
		return w.loadSlow()
	}
	return atomic.LoadUint64(w.p)
}

// Store sets the word to v. It is a full barrier.
func (w Uint64) Store(v uint64) {
	if w.s != nil {
		w.storeSlow(v)
	} else {
		atomic.StoreUint64(w.p, v)
	}
}

// CompareAndSwap sets the word to new if it holds old, and says whether it did.
func (w Uint64) CompareAndSwap(old, new uint64) bool {
	if w.s != nil {
		return w.casSlow(old, new)
	}
	return atomic.CompareAndSwapUint64(w.p, old, new)
}

// Add adds delta and returns the new value.
func (w Uint64) Add(delta uint64) uint64 {
	if w.s != nil {
		return w.addSlow(delta)
	}
	return atomic.AddUint64(w.p, delta)
}

// Swap sets the word to v and returns the old value. It is a full barrier.
func (w Uint64) Swap(v uint64) uint64 {
	if w.s != nil {
		return w.swapSlow(v)
	}
	return atomic.SwapUint64(w.p, v)
}

func (w Uint32) before(op Op) { w.s.y.Before(w.s, w.s.offset(unsafe.Pointer(w.p)), 4, w.name, op) }
func (w Uint64) before(op Op) { w.s.y.Before(w.s, w.s.offset(unsafe.Pointer(w.p)), 8, w.name, op) }

//go:noinline
func (w Uint32) loadSlow() uint32 {
	w.before(OpLoad)
	v := atomic.LoadUint32(w.p)
	w.s.y.After(uint64(v), true)
	return v
}

//go:noinline
func (w Uint32) storeSlow(v uint32) {
	w.before(OpStore)
	atomic.StoreUint32(w.p, v)
	w.s.y.After(uint64(v), true)
}

//go:noinline
func (w Uint32) casSlow(old, new uint32) bool {
	w.before(OpCAS)
	ok := atomic.CompareAndSwapUint32(w.p, old, new)
	w.s.y.After(uint64(atomic.LoadUint32(w.p)), ok)
	return ok
}

//go:noinline
func (w Uint32) addSlow(delta uint32) uint32 {
	w.before(OpAdd)
	v := atomic.AddUint32(w.p, delta)
	w.s.y.After(uint64(v), true)
	return v
}

//go:noinline
func (w Uint32) swapSlow(v uint32) uint32 {
	w.before(OpSwap)
	old := atomic.SwapUint32(w.p, v)
	w.s.y.After(uint64(v), true)
	return old
}

//go:noinline
func (w Uint64) loadSlow() uint64 {
	w.before(OpLoad)
	v := atomic.LoadUint64(w.p)
	w.s.y.After(v, true)
	return v
}

//go:noinline
func (w Uint64) storeSlow(v uint64) {
	w.before(OpStore)
	atomic.StoreUint64(w.p, v)
	w.s.y.After(v, true)
}

//go:noinline
func (w Uint64) casSlow(old, new uint64) bool {
	w.before(OpCAS)
	ok := atomic.CompareAndSwapUint64(w.p, old, new)
	w.s.y.After(atomic.LoadUint64(w.p), ok)
	return ok
}

//go:noinline
func (w Uint64) addSlow(delta uint64) uint64 {
	w.before(OpAdd)
	v := atomic.AddUint64(w.p, delta)
	w.s.y.After(v, true)
	return v
}

//go:noinline
func (w Uint64) swapSlow(v uint64) uint64 {
	w.before(OpSwap)
	old := atomic.SwapUint64(w.p, v)
	w.s.y.After(v, true)
	return old
}

// offset returns the distance of p from the start of the mapping.
func (s *Segment) offset(p unsafe.Pointer) uint64 {
	return uint64(uintptr(p) - uintptr(unsafe.Pointer(unsafe.SliceData(s.mem))))
}

// HeapBytes returns size zero bytes on the Go heap, 8-aligned, for
// [FormatSegment]: segments that the race detector sees.
func HeapBytes(size uint64) []byte {
	words := make([]uint64, (size+7)/8)
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), size)
}
