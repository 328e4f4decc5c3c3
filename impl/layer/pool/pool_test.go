package pool

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"cutthrough/impl/wire"
)

// TestPoolModel: a handle names the object that it was made for until that is removed, and nothing ever after;
// handles of another kind, and invented ones, name nothing.
func TestPoolModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := New[int](wire.KindSession, 1)
		var live []wire.Handle
		all := map[wire.Handle]*int{} // nil: removed
		for i := range rapid.IntRange(0, 60).Draw(t, "steps") {
			if len(live) > 0 && rapid.Bool().Draw(t, "remove") {
				j := rapid.IntRange(0, len(live)-1).Draw(t, "which")
				h := live[j]
				live = append(live[:j], live[j+1:]...)
				p.Remove(h)
				all[h] = nil
			} else {
				h := p.Add(&i)
				if _, ok := all[h]; ok {
					t.Fatalf("%v was handed out twice", h)
				}
				live, all[h] = append(live, h), &i
			}
			for h, v := range all {
				wrongKind := h ^ wire.NewHandle(wire.KindSession^wire.KindListener, 0, 0)
				if p.Get(h) != v || p.Get(wrongKind) != nil {
					t.Fatalf("%v names %v, want %v; %v names %v", h, p.Get(h), v, wrongKind, p.Get(wrongKind))
				}
			}
		}
		if h := wire.Handle(rapid.Uint64().Draw(t, "invented")); p.Get(h) != all[h] {
			t.Fatalf("%v names %v", h, p.Get(h))
		}
		var seen []wire.Handle
		p.Each(func(h wire.Handle, v *int) {
			if len(seen) > 0 && seen[len(seen)-1].Index() >= h.Index() || all[h] != v {
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
	p := New[int](wire.KindApp, 1)
	first := p.Add(new(int))
	p.slots[0].generation = wire.MaxGeneration - 2 // as if it had been used that often
	h := wire.NewHandle(wire.KindApp, wire.MaxGeneration-2, 0)
	seen := map[wire.Handle]bool{first: true}
	for range 4 {
		if seen[h] || p.Get(h) == nil {
			t.Fatalf("%v: seen before %v, names %v", h, seen[h], p.Get(h))
		}
		seen[h] = true
		p.Remove(h)
		if p.Get(h) != nil {
			t.Fatalf("%v was removed", h)
		}
		h = p.Add(new(int))
	}
	if h.Index() != 1 || p.Get(wire.NewHandle(wire.KindApp, 0, 0)) != nil || p.Get(wire.NewHandle(wire.KindApp, wire.MaxGeneration, 0)) != nil {
		t.Errorf("after its last generation index 0 is used again: %v", h)
	}
}

func TestPoolRefuses(t *testing.T) {
	p := New[int](wire.KindApp, 1)
	h := p.Add(new(int))
	p.Remove(h)
	for _, bad := range []wire.Handle{h, 0, wire.NewHandle(wire.KindPair, 2, 0), wire.NewHandle(wire.KindApp, 2, 0), wire.NewHandle(wire.KindApp, 1, 9)} {
		if why := panics(func() { p.Remove(bad) }); !strings.HasPrefix(why, "impl: remove") {
			t.Errorf("remove %v: %q", bad, why)
		}
	}
}

// panics returns what f panics with, or "".
func panics(f func()) (why string) {
	defer func() {
		if r := recover(); r != nil {
			why, _ = r.(string)
		}
	}()
	f()
	return ""
}
