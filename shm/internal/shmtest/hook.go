// Package shmtest is what the tests of the packages below shm share: a hook and a small
// scheduler for shared accesses, processes that run the test binary again, and a build of a
// package without hooks to compare benchmarks with. Production code does not import it.
package shmtest

import (
	"errors"
	"slices"
	"testing"

	"cutthrough/shm"
	"cutthrough/shm/access"
)

// Fataler is the part of [testing.TB] that the rapid.T of property tests has too: Helper, Fatal
// and Fatalf.
type Fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// Hook is an [shm.AccessHook] that counts accesses and calls OnAccess, if it is set, before each.
type Hook struct {
	Count    int // of accesses so far, while OnAccess was set
	OnAccess func(n int, off uint64, name shm.Name, op access.Op)
}

// Before implements [shm.AccessHook].
func (h *Hook) Before(_ *shm.Segment, off, _ uint64, name shm.Name, op access.Op) {
	if h.OnAccess != nil {
		h.Count++
		h.OnAccess(h.Count, off, name, op)
	}
}

// After implements [shm.AccessHook].
func (h *Hook) After(uint64, bool) {}

// Hooked returns a second view of the memory of seg, and the Hook of that view.
func Hooked(tb testing.TB, seg *shm.Segment) (*shm.Segment, *Hook) {
	tb.Helper()
	h := &Hook{}
	view, err := shm.AttachSegment(Bytes(seg), h, nil, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return view, h
}

// HeapSegment returns a formatted segment of size bytes on the Go heap.
func HeapSegment(tb testing.TB, size uint64) *shm.Segment {
	tb.Helper()
	seg, err := shm.NewHeapSegment(size)
	if err != nil {
		tb.Fatal(err)
	}
	return seg
}

var nameBytes = shm.NewName("test.bytes")

// Bytes returns the memory of seg itself, header included. Accesses to it pass by any hook.
func Bytes(seg *shm.Segment) []byte {
	return seg.Range(0, seg.Size(), nameBytes).UnsafeBytes(0, seg.Size())
}

// ErrKilled is the value that a killed process panics with.
var ErrKilled = errors.New("killed")

// Dies runs f and says whether it panicked with [ErrKilled].
func Dies(f func()) (died bool) {
	defer func() {
		if r := recover(); r == ErrKilled {
			died = true
		} else if r != nil {
			panic(r)
		}
	}()
	f()
	return false
}

// Median returns the middle of s, which it sorts.
func Median(s []float64) float64 {
	slices.Sort(s)
	return s[len(s)/2]
}

// HostileWord returns a value for a word that held old, chosen by how: a value that a
// hostile process would write.
func HostileWord(old uint64, how byte) uint64 {
	switch how % 12 {
	case 0:
		return 0
	case 1:
		return ^uint64(0)
	case 2:
		return old + 1
	case 3:
		return old - 1
	case 4:
		return old ^ 1<<(how/12*3)
	case 5:
		return old<<32 | old>>32
	case 6:
		return uint64(how / 12)
	case 7:
		return old&^(1<<32-1) | uint64(how/12) // another unit, same tag or state
	case 8:
		return 1<<40 | uint64(how/12%4)<<32 | uint64(how/48)
	case 9:
		return 2<<40 | uint64(how/12)<<32
	case 10:
		return old | 3<<40
	default:
		return old ^ 0xff<<32
	}
}
