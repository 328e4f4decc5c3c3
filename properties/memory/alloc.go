package memory

import (
	"errors"
	"fmt"
	"iter"
	"slices"

	"cutthrough/model"
	"cutthrough/properties/oracle"
	"cutthrough/shm"
	"cutthrough/shm/access"
	"cutthrough/shm/alloc"
	"cutthrough/sim"
	"cutthrough/sim/exec"
	"cutthrough/sim/lin"
	"cutthrough/sim/scenario"
)

var nameBlock = shm.NewName("alloc.block")

var (
	allocProcs = []string{"a", "b", "c"}

	allocKeys = []scenario.Key{
		{Name: "pages", Default: 1, Min: 1, Max: 16},
		{Name: "procs", Default: 2, Min: 1, Max: 3},
		{Name: "shared", Default: 0, Min: 0, Max: 1},
		{Name: "faults", Words: scenario.FaultClasses()},
	}
	allocVerbs = scenario.Verbs{
		scenario.VerbOf("alloc", allocProcs, allocate{}, scenario.Number("bytes", 1, 1<<16, func(o *allocate) *int { return &o.bytes })),
		scenario.VerbOf("free", allocProcs, free{}, scenario.Number("block", 0, scenario.MaxOps, func(o *free) *int { return &o.block })),
		scenario.VerbOf("misfree", allocProcs, misfree{}),
		scenario.VerbOf("refree", []string{"a"}, refree{}),
	}
)

// Operations of a process.
type (
	allocate struct{ bytes int }
	free     struct{ block int } // of its live blocks, oldest first
	misfree  struct{}
	refree   struct{}
)

func allocScenario() *scenario.Scenario {
	return &scenario.Scenario{
		Name: "alloc", Verbs: allocVerbs, Generate: genAlloc, Scope: allocScope, Compile: compileAlloc,
		Sometimes: []string{"reused", "exhausted", "refused"},
		Doc:       "processes allocate and free blocks of one segment concurrently",
		Long: `Up to three processes share one segment. alloc N allocates N bytes and fills the block with the
owner's pattern; free K frees the owner's Kth live block after checking the pattern. misfree frees an
offset inside the owner's last live block, and refree the last freed block once more: both must be refused. refree
needs procs=1, else another process may own the block by then. With shared=1 there is one more block, which all
processes free at their end: exactly one free must succeed. The block is smaller than all that they allocate, so that
no alloc returns it meanwhile.

Checked: live blocks are disjoint and inside the segment (NoOverlap); each process writes into its own blocks only
(NoRace, BlockIntegrity); a free of a block that is not allocated returns ErrNotAllocated (InvalidFreeRefused); a
process that is killed or stopped at any access disturbs no other (NoLivelock, NoFalseCorrupt).

Scope N: all workloads of at most N operations, without faults, of one and two processes on one page, with blocks of 64, 1000
and 2500 bytes.`,
	}
}

func genAlloc(src scenario.Source) scenario.Input {
	b := &scenario.Builder{Src: src, Verbs: allocVerbs}
	n := b.Number("procs", 2, 1, 3)
	b.Number("pages", 1, 2)
	b.Word("faults", "none", "kill", "stop")
	sizes := []int{64, 1000, 300, 2000, 2500} // the last is beyond the linear classes
	if b.Number("shared", 0, 1) == 1 {
		sizes[0] = 400
	}
	for i := range n {
		for range 1 + src.Intn(5, "operations") {
			switch src.Intn(6, "operation") {
			case 0, 2:
				b.Op(allocProcs[i], allocate{sizes[src.Intn(len(sizes), "size")]})
			case 1, 3:
				b.Op(allocProcs[i], free{src.Intn(2, "block")})
			case 4:
				b.Op(allocProcs[i], misfree{})
			case 5:
				if n == 1 {
					b.Op(allocProcs[i], refree{})
				}
			}
		}
	}
	return b.Input
}

