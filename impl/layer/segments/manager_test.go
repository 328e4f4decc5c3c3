package segments

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"cutthrough/impl/wire"
)

// TestManager: segments and blocks that come and go never overlap, the books are in order after each step, a copy changes
// with nothing, and when all have gone nothing is left.
func TestManager(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := NewManager(8*Page, 64*Page, Page*uint64(rapid.IntRange(0, 2).Draw(t, "guard")), 1)
		check := func(what string, m *Manager) {
			m.Check(func(property, format string, args ...any) {
				t.Fatalf("after %s: %s: "+format, append([]any{what, property}, args...)...)
			})
		}
		copied, frozen := m.Clone(), m.Clone()
		blocks := map[wire.Handle][]Block{}
		var live []*Segment
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			if len(live) == 0 || rapid.Bool().Draw(t, "place") {
				g, ok := m.Place(1, Page*uint64(rapid.IntRange(1, 20).Draw(t, "pages")))
				if ok {
					live = append(live, g)
				}
				check("place", m)
				continue
			}
			i := rapid.IntRange(0, len(live)-1).Draw(t, "segment")
			g := live[i]
			switch used := g.InUse(); rapid.IntRange(0, 3).Draw(t, "act") {
			case 0:
				m.Remove(g)
				live = append(live[:i], live[i+1:]...)
				if m.Get(g.Handle) != nil {
					t.Fatalf("%v is removed and found", g.Handle)
				}
			case 1:
				if n := len(blocks[g.Handle]); n > 0 {
					g.Free(blocks[g.Handle][n-1:])
					blocks[g.Handle] = blocks[g.Handle][:n-1]
				}
			default:
				want := []Block{{Slots: 4}, {Fifo: uint64(rapid.IntRange(1, 20_000).Draw(t, "fifo"))}}
				if g.Alloc(want) {
					blocks[g.Handle] = append(blocks[g.Handle], want...)
					used += Takes(want[0]) + Takes(want[1])
				}
				if g.InUse() != used {
					t.Fatalf("%d bytes in use, want %d", g.InUse(), used)
				}
			}
			check("act", m)
			if rapid.IntRange(0, 9).Draw(t, "copy") == 0 {
				copied, frozen = m.Clone(), m.Clone()
			}
			if !reflect.DeepEqual(copied, frozen) {
				t.Fatal("a copy changed with the original")
			}
		}
		for _, g := range live {
			m.Remove(g)
		}
		if m.Len() != 0 || m.InUse() != 0 {
			t.Fatalf("left: %d segments, %d bytes", m.Len(), m.InUse())
		}
	})
}

// TestManagerCheck: the invariants notice segments that overlap, and places that are lost.
func TestManagerCheck(t *testing.T) {
	for name, spoil := range map[string]func(m *Manager, a, b *Segment){
		"S1":  func(_ *Manager, a, b *Segment) { b.Base = a.Base },
		"S19": func(m *Manager, a, _ *Segment) { m.segments.Remove(a.Handle) },
		"S20": func(_ *Manager, a, _ *Segment) { a.space.used += BlockAlign },
	} {
		m := NewManager(8*Page, 64*Page, Page, 1)
		a, _ := m.Place(1, 2*Page)
		b, _ := m.Place(1, Page)
		spoil(m, a, b)
		got := ""
		m.Check(func(property, _ string, _ ...any) { got = property })
		if got != name {
			t.Errorf("reported %q, want %s", got, name)
		}
	}
}
