package clitest

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// Of a command that never succeeds the first and the last failure are shown, and nothing of those between.
func TestUntilShowsFirstAndLastFailure(t *testing.T) {
	count := filepath.Join(t.TempDir(), "count")
	out, err := exec.Command("sh", "-c", untilLoop, "4", "sh", "-c", `echo x >>"$0"; wc -l <"$0"; exit 3`, count).CombinedOutput()
	if want := "attempt 1: 1\nattempt 4: 4\n"; err == nil || string(out) != want {
		t.Errorf("%v, output %q; want an error and %q", err, out, want)
	}
}

// The output of the attempt that succeeds is that of until.
func TestUntilShowsSuccess(t *testing.T) {
	count := filepath.Join(t.TempDir(), "count")
	out, err := exec.Command("sh", "-c", untilLoop, "4", "sh", "-c", `echo x >>"$0"; wc -l <"$0"; test $(wc -l <"$0") = 3`, count).CombinedOutput()
	if want := "3\n"; err != nil || string(out) != want {
		t.Errorf("%v, output %q; want %q", err, out, want)
	}
}
