package shm

import (
	"bytes"
	"testing"
)

// Range.CopyIn copies everything, and nothing else, whichever way it goes and however
// both sides are aligned.
func TestCopyIn(t *testing.T) {
	s, err := NewHeapSegment(16 << 10)
	must(t, err)
	src := pattern(8 << 10)
	for _, n := range []int{0, 1, 7, 1022, 1023, 1024, 1025, 1087, 2048, 4096, 5000} {
		for _, at := range []uint64{0, 1, 15, 63} {
			for _, from := range []int{0, 1, 33} {
				r := s.Range(4096, 8<<10, nameFifoData)
				fill(s.mem[4096:][:8<<10], outside)
				r.CopyIn(at, src[from:from+n])
				want := bytes.Repeat([]byte{outside}, 8<<10)
				copy(want[at:], src[from:from+n])
				if got := r.UnsafeBytes(0, 8<<10); !bytes.Equal(got, want) {
					t.Fatalf("%d bytes from %d to %d: wrong bytes in the range", n, from, at)
				}
				if n > 0 {
					got := make([]byte, n)
					r.CopyOut(got, at)
					if !bytes.Equal(got, src[from:from+n]) {
						t.Fatalf("%d bytes back from %d: wrong bytes", n, at)
					}
				}
			}
		}
	}
}

func TestCopyOutsideRangePanics(t *testing.T) {
	s, err := NewHeapSegment(16 << 10)
	must(t, err)
	r := s.Range(4096, 4096, nameFifoData)
	for _, n := range []int{2, 100, 2000, 4096} { // short and long copies
		at := uint64(4096 - n + 1)
		for name, do := range map[string]func(){
			"CopyIn":  func() { r.CopyIn(at, make([]byte, n)) },
			"CopyOut": func() { r.CopyOut(make([]byte, n), at) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s of %d bytes to %d of 4096 did not panic", name, n, at)
					}
				}()
				do()
			}()
		}
	}
}
