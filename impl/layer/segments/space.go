package segments

import (
	"fmt"
	"slices"

	"cutthrough/impl/wire"
)

// Space hands out disjoint ranges of an address space: first fit, neighbours coalesce. It is private memory: no
// peer can corrupt it.
type Space struct {
	base, end wire.Location
	align     uint64 // of every range's start and length; a power of two
	guard     uint64 // free bytes kept after every range
	free      []span // in order of address, never adjacent
	used      uint64 // bytes handed out, guards included
}

// span is a range [at, at+n).
type span struct {
	at wire.Location
	n  uint64
}

func (s span) end() wire.Location { return s.at + wire.Location(s.n) }

// NewSpace returns the free space [base, end). Every range starts at a multiple of align, a power of two, and is
// followed by guard bytes that belong to no range. It panics if base, end or guard is not a multiple of align.
func NewSpace(base, end wire.Location, align, guard uint64) *Space {
	if base&wire.Location(align-1) != 0 || end&wire.Location(align-1) != 0 || guard%align != 0 || base >= end {
		panic(fmt.Sprintf("impl: address space [%#x, %#x) aligned to %d", base, end, align))
	}
	return &Space{base: base, end: end, align: align, guard: guard, free: []span{{base, uint64(end - base)}}}
}

// Size returns the bytes that a range of n takes, guard included; 0 when there is no such range.
func (v *Space) Size(n uint64) uint64 {
	if n == 0 || n > uint64(v.end-v.base) {
		return 0
	}
	return (n+v.align-1)&^(v.align-1) + v.guard
}

// Alloc returns the start of n free bytes, or false.
func (v *Space) Alloc(n uint64) (wire.Location, bool) {
	need := v.Size(n)
	if need == 0 {
		return 0, false
	}
	for i := range v.free {
		f := &v.free[i]
		if f.n < need {
			continue
		}
		at := f.at
		f.at += wire.Location(need)
		if f.n -= need; f.n == 0 {
			v.free = append(v.free[:i], v.free[i+1:]...)
		}
		v.used += need
		return at, true
	}
	return 0, false
}

// Release gives back a range that Alloc returned for n bytes. It panics on any other.
func (v *Space) Release(at wire.Location, n uint64) {
	s := span{at, v.Size(n)}
	i := 0
	for i < len(v.free) && v.free[i].at < at {
		i++
	}
	if s.n == 0 || at < v.base || s.end() > v.end ||
		i > 0 && v.free[i-1].end() > at || i < len(v.free) && s.end() > v.free[i].at {
		panic(fmt.Sprintf("impl: release of [%#x, +%d), which is not allocated", at, n))
	}
	v.used -= s.n
	if i < len(v.free) && s.end() == v.free[i].at {
		s.n += v.free[i].n
		v.free = append(v.free[:i], v.free[i+1:]...)
	}
	if i > 0 && v.free[i-1].end() == at {
		v.free[i-1].n += s.n
		return
	}
	v.free = append(v.free, span{})
	copy(v.free[i+1:], v.free[i:])
	v.free[i] = s
}

// Clone returns a copy.
func (v *Space) Clone() *Space {
	c := *v
	c.free = slices.Clone(v.free)
	return &c
}

// InUse returns how many bytes are handed out, guards included.
func (v *Space) InUse() uint64 { return v.used }

// Check returns nil or what is wrong with the books: what is not used is free, in spans in order that do not
// touch.
func (v *Space) Check() error {
	n, last := v.used, wire.Location(0)
	for _, f := range v.free {
		if n += f.n; f.n == 0 || f.at < v.base || f.end() > v.end || last != 0 && f.at <= last {
			return fmt.Errorf("[%#x, +%d) is free, after what ends at %#x", f.at, f.n, last)
		}
		last = f.end()
	}
	if n != uint64(v.end-v.base) {
		return fmt.Errorf("%d bytes are used or free, of %d", n, v.end-v.base)
	}
	return nil
}