// allocScope has one process and two processes with a segment of one page, and blocks of three classes.
func allocScope(n int) iter.Seq[scenario.Input] {
	shared := func(procs int) func(b *scenario.Builder) []scenario.Menu {
		return func(b *scenario.Builder) []scenario.Menu {
			b.Set("procs", procs)
			b.Set("pages", 1)
			ops := []any{allocate{64}, allocate{1000}, allocate{2500}, free{0}, free{1}, misfree{}}
			if procs == 1 {
				return []scenario.Menu{{Proc: "a", Min: 1, Ops: append(ops, refree{})}}
			}
			return []scenario.Menu{{Proc: "a", Min: 1, Ops: ops}, {Proc: "b", Min: 1, Ops: ops, Like: true}}
		}
	}
	return scope(n, allocVerbs, []func(*scenario.Builder) []scenario.Menu{shared(1), shared(2)})
}

func compileAlloc(c scenario.Input) (scenario.Program, error) {
	cfg, ops, err := scenario.ReadInput(c, allocKeys, allocVerbs)
	if err != nil {
		return scenario.Program{}, err
	}
	size := uint64(cfg.Number("pages")) * 4096
	for _, o := range ops {
		switch o := o.Do.(type) {
		case refree:
			if cfg.Number("procs") != 1 {
				return scenario.Program{}, errors.New("refree needs config procs=1")
			}
		case allocate:
			if cfg.Number("shared") == 1 && alloc.Footprint(uint64(o.bytes)) == alloc.Footprint(1) {
				return scenario.Program{}, fmt.Errorf("config shared=1 needs blocks of more than %d bytes", alloc.Footprint(1))
			}
		}
	}
	checker := lin.Ranges(model.Ranges{Base: shm.SegmentHeader, End: size})
	var work [][]allocOp
	for i, name := range allocProcs {
		mine := scenario.OpsOf[allocOp](ops, name)
		if i < cfg.Number("procs") {
			work = append(work, mine)
		} else if len(mine) > 0 {
			return scenario.Program{}, fmt.Errorf("workload has %s, config procs=%d", name, cfg.Number("procs"))
		}
	}
	setup := func(w *sim.World) {
		var seg *shm.Segment
		var shared sharedBlock
		for i, mine := range work {
			p := w.Process(allocProcs[i]).Mortal()
			shared.procs = append(shared.procs, p)
			view := seg
			if seg == nil {
				var err error
				seg, err = p.CreateSegment(size)
				scenario.Must(err)
				scenario.Must(alloc.Format(seg))
				view = seg
			} else {
				view = p.View(seg)
			}
			a, err := alloc.Open(view)
			scenario.Must(err)
			if i == 0 && cfg.Number("shared") == 1 {
				shared.off, err = a.Alloc(1)
				scenario.Must(err)
			}
			u := &allocUser{w: w, seg: view, a: a, pattern: byte(1 + i)}
			p.Go(allocProcs[i], func() {
				u.run(mine)
				u.freeShared(&shared)
			})
		}
		w.AtEnd(oracle.InvalidFreeRefused, shared.check)
		owner := func(_ int, o exec.Operation) string { return "process " + allocProcs[o.Client] }
		w.AtEnd(oracle.NoOverlap, func() error { return oracle.CheckRanges(w.History(), checker, owner) })
	}
	config := scenario.FaultConfig(cfg.Word("faults"))
	config.BoundedLoops = true // a loop that fails 4,096 times gives up, which an honest peer must never bring about
	return scenario.Program{Config: config, Setup: setup}, nil
}

// sharedBlock is a block that all processes free.
type sharedBlock struct {
	procs []*sim.Process
	off   uint64 // 0: there is none
	freed int    // how often that succeeded
}

// check returns an error unless the block was freed once. A killed process may have been the one that freed it.
func (s *sharedBlock) check() error {
	dead := slices.ContainsFunc(s.procs, (*sim.Process).Dead)
	if s.off != 0 && s.freed != 1 && (s.freed > 1 || !dead) {
		return fmt.Errorf("%d of %d processes freed the block at %#x with success, want 1", s.freed, len(s.procs), s.off)
	}
	return nil
}

// allocUser is one process that allocates and frees.
type allocUser struct {
	w       *sim.World
	seg     *shm.Segment
	a       *alloc.Allocator
	pattern byte
	live    []block
	freed   []uint64
}

