package alloc

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cutthrough/shm"
	"cutthrough/shm/internal/shmtest"
)

// formatted returns a heap segment of size bytes with an allocator, and its view.
func formatted(tb testing.TB, size uint64) (*shm.Segment, *Allocator) {
	tb.Helper()
	seg := shmtest.HeapSegment(tb, size)
	if err := Format(seg); err != nil {
		tb.Fatal(err)
	}
	return seg, openAlloc(tb, seg)
}

func openAlloc(tb shmtest.Fataler, seg *shm.Segment) *Allocator {
	tb.Helper()
	a, err := Open(seg)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

func mustAlloc(tb shmtest.Fataler, a *Allocator, n uint64) uint64 {
	tb.Helper()
	off, err := a.Alloc(n)
	if err != nil {
		tb.Fatal(err)
	}
	return off
}

func mustFree(tb shmtest.Fataler, a *Allocator, off uint64) {
	tb.Helper()
	if err := a.Free(off); err != nil {
		tb.Fatal(err)
	}
}

// allocAll allocates blocks of n bytes until there are no more.
func allocAll(tb shmtest.Fataler, a *Allocator, n uint64) []uint64 {
	tb.Helper()
	var offs []uint64
	for {
		off, err := a.Alloc(n)
		if errors.Is(err, ErrExhausted) {
			return offs
		}
		if err != nil {
			tb.Fatal(err)
		}
		offs = append(offs, off)
	}
}

func mustStats(tb shmtest.Fataler, a *Allocator) Stats {
	tb.Helper()
	st, err := a.Stats()
	if err != nil {
		tb.Fatal(err)
	}
	if sum := st.Used + st.Free + st.Lost + st.Fresh + st.Overhead; sum != a.seg.Size() {
		tb.Fatalf("%+v: sum %d, segment %d", st, sum, a.seg.Size())
	}
	return st
}

// sizeOf returns the size of the block at off, in bytes.
func sizeOf(a *Allocator, off uint64) uint64 {
	return classUnits(blockState(a.state(off/unitSize).Load()).class()) * unitSize
}

// checkDisjoint fails unless the blocks at offs lie in the segment, behind the
// allocator, and do not overlap.
func checkDisjoint(tb shmtest.Fataler, a *Allocator, offs []uint64) {
	tb.Helper()
	end := a.first * unitSize
	for _, off := range slices.Sorted(slices.Values(offs)) {
		if off%unitSize != 0 || off < end {
			tb.Fatalf("block at %#x overlaps what ends at %#x, in %#x", off, end, offs)
		}
		end = off + sizeOf(a, off)
	}
	if end > a.seg.Size() {
		tb.Fatalf("last block ends at %#x, segment at %#x", end, a.seg.Size())
	}
}

func TestSizeClasses(t *testing.T) {
	var sizes []uint64
	for class := range 24 {
		sizes = append(sizes, classUnits(class))
	}
	want := []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 22, 24, 26, 28, 30, 32}
	if diff := cmp.Diff(want, sizes); diff != "" {
		t.Error(diff)
	}
	top := classOf(shm.MaxSegment / unitSize)
	if top != 239 || classUnits(top) != shm.MaxSegment/unitSize {
		t.Errorf("largest class %d of %d units: it must be all of MaxSegment and fit in 8 bits", top, classUnits(top))
	}
	for class := range top {
		units, next := classUnits(class), classUnits(class+1)
		if classOf(units) != class || classOf(units+1) != class+1 {
			t.Fatalf("class %d has %d units, but they make classes %d and %d", class, units, classOf(units), classOf(units+1))
		}
		if next > units+max(1, units/8) {
			t.Fatalf("class %d is followed by %d units: more than an eighth", class, next)
		}
	}
}

func TestFormatAllocator(t *testing.T) {
	seg := shmtest.HeapSegment(t, shm.MinSegment)
	if _, err := Open(seg); !errors.Is(err, shm.ErrCorrupt) {
		t.Errorf("open before format: %v", err)
	}
	if err := Format(seg); err != nil {
		t.Fatal(err)
	}
	if err := Format(seg); !errors.Is(err, shm.ErrCorrupt) {
		t.Errorf("format twice: %v", err)
	}
	want := Stats{Fresh: 14 * 256, Overhead: 2 * 256}
	if diff := cmp.Diff(want, mustStats(t, openAlloc(t, seg))); diff != "" {
		t.Error(diff)
	}
	odd, _ := formatted(t, shm.MinSegment+248)
	want.Overhead += 248
	if diff := cmp.Diff(want, mustStats(t, openAlloc(t, odd))); diff != "" {
		t.Error(diff)
	}
}

