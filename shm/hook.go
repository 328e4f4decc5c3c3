package shm

import "cutthrough/shm/access"

// An AccessHook sees every access to the shared memory of a [Segment] that was made
// with it. It is the only place where a scheduler takes control; production
// segments have none and pay one predicted branch an access.
//
// Before is called before the access and may suspend the caller (that is how
// interleavings are made), change the memory (a hostile peer), or panic with a
// private value (a killed process): the access has not happened yet then.
// After is called right after a word access with the value that was loaded,
// stored or left in the word, and, for [access.CAS], whether it succeeded.
// A range access that is split calls Before once per piece and never After.
type AccessHook interface {
	Before(s *Segment, off, n uint64, name Name, op access.Op)
	After(value uint64, ok bool)
}
