package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"cutthrough/internal/clitest"
	"cutthrough/sim/cli"
)

func TestInterruptKeepsPartialResults(t *testing.T) {
	for _, tt := range []struct {
		name, prefix, want string
		sig                os.Signal
		args               []string
	}{
		{"explore", "exploring", "fifo-wakeup: interrupted after ", syscall.SIGINT, []string{"explore", "fifo-wakeup", "--time", "1h"}},
		{"terminated", "exploring", "fifo-wakeup: interrupted after ", syscall.SIGTERM, []string{"explore", "fifo-wakeup", "--time", "1h"}},
		{"model", "checking", "evq/nightly: interrupted after ", syscall.SIGINT, []string{"model", "evq/nightly", "--workers", "1"}},
		{"kills", "killing", "killed  times", syscall.SIGINT, []string{"campaign", "kills", "--rounds", "1000000"}},
		{"attack", "attacking", "attack ", syscall.SIGTERM, []string{"campaign", "attack", "storm", "--time", "1h"}},
		{"mutants", "", "mutant ", syscall.SIGINT, []string{"mutate", "--time", "1h"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, out := clitest.InterruptAt(t, tt.prefix, tt.sig, "simrun", tt.args...)
			if code != cli.ExitInterrupted || !strings.HasPrefix(out, tt.want) {
				t.Errorf("exit code %d, output %q; want %d and %q", code, out, cli.ExitInterrupted, tt.want)
			}
		})
	}
}

// The process that is interrupted is not the one that explores.
func TestInterruptReachesMutatedProgram(t *testing.T) {
	t.Parallel()
	code, out := clitest.InterruptAt(t, "exploring", syscall.SIGINT, "simrun",
		"explore", "alloc", "--mutant", "skip-recheck", "--time", "1h", "--json")
	var r cli.Exploration
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if code != cli.ExitInterrupted || r.Outcome != "interrupted" || r.Exit != code || r.Mutant != "skip-recheck" {
		t.Errorf("exit code %d, result %+v", code, r)
	}
}

// What was replayed before the signal is shown, the rest is said to be missing, and the
// files of the build are gone.
func TestInterruptEndsCheck(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	traces, found := t.TempDir(), killers(t)
	for _, mutant := range []string{"skip-recheck", "handle-index-truncated"} { // which share a program
		for _, path := range found[mutant] {
			text, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(filepath.Join(traces, filepath.Base(path)), text, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, prefix := range []string{"applying", "building"} {
		code, out := clitest.InterruptAt(t, prefix, syscall.SIGTERM, "simrun", "check", "--mutants", "--json", traces)
		var r struct {
			Exit   int
			Totals map[string]int
			Traces []any
		}
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		ok, missing := r.Totals["ok"], r.Totals["interrupted"]
		if code != cli.ExitInterrupted || r.Exit != code || ok == 0 || missing == 0 || ok+missing != len(r.Traces) {
			t.Errorf("%s: exit code %d, totals %v of %d", prefix, code, r.Totals, len(r.Traces))
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: left behind: %v, %v", prefix, left, err)
		}
	}
}
