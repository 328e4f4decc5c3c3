package proctest

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Census counts what a process holds: open descriptors by kind, mappings of segments, children, and
// tasks of the host.
type Census map[string]int

// Holdings returns the census of this process.
func Holdings() (Census, error) {
	c := Census{}
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		return nil, err
	}
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil {
			continue // the descriptor of the directory itself
		}
		kind, _, _ := strings.Cut(target, ":[") // socket:[123]
		c["open "+kind]++
	}
	mapped, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return nil, err
	}
	c["mapped segments"] = bytes.Count(mapped, []byte("memfd:"))
	kids, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		return nil, err
	}
	for _, kid := range kids {
		pids, _ := os.ReadFile(kid) // the thread may have ended
		c["children"] += len(strings.Fields(string(pids)))
	}
	c["tasks"] = strings.Count(Stacks(), "created by cutthrough/shm/oshost.")
	return c, nil
}

// Stacks returns the stacks of all goroutines, of which an empty line ends each.
func Stacks() string {
	b := make([]byte, 1<<20)
	return string(b[:runtime.Stack(b, true)])
}

// forgive makes c count as many tasks as before when it counts fewer: some descriptors are closed in the
// background, and before may count a task that was about to end.
func (c Census) forgive(before Census) { c["tasks"] = max(c["tasks"], before["tasks"]) }

// AwaitHoldings returns the census that take returns, when it equals want or has not become that. A task may
// be missing. AwaitHoldings polls: the kernel has no event for the close of a descriptor or the end of a
// mapping.
func AwaitHoldings(take func() (Census, error), want Census) (c Census, err error) {
	Eventually(func() bool {
		c, err = take()
		if err == nil {
			c.forgive(want)
		}
		return err != nil || maps.Equal(c, want)
	})
	return c, err
}

// CheckHoldings reports how what take returns differs from want, unless it becomes that: a leak of owner.
func CheckHoldings(t testing.TB, owner string, take func() (Census, error), want Census) {
	t.Helper()
	got, err := AwaitHoldings(take, want)
	if err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("leak of %s (-before +after):\n%s", owner, diff)
	}
}

// CheckLeaks takes the census of this process and returns a function that takes another and reports the difference.
func CheckLeaks(t testing.TB) func() {
	t.Helper()
	WarmUp(t)
	before, err := Holdings()
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		CheckHoldings(t, "this process", Holdings, before)
	}
}

// WarmUp makes the runtime open what it opens once: the netpoller's descriptors.
func WarmUp(t testing.TB) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []*os.File{r, w} {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}
