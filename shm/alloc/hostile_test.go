package alloc

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"cutthrough/shm"
	"cutthrough/shm/access"
	"cutthrough/shm/internal/shmtest"
)

// allocHost runs operations on an allocator whose memory a hostile peer changes, and
// checks what must hold whatever it writes.
type allocHost struct {
	tb    testing.TB
	a     *Allocator
	y     *shmtest.Hook
	owned []uint64
	most  int // accesses of one operation
}

// newAllocHost calls poke before each access.
func newAllocHost(tb testing.TB, seg *shm.Segment, poke func()) *allocHost {
	h := &allocHost{tb: tb}
	h.a, h.y = hookedAlloc(tb, seg)
	h.y.OnAccess = func(n int, off uint64, name shm.Name, op access.Op) {
		if n > 10*5*maxRetries {
			tb.Fatalf("%d accesses: it hangs", n)
		}
		if off < shm.SegmentHeader || off >= h.a.first*unitSize || name == nameGeom {
			tb.Fatalf("%s %s at %#x", name, op, off)
		}
		h.most = max(h.most, n)
		poke()
	}
	return h
}

func (h *allocHost) alloc(n uint64) error {
	h.y.Count = 0
	off, err := h.a.Alloc(n)
	if err == nil {
		if off%unitSize != 0 || off < h.a.first*unitSize || !h.a.seg.Contains(off, n, unitSize) {
			h.tb.Fatalf("Alloc(%d) = %#x", n, off)
		}
		h.owned = append(h.owned, off)
	} else if !errors.Is(err, shm.ErrCorrupt) && !errors.Is(err, ErrExhausted) || off != 0 {
		h.tb.Fatalf("Alloc(%d) = %#x, %v", n, off, err)
	}
	return err
}

func (h *allocHost) free(off uint64) error {
	h.y.Count = 0
	err := h.a.Free(off)
	if err != nil && !errors.Is(err, shm.ErrCorrupt) && !errors.Is(err, ErrNotAllocated) {
		h.tb.Fatalf("Free(%#x) = %v", off, err)
	}
	return err
}

func (h *allocHost) stats() error {
	h.y.Count = 0
	_, err := h.a.Stats()
	if err != nil && !errors.Is(err, shm.ErrCorrupt) {
		h.tb.Fatal(err)
	}
	return err
}

// TestAllocCorrupt changes one word of an allocator with two free and two used
// blocks of two units, and pins what notices.
func TestAllocCorrupt(t *testing.T) {
	const class = 1
	free := func(a *Allocator, n uint64) blockState {
		return blockState(a.state(a.first + 2*n).Load()) // unit first and first+2 are free
	}
	for name, tc := range map[string]struct {
		change func(a *Allocator)
		alloc  error // of Alloc(512), the second one
		stats  error
	}{
		"nothing":                     {func(a *Allocator) {}, nil, nil},
		"list starts before blocks":   {func(a *Allocator) { a.head(class).Store(1) }, shm.ErrCorrupt, nil},
		"list starts behind blocks":   {func(a *Allocator) { a.head(class).Store(a.units - 1) }, shm.ErrCorrupt, nil},
		"list starts behind segment":  {func(a *Allocator) { a.head(class).Store(1<<32 - 1) }, shm.ErrCorrupt, nil},
		"list starts in a block":      {func(a *Allocator) { a.head(class).Store(a.first + 1) }, shm.ErrCorrupt, nil},
		"list starts at a used block": {func(a *Allocator) { a.head(class).Store(a.first + 4) }, shm.ErrCorrupt, nil},
		"list of larger blocks": {func(a *Allocator) {
			a.head(class + 1).Store(a.head(class).Load())
			a.head(class).Store(0)
			a.bump.Store(a.units)
		}, shm.ErrCorrupt, nil},
		"list goes on behind segment":  {func(a *Allocator) { a.state(a.first).Store(uint64(free(a, 0).free(1<<32 - 1))) }, shm.ErrCorrupt, nil},
		"list is a cycle":              {func(a *Allocator) { a.state(a.first).Store(uint64(free(a, 0).free(a.first))) }, shm.ErrCorrupt, nil},
		"list is a cycle of two":       {func(a *Allocator) { a.state(a.first + 2).Store(uint64(free(a, 1).free(a.first))) }, nil, nil},
		"block is of kind 3":           {func(a *Allocator) { a.state(a.first).Store(uint64(free(a, 0)) | 3<<kindShift) }, shm.ErrCorrupt, shm.ErrCorrupt},
		"block is of no class":         {func(a *Allocator) { a.state(a.first).Store(uint64(free(a, 0)) | 0xff<<32) }, shm.ErrCorrupt, shm.ErrCorrupt},
		"bump pointer before blocks":   {func(a *Allocator) { a.head(class).Store(0); a.bump.Store(a.first - 1) }, shm.ErrCorrupt, nil},
		"bump pointer behind segment":  {func(a *Allocator) { a.head(class).Store(0); a.bump.Store(a.units + 1) }, shm.ErrCorrupt, nil},
		"bump pointer at the start":    {func(a *Allocator) { a.head(class).Store(0); a.bump.Store(a.first) }, nil, nil},
		"fresh memory of kind 3":       {func(a *Allocator) { a.head(class).Store(0); a.state(a.first + 8).Store(3 << kindShift) }, shm.ErrCorrupt, shm.ErrCorrupt},
		"fresh memory larger than all": {func(a *Allocator) { a.head(class).Store(0); a.state(a.first + 8).Store(blockUsed<<kindShift | 14<<32) }, shm.ErrCorrupt, shm.ErrCorrupt},
	} {
		seg, a := formatted(t, shm.MinSegment)
		blocks := []uint64{mustAlloc(t, a, 512), mustAlloc(t, a, 512), mustAlloc(t, a, 512), mustAlloc(t, a, 512)}
		mustFree(t, a, blocks[1])
		mustFree(t, a, blocks[0])
		tc.change(a)
		bump := a.bump.Load()
		h := newAllocHost(t, seg, func() {})
		before := h.stats()
		first := h.alloc(512)
		if second := h.alloc(512); first == nil && !errors.Is(second, tc.alloc) || first != nil && !errors.Is(first, tc.alloc) {
			t.Errorf("%s: Alloc = %v, then %v; want %v", name, first, second, tc.alloc)
		}
		if h.most > 50 {
			t.Errorf("%s: took %d accesses", name, h.most)
		}
		if tc.alloc != nil && a.bump.Load() != bump {
			t.Errorf("%s: bump pointer went from %d to %d", name, bump, a.bump.Load())
		}
		if after := h.stats(); !errors.Is(before, tc.stats) || !errors.Is(after, tc.stats) {
			t.Errorf("%s: Stats: %v, then %v; want %v", name, before, after, tc.stats)
		}
	}
}

