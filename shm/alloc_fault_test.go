package shm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"
)

// allocOp is one operation of a process that is going to be killed or overtaken.
// It returns the offset that Alloc returned.
type allocOp struct {
	name string
	do   func(a *Allocator) (uint64, error)
	// own is the block that prepare gave to the victim, which it may free.
	own bool
	// prepare brings the allocator into the state of interest and returns the
	// blocks that are in use.
	prepare func(tb testing.TB, a *Allocator) []uint64
}

// victim is the block that a victim frees: the first one after the allocator's
// metadata.
func victim(a *Allocator) uint64 { return a.first * allocUnit }

func allocOps() []allocOp {
	alloc := func(a *Allocator) (uint64, error) { return a.Alloc(1000) }
	free := func(a *Allocator) (uint64, error) { return 0, a.Free(victim(a)) }
	// blocks allocates n blocks of size bytes and frees all but the first keep.
	blocks := func(n, keep int, size uint64) func(testing.TB, *Allocator) []uint64 {
		return func(tb testing.TB, a *Allocator) []uint64 {
			var offs []uint64
			for range n {
				offs = append(offs, mustAlloc(tb, a, size))
			}
			for _, off := range offs[keep:] {
				mustFree(tb, a, off)
			}
			return offs[:keep]
		}
	}
	larger := func(tb testing.TB, a *Allocator) []uint64 {
		blocks(2, 0, 1500)(tb, a)
		return allocAll(tb, a, 256)
	}
	return []allocOp{
		{"alloc fresh", alloc, false, blocks(0, 0, 0)},
		{"alloc listed", alloc, false, blocks(3, 1, 1000)},
		{"alloc larger", alloc, false, larger},
		{"free to empty list", free, true, blocks(2, 2, 1000)},
		{"free to list", free, true, blocks(4, 2, 1000)},
	}
}

// hookedAlloc opens the allocator of seg for a process with a hook.
func hookedAlloc(tb testing.TB, seg *Segment) (*Allocator, *hookYielder) {
	tb.Helper()
	view, y := hooked(tb, seg)
	return openAlloc(tb, view), y
}

// TestAllocKilled kills a process at each access of each operation, and shows
// that the others go on: at most one block is gone, none is handed out twice.
func TestAllocKilled(t *testing.T) {
	for _, op := range allocOps() {
		t.Run(op.name, func(t *testing.T) {
			lost := 0
			for k := 1; ; k++ {
				seg, a := formatted(t, 1<<13)
				live := op.prepare(t, a)
				if op.own {
					live = slices.DeleteFunc(live, func(off uint64) bool { return off == victim(a) })
				}
				dying, y := hookedAlloc(t, seg)
				y.hook = func(n int, _ uint64, _ Name, _ Op) {
					if n == k {
						panic(killed)
					}
				}
				if !dies(func() { op.do(dying) }) {
					if k < 4 || lost == 0 {
						t.Fatalf("%d accesses, lost a block %d times: nothing was tested", k-1, lost)
					}
					return
				}
				if checkSurvivor(t, a, live) {
					lost++
				}
			}
		})
	}
}

// checkSurvivor uses the allocator after a death and says whether a block is gone.
func checkSurvivor(t *testing.T, a *Allocator, live []uint64) (lost bool) {
	t.Helper()
	st := mustStats(t, a)
	gone := a.seg.Size() - st.Overhead - st.Free - st.Fresh
	for _, off := range live {
		gone -= sizeOf(a, off)
	}
	if gone > Footprint(1500) {
		t.Fatalf("%+v: %d bytes are gone", st, gone)
	}
	for range 2 {
		all := append(slices.Clone(live), allocAll(t, a, 1000)...)
		all = append(all, allocAll(t, a, 256)...)
		checkDisjoint(t, a, all)
		if after := mustStats(t, a); after.Free+after.Fresh != 0 && after.Free%Footprint(1500) != 0 {
			t.Fatalf("%+v: memory is left that cannot be allocated", after)
		}
		for _, off := range all[len(live):] {
			mustFree(t, a, off)
		}
	}
	if after := mustStats(t, a); after.Free+after.Fresh != st.Free+st.Fresh {
		t.Fatalf("before %+v, after %+v", st, after)
	}
	return gone > 0
}

