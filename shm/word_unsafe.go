package shm

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"cutthrough/shm/access"
)

// Words and ranges are the only code that touches shared bytes. Each operation begins with a nil
// check of a pointer that it needs anyway; a handle with an AccessHook has a nil pointer.
// Everything else about simulation is out of line, so that the fast paths inline (TestInlining pins
// it).

// Uint32 is a 32-bit word in a segment. All operations are sequentially
// consistent atomics and safe for concurrent use. The zero value is not usable.
type Uint32 struct {
	p *uint32 // nil with an AccessHook
	wordHook
}

// Uint64 is a 64-bit word in a segment. All operations are sequentially
// consistent atomics and safe for concurrent use. The zero value is not usable.
type Uint64 struct {
	p *uint64 // nil with an AccessHook
	wordHook
}

// Uint32 returns a handle of the word at off. It panics when off is not a multiple of 4 or the word
// is not inside the segment: check an offset from a peer with [Segment.Contains] first.
func (s *Segment) Uint32(off uint64, name Name) Uint32 {
	s.mustContain(off, 4, 4, name)
	if s.hook != nil {
		return Uint32{wordHook: wordHook{s, uint64(name)<<nameShift | off}}
	}
	return Uint32{p: (*uint32)(unsafe.Pointer(&s.mem[off]))}
}

// Uint64 returns a handle of the word at off. It panics when off is not a multiple of 8 or the word
// is not inside the segment: check an offset from a peer with [Segment.Contains] first.
func (s *Segment) Uint64(off uint64, name Name) Uint64 {
	s.mustContain(off, 8, 8, name)
	if s.hook != nil {
		return Uint64{wordHook: wordHook{s, uint64(name)<<nameShift | off}}
	}
	return Uint64{p: (*uint64)(unsafe.Pointer(&s.mem[off]))}
}

// wordHook is what the handle of a word keeps for an AccessHook: small, because it is copied with
// the handle.
type wordHook struct {
	s  *Segment
	at uint64 // name and offset
}

const nameShift = 48 // offsets are below MaxSegment

// mustContain panics when the bytes are not in the segment.
func (s *Segment) mustContain(off, n, align uint64, name Name) {
	if !s.Contains(off, n, align) {
		panic(fmt.Sprintf("shm: %s: [%d,+%d) aligned to %d is not in a segment of %d bytes", name, off, n, align, len(s.mem)))
	}
}

// Load returns the value of the word.
func (w Uint32) Load() uint32 {
	if w.p == nil {
		return w.loadSlow()
	}
	return atomic.LoadUint32(w.p)
}

// Store sets the word to v. It is a full barrier.
func (w Uint32) Store(v uint32) {
	if w.p == nil {
		w.storeSlow(v)
	} else {
		atomic.StoreUint32(w.p, v)
	}
}

// CompareAndSwap sets the word to new if it holds old, and says whether it did.
func (w Uint32) CompareAndSwap(old, new uint32) bool {
	if w.p == nil {
		return w.casSlow(old, new)
	}
	return atomic.CompareAndSwapUint32(w.p, old, new)
}

// Add adds delta and returns the new value.
func (w Uint32) Add(delta uint32) uint32 {
	if w.p == nil {
		return w.addSlow(delta)
	}
	return atomic.AddUint32(w.p, delta)
}

// Swap sets the word to v and returns the old value. It is a full barrier.
func (w Uint32) Swap(v uint32) uint32 {
	if w.p == nil {
		return w.swapSlow(v)
	}
	return atomic.SwapUint32(w.p, v)
}

// Load returns the value of the word.
func (w Uint64) Load() uint64 {
	if w.p == nil {
		return w.loadSlow()
	}
	return atomic.LoadUint64(w.p)
}

// Store sets the word to v. It is a full barrier.
func (w Uint64) Store(v uint64) {
	if w.p == nil {
		w.storeSlow(v)
	} else {
		atomic.StoreUint64(w.p, v)
	}
}

