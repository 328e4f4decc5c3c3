package sim

import (
	"bytes"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// caller returns file and line of the innermost caller outside of the packages that every access goes through.
func caller() string { return place(func(f runtime.Frame) bool { return !plumbing(f.Function) }) }

// callerOf returns file and line of the caller of a function that is on the stack.
func callerOf(function string) string {
	below := false
	return place(func(f runtime.Frame) bool {
		found := below && !strings.HasPrefix(f.Function, "testing.")
		below = below || f.Function == function
		return found
	})
}

func place(want func(runtime.Frame) bool) string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		f, more := frames.Next()
		if want(f) {
			return at(f.File, f.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}

func at(file string, line int) string { return fmt.Sprintf("%s:%d", filepath.Base(file), line) }

// plumbing says whether a function is part of the simulator, of the memory seam below it, or of the runtime.
func plumbing(function string) bool {
	for _, p := range []string{"runtime.", "iter.", "sync.", "sync/", "internal/", "time.", "cutthrough/sim.", "cutthrough/shm."} {
		if strings.HasPrefix(function, p) {
			return true
		}
	}
	return false
}

// whereabouts says what a goroutine does and where, from a dump of all stacks.
func whereabouts(id uint64) string {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	head := []byte(fmt.Sprintf("goroutine %d [", id))
	i := bytes.Index(buf, head)
	if i < 0 {
		return "is in code that a dump of all stacks does not show"
	}
	text, _, _ := bytes.Cut(buf[i+len(head):], []byte("\n\n"))
	lines := strings.Split(string(text), "\n")
	state, _, _ := strings.Cut(lines[0], "]")
	state, _, _ = strings.Cut(state, ",")
	does := "waits outside of the simulation (" + state + ")"
	if state == "running" || state == "runnable" {
		does = "computes without an end"
	}
	for n := 1; n+1 < len(lines); n += 2 {
		if plumbing(lines[n]) {
			continue
		}
		file, _, _ := strings.Cut(strings.TrimSpace(lines[n+1]), " ")
		return does + " at " + filepath.Base(file)
	}
	return does
}
