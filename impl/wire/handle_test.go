package wire

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestHandleParts: kind, generation and index do not run into each other, and the zero handle is no object's.
func TestHandleParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := Kind(rapid.IntRange(1, int(NumKinds)-1).Draw(t, "kind"))
		generation := rapid.Uint32Range(0, MaxGeneration).Draw(t, "generation")
		index := rapid.Uint32().Draw(t, "index")
		h := NewHandle(k, generation, index)
		if h == 0 || h.Kind() != k || h.Generation() != generation || h.Index() != index {
			t.Fatalf("%v %d.%d is %#x: %v %d.%d", k, index, generation, uint64(h), h.Kind(), h.Index(), h.Generation())
		}
		if other := NewHandle(k, generation^1, index); other == h {
			t.Fatalf("%v has two generations", h)
		}
	})
	for h, want := range map[Handle]string{
		0:                           "none",
		NewHandle(KindApp, 1, 0):    "app 0.1",
		NewHandle(KindPair, 7, 300): "pair 300.7",
		NewHandle(KindSegment, MaxGeneration, math.MaxUint32): "segment 4294967295.268435455",
		Handle(math.MaxUint64):                                "kind 15 4294967295.268435455",
		1:                                                     "none 1.0",
	} {
		if got := h.String(); got != want {
			t.Errorf("%#x prints as %s, want %s", uint64(h), got, want)
		}
	}
}
