package model

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

const arenaSize = 12

// byteMap is an arena byte by byte: which allocation, numbered from 1, owns it.
type byteMap [arenaSize]int

func (m *byteMap) widestGap() uint64 {
	widest, run := 0, 0
	for _, owner := range m {
		if run++; owner != 0 {
			run = 0
		}
		widest = max(widest, run)
	}
	return uint64(widest)
}

// begins returns the number of the allocation that begins at off, or 0.
func (m *byteMap) begins(off uint64) int {
	if off >= arenaSize || off > 0 && m[off] == m[off-1] {
		return 0
	}
	return m[off]
}

// step applies the operation and reports whether it is legal. The arena begins
// at base.
func (m *byteMap) step(number int, strict bool, base uint64, in RangeIn, out RangeOut) bool {
	switch {
	case in.Op == Alloc && out.Status == Exhausted:
		return !strict || m.widestGap() < in.N
	case in.Op == Alloc:
		if out.Off < base || out.Off-base+out.Len > arenaSize || out.Len < max(1, in.N) {
			return false
		}
		part := m[out.Off-base : out.Off-base+out.Len]
		if slices.ContainsFunc(part, func(owner int) bool { return owner != 0 }) {
			return false
		}
		for i := range part {
			part[i] = number
		}
		return true
	}
	owner := m.begins(in.Off - base)
	if out.Status == NotAllocated {
		return owner == 0
	}
	for i := range m {
		if m[i] == owner {
			m[i] = 0
		}
	}
	return owner != 0
}

func TestRangesAgainstBytes(t *testing.T) {
	seen := map[string]int{}
	againstOracle(t, func(t rapid.TB, intn draw) {
		base := 100 * uint64(intn(2, "base"))
		spec := Ranges{Base: base, End: base + arenaSize, Strict: intn(2, "strict") == 1}
		s, bytes := spec.Init(), byteMap{}
		for number := range 1 + intn(30, "steps") {
			in := RangeIn{Op: RangeOp(intn(2, "op"))}
			var out RangeOut
			if in.Op == Alloc {
				in.N = uint64(intn(5, "n"))
				out = RangeOut{OK, base + uint64(intn(arenaSize, "off")), uint64(intn(6, "len"))}
				if intn(4, "exhausted") == 3 {
					out = RangeOut{Status: Exhausted}
				}
			} else {
				in.Off = base + uint64(intn(arenaSize+1, "off"))
				out.Status = []Status{OK, NotAllocated}[intn(2, "status")]
			}
			next, ok := spec.Step(s, in, out)
			if want := bytes.step(number+1, spec.Strict, base, in, out); ok != want {
				t.Fatalf("in %v: %v -> %v: legal %v, want %v", s, in, out, ok, want)
			}
			if ok {
				s = next
			}
			seen[fmt.Sprint(in.Op, out.Status, spec.Strict, ok)]++
		}
	})
	for _, what := range []string{
		fmt.Sprint(Alloc, OK, true, true), fmt.Sprint(Alloc, OK, true, false),
		fmt.Sprint(Alloc, Exhausted, true, true), fmt.Sprint(Alloc, Exhausted, true, false), fmt.Sprint(Alloc, Exhausted, false, true),
		fmt.Sprint(Free, OK, true, true), fmt.Sprint(Free, OK, true, false),
		fmt.Sprint(Free, NotAllocated, true, true), fmt.Sprint(Free, NotAllocated, true, false),
	} {
		if seen[what] == 0 {
			t.Errorf("never seen: %s", what)
		}
	}
}

func TestRangesAtTheEndOfAddresses(t *testing.T) {
	spec := Ranges{Base: 1 << 20, End: ^uint64(0)}
	for _, c := range []struct {
		out RangeOut
		ok  bool
	}{
		{RangeOut{OK, ^uint64(0) - 8, 8}, true},
		{RangeOut{OK, ^uint64(0) - 8, 9}, false},
		{RangeOut{OK, 1 << 40, ^uint64(0)}, false}, // the sum wraps
		{RangeOut{OK, 0, 8}, false},
	} {
		if _, ok := spec.Step(spec.Init(), RangeIn{Op: Alloc, N: 8}, c.out); ok != c.ok {
			t.Errorf("alloc 8 -> %v: legal %v, want %v", c.out, ok, c.ok)
		}
	}
}

func TestRangesCrash(t *testing.T) {
	loose, strict := Ranges{End: 64}, Ranges{End: 64, Strict: true}
	s, ok := strict.Step(strict.Init(), RangeIn{Op: Alloc, N: 16}, RangeOut{OK, 0, 16})
	if !ok {
		t.Fatal("cannot allocate")
	}
	if got := loose.Crash(s, RangeIn{Op: Alloc, N: 16}); len(got) != 1 {
		t.Errorf("a pending alloc leaves %v", got)
	}
	if got := strict.Crash(s, RangeIn{Op: Alloc, N: 64}); len(got) != 1 {
		t.Errorf("a pending alloc that cannot succeed leaves %v", got)
	}
	got := strict.Crash(s, RangeIn{Op: Alloc, N: 48})
	if len(got) != 2 || got[0] != s {
		t.Fatalf("a pending alloc leaves %v", got)
	}
	full := RangeOut{Status: Exhausted}
	if _, ok := strict.Step(got[0], RangeIn{Op: Alloc, N: 48}, full); ok {
		t.Error("exhausted is legal although nothing was lost")
	}
	if _, ok := strict.Step(got[1], RangeIn{Op: Alloc, N: 48}, full); !ok {
		t.Error("exhausted is illegal although a range may be lost")
	}
	if got := loose.Crash(s, RangeIn{Op: Free, Off: 0}); !slices.Equal(got, []RangesState{s, {}}) {
		t.Errorf("a pending free leaves %v", got)
	}
	if got := loose.Crash(s, RangeIn{Op: Free, Off: 8}); !slices.Equal(got, []RangesState{s}) {
		t.Errorf("a pending free of nothing leaves %v", got)
	}
}
