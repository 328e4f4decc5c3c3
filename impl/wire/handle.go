package wire

import "fmt"

// Handle names an application, listener, session, pair or segment of the session
// layer: kind, generation and index, 64 bits. Kinds are disjoint, and the
// generation tells an object from earlier ones with its index, so a handle
// designates at most one object ever: a stale or forged one designates nothing.
// The zero Handle is never valid.
type Handle uint64

// Kind is the kind of object that a [Handle] names.
type Kind uint8

// The kinds. NumKinds is one more than the last.
const (
	KindNone Kind = iota
	KindApp
	KindListener
	KindSession
	KindPair
	KindSegment
	NumKinds
)

var kindText = [NumKinds]string{"none", "app", "listener", "session", "pair", "segment"}

// String returns the kind as logs print it.
func (k Kind) String() string {
	if k < NumKinds {
		return kindText[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// MaxGeneration is the largest generation of a handle.
const MaxGeneration = 1<<28 - 1

// NewHandle returns the handle of an object of kind k. Of the generation it takes the low 28 bits.
func NewHandle(k Kind, generation, index uint32) Handle {
	return Handle(k)<<60 | Handle(generation&MaxGeneration)<<32 | Handle(index)
}

// Kind returns the kind of object that h names, if any.
func (h Handle) Kind() Kind { return Kind(h >> 60) }

// Index returns the index of h among the objects of its kind.
func (h Handle) Index() uint32 { return uint32(h) }

// Generation returns how many objects with the index of h there were up to it.
func (h Handle) Generation() uint32 { return uint32(h>>32) & MaxGeneration }

// String returns for example "session 3.1": index and generation.
func (h Handle) String() string {
	if h == 0 {
		return "none"
	}
	return fmt.Sprintf("%v %d.%d", h.Kind(), h.Index(), h.Generation())
}
