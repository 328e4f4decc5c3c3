package trace_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode"

	"cutthrough/sim/trace"

	"github.com/google/go-cmp/cmp"
)

// FuzzParse feeds anything to Parse. What parses has one canonical text that
// means the same and can be shown; what does not parse has an error that can.
// Further seeds are in testdata/fuzz.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/canonical/*.trace", "testdata/messy/*.trace"} {
		for _, path := range glob(f, pattern) {
			f.Add(read(f, path))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := trace.Parse("x", data)
		if err != nil {
			if first != nil {
				t.Error("an error and a trace")
			}
			if _, ok := errors.AsType[*trace.Error](err); !ok {
				t.Errorf("error is a %T", err)
			}
			showable(t, err)
			return
		}
		text := trace.Format(first)
		for _, r := range strings.ReplaceAll(string(text), "\n", "") {
			if !unicode.IsPrint(r) {
				t.Errorf("%U in a trace", r)
			}
		}
		second, err := trace.Parse("x", text)
		if err != nil {
			t.Fatalf("the canonical form does not parse: %v\n%s", err, text)
		}
		if diff := cmp.Diff(first, second); diff != "" {
			t.Errorf("the canonical form means something else (-first +second):\n%s", diff)
		}
		if again := trace.Format(second); !bytes.Equal(text, again) {
			t.Errorf("two canonical forms:\n%s\n%s", text, again)
		}
		if err := trace.CheckCanonical("x", text); err != nil {
			t.Error(err)
		}
		if err := trace.CheckCanonical("x", data); (err == nil) != bytes.Equal(data, text) {
			t.Errorf("CheckCanonical of the input: %v", err)
		}
	})
}
