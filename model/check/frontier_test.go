package check

import (
	"context"
	"testing"

	"pgregory.net/rapid"
)

// TestFrontier packs states of many sizes that differ from their neighbours in a
// few bytes, or in none, and finds them again on the pages they belong on.
func TestFrontier(t *testing.T) {
	t.Run("1 byte", rapid.MakeCheck(packAndUnpack[[1]byte]))
	t.Run("a signal", rapid.MakeCheck(packAndUnpack[[21]byte]))
	t.Run("the largest small one", rapid.MakeCheck(packAndUnpack[[64]byte]))
	t.Run("the smallest large one", rapid.MakeCheck(packAndUnpack[[65]byte]))
	t.Run("a negotiation", rapid.MakeCheck(packAndUnpack[[208]byte]))
	t.Run("long distances", rapid.MakeCheck(packAndUnpack[[3000]byte]))
	t.Run("a page each", rapid.MakeCheck(packAndUnpack[[40_000]byte]))
}

func packAndUnpack[S comparable](t *rapid.T) {
	x := rapid.Uint32().Draw(t, "seed")
	random := func(n int) int {
		x = x*1664525 + 1013904223
		return int(x>>8) % n
	}
	changes := rapid.IntRange(0, 12).Draw(t, "changes")
	size := int(pageStates[S]())
	var f frontier[S]
	var p packer[S]
	var s S
	var want []S
	for range rapid.IntRange(0, 4).Draw(t, "blocks") {
		p.begin(f.n)
		for range rapid.SampledFrom([]int{0, 1, size - 1, size, 2*size + 1}).Draw(t, "states") {
			for range changes {
				bytesOf(&s)[random(sizeOf[S]())] = byte(random(3))
			}
			p.add(&s)
			want = append(want, s)
		}
		p.end()
		f.add(f.n, p.parts)
		f.n = int64(len(want))
	}
	if pages := (len(want) + size - 1) / size; len(f.pages) != pages {
		t.Fatalf("%d states of %d bytes are on %d pages, not %d", len(want), sizeOf[S](), len(f.pages), pages)
	}
	for number, page := range f.pages {
		mine := want[number*size : min(len(want), (number+1)*size)]
		n := 0
		for s := range page.all {
			if n == len(mine) || s != mine[n] {
				t.Fatalf("page %d: state %d of %d is not the one that was packed", number, n, len(mine))
			}
			n++
		}
		if n != len(mine) {
			t.Fatalf("page %d: %d states of %d", number, n, len(mine))
		}
	}
	if f.bytes < len(want) {
		t.Fatalf("%d bytes for %d states", f.bytes, len(want))
	}
	if f.drop(f.pages); f.bytes != 0 {
		t.Fatalf("%d bytes when all states are forgotten", f.bytes)
	}
}

// TestDifference packs two states that differ in some bytes, far from each other
// and near.
func TestDifference(t *testing.T) {
	for _, test := range []struct {
		name   string
		differ []int
		packed int // bytes
		size   int // of a state
	}{
		{"none", nil, 1, 300},
		{"first", []int{0}, 3, 300},
		{"last", []int{299}, 5, 300},
		{"farthest that takes no other", []int{0, 255}, 5, 300},
		{"nearest that takes another", []int{0, 256}, 7, 300},
		{"two in the last odd bytes", []int{9, 10}, 5, 11},
	} {
		before, s := make([]byte, test.size), make([]byte, test.size)
		for i := range s {
			before[i], s[i] = byte(i), byte(i)
		}
		for _, i := range test.differ {
			s[i]++
		}
		part := appendDifference(nil, s, before)
		if len(part) != test.packed {
			t.Errorf("%s: %d bytes, not %d: %v", test.name, len(part), test.packed, part)
		}
		if rest := applyDifference(part, before); len(rest) != 0 || string(before) != string(s) {
			t.Errorf("%s: %v, not %v, and %d bytes are left", test.name, before, s, len(rest))
		}
	}
}

// tree is a model whose levels are each twice as wide as the one before.
type tree struct{ ladder }

func (tree) Next(s uint32, emit func(int, uint32)) {
	emit(0, 2*s+1)
	emit(1, 2*s+2)
}

// TestForget explores a level in several rounds, each of which forgets the states
// that it has explored.
func TestForget(t *testing.T) {
	s, err := New(tree{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for len(s.cur.pages) < 3*roundBlocks {
		s.Level(context.Background())
	}
	rounds := 0
	for bytes := s.cur.bytes; s.page < len(s.cur.pages); rounds++ {
		if s.round(); s.cur.bytes >= bytes {
			t.Fatalf("round %d: %d bytes of the level are left of %d", rounds, s.cur.bytes, bytes)
		}
		bytes = s.cur.bytes
	}
	if rounds != 4 || s.cur.bytes != 0 {
		t.Errorf("%d rounds, %d bytes are left", rounds, s.cur.bytes)
	}
}
