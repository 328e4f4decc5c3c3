package shm

import (
	"bytes"
	"testing"

	"cutthrough/shm/access"
)

var nameTest = NewName("test.range")

// outside is the value of the bytes around those that a test writes.
const outside = 0x5a

// newSegment returns a segment of 16 KiB behind the hook y, which may be nil.
func newSegment(t *testing.T, y AccessHook) *Segment {
	t.Helper()
	s, err := FormatSegment(HeapBytes(16<<10), 1, y, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// silent is an AccessHook that does nothing, so that the slow paths run.
type silent struct{}

func (silent) Before(*Segment, uint64, uint64, Name, access.Op) {}
func (silent) After(uint64, bool)                               {}

// Copies move everything, and nothing else, whichever way they go and however both
// sides are aligned.
func TestRangeCopies(t *testing.T) {
	src := make([]byte, 3000)
	for i := range src {
		src[i] = byte(i*31 ^ i>>8*17)
	}
	for _, y := range []AccessHook{nil, silent{}} {
		s := newSegment(t, y)
		r := s.Range(4096, 4096, nameTest)
		for _, n := range []int{0, 1, 2, 7, 64, 65, 1023, 2048, 2999} {
			for _, at := range []uint64{0, 1, 15, 63} {
				copy(s.mem[4096:], bytes.Repeat([]byte{outside}, 4096))
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
	for _, y := range []AccessHook{nil, silent{}} {
		s := newSegment(t, y)
		r := s.Range(4096, 4096, nameTest)
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
