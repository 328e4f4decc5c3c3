package impl

import (
	"errors"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"cutthrough/impl/wire"
	"cutthrough/shm"
)

func heapMapping(t interface{ Fatal(...any) }, h wire.Handle, base wire.Location, size uint64) *mapping {
	g, err := shm.NewHeapSegment(size)
	if err != nil {
		t.Fatal(err)
	}
	return &mapping{h: h, base: base, seg: g}
}

// TestSegmentTable: at the edges of a mapping, and a neighbour may touch but not overlap it (the founding bug).
func TestSegmentTable(t *testing.T) {
	var table segmentTable
	seg := func(i uint32) wire.Handle { return wire.NewHandle(wire.KindSegment, 1, i) }
	add := func(i uint32, base wire.Location, size uint64, want error) {
		t.Helper()
		if err := table.add(heapMapping(t, seg(i), base, size)); !errors.Is(err, want) {
			t.Errorf("add %v at %#x: %v, want %v", seg(i), base, err, want)
		}
	}
	add(0, 0x10000, 4096, nil)
	add(1, 0x10000, 4096, ErrOverlap) // the same place
	add(1, 0x10fff, 4096, ErrOverlap) // its last byte
	add(1, 0x0f001, 4096, ErrOverlap) // its first byte
	add(1, 0x0f000, 3*4096, ErrOverlap)
	add(1, 0x11000, 4096, nil) // touching above
	add(2, 0x0f000, 4096, nil) // and below
	add(3, math.MaxUint64-4094, 4096, ErrOverlap)
	add(3, math.MaxUint64-4096, 4096, nil) // up to the last address but one
	for _, tt := range []struct {
		at   wire.Location
		want wire.Handle
		off  uint64
	}{
		{0x0efff, 0, 0}, {0x0f000, seg(2), 0}, {0x0ffff, seg(2), 4095}, {0x10000, seg(0), 0}, {0x10fff, seg(0), 4095},
		{0x11000, seg(1), 0}, {0x11fff, seg(1), 4095}, {0x12000, 0, 0}, {0, 0, 0}, {math.MaxUint64, 0, 0},
		{math.MaxUint64 - 1, seg(3), 4095},
	} {
		m, off, err := table.resolve(tt.at)
		switch {
		case tt.want == 0:
			if !errors.Is(err, ErrUnresolved) || m != nil {
				t.Errorf("resolve %#x: %v, %v, want %v", tt.at, m, err, ErrUnresolved)
			}
		case err != nil || m.h != tt.want || off != tt.off:
			t.Errorf("resolve %#x: %v, %d, %v, want %v, %d", tt.at, m, off, err, tt.want, tt.off)
		}
	}
	if m := table.remove(seg(0)); m == nil || m.h != seg(0) || table.remove(seg(0)) != nil || table.remove(seg(9)) != nil {
		t.Errorf("remove: %v", m)
	}
	if _, _, err := table.resolve(0x10000); !errors.Is(err, ErrUnresolved) {
		t.Errorf("resolve what was removed: %v", err)
	}
	add(4, 0x10000, 4096, nil) // its place is free
}

// TestSegmentTableModel: the table against one owner for each page.
func TestSegmentTableModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var table segmentTable
		var pages [16]wire.Handle
		for i := range rapid.IntRange(0, 30).Draw(t, "steps") {
			first := rapid.IntRange(0, 15).Draw(t, "page")
			if h := pages[first]; h != 0 && rapid.Bool().Draw(t, "remove") {
				table.remove(h)
				for j := range pages {
					if pages[j] == h {
						pages[j] = 0
					}
				}
				continue
			}
			n := rapid.IntRange(1, 16-first).Draw(t, "pages")
			h := wire.NewHandle(wire.KindSegment, 1, uint32(i))
			err := table.add(heapMapping(t, h, wire.Location(first*4096), uint64(n*4096)))
			free := !slices.ContainsFunc(pages[first:first+n], func(o wire.Handle) bool { return o != 0 })
			if free != (err == nil) {
				t.Fatalf("add pages %d to %d: %v, free: %v", first, first+n, err, free)
			}
			for j := first; free && j < first+n; j++ {
				pages[j] = h
			}
			for j, want := range pages {
				for _, off := range []int{0, 4095} {
					m, _, err := table.resolve(wire.Location(j*4096 + off))
					if (want == 0) != (err != nil) || err == nil && m.h != want {
						t.Fatalf("page %d: %v, %v, want %v", j, m, err, want)
					}
				}
			}
		}
	})
}
