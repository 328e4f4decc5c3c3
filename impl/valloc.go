package impl

import (
	"fmt"
	"slices"
)

// Address is a place in the one address space of the session layer. Segments are
// placed in it so that they never overlap; an application maps a segment
// wherever its kernel likes and resolves addresses through a table. 0 is none.
type Address uint64

// valloc hands out disjoint ranges of an address space: first fit, neighbours
// coalesce. It serves the address space (ranges are segments) and each segment (ranges
// are fifos and queues). It is private memory: no peer can corrupt it.
type valloc struct {
	base, end Address
	align     uint64 // of every range's start and length; a power of two
	guard     uint64 // free bytes kept after every range
	free      []span // in order of address, never adjacent
	used      uint64 // bytes handed out, guards included
}

// span is a range [at, at+n).
type span struct {
	at Address
	n  uint64
}

func (s span) end() Address { return s.at + Address(s.n) }

func newValloc(base, end Address, align, guard uint64) *valloc {
	if base&Address(align-1) != 0 || end&Address(align-1) != 0 || guard%align != 0 || base >= end {
		panic(fmt.Sprintf("impl: address space [%#x, %#x) aligned to %d", base, end, align))
	}
	return &valloc{base: base, end: end, align: align, guard: guard, free: []span{{base, uint64(end - base)}}}
}

// size returns the bytes that a range of n takes, guard included; 0 when there is none.
func (v *valloc) size(n uint64) uint64 {
	if n == 0 || n > uint64(v.end-v.base) {
		return 0
	}
	return (n+v.align-1)&^(v.align-1) + v.guard
}

// alloc returns the start of n free bytes, or false.
func (v *valloc) alloc(n uint64) (Address, bool) {
	need := v.size(n)
	if need == 0 {
		return 0, false
	}
	for i := range v.free {
		f := &v.free[i]
		if f.n < need {
			continue
		}
		at := f.at
		f.at += Address(need)
		if f.n -= need; f.n == 0 {
			v.free = append(v.free[:i], v.free[i+1:]...)
		}
		v.used += need
		return at, true
	}
	return 0, false
}

// release gives back a range that alloc returned for n bytes.
func (v *valloc) release(at Address, n uint64) {
	s := span{at, v.size(n)}
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

// clone returns a copy.
func (v *valloc) clone() *valloc {
	c := *v
	c.free = slices.Clone(v.free)
	return &c
}

// inUse returns how many bytes are handed out, guards included.
func (v *valloc) inUse() uint64 { return v.used }
