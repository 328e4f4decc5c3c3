package impl

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestHandleParts: kind, generation and index do not run into each other, and the zero handle is no object's.
func TestHandleParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := HandleKind(rapid.IntRange(1, int(numKinds)-1).Draw(t, "kind"))
		generation := rapid.Uint32Range(0, generationMask).Draw(t, "generation")
		index := rapid.Uint32().Draw(t, "index")
		h := newHandle(k, generation, index)
		if h == 0 || h.Kind() != k || h.generation() != generation || h.index() != index {
			t.Fatalf("%v %d.%d is %#x: %v %d.%d", k, index, generation, uint64(h), h.Kind(), h.index(), h.generation())
		}
		if other := newHandle(k, generation^1, index); other == h {
			t.Fatalf("%v has two generations", h)
		}
	})
	for h, want := range map[Handle]string{
		0:                           "none",
		newHandle(KindApp, 1, 0):    "app 0.1",
		newHandle(KindPair, 7, 300): "pair 300.7",
		newHandle(KindSegment, generationMask, math.MaxUint32): "segment 4294967295.268435455",
		Handle(math.MaxUint64):                                 "kind 15 4294967295.268435455",
		1:                                                      "none 1.0",
	} {
		if got := h.String(); got != want {
			t.Errorf("%#x prints as %s, want %s", uint64(h), got, want)
		}
	}
}

// TestPoolModel: a handle names the object that it was made for until that is removed, and nothing ever after;
// handles of another kind, and invented ones, name nothing.
func TestPoolModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPool[int](KindSession)
		var live []Handle
		all := map[Handle]*int{} // nil: removed
		for i := range rapid.IntRange(0, 60).Draw(t, "steps") {
			if len(live) > 0 && rapid.Bool().Draw(t, "remove") {
				j := rapid.IntRange(0, len(live)-1).Draw(t, "which")
				h := live[j]
				live = append(live[:j], live[j+1:]...)
				p.remove(h)
				all[h] = nil
			} else {
				h := p.add(&i)
				if _, ok := all[h]; ok {
					t.Fatalf("%v was handed out twice", h)
				}
				live, all[h] = append(live, h), &i
			}
			for h, v := range all {
				wrongKind := h ^ newHandle(KindSession^KindListener, 0, 0)
				if p.get(h) != v || p.get(wrongKind) != nil {
					t.Fatalf("%v names %v, want %v; %v names %v", h, p.get(h), v, wrongKind, p.get(wrongKind))
				}
			}
		}
		if h := Handle(rapid.Uint64().Draw(t, "invented")); p.get(h) != all[h] {
			t.Fatalf("%v names %v", h, p.get(h))
		}
		var seen []Handle
		p.each(func(h Handle, v *int) {
			if len(seen) > 0 && seen[len(seen)-1].index() >= h.index() || all[h] != v {
				t.Fatalf("each: %v after %v", h, seen)
			}
			seen = append(seen, h)
		})
		if len(seen) != len(live) || p.live != len(live) {
			t.Fatalf("%d are alive, each visits %d, live says %d", len(live), len(seen), p.live)
		}
	})
}

// TestPoolGenerations: an index whose generations are used up is never used again.
func TestPoolGenerations(t *testing.T) {
	p := newPool[int](KindApp)
	first := p.add(new(int))
	p.slots[0].generation = generationMask - 2 // as if it had been used that often
	h := newHandle(KindApp, generationMask-2, 0)
	seen := map[Handle]bool{first: true}
	for range 4 {
		if seen[h] || p.get(h) == nil {
			t.Fatalf("%v: seen before %v, names %v", h, seen[h], p.get(h))
		}
		seen[h] = true
		p.remove(h)
		if p.get(h) != nil {
			t.Fatalf("%v was removed", h)
		}
		h = p.add(new(int))
	}
	if h.index() != 1 || p.get(newHandle(KindApp, 0, 0)) != nil || p.get(newHandle(KindApp, generationMask, 0)) != nil {
		t.Errorf("after its last generation index 0 is used again: %v", h)
	}
}

func TestPoolRefuses(t *testing.T) {
	p := newPool[int](KindApp)
	h := p.add(new(int))
	p.remove(h)
	for _, bad := range []Handle{h, 0, newHandle(KindPair, 2, 0), newHandle(KindApp, 2, 0), newHandle(KindApp, 1, 9)} {
		if why := panics(func() { p.remove(bad) }); !strings.HasPrefix(why, "impl: remove") {
			t.Errorf("remove %v: %q", bad, why)
		}
	}
}