// TestAllocOvertaken stops a process at each access of each operation while
// another one does things, and lets it go on.
func TestAllocOvertaken(t *testing.T) {
	scripts := map[string]func(a *Allocator) []uint64{
		"alloc": func(a *Allocator) []uint64 { return []uint64{mustAlloc(t, a, 1000)} },
		// The list is A, B, ...; after it A is first again and B is not on it.
		"aba": func(a *Allocator) []uint64 {
			first, second := mustAlloc(t, a, 1000), mustAlloc(t, a, 1000)
			mustFree(t, a, first)
			return []uint64{second}
		},
		"all": func(a *Allocator) []uint64 {
			all := allocAll(t, a, 1000)
			for _, off := range all[1:] {
				mustFree(t, a, off)
			}
			return all[:1]
		},
		"one left": func(a *Allocator) []uint64 {
			all := allocAll(t, a, 1000)
			mustFree(t, a, all[len(all)-1])
			return all[:len(all)-1]
		},
	}
	for name, script := range scripts {
		for _, op := range allocOps() {
			if op.name == "alloc larger" {
				continue // no memory for the scripts
			}
			t.Run(name+" in "+op.name, func(t *testing.T) {
				for k, accesses := 1, 1; k <= accesses; k++ {
					seg, a := formatted(t, 1<<14)
					live := op.prepare(t, a)
					slow, y := hookedAlloc(t, seg)
					y.hook = func(n int, _ uint64, _ Name, _ Op) {
						if accesses = n; n == k {
							live = append(live, script(a)...)
						}
					}
					off, err := op.do(slow)
					if err != nil {
						t.Fatalf("overtaken at access %d: %v", k, err)
					}
					if op.own {
						live = slices.DeleteFunc(live, func(off uint64) bool { return off == victim(a) })
					} else {
						live = append(live, off)
					}
					checkOwners(t, a, live)
				}
			})
		}
	}
}

// checkOwners fails unless exactly the blocks at live are in use and none is lost.
func checkOwners(tb testing.TB, a *Allocator, live []uint64) {
	tb.Helper()
	checkDisjoint(tb, a, live)
	var used uint64
	for _, off := range live {
		used += sizeOf(a, off)
	}
	if st := mustStats(tb, a); st.Used != used || st.Lost != 0 {
		tb.Fatalf("%+v, but blocks of %d bytes are in use", st, used)
	}
}

// TestAllocInterleavings explores processes that allocate and free.
func TestAllocInterleavings(t *testing.T) {
	type task func(a *Allocator) (live []uint64)
	alloc := func(n int) task {
		return func(a *Allocator) (live []uint64) {
			for range n {
				live = append(live, mustAlloc(t, a, 256))
			}
			return live
		}
	}
	aba := func(a *Allocator) []uint64 {
		live := alloc(2)(a)
		mustFree(t, a, live[0])
		return live[1:]
	}
	cycle := func(a *Allocator) []uint64 {
		mustFree(t, a, mustAlloc(t, a, 256))
		return nil
	}
	for name, tc := range map[string]struct {
		listed, preemptions int
		tasks               []task
	}{
		"fresh":        {0, 2, []task{alloc(2), alloc(2)}},
		"fresh last":   {0, 2, []task{alloc(1), alloc(1)}},
		"aba":          {3, 2, []task{alloc(1), aba}},
		"pop and push": {2, 2, []task{cycle, cycle}},
		"three":        {1, 1, []task{cycle, cycle, alloc(1)}},
	} {
		t.Run(name, func(t *testing.T) {
			runs := explore(t, tc.preemptions, func(s *sched) func() {
				seg, a := formatted(t, MinSegment)
				var listed, live []uint64
				for range tc.listed {
					listed = append(listed, mustAlloc(t, a, 256))
				}
				for _, off := range listed {
					mustFree(t, a, off)
				}
				view := s.view(t, seg)
				for i, do := range tc.tasks {
					s.spawn(fmt.Sprint(i), func() { live = append(live, do(openAlloc(t, view))...) })
				}
				return func() { checkOwners(t, a, live) }
			})
			if runs < 50 {
				t.Errorf("only %d executions", runs)
			}
		})
	}
}

