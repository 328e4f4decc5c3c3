package sim

import (
	"bytes"
	"runtime"
	"strconv"
	"unsafe"
)

// goroutine recognises the goroutine of a coroutine cheaply: by the addresses of frames on its stack that were seen before.
// Stacks do not overlap, so another goroutine cannot have a frame at such an address while this one lives.
type goroutine struct {
	id   uint64
	gone bool // it has ended or never will come back
	seen [64]uintptr
}

// here says whether the caller runs on the goroutine.
func (g *goroutine) here() bool {
	at := frame()
	slot := &g.seen[at>>4%uintptr(len(g.seen))]
	if *slot == at {
		return true
	}
	if goroutineID() != g.id {
		return false
	}
	*slot = at
	return true
}

// frame returns the address of its own frame, which tells where the caller's stack is.
//
//go:noinline
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
