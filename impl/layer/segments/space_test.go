package segments

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"cutthrough/impl/wire"
)

// bitmap is the address space allocator, written down without cleverness: one entry a unit.
type bitmap struct {
	used        []bool
	align, base uint64
	guard       uint64
}

// units returns how many units n bytes take, guard included.
func (b *bitmap) units(n uint64) int { return int((n + b.align - 1 + b.guard) / b.align) }

func (b *bitmap) alloc(n uint64) (wire.Location, bool) {
	need := b.units(n)
	for i := 0; n > 0 && i+need <= len(b.used); i++ {
		if !slices.Contains(b.used[i:i+need], true) {
			b.mark(wire.Location(b.base+uint64(i)*b.align), n, true)
			return wire.Location(b.base + uint64(i)*b.align), true
		}
	}
	return 0, false
}

func (b *bitmap) mark(at wire.Location, n uint64, used bool) {
	first := int((uint64(at) - b.base) / b.align)
	for i := range b.units(n) {
		b.used[first+i] = used
	}
}

// spans returns the free runs.
func (b *bitmap) spans() []span {
	var free []span
	for i, used := range b.used {
		at := wire.Location(b.base + uint64(i)*b.align)
		if n := len(free); !used && n > 0 && free[n-1].end() == at {
			free[n-1].n += b.align
		} else if !used {
			free = append(free, span{at, b.align})
		}
	}
	return free
}

// TestVallocModel: the allocator hands out what a bitmap hands out, keeps the same free spans, and has one
// span again when everything was given back.
func TestVallocModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		align := uint64(1) << rapid.IntRange(0, 8).Draw(t, "align")
		units := rapid.IntRange(1, 40).Draw(t, "units")
		guard := align * uint64(rapid.IntRange(0, 2).Draw(t, "guard"))
		base := align * uint64(rapid.IntRange(0, 3).Draw(t, "base"))
		v := NewSpace(wire.Location(base), wire.Location(base+uint64(units)*align), align, guard)
		b := &bitmap{make([]bool, units), align, base, guard}
		type block struct {
			at wire.Location
			n  uint64
		}
		var live []block
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			if len(live) > 0 && rapid.Bool().Draw(t, "release") {
				i := rapid.IntRange(0, len(live)-1).Draw(t, "which")
				v.Release(live[i].at, live[i].n)
				b.mark(live[i].at, live[i].n, false)
				live = slices.Delete(live, i, i+1)
			} else {
				n := rapid.Uint64Range(0, uint64(units)*align/2+1).Draw(t, "bytes")
				at, ok := v.Alloc(n)
				want, wantOK := b.alloc(n)
				if at != want || ok != wantOK {
					t.Fatalf("alloc %d: %#x, %v, want %#x, %v", n, at, ok, want, wantOK)
				}
				if ok && uint64(at)%align != 0 {
					t.Fatalf("alloc %d: %#x is not a multiple of %d", n, at, align)
				}
				if ok {
					live = append(live, block{at, n})
				}
			}
			used := uint64(0)
			for i, x := range live {
				used += uint64(b.units(x.n)) * align
				for _, y := range live[:i] {
					if x.at < y.at+wire.Location(y.n+guard) && y.at < x.at+wire.Location(x.n+guard) {
						t.Fatalf("%+v and %+v are closer than %d", x, y, guard)
					}
				}
			}
			if !slices.Equal(v.free, b.spans()) || v.used != used || (v.InUse() == 0) != (len(live) == 0) {
				t.Fatalf("free %v, used %d, want %v, %d", v.free, v.used, b.spans(), used)
			}
		}
		for _, x := range live {
			v.Release(x.at, x.n)
		}
		if !slices.Equal(v.free, []span{{wire.Location(base), uint64(units) * align}}) || v.InUse() != 0 {
			t.Fatalf("all given back, free are %v", v.free)
		}
	})
}

func TestVallocSizes(t *testing.T) {
	v := NewSpace(4096, 5*4096, 4096, 4096)
	for _, n := range []uint64{0, 4*4096 + 1, 4 * 4096, 3*4096 + 1, math.MaxUint64, math.MaxUint64 - 4095} {
		if at, ok := v.Alloc(n); ok {
			t.Errorf("alloc %d of 16384 with a guard of 4096: %#x", n, at)
		}
	}
	if at, ok := v.Alloc(3 * 4096); !ok || at != 4096 || v.used != 4*4096 {
		t.Errorf("alloc of everything but the guard: %#x, %v", at, ok)
	}
}

// TestVallocRefuses: giving back what one does not have would free the range of another owner and so make two overlap.
func TestVallocRefuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		f    func(v *Space, at wire.Location)
	}{
		{"twice", func(v *Space, at wire.Location) { v.Release(at, 256); v.Release(at, 256) }},
		{"too much", func(v *Space, at wire.Location) { v.Release(at, 512+1) }},
		{"what reaches into free space from below", func(v *Space, at wire.Location) { v.Release(at-256, 512) }},
		{"what was never handed out", func(v *Space, at wire.Location) { v.Release(4096-256, 256) }},
		{"nothing", func(v *Space, at wire.Location) { v.Release(at, 0) }},
		{"what is below", func(v *Space, at wire.Location) { v.Release(0, 256) }},
		{"what is above", func(v *Space, at wire.Location) { v.Release(4096, 256) }},
		{"what reaches above", func(v *Space, at wire.Location) { v.Release(at, 4096) }},
		{"more than there is", func(v *Space, at wire.Location) { v.Release(at, math.MaxUint64) }},
	} {
		v := NewSpace(256, 4096, 256, 0)
		first, _ := v.Alloc(256)
		at, _ := v.Alloc(256)
		if _, ok := v.Alloc(256); !ok {
			t.Fatal("no room")
		}
		v.Release(first, 256)
		if why := panics(func() { tt.f(v, at) }); !strings.HasSuffix(why, "which is not allocated") {
			t.Errorf("release of %s: %q", tt.name, why)
		}
	}
	for _, bad := range [][4]uint64{{1, 4096, 256, 0}, {0, 4095, 256, 0}, {0, 4096, 256, 1}, {4096, 4096, 256, 0}, {4096, 256, 256, 0}} {
		if why := panics(func() { NewSpace(wire.Location(bad[0]), wire.Location(bad[1]), bad[2], bad[3]) }); !strings.HasPrefix(why, "impl: address space") {
			t.Errorf("address space %v: %q", bad, why)
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