// touched is the number of bytes of a block that the race detector sees. Blocks that overlap but start at
// different offsets are found by NoOverlap.
const touched = 16

type block struct{ off, n uint64 }

func (u *allocUser) run(ops []allocOp) {
	for _, o := range ops {
		o.do(u)
	}
}

// allocOp is an operation of a process.
type allocOp interface{ do(*allocUser) }

func (o allocate) do(u *allocUser) { u.alloc(uint64(o.bytes)) }

func (o free) do(u *allocUser) {
	if len(u.live) > 0 {
		u.free(o.block % len(u.live))
	}
}

func (misfree) do(u *allocUser) {
	if n := len(u.live); n > 0 {
		u.refused(u.live[n-1].off + 64)
	}
}

func (refree) do(u *allocUser) {
	if n := len(u.freed); n > 0 && !u.has(u.freed[n-1]) {
		u.refused(u.freed[n-1])
	}
}

func (u *allocUser) alloc(n uint64) {
	call := u.w.Call(model.RangeIn{Op: model.Alloc, N: n})
	off, err := u.a.Alloc(n)
	switch {
	case errors.Is(err, alloc.ErrExhausted):
		u.w.Return(call, model.RangeOut{Status: model.Exhausted})
		u.w.Sometimes("exhausted")
		return
	case err != nil:
		u.w.Fail(oracle.NoFalseCorrupt, "alloc %d: %v", n, err)
	}
	u.w.Return(call, model.RangeOut{Status: model.OK, Off: off, Len: n})
	if slices.Contains(u.freed, off) {
		u.w.Sometimes("reused")
	}
	u.live = append(u.live, block{off, n})
	r := u.seg.Range(off, n, nameBlock)
	r.Touch(access.Write, 0, min(n, touched))
	b := r.UnsafeBytes(0, n)
	for i := range b {
		b[i] = u.pattern
	}
}

// free checks the pattern and frees the ith live block.
func (u *allocUser) free(i int) {
	b := u.live[i]
	r := u.seg.Range(b.off, b.n, nameBlock)
	r.Touch(access.Read, 0, min(b.n, touched))
	for j, got := range r.UnsafeBytes(0, b.n) {
		if got != u.pattern {
			u.w.Fail(oracle.BlockIntegrity, "byte %d of the block at %#x is %d, its owner wrote %d", j, b.off, got, u.pattern)
		}
	}
	u.live = append(u.live[:i], u.live[i+1:]...)
	call := u.w.Call(model.RangeIn{Op: model.Free, Off: b.off})
	if err := u.a.Free(b.off); err != nil {
		u.w.Fail(oracle.NoFalseCorrupt, "free %#x: %v", b.off, err)
	}
	u.w.Return(call, model.RangeOut{Status: model.OK})
	u.freed = append(u.freed, b.off)
}

// freeShared frees the block that the others free, too.
func (u *allocUser) freeShared(s *sharedBlock) {
	if s.off == 0 {
		return
	}
	switch err := u.a.Free(s.off); {
	case err == nil:
		s.freed++
	case errors.Is(err, alloc.ErrNotAllocated):
		u.w.Sometimes("refused")
	default:
		u.w.Fail(oracle.NoFalseCorrupt, "free %#x: %v", s.off, err)
	}
}

// has says whether a live block of the process starts at off.
func (u *allocUser) has(off uint64) bool {
	return slices.ContainsFunc(u.live, func(b block) bool { return b.off == off })
}

// refused frees an offset that is not an allocated block.
func (u *allocUser) refused(off uint64) {
	call := u.w.Call(model.RangeIn{Op: model.Free, Off: off})
	if err := u.a.Free(off); !errors.Is(err, alloc.ErrNotAllocated) {
		u.w.Fail(oracle.InvalidFreeRefused, "free of %#x, which is not allocated: %v, want %v", off, err, alloc.ErrNotAllocated)
	}
	u.w.Return(call, model.RangeOut{Status: model.NotAllocated})
	u.w.Sometimes("refused")
}
