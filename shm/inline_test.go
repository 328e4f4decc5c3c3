package shm

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// inlined returns the remarks of the compiler on what it inlines in the packages.
func inlined(t *testing.T, packages ...string) string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"build", "-gcflags=-m=2"}, packages...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return string(out)
}

// TestInlining pins that the hook costs one predicted branch: the operations between a
// caller and a shared word or byte can be inlined.
func TestInlining(t *testing.T) {
	can := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m): can inline (\S+) with cost`).FindAllStringSubmatch(inlined(t, "."), -1) {
		can[m[1]] = true
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

// TestInliningInUsers pins the same for the other side: each access in the packages of the
// structures is inlined there, across the border of the package.
func TestInliningInUsers(t *testing.T) {
	dirs := []string{"./fifo", "./evq", "./alloc"}
	accesses := regexp.MustCompile(`\.(Load|Store|CompareAndSwap|Add|Swap|CopyIn|CopyOut|UnsafeBytes|Touch)\(`)
	got := map[string]int{} // by file and line
	for _, m := range regexp.MustCompile(`(?m)^(\S+:\d+):\d+: inlining call to shm\.(?:Uint32|Uint64|Range)\.(\w+)`).FindAllStringSubmatch(inlined(t, dirs...), -1) {
		got[filepath.Clean(m[1])]++
	}
	total := 0
	for _, dir := range dirs {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(f)
			for n := 1; lines.Scan(); n++ {
				code, _, _ := strings.Cut(lines.Text(), "//")
				want := len(accesses.FindAllString(code, -1))
				total += want
				if at := fmt.Sprintf("%s:%d", filepath.Clean(file), n); got[at] < want {
					t.Errorf("%s: %d of %d accesses are inlined", at, got[at], want)
				}
			}
			f.Close()
		}
	}
	if total < 50 {
		t.Errorf("only %d accesses found: the test looks for the wrong calls", total)
	}
}