// TestAllocNeverSettles has a peer that changes the one word an operation depends on
// before each access: the operation gives up.
func TestAllocNeverSettles(t *testing.T) {
	seg, a := formatted(t, shm.MinSegment)
	off := mustAlloc(t, a, 512)
	mustFree(t, a, mustAlloc(t, a, 512))
	h := newAllocHost(t, seg, func() { a.head(classOf(2)).Add(1 << 32) })
	if err := h.alloc(512); !errors.Is(err, shm.ErrCorrupt) {
		t.Errorf("Alloc = %v", err)
	}
	if err := h.free(off); !errors.Is(err, shm.ErrCorrupt) {
		t.Errorf("Free = %v", err)
	}
	h = newAllocHost(t, seg, func() { // fresh memory that always turns out to be taken
		a.bump.Store(a.first)
		a.state(a.first).Store(uint64(newBlock(0)))
	})
	if err := h.alloc(1000); !errors.Is(err, shm.ErrCorrupt) {
		t.Errorf("Alloc of fresh memory = %v", err)
	}
	if h.most < maxRetries {
		t.Errorf("gave up after %d accesses", h.most)
	}
}

// TestAllocHostileWords puts each hostile value in each word, one at a time, and once
// changes the word before every access.
func TestAllocHostileWords(t *testing.T) {
	var corrupt, fine int
	for _, flicker := range []bool{false, true} {
		for off := uint64(bumpOff); off < 512; off += 8 {
			for how := 0; how < 256; how += 5 { // all kinds, four or five of each
				seg, a := formatted(t, shm.MinSegment)
				offs := allocAll(t, a, 512)
				for _, off := range offs[2:6] {
					mustFree(t, a, off)
				}
				word := shmtest.Bytes(seg)[off : off+8]
				poke := func() {
					binary.LittleEndian.PutUint64(word, shmtest.HostileWord(binary.LittleEndian.Uint64(word), byte(how)))
				}
				h := newAllocHost(t, seg, func() {})
				if poke(); flicker {
					h = newAllocHost(t, seg, poke)
				}
				errs := []error{h.stats(), h.alloc(512), h.free(offs[0]), h.alloc(512), h.alloc(300), h.free(offs[2]), h.alloc(256), h.stats()}
				if slices.ContainsFunc(errs, func(err error) bool { return errors.Is(err, shm.ErrCorrupt) }) {
					corrupt++
				} else {
					fine++
				}
			}
		}
	}
	if corrupt == 0 || fine == 0 {
		t.Errorf("%d runs noticed, %d did not: the values are not well chosen", corrupt, fine)
	}
}

// FuzzAllocPeer reads data as operations of a process and writes of a hostile peer
// before any access of theirs.
func FuzzAllocPeer(f *testing.F) {
	f.Add([]byte{1, 2, 3, 0, 0, 0, 0, 1, 1, 1, 1})
	f.Add([]byte("\x00\x00\x80\x08\x05\x00\x80\x10\x07\x01\x02\x80\x20\x10"))
	f.Add([]byte{0, 9, 0, 9, 1, 0, 0x81, 24, 7, 0, 9, 2, 0x81, 16, 1, 0, 9, 1, 1})
	f.Add([]byte{0, 1, 0x82, 40, 9, 0, 1, 0x83, 41, 8, 1, 0, 3})
	f.Fuzz(func(t *testing.T, data []byte) {
		data = data[:min(len(data), 1<<10)]
		seg, a := formatted(t, shm.MinSegment)
		words := (a.first*unitSize - bumpOff) / 8
		next := func() byte {
			if len(data) == 0 {
				return 0
			}
			b := data[0]
			data = data[1:]
			return b
		}
		poke := func() {
			for len(data) > 2 && data[0] >= 0x80 {
				next()
				word := shmtest.Bytes(seg)[bumpOff+uint64(next())%words*8:]
				binary.LittleEndian.PutUint64(word, shmtest.HostileWord(binary.LittleEndian.Uint64(word), next()))
			}
		}
		h := newAllocHost(t, seg, poke)
		for len(data) > 0 {
			poke()
			switch op := next(); {
			case op%4 == 0:
				_ = h.alloc(1 + 64*uint64(next()))
			case op%4 == 1 && len(h.owned) > 0:
				_ = h.free(h.owned[int(next())%len(h.owned)])
			case op%4 == 2:
				_ = h.free(uint64(next()) * unitSize)
			default:
				_ = h.stats()
			}
		}
	})
}
