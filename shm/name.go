package shm

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
)

// Name is the stable name of a kind of shared word, range, lock or call site, such as "fifo.tail".
// Names are API: traces are anchored on them, so a new name makes every trace that mentions the old
// one stale. Register names in package variables with [NewName]; the zero Name prints as "?".
type Name uint16

type nameEntry struct {
	text string
	hash uint64
}

var (
	namesMu sync.Mutex
	names   atomic.Pointer[[]nameEntry]
)

// NewName registers text and returns its Name. It returns the same Name for the same text, so two
// packages may share one. Safe for concurrent use.
//
// text has 1 to 64 letters, digits and ._-/:+[] of ASCII, and begins with a letter, a digit or an
// underscore. NewName panics on any other text, and beyond 65,535 names.
func NewName(text string) Name {
	if !validName(text) {
		panic(fmt.Sprintf("shm: name %q would not survive a trace", text))
	}
	namesMu.Lock()
	defer namesMu.Unlock()
	var old []nameEntry
	if p := names.Load(); p != nil {
		old = *p
	} else {
		old = []nameEntry{{text: "?"}}
	}
	for i, e := range old {
		if e.text == text {
			return Name(i)
		}
	}
	if len(old) > 0xffff {
		panic("shm: too many names")
	}
	grown := append(old[:len(old):len(old)], nameEntry{text, fnv64(text)})
	names.Store(&grown)
	return Name(len(old))
}

// validName says whether a trace can hold text as a name.
func validName(text string) bool {
	for i := range len(text) {
		c := text[i]
		word := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
		if !word && (i == 0 || !strings.ContainsRune(".-/:+[]", rune(c))) {
			return false
		}
	}
	return len(text) >= 1 && len(text) <= 64
}

// LookupName returns the Name registered for text, if there is one.
func LookupName(text string) (Name, bool) {
	if p := names.Load(); p != nil {
		for i, e := range *p {
			if e.text == text {
				return Name(i), true
			}
		}
	}
	return 0, false
}

// String returns the text given to NewName.
func (n Name) String() string {
	if p := names.Load(); p != nil && int(n) < len(*p) {
		return (*p)[n].text
	}
	return "?"
}

// Hash returns a 64-bit hash of the text. It does not depend on the order of registration, as the
// Name itself does, so digests of two builds compare.
func (n Name) Hash() uint64 {
	if p := names.Load(); p != nil && int(n) < len(*p) {
		return (*p)[n].hash
	}
	return 0
}

// fnv64 is FNV-1a.
func fnv64(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}
