package alloc

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"cutthrough/shm"
	"cutthrough/shm/access"
	"cutthrough/shm/internal/shmtest"
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
func victim(a *Allocator) uint64 { return a.first * unitSize }

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
func hookedAlloc(tb testing.TB, seg *shm.Segment) (*Allocator, *shmtest.Hook) {
	tb.Helper()
	view, y := shmtest.Hooked(tb, seg)
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
				y.OnAccess = func(n int, _ uint64, _ shm.Name, _ access.Op) {
					if n == k {
						panic(shmtest.ErrKilled)
					}
				}
				if !shmtest.Dies(func() { op.do(dying) }) {
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
		all := slices.Clone(live)
		for _, n := range []uint64{2500, 1000, 256} {
			all = append(all, allocAll(t, a, n)...)
		}
		checkDisjoint(t, a, all)
		handed := gone
		for _, off := range all {
			handed += sizeOf(a, off)
		}
		if after := mustStats(t, a); after.Fresh != 0 || handed+after.Free+after.Overhead != a.seg.Size() {
			t.Fatalf("%+v, %d bytes handed out or gone: some are missing", after, handed)
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
		"other sizes": func(a *Allocator) []uint64 {
			mustFree(t, a, mustAlloc(t, a, 300))
			return []uint64{mustAlloc(t, a, 1500), mustAlloc(t, a, 100)}
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
					y.OnAccess = func(n int, _ uint64, _ shm.Name, _ access.Op) {
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
	st := mustStats(tb, a)
	if st.Used != used || st.Lost != 0 {
		tb.Fatalf("%+v, but blocks of %d bytes are in use", st, used)
	}
	if bump := a.bump.Load(); bump != a.units-st.Fresh/unitSize {
		tb.Fatalf("%+v, but the bump pointer is at unit %d of %d", st, bump, a.units)
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
			runs := shmtest.Explore(t, tc.preemptions, func(s *shmtest.Sched) func() {
				seg, a := formatted(t, shm.MinSegment)
				var listed, live []uint64
				for range tc.listed {
					listed = append(listed, mustAlloc(t, a, 256))
				}
				for _, off := range listed {
					mustFree(t, a, off)
				}
				view := s.View(t, seg)
				for i, do := range tc.tasks {
					s.Spawn(fmt.Sprint(i), func() { live = append(live, do(openAlloc(t, view))...) })
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
	shmtest.Explore(t, 3, func(s *shmtest.Sched) func() {
		seg, a := formatted(t, shm.MinSegment)
		off := mustAlloc(t, a, 256)
		var freed, refused int
		for _, name := range []string{"a", "b"} {
			view := s.View(t, seg)
			s.Spawn(name, func() {
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
	seg, a := formatted(t, shm.MinSegment)
	off := mustAlloc(t, a, 256)
	late, y := hookedAlloc(t, seg)
	y.OnAccess = func(_ int, _ uint64, name shm.Name, op access.Op) {
		if name == nameState && op == access.CAS {
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

// TestAllocTagWrap lets a process stop inside Alloc for exactly as many changes of
// the free list as there are tags. It notices, rather than take the block.
func TestAllocTagWrap(t *testing.T) {
	seg, a := formatted(t, shm.MinSegment)
	first, second := mustAlloc(t, a, 256), mustAlloc(t, a, 256)
	mustFree(t, a, second)
	mustFree(t, a, first)
	slow, y := hookedAlloc(t, seg)
	y.OnAccess = func(_ int, _ uint64, name shm.Name, op access.Op) {
		if name != nameHead || op != access.CAS {
			return
		}
		head := a.head(0)
		before := head.Load()
		mustAlloc(t, a, 256)
		mustAlloc(t, a, 256)
		mustFree(t, a, first)
		head.Store(before)
	}
	if off, err := slow.Alloc(256); !errors.Is(err, shm.ErrCorrupt) {
		t.Errorf("Alloc = %#x, %v", off, err)
	}
}

// TestAllocWrap starts the tag and the generation just before they wrap.
func TestAllocWrap(t *testing.T) {
	seg, a := formatted(t, shm.MinSegment)
	off := mustAlloc(t, a, 256)
	for i := range shmtest.Bytes(seg)[:8] {
		shmtest.Bytes(seg)[headOff+i] = 0xff * byte(i/4) // tag 2^32 - 1, list empty
	}
	state := a.state(off / unitSize)
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
		y.OnAccess = func(_ int, off uint64, name shm.Name, o access.Op) {
			if name == nameGeom {
				t.Errorf("%s: %s %s after open", op.name, name, o)
			}
			if name == nameBump {
				clear(loads) // what follows looks at the free lists again
			}
			if o != access.Load {
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
