package shm

import "cutthrough/shm/access"

// Range is a run of plain bytes in a segment: payload, never a header word. Its copies are not
// atomic. The words around it decide which task may use which part; a simulator checks that with
// vector clocks. The zero value is not usable.
type Range struct {
	mem  []byte
	hook *rangeHook // nil without an AccessHook; a Range is four words then, which stay in registers
}

type rangeHook struct {
	s    *Segment
	off  uint64
	name Name
}

// Range returns a handle of the n bytes at off. It panics when they are not inside the segment:
// check an offset from a peer with [Segment.Contains] first.
func (s *Segment) Range(off, n uint64, name Name) Range {
	s.mustContain(off, n, 1, name)
	r := Range{mem: s.mem[off : off+n : off+n]}
	if s.hook != nil {
		r.hook = &rangeHook{s, off, name}
	}
	return r
}

// Len returns the length of the range in bytes.
func (r Range) Len() uint64 { return uint64(len(r.mem)) }

// CopyIn copies src to [at, at+len(src)) of the range. It panics when that is not inside the range.
func (r Range) CopyIn(at uint64, src []byte) {
	if r.hook != nil {
		r.copyInSlow(at, src)
		return
	}
	copy(r.mem[at:at+uint64(len(src))], src)
}

// CopyOut copies [at, at+len(dst)) of the range to dst. It panics when that is not inside the
// range.
func (r Range) CopyOut(dst []byte, at uint64) {
	if r.hook != nil {
		r.copyOutSlow(dst, at)
		return
	}
	copy(dst, r.mem[at:at+uint64(len(dst))])
}

// UnsafeBytes returns [at, at+n) of the range itself, for access in place. A peer may change the
// bytes at any time. A scheduler does not see accesses to them: declare each with [Range.Touch].
func (r Range) UnsafeBytes(at, n uint64) []byte { return r.mem[at : at+n : at+n] }

// Touch declares a plain access, [access.Read] or [access.Write], to [at, at+n) that is made
// through UnsafeBytes. It does nothing without an AccessHook.
func (r Range) Touch(op access.Op, at, n uint64) {
	if r.hook != nil {
		r.hook.before(op, at, n)
	}
}

//go:noinline
func (h *rangeHook) before(op access.Op, at, n uint64) {
	if n > 0 {
		h.s.hook.Before(h.s, h.off+at, n, h.name, op)
	}
}

// With an AccessHook a copy goes in two halves. A copy is not atomic, so a concurrent reader must
// be able to see one old and one new half.

//go:noinline
func (r Range) copyInSlow(at uint64, src []byte) {
	dst := r.mem[at : at+uint64(len(src))]
	half := (len(src) + 1) / 2
	r.hook.before(access.Write, at, uint64(half))
	copy(dst, src[:half])
	r.hook.before(access.Write, at+uint64(half), uint64(len(src)-half))
	copy(dst[half:], src[half:])
}

//go:noinline
func (r Range) copyOutSlow(dst []byte, at uint64) {
	src := r.mem[at : at+uint64(len(dst))]
	half := (len(dst) + 1) / 2
	r.hook.before(access.Read, at, uint64(half))
	copy(dst, src[:half])
	r.hook.before(access.Read, at+uint64(half), uint64(len(dst)-half))
	copy(dst[half:], src[half:])
}
