package shm

import (
	"bytes"
	"testing"
)

// silent is a Yielder that does nothing, so that the slow paths run.
type silent struct{}

func (silent) Before(*Segment, uint64, uint64, Name, Op) {}
func (silent) After(uint64, bool)                        {}

// Copies move everything, and nothing else, whichever way they go and however both
// sides are aligned.
func TestRangeCopies(t *testing.T) {
	src := pattern(3000)
	for _, y := range []Yielder{nil, silent{}} {
		s, err := FormatSegment(HeapBytes(16<<10), 1, y, nil, nil)
		must(t, err)
		r := s.Range(4096, 4096, nameFifoData)
		for _, n := range []int{0, 1, 2, 7, 64, 65, 1023, 2048, 2999} {
			for _, at := range []uint64{0, 1, 15, 63} {
				fill(s.mem[4096:][:4096], outside)
				r.CopyIn(at, src[1:1+n])
				want := bytes.Repeat([]byte{outside}, 4096)
				copy(want[at:], src[1:1+n])
				if got := r.UnsafeBytes(0, 4096); !bytes.Equal(got, want) {
					t.Fatalf("hook %v: %d bytes to %d: wrong bytes in the range", y, n, at)
				}
				got := bytes.Repeat([]byte{outside}, n+1)
				r.CopyOut(got[:n], at)
				if !bytes.Equal(got[:n], src[1:1+n]) || got[n] != outside {
					t.Fatalf("hook %v: %d bytes back from %d: wrong bytes", y, n, at)
				}
			}
		}
	}
}

func TestRangeEnds(t *testing.T) {
	for _, y := range []Yielder{nil, silent{}} {
		s, err := FormatSegment(HeapBytes(16<<10), 1, y, nil, nil)
		must(t, err)
		r := s.Range(4096, 4096, nameFifoData)
		for name, do := range map[string]func(){
			"CopyIn":      func() { r.CopyIn(4095, make([]byte, 2)) },
			"CopyOut":     func() { r.CopyOut(make([]byte, 2), 4095) },
			"UnsafeBytes": func() { r.UnsafeBytes(4095, 2) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("hook %v: %s of the last byte and one more did not panic", y, name)
					}
				}()
				do()
			}()
		}
	}
}
