package model

import (
	"encoding/binary"
	"fmt"
	"sort"
	"strings"
)

// RangeOp names an operation of [Ranges].
type RangeOp uint8

// The operations of an allocator of ranges.
const (
	Alloc RangeOp = iota // take a free range
	Free                 // give a range back
)

// RangeIn is a call on an allocator: Alloc wants a range of N bytes, Free gives
// back the one that begins at Off.
type RangeIn struct {
	Op  RangeOp
	N   uint64
	Off uint64
}

// String returns "alloc 64" or "free 4096".
func (in RangeIn) String() string {
	switch in.Op {
	case Alloc:
		return fmt.Sprintf("alloc %d", in.N)
	case Free:
		return fmt.Sprintf("free %d", in.Off)
	}
	return fmt.Sprintf("range op %d", uint8(in.Op))
}

// RangeOut is the answer of an allocator: Alloc is [OK] with the range
// [Off, Off+Len), Len >= N, or [Exhausted]; Free is [OK] or [NotAllocated].
type RangeOut struct {
	Status Status
	Off    uint64
	Len    uint64
}

// String returns "[4096, 4160)" for a range, else the status.
func (out RangeOut) String() string {
	if out.Status == OK && out.Len != 0 {
		return fmt.Sprintf("[%d, %d)", out.Off, out.Off+out.Len)
	}
	return out.Status.String()
}

// Ranges specifies an allocator of ranges inside [Base, End): whatever is
// allocated is disjoint from everything else that is live. Where in the arena,
// and how much longer than asked, is the allocator's choice.
//
// Exhausted is always a legal answer (fragmentation, rounding, a race with
// another allocation) unless Strict says that it needs a reason: no gap of N bytes.
//
// No process knows the range of an Alloc that crashed, so a Free of it is not
// legal. Under Strict it may hold any gap, so from then on Exhausted is legal.
type Ranges struct {
	Base, End uint64
	Strict    bool
}

// RangesState is the live ranges in order of offset, 16 bytes each, and whether
// an allocation was lost in a crash.
type RangesState struct {
	live string
	lost bool
}

// String returns for example "live [0, 64) [128, 192)".
func (s RangesState) String() string {
	var b strings.Builder
	b.WriteString("live")
	for i := range s.len() {
		off, n := s.at(i)
		fmt.Fprintf(&b, " [%d, %d)", off, off+n)
	}
	if s.lost {
		b.WriteString(" and one lost")
	}
	return b.String()
}

func (s RangesState) len() int { return len(s.live) / 16 }

func (s RangesState) at(i int) (off, n uint64) {
	b := []byte(s.live[16*i : 16*i+16])
	return binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
}

// find returns the index of the first live range at off or after.
func (s RangesState) find(off uint64) int {
	return sort.Search(s.len(), func(i int) bool {
		o, _ := s.at(i)
		return o >= off
	})
}

// splice returns s with the ranges [i, j) replaced by mid.
func (s RangesState) splice(i, j int, mid string) RangesState {
	s.live = s.live[:16*i] + mid + s.live[16*j:]
	return s
}

// Init returns the arena with nothing allocated.
func (r Ranges) Init() RangesState { return RangesState{} }

// Step implements [Spec].
func (r Ranges) Step(s RangesState, in RangeIn, out RangeOut) (RangesState, bool) {
	switch {
	case in.Op == Alloc && out.Status == OK:
		return r.alloc(s, in.N, out)
	case in.Op == Alloc && out == RangeOut{Status: Exhausted}:
		return s, !r.Strict || s.lost || r.widestGap(s) < in.N
	case in.Op == Free && out == RangeOut{Status: OK}:
		return s.free(in.Off)
	case in.Op == Free && out == RangeOut{Status: NotAllocated}:
		_, live := s.free(in.Off)
		return s, !live
	}
	return s, false
}

// Crash implements [Spec].
func (r Ranges) Crash(s RangesState, in RangeIn) []RangesState {
	states := []RangesState{s}
	switch in.Op {
	case Alloc:
		if r.Strict && !s.lost && r.widestGap(s) >= in.N {
			s.lost = true
			states = append(states, s)
		}
	case Free:
		if next, live := s.free(in.Off); live {
			states = append(states, next)
		}
	}
	return states
}

// Legal says whether [out.Off, out.Off+out.Len) may answer an Alloc of n bytes
// in an arena where nothing else is live.
func (r Ranges) Legal(n uint64, out RangeOut) bool {
	return out.Len > 0 && out.Len >= n && out.Off >= r.Base && out.Off <= r.End && out.Len <= r.End-out.Off
}

func (r Ranges) alloc(s RangesState, n uint64, out RangeOut) (RangesState, bool) {
	if !r.Legal(n, out) {
		return s, false
	}
	i := s.find(out.Off)
	if i < s.len() {
		if off, _ := s.at(i); off-out.Off < out.Len {
			return s, false
		}
	}
	if i > 0 {
		if off, n := s.at(i - 1); out.Off-off < n {
			return s, false
		}
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], out.Off)
	binary.BigEndian.PutUint64(b[8:], out.Len)
	return s.splice(i, i, string(b[:])), true
}

func (s RangesState) free(off uint64) (RangesState, bool) {
	i := s.find(off)
	if i == s.len() {
		return s, false
	}
	if o, _ := s.at(i); o != off {
		return s, false
	}
	return s.splice(i, i+1, ""), true
}

// widestGap returns the length of the longest run of bytes of the arena that are
// not live.
func (r Ranges) widestGap(s RangesState) uint64 {
	widest, from := uint64(0), r.Base
	for i := range s.len() {
		off, n := s.at(i)
		widest = max(widest, off-from)
		from = off + n
	}
	return max(widest, r.End-from)
}