// CompareAndSwap sets the word to new if it holds old, and says whether it did.
func (w Uint64) CompareAndSwap(old, new uint64) bool {
	if w.p == nil {
		return w.casSlow(old, new)
	}
	return atomic.CompareAndSwapUint64(w.p, old, new)
}

// Add adds delta and returns the new value.
func (w Uint64) Add(delta uint64) uint64 {
	if w.p == nil {
		return w.addSlow(delta)
	}
	return atomic.AddUint64(w.p, delta)
}

// Swap sets the word to v and returns the old value. It is a full barrier.
func (w Uint64) Swap(v uint64) uint64 {
	if w.p == nil {
		return w.swapSlow(v)
	}
	return atomic.SwapUint64(w.p, v)
}

func (h wordHook) off() uint64 { return h.at & (1<<nameShift - 1) }

func (h wordHook) before(n uint64, op access.Op) {
	h.s.hook.Before(h.s, h.off(), n, Name(h.at>>nameShift), op)
}

func (h wordHook) pointer() unsafe.Pointer { return unsafe.Pointer(&h.s.mem[h.off()]) }

//go:noinline
func (w Uint32) loadSlow() uint32 {
	w.before(4, access.Load)
	v := atomic.LoadUint32((*uint32)(w.pointer()))
	w.s.hook.After(uint64(v), true)
	return v
}

//go:noinline
func (w Uint32) storeSlow(v uint32) {
	w.before(4, access.Store)
	atomic.StoreUint32((*uint32)(w.pointer()), v)
	w.s.hook.After(uint64(v), true)
}

//go:noinline
func (w Uint32) casSlow(old, new uint32) bool {
	w.before(4, access.CAS)
	p := (*uint32)(w.pointer())
	ok := atomic.CompareAndSwapUint32(p, old, new)
	w.s.hook.After(uint64(atomic.LoadUint32(p)), ok)
	return ok
}

//go:noinline
func (w Uint32) addSlow(delta uint32) uint32 {
	w.before(4, access.Add)
	v := atomic.AddUint32((*uint32)(w.pointer()), delta)
	w.s.hook.After(uint64(v), true)
	return v
}

//go:noinline
func (w Uint32) swapSlow(v uint32) uint32 {
	w.before(4, access.Swap)
	old := atomic.SwapUint32((*uint32)(w.pointer()), v)
	w.s.hook.After(uint64(v), true)
	return old
}

//go:noinline
func (w Uint64) loadSlow() uint64 {
	w.before(8, access.Load)
	v := atomic.LoadUint64((*uint64)(w.pointer()))
	w.s.hook.After(v, true)
	return v
}

//go:noinline
func (w Uint64) storeSlow(v uint64) {
	w.before(8, access.Store)
	atomic.StoreUint64((*uint64)(w.pointer()), v)
	w.s.hook.After(v, true)
}

//go:noinline
func (w Uint64) casSlow(old, new uint64) bool {
	w.before(8, access.CAS)
	p := (*uint64)(w.pointer())
	ok := atomic.CompareAndSwapUint64(p, old, new)
	w.s.hook.After(atomic.LoadUint64(p), ok)
	return ok
}

//go:noinline
func (w Uint64) addSlow(delta uint64) uint64 {
	w.before(8, access.Add)
	v := atomic.AddUint64((*uint64)(w.pointer()), delta)
	w.s.hook.After(v, true)
	return v
}

//go:noinline
func (w Uint64) swapSlow(v uint64) uint64 {
	w.before(8, access.Swap)
	old := atomic.SwapUint64((*uint64)(w.pointer()), v)
	w.s.hook.After(v, true)
	return old
}

// HeapBytes returns size zero bytes on the Go heap, 8-aligned, for [FormatSegment].
func HeapBytes(size uint64) []byte {
	words := make([]uint64, (size+7)/8)
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), size)
}