func TestAllocErrors(t *testing.T) {
	seg, a := formatted(t, shm.MinSegment)
	before := bytes.Clone(shmtest.Bytes(seg))
	allocs := map[uint64]error{
		0:                  shm.ErrSize,
		14*256 + 1:         ErrExhausted,
		shm.MinSegment:     ErrExhausted,
		shm.MinSegment + 1: ErrExhausted,
		shm.MaxSegment + 1: ErrExhausted,
		1<<64 - 1:          ErrExhausted,
		1<<64 - 255:        ErrExhausted,
		1<<63 + 1<<40:      ErrExhausted,
		1 << 32 * unitSize: ErrExhausted,
	}
	for n, want := range allocs {
		if off, err := a.Alloc(n); !errors.Is(err, want) || off != 0 {
			t.Errorf("Alloc(%d) = %#x, %v; want %v", n, off, err, want)
		}
	}
	for _, off := range []uint64{0, 1, shm.SegmentHeader, 256, 512, 513, shm.MinSegment - 256, shm.MinSegment, shm.MinSegment + 256, 1 << 40, 1<<64 - 256} {
		if err := a.Free(off); !errors.Is(err, ErrNotAllocated) {
			t.Errorf("Free(%#x) = %v", off, err)
		}
	}
	if !bytes.Equal(before, shmtest.Bytes(seg)) {
		t.Error("a refused call changed the segment")
	}

	block := mustAlloc(t, a, 3*256)
	for _, off := range []uint64{block + 1, block - 256, block + 256, block + 512, block + 768} {
		if err := a.Free(off); !errors.Is(err, ErrNotAllocated) {
			t.Errorf("Free(%#x) near the block at %#x = %v", off, block, err)
		}
	}
	mustFree(t, a, block)
	before = bytes.Clone(shmtest.Bytes(seg))
	if err := a.Free(block); !errors.Is(err, ErrNotAllocated) {
		t.Errorf("second Free = %v", err)
	}
	if !bytes.Equal(before, shmtest.Bytes(seg)) {
		t.Error("a second Free changed the segment")
	}
}

// TestAllocLeavesMemory pins that blocks hold no metadata and are not cleared.
func TestAllocLeavesMemory(t *testing.T) {
	seg, a := formatted(t, shm.MinSegment)
	want := bytes.Repeat([]byte("secret! "), 64)
	offs := []uint64{mustAlloc(t, a, 512), mustAlloc(t, a, 512), mustAlloc(t, a, 512)}
	for _, off := range offs {
		copy(shmtest.Bytes(seg)[off:], want)
	}
	for _, off := range offs {
		mustFree(t, a, off)
	}
	for range offs {
		if off := mustAlloc(t, a, 512); !bytes.Equal(shmtest.Bytes(seg)[off:off+512], want) {
			t.Errorf("block at %#x has changed while it was free", off)
		}
	}
}

// TestAllocAccounting is the accounting of conformance case D-15: the bytes are exact
// after every step, and what fails has no side effect.
func TestAllocAccounting(t *testing.T) {
	size, err := SegmentSize(slices.Repeat([]uint64{4096 + 640}, 18)...)
	if err != nil {
		t.Fatal(err)
	}
	_, a := formatted(t, size)
	block := Footprint(4096 + 640)
	want := mustStats(t, a)
	check := func(step string, used, free, fresh int) {
		t.Helper()
		want.Used, want.Free, want.Fresh = uint64(used)*block, uint64(free)*block, uint64(fresh)*block
		if diff := cmp.Diff(want, mustStats(t, a)); diff != "" {
			t.Fatalf("%s: %s", step, diff)
		}
	}
	check("format", 0, 0, 18)
	first := mustAlloc(t, a, 4096+640)
	check("alloc", 1, 0, 17)
	mustFree(t, a, first)
	check("free", 0, 1, 17)
	if again := mustAlloc(t, a, 4096); sizeOf(a, again) == block || again == first {
		t.Fatal("a smaller request took the larger block although fresh memory was left")
	} else {
		mustFree(t, a, again)
	}

	_, a = formatted(t, size)
	all := allocAll(t, a, block)
	check("grow", 18, 0, 0)
	checkDisjoint(t, a, all)
	for _, n := range []uint64{1, block, block + 1, size} {
		if _, err := a.Alloc(n); !errors.Is(err, ErrExhausted) {
			t.Fatalf("Alloc(%d) in a full segment: %v", n, err)
		}
	}
	check("over-alloc", 18, 0, 0)
	for i, off := range all {
		mustFree(t, a, off)
		check("free", 17-i, i+1, 0)
	}
	if _, err := a.Alloc(2 * block); !errors.Is(err, ErrExhausted) {
		t.Fatal("blocks must not merge", err)
	}
	check("impossible growth", 0, 18, 0)
	again := allocAll(t, a, block)
	check("again", 18, 0, 0)
	if diff := cmp.Diff(slices.Sorted(slices.Values(all)), slices.Sorted(slices.Values(again))); diff != "" {
		t.Fatal("other blocks the second time", diff)
	}
}

