package shm

import "cutthrough/shm/access"

// AccessHook sees every access to a [Segment] that was made with it. A scheduler takes control here
// and in a [Host], and nowhere else.
//
// Before is called before the access. It may suspend the caller, which makes interleavings; change
// the memory, as a hostile peer does; or panic with a private value, as a killed process: the
// access has not happened then.
//
// After is called right after the access to a word, with the value that was loaded, stored or left
// in the word, and, for [access.CAS], whether it succeeded. An access to a range calls Before once
// per piece, at most two pieces, and never After.
type AccessHook interface {
	Before(s *Segment, off, n uint64, name Name, op access.Op)
	After(value uint64, ok bool)
}
