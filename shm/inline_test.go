package shm

import (
	"os/exec"
	"regexp"
	"testing"
)

// TestInlining pins that the hook costs one predicted branch: what is between a
// caller and a shared word or byte must be inlined.
func TestInlining(t *testing.T) {
	out, err := exec.Command("go", "build", "-gcflags=-m=2", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	can := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m): can inline (\S+) with cost`).FindAllSubmatch(out, -1) {
		can[string(m[1])] = true
	}
	for _, f := range []string{
		"Uint32.Load", "Uint32.Store", "Uint32.CompareAndSwap", "Uint32.Add", "Uint32.Swap",
		"Uint64.Load", "Uint64.Store", "Uint64.CompareAndSwap", "Uint64.Add", "Uint64.Swap",
		"Range.CopyIn", "Range.CopyOut", "Range.UnsafeBytes", "Range.Touch",
	} {
		if !can[f] {
			t.Errorf("%s is not inlined", f)
		}
	}
}