// TestAllocMemPig is conformance case D-18: exhaust, free, exhaust again gives as
// many blocks again, of each size.
func TestAllocMemPig(t *testing.T) {
	for _, n := range []uint64{1, 256, 257, 1000, 4096, 5000, 20000} {
		_, a := formatted(t, 1<<16)
		first := allocAll(t, a, n)
		checkDisjoint(t, a, first)
		for range 3 {
			for _, off := range first {
				mustFree(t, a, off)
			}
			if again := allocAll(t, a, n); len(again) != len(first) || len(again) == 0 {
				t.Errorf("%d blocks of %d bytes, then %d", len(first), n, len(again))
			}
		}
	}
}

// TestSegmentSizeFor is conformance case D-19 and the segment that was sized without
// its overhead: all blocks fit, exactly, and one more does not.
func TestSegmentSizeFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		blocks := rapid.SliceOfN(rapid.Uint64Range(1, 100_000), 1, 40).Draw(t, "blocks")
		size, err := SegmentSize(blocks...)
		if err != nil {
			t.Fatal(err)
		}
		seg, err := shm.NewHeapSegment(size)
		if err != nil {
			t.Fatal(err)
		}
		if err := Format(seg); err != nil {
			t.Fatal(err)
		}
		a := openAlloc(t, seg)
		var offs []uint64
		for _, n := range rapid.Permutation(blocks).Draw(t, "order") {
			offs = append(offs, mustAlloc(t, a, n))
		}
		checkDisjoint(t, a, offs)
		if st := mustStats(t, a); size > shm.MinSegment && st.Fresh != 0 {
			t.Fatalf("%+v: larger than needed", st)
		}
	})
	for _, bad := range [][]uint64{{0}, {1, 0}, {shm.MaxSegment}, {shm.MaxSegment + 1}, {1<<64 - 1}, {shm.MaxSegment / 2, shm.MaxSegment / 2}} {
		if size, err := SegmentSize(bad...); !errors.Is(err, shm.ErrSize) {
			t.Errorf("SegmentSizeFor(%d) = %d, %v", bad, size, err)
		}
	}
	if size, err := SegmentSize(); size != shm.MinSegment || err != nil {
		t.Errorf("SegmentSizeFor() = %d, %v", size, err)
	}
}

// TestAllocLargerBlock pins which larger blocks serve a request when nothing
// else is left: the smallest, up to twice the class, and they stay what they are.
func TestAllocLargerBlock(t *testing.T) {
	for _, tc := range []struct{ small, fits, tooLarge uint64 }{
		{1, 2, 3}, {2, 4, 5}, {7, 14, 15}, {8, 16, 18}, {9, 18, 20}, {20, 40, 44},
	} {
		_, a := formatted(t, 1<<16)
		tooLarge, fits, smallest := mustAlloc(t, a, tc.tooLarge*256), mustAlloc(t, a, tc.fits*256), mustAlloc(t, a, (tc.small+1)*256)
		allocAll(t, a, 256)
		mustFree(t, a, tooLarge)
		if got, err := a.Alloc(tc.small * 256); !errors.Is(err, ErrExhausted) {
			t.Errorf("%d units in a block of %d: %#x, %v", tc.small, tc.tooLarge, got, err)
		}
		mustFree(t, a, fits)
		if tc.small+1 != tc.fits {
			mustFree(t, a, smallest)
			if got := mustAlloc(t, a, tc.small*256); got != smallest {
				t.Errorf("%d units: block at %#x, want the smallest, at %#x", tc.small, got, smallest)
			}
		}
		before := mustStats(t, a)
		if got := mustAlloc(t, a, tc.small*256); got != fits || sizeOf(a, got) != tc.fits*256 {
			t.Errorf("%d units: block at %#x of %d bytes, want %#x", tc.small, got, sizeOf(a, got), fits)
		}
		mustFree(t, a, fits)
		if diff := cmp.Diff(before, mustStats(t, a)); diff != "" {
			t.Error("bytes have drifted", diff)
		}
	}
}
