package sim

import (
	"bytes"
	"runtime"
	"strconv"
	"unsafe"
)

// goroutine recognises the goroutine of a coroutine cheaply, by the addresses of frames on its stack. A stack is
// contiguous, so an address between two of its frames belongs to it.
type goroutine struct {
	id   uint64
	gone bool // it has ended or never will come back
	// The addresses from lo to lo+span are on the stack.
	lo, span uintptr
}

// maxSpan bounds the addresses that are taken for one stack: the runtime moves a stack that grows, and what lies between its
// old place and the new one is not its own.
const maxSpan = 32 << 10

// knows says whether at is known to be on the stack of the goroutine.
func (g *goroutine) knows(at uintptr) bool { return at-g.lo <= g.span }

// here says whether the caller runs on the goroutine, at being an address of its stack; at is known then.
func (g *goroutine) here(at uintptr) bool {
	if g.knows(at) {
		return true
	}
	if goroutineID() != g.id {
		return false
	}
	lo, hi := min(g.lo, at), max(g.lo+g.span, at)
	if hi-lo > maxSpan {
		lo, hi = at, at
	}
	g.lo, g.span = lo, hi-lo
	return true
}

// frame returns an address in its own frame or, inlined, in that of the caller, which tells where the caller's stack is.
func frame() uintptr {
	var b byte
	return uintptr(unsafe.Pointer(&b))
}

// goroutineID returns the number of the calling goroutine, as stack dumps print it. It takes about a microsecond.
func goroutineID() uint64 {
	var buf [64]byte
	id, _, _ := bytes.Cut(bytes.TrimPrefix(buf[:runtime.Stack(buf[:], false)], []byte("goroutine ")), []byte(" "))
	n, err := strconv.ParseUint(string(id), 10, 64)
	if err != nil {
		panic("sim: a stack dump without the number of its goroutine: " + string(buf[:]))
	}
	return n
}
