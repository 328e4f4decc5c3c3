package shm

import (
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	a, b := NewName("name.a"), NewName("name.b")
	if a == b || NewName("name.a") != a {
		t.Errorf("names %d and %d", a, b)
	}
	if got, ok := LookupName("name.b"); got != b || !ok || b.String() != "name.b" {
		t.Errorf("lookup: %d %v %q", got, ok, b)
	}
	if _, ok := LookupName("name.c"); ok {
		t.Error("found a name that was not registered")
	}
	if a.Hash() == b.Hash() || a.Hash() == 0 || Name(0).String() != "?" {
		t.Errorf("hashes %x %x, zero name %q", a.Hash(), b.Hash(), Name(0))
	}
	for _, bad := range []string{"", "a b", "a#1", "a@b", ".a", "a\n", "ä", "a\x1b[m", strings.Repeat("a", 65)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("NewName(%q) did not panic", bad)
				}
			}()
			NewName(bad)
		}()
	}
}