// TestFreeTwice explores two processes that free the same block: one of them does.
func TestFreeTwice(t *testing.T) {
	explore(t, 3, func(s *sched) func() {
		seg, a := formatted(t, MinSegment)
		off := mustAlloc(t, a, 256)
		var freed, refused int
		for _, name := range []string{"a", "b"} {
			view := s.view(t, seg)
			s.spawn(name, func() {
				switch err := openAlloc(t, view).Free(off); {
				case err == nil:
					freed++
				case errors.Is(err, ErrNotAllocated):
					refused++
				default:
					t.Error(err)
				}
			})
		}
		return func() {
			if freed != 1 || refused != 1 {
				t.Errorf("freed %d times, refused %d times", freed, refused)
			}
			checkOwners(t, a, nil)
		}
	})
}

// TestFreeLate shows that a second free that was under way while the block was
// freed and handed out again leaves the next owner alone.
func TestFreeLate(t *testing.T) {
	seg, a := formatted(t, MinSegment)
	off := mustAlloc(t, a, 256)
	late, y := hookedAlloc(t, seg)
	y.hook = func(_ int, _ uint64, name Name, op Op) {
		if name == nameAllocState && op == OpCAS {
			mustFree(t, a, off)
			if mustAlloc(t, a, 256) != off {
				t.Fatal("expected the same block")
			}
		}
	}
	if err := late.Free(off); !errors.Is(err, ErrNotAllocated) {
		t.Errorf("late free: %v", err)
	}
	checkOwners(t, a, []uint64{off})
}

// TestAllocWrap starts the tag and the generation just before they wrap.
func TestAllocWrap(t *testing.T) {
	seg, a := formatted(t, MinSegment)
	off := mustAlloc(t, a, 256)
	for i := range seg.mem[:8] {
		seg.mem[allocHeadOff+i] = 0xff * byte(i/4) // tag 2^32 - 1, list empty
	}
	state := a.state(off / allocUnit)
	state.Store(state.Load() | (1<<22-1)<<42)
	for range 3 {
		mustFree(t, a, off)
		if got := mustAlloc(t, a, 256); got != off {
			t.Fatalf("got %#x, want %#x", got, off)
		}
		checkOwners(t, a, []uint64{off})
	}
}

// TestAllocFetches counts loads: no word twice in an undisturbed operation, and the
// geometry never.
func TestAllocFetches(t *testing.T) {
	for _, op := range allocOps() {
		seg, a := formatted(t, 1<<13)
		op.prepare(t, a)
		watched, y := hookedAlloc(t, seg)
		loads := map[uint64]int{}
		y.hook = func(_ int, off uint64, name Name, o Op) {
			if name == nameAllocGeom {
				t.Errorf("%s: %s %s after open", op.name, name, o)
			}
			if name == nameAllocBump {
				clear(loads) // what follows looks at the free lists again
			}
			if o != OpLoad {
				return
			}
			if loads[off]++; loads[off] > 1 {
				t.Errorf("%s: %s at %#x loaded %d times", op.name, name, off, loads[off])
			}
		}
		if _, err := op.do(watched); err != nil {
			t.Error(op.name, err)
		}
	}
}

// allocHost runs operations on an allocator whose memory a hostile peer changes, and
// checks what must hold whatever it writes.
type allocHost struct {
	tb    testing.TB
	a     *Allocator
	y     *hookYielder
	owned []uint64
}

