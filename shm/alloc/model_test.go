package alloc

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cutthrough/shm"
)

// allocModel is the allocator as it should be when no process dies: stacks of free
// blocks and fresh memory.
type allocModel struct {
	fresh, end uint64           // units
	free       map[int][]uint64 // class -> stack of units
	live       map[uint64]int   // unit -> class
}

func (m *allocModel) alloc(n uint64) uint64 {
	class := classOf(unitsOf(n))
	for c := class; classUnits(c) <= 2*classUnits(class); c++ {
		if last := len(m.free[c]) - 1; last >= 0 {
			unit := m.free[c][last]
			m.free[c] = m.free[c][:last]
			m.live[unit] = c
			return unit * unitSize
		}
		if c == class && m.fresh+classUnits(c) <= m.end {
			unit := m.fresh
			m.fresh += classUnits(c)
			m.live[unit] = c
			return unit * unitSize
		}
	}
	return 0
}

func (m *allocModel) stats(size uint64) Stats {
	st := Stats{Fresh: (m.end - m.fresh) * unitSize}
	for _, c := range m.live {
		st.Used += classUnits(c) * unitSize
	}
	for c, units := range m.free {
		st.Free += classUnits(c) * unitSize * uint64(len(units))
	}
	st.Overhead = size - st.Used - st.Free - st.Fresh
	return st
}

func TestAllocAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := 8 * rapid.Uint64Range(shm.MinSegment/8, 4096).Draw(t, "words")
		seg, err := shm.NewHeapSegment(size)
		if err != nil {
			t.Fatal(err)
		}
		if err := Format(seg); err != nil {
			t.Fatal(err)
		}
		handles := []*Allocator{openAlloc(t, seg), openAlloc(t, seg)}
		overhead := mustStats(t, handles[0]).Overhead
		m := allocModel{handles[0].first, size / unitSize, map[int][]uint64{}, map[uint64]int{}}
		handle := func(t *rapid.T) *Allocator { return rapid.SampledFrom(handles).Draw(t, "handle") }
		t.Repeat(map[string]func(*rapid.T){
			"alloc": func(t *rapid.T) {
				n := rapid.Uint64Range(1, 5000).Draw(t, "bytes")
				want := m.alloc(n)
				off, err := handle(t).Alloc(n)
				if off != want || (want == 0) != errors.Is(err, ErrExhausted) || want != 0 && err != nil {
					t.Fatalf("Alloc(%d) = %#x, %v; want %#x", n, off, err, want)
				}
			},
			"free": func(t *rapid.T) {
				if len(m.live) == 0 {
					return
				}
				unit := rapid.SampledFrom(slices.Sorted(maps.Keys(m.live))).Draw(t, "unit")
				mustFree(t, handle(t), unit*unitSize)
				class := m.live[unit]
				m.free[class] = append(m.free[class], unit)
				delete(m.live, unit)
			},
			"free what is not allocated": func(t *rapid.T) {
				off := rapid.OneOf(rapid.Uint64Range(0, size), rapid.Map(rapid.Uint64Range(0, size/256), func(u uint64) uint64 { return u * 256 })).Draw(t, "off")
				if _, live := m.live[off/unitSize]; live && off%unitSize == 0 {
					return
				}
				if err := handle(t).Free(off); !errors.Is(err, ErrNotAllocated) {
					t.Fatalf("Free(%#x) = %v", off, err)
				}
			},
			"": func(t *rapid.T) {
				want := m.stats(size)
				if diff := cmp.Diff(want, mustStats(t, handles[0])); diff != "" || want.Overhead != overhead {
					t.Fatal("accounting", diff)
				}
			},
		})
	})
}

// TestAllocStress lets goroutines allocate, fill, check and free blocks.
// Blocks that overlap show as foreign bytes, and as a data race under -race.
func TestAllocStress(t *testing.T) {
	const workers, rounds = 4, 3000
	seg, a := formatted(t, 1<<15)
	var wg sync.WaitGroup
	for id := range workers {
		wg.Go(func() {
			rng := uint64(id + 1)
			var mine []uint64
			check := func(off uint64) {
				got := make([]byte, 300)
				seg.Range(off, 300, 0).CopyOut(got, 0)
				if i := bytes.IndexFunc(got, func(r rune) bool { return r != rune('A'+id) }); i >= 0 {
					t.Errorf("worker %d: byte %d of the block at %#x is %q", id, i, off, got[i])
				}
			}
			for range rounds {
				rng = rng*6364136223846793005 + 1442695040888963407
				off, err := a.Alloc(300 + rng>>54)
				if err != nil && !errors.Is(err, ErrExhausted) {
					t.Error(err)
					return
				}
				if err == nil {
					seg.Range(off, 300, 0).CopyIn(0, bytes.Repeat([]byte{byte('A' + id)}, 300))
					mine = append(mine, off)
				}
				for len(mine) > 0 && (err != nil || len(mine) > int(rng>>33%8)) {
					i := int(rng>>40) % len(mine)
					check(mine[i])
					if err := a.Free(mine[i]); err != nil {
						t.Error(err)
						return
					}
					mine = slices.Delete(mine, i, i+1)
					err = nil
				}
			}
			for _, off := range mine {
				check(off)
				if err := a.Free(off); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if st := mustStats(t, a); st.Used != 0 || st.Lost != 0 {
		t.Errorf("%+v: blocks are missing", st)
	}
}

func BenchmarkAllocFree(b *testing.B) {
	_, a := formatted(b, 1<<20)
	for b.Loop() {
		off, err := a.Alloc(4096)
		if err != nil {
			b.Fatal(err)
		}
		if err := a.Free(off); err != nil {
			b.Fatal(err)
		}
	}
}
