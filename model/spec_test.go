package model

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// A draw returns a number in [0, n).
type draw func(n int, label string) int

// againstOracle runs f on the same thousands of cases every time, and on some
// that rapid draws anew and shrinks.
func againstOracle(t *testing.T, f func(rapid.TB, draw)) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 0))
		f(t, func(n int, _ string) int { return r.IntN(n) })
	}
	rapid.Check(t, func(t *rapid.T) {
		f(t, func(n int, label string) int { return rapid.IntRange(0, n-1).Draw(t, label) })
	})
}

// The specifications fit the shape that the checkers expect.
var (
	_ Spec[ByteState, ByteIn, ByteOut]     = ByteQueue{}
	_ Spec[EventState, EventIn, EventOut]  = EventQueue{}
	_ Spec[RangesState, RangeIn, RangeOut] = Ranges{}
)

// TestText pins what a failure report prints.
func TestText(t *testing.T) {
	live, _ := Ranges{End: 256}.Step(RangesState{}, RangeIn{Op: Alloc, N: 64}, RangeOut{OK, 128, 64})
	lost := live
	lost.lost = true
	for _, c := range []struct {
		v    fmt.Stringer
		want string
	}{
		{ByteIn{Enqueue, 3, 0}, "enqueue 3 at 0"},
		{ByteIn{Drop, 1, 2}, "drop 1 at 2"},
		{ByteIn{Op: Publish, At: 3}, "publish up to 3"},
		{ByteIn{Op: 9}, "byte op 9 0 at 0"},
		{ByteOut{N: 2}, "2"},
		{ByteOut{N: 2, Bad: true}, "2 wrong bytes"},
		{ByteState{tail: 5, shown: 5, head: 2, freed: 2}, "bytes [2, 5)"},
		{ByteState{5, 3, 2, 1}, "bytes [2, 5) (3 shown, 1 freed)"},
		{EventIn{Post, 7}, "post 7"},
		{EventIn{Op: Poll}, "poll"},
		{EventIn{Op: 9}, "event op 9"},
		{EventOut{}, "ok"},
		{EventOut{V: 7}, "7"},
		{EventOut{Status: Full}, "full"},
		{EventOut{Status: Empty}, "empty"},
		{EventState("").push(7).push(9), "queue [7 9]"},
		{RangeIn{Op: Alloc, N: 64}, "alloc 64"},
		{RangeIn{Op: Free, Off: 128}, "free 128"},
		{RangeIn{Op: 9}, "range op 9"},
		{RangeOut{OK, 128, 64}, "[128, 192)"},
		{RangeOut{}, "ok"},
		{RangeOut{Status: Exhausted}, "exhausted"},
		{RangeOut{Status: NotAllocated}, "not allocated"},
		{lost, "live [128, 192) and one lost"},
		{Status(99), "status 99"},
	} {
		if got := c.v.String(); got != c.want {
			t.Errorf("%T prints %q, want %q", c.v, got, c.want)
		}
	}
}