// newAllocHost calls poke before each access.
func newAllocHost(tb testing.TB, seg *Segment, poke func()) *allocHost {
	h := &allocHost{tb: tb}
	h.a, h.y = hookedAlloc(tb, seg)
	h.y.hook = func(n int, off uint64, name Name, op Op) {
		if n > 10*5*maxRetries {
			tb.Fatalf("%d accesses: it hangs", n)
		}
		if off < SegmentHeader || off >= h.a.first*allocUnit || name == nameAllocGeom {
			tb.Fatalf("%s %s at %#x", name, op, off)
		}
		poke()
	}
	return h
}

func (h *allocHost) alloc(n uint64) error {
	h.y.n = 0
	off, err := h.a.Alloc(n)
	if err == nil {
		if off%allocUnit != 0 || off < h.a.first*allocUnit || !h.a.seg.Contains(off, n, allocUnit) {
			h.tb.Fatalf("Alloc(%d) = %#x", n, off)
		}
		h.owned = append(h.owned, off)
	} else if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrExhausted) || off != 0 {
		h.tb.Fatalf("Alloc(%d) = %#x, %v", n, off, err)
	}
	return err
}

func (h *allocHost) free(off uint64) error {
	h.y.n = 0
	err := h.a.Free(off)
	if err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrNotAllocated) {
		h.tb.Fatalf("Free(%#x) = %v", off, err)
	}
	return err
}

func (h *allocHost) stats() error {
	h.y.n = 0
	_, err := h.a.Stats()
	if err != nil && !errors.Is(err, ErrCorrupt) {
		h.tb.Fatal(err)
	}
	return err
}

// hostileWord returns a value for a word of the allocator or of a queue that hits
// where it hurts.
func hostileWord(old uint64, how byte) uint64 {
	switch how % 12 {
	case 0:
		return 0
	case 1:
		return ^uint64(0)
	case 2:
		return old + 1
	case 3:
		return old - 1
	case 4:
		return old ^ 1<<(how/12*3)
	case 5:
		return old<<32 | old>>32
	case 6:
		return uint64(how / 12)
	case 7:
		return old&^(1<<32-1) | uint64(how/12) // another unit, same tag or state
	case 8:
		return blockFree<<kindShift | uint64(how/12%4)<<32 | uint64(how/48)
	case 9:
		return blockUsed<<kindShift | uint64(how/12)<<32
	case 10:
		return old | 3<<kindShift
	default:
		return old ^ 0xff<<32
	}
}

// TestAllocHostileWords puts each hostile value in each word, one at a time, and once
// changes the word before every access.
func TestAllocHostileWords(t *testing.T) {
	var corrupt, fine int
	for _, flicker := range []bool{false, true} {
		for off := uint64(allocBumpOff); off < 512; off += 8 {
			for how := range 256 {
				seg, a := formatted(t, MinSegment)
				offs := allocAll(t, a, 512)
				for _, off := range offs[2:6] {
					mustFree(t, a, off)
				}
				word := seg.mem[off : off+8]
				poke := func() {
					binary.LittleEndian.PutUint64(word, hostileWord(binary.LittleEndian.Uint64(word), byte(how)))
				}
				h := newAllocHost(t, seg, func() {})
				if poke(); flicker {
					h = newAllocHost(t, seg, poke)
				}
				errs := []error{h.stats(), h.alloc(512), h.free(offs[0]), h.alloc(512), h.alloc(300), h.free(offs[2]), h.alloc(256), h.stats()}
				if slices.ContainsFunc(errs, func(err error) bool { return errors.Is(err, ErrCorrupt) }) {
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
		seg, a := formatted(t, MinSegment)
		words := (a.first*allocUnit - allocBumpOff) / 8
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
				word := seg.mem[allocBumpOff+uint64(next())%words*8:]
				binary.LittleEndian.PutUint64(word, hostileWord(binary.LittleEndian.Uint64(word), next()))
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
				_ = h.free(uint64(next()) * allocUnit)
			default:
				_ = h.stats()
			}
		}
	})
}
