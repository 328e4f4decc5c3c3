package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"cutthrough/sim/explore"
)

// interruptAt runs simrun with args, sends it sig once it has written a line
// that starts with prefix to standard error, and returns exit code and output.
func interruptAt(t *testing.T, prefix string, sig os.Signal, args ...string) (code int, stdout string) {
	t.Helper()
	cmd := exec.Command("simrun", args...)
	// Not in the foreground of a terminal, where a signal is the terminal's business.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var out bytes.Buffer
	cmd.Stdout = &out
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines, seen := bufio.NewScanner(stderr), ""
	for lines.Scan() {
		seen += lines.Text() + "\n"
		if strings.HasPrefix(lines.Text(), prefix) {
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	rest, _ := io.ReadAll(stderr)
	_ = cmd.Wait()
	if t.Failed() || cmd.ProcessState.ExitCode() < 0 {
		t.Fatalf("simrun %v: %v\n%s%s", args, cmd.ProcessState, seen, rest)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

func TestInterruptKeepsPartialResults(t *testing.T) {
	for _, tt := range []struct {
		name, prefix, want string
		sig                os.Signal
		args               []string
	}{
		{"explore", "exploring", "fifo-wakeup: interrupted after ", syscall.SIGINT, []string{"explore", "fifo-wakeup", "--time", "1h"}},
		{"terminated", "exploring", "fifo-wakeup: interrupted after ", syscall.SIGTERM, []string{"explore", "fifo-wakeup", "--time", "1h"}},
		{"model", "checking", "evq/nightly: interrupted after ", syscall.SIGINT, []string{"model", "evq/nightly", "--workers", "1"}},
		{"mutants", "", "mutant ", syscall.SIGINT, []string{"mutate", "--time", "1h"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, out := interruptAt(t, tt.prefix, tt.sig, tt.args...)
			if code != exitInterrupted || !strings.HasPrefix(out, tt.want) {
				t.Errorf("exit code %d, output %q; want %d and %q", code, out, exitInterrupted, tt.want)
			}
		})
	}
}

// The process that is interrupted is not the one that explores.
func TestInterruptReachesMutatedProgram(t *testing.T) {
	t.Parallel()
	code, out := interruptAt(t, "exploring", syscall.SIGINT,
		"explore", "alloc", "--mutant", demoMutant, "--time", "1h", "--json")
	var r exploreResult
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if code != exitInterrupted || r.Outcome != interrupted || r.Exit != code || r.Mutant != demoMutant {
		t.Errorf("exit code %d, result %+v", code, r)
	}
}

func TestInterruptEndsShrinking(t *testing.T) {
	a := &app{stderr: os.Stderr, scenarios: testScenarios(), quiet: true}
	s, err := a.find("test-sum")
	if err != nil {
		t.Fatal(err)
	}
	report, err := explore.Explore(s, explore.Options{Strategies: []explore.Strategy{explore.NewRandom(1)}, MaxExecutions: 1000})
	if err != nil || report.Violation == nil {
		t.Fatalf("%+v, %v", report, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f, _, err := a.minimize(ctx, s, report.Violation)
	if err != nil || sizeOf(f) != sizeOf(report.Violation) {
		t.Errorf("interrupted at once: %+v, %v, want it as large as %+v", f, err, report.Violation)
	}
	g, _, err := a.minimize(t.Context(), s, report.Violation)
	if err != nil || g.Failure.Property != "Sum" || sizeOf(g).Interventions >= sizeOf(f).Interventions {
		t.Errorf("not interrupted: %+v, %v, want it smaller than %+v", g, err, f)
	}
}

// A program that is stuck does not end at the first signal. It must at a later one.
func TestLaterSignalKills(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("simrun", "explore", "test-stuck", "-q")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	giveUp := time.After(30 * time.Second)
	for {
		select {
		case <-again.C:
			_ = cmd.Process.Signal(syscall.SIGINT) // fails only if it has ended
		case <-ended:
			status := cmd.ProcessState.Sys().(syscall.WaitStatus)
			if !status.Signaled() || status.Signal() != syscall.SIGINT {
				t.Errorf("ended with %v, want an end by SIGINT", cmd.ProcessState)
			}
			return
		case <-giveUp:
			_ = cmd.Process.Kill()
			t.Fatal("ignores SIGINT")
		}
	}
}

// What was replayed before the signal is shown, the rest is said to be missing, and the
// files of the build are gone.
func TestInterruptEndsCheck(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	for _, prefix := range []string{"applying", "building"} {
		code, out := interruptAt(t, prefix, syscall.SIGTERM, "check", "--mutants", "--json", "../../traces")
		var r checkResult
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		ok, missing := r.Totals["ok"], r.Totals[interrupted]
		if code != exitInterrupted || r.Exit != code || ok == 0 || missing == 0 || ok+missing != len(r.Traces) {
			t.Errorf("%s: exit code %d, totals %v of %d", prefix, code, r.Totals, len(r.Traces))
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: left behind: %v, %v", prefix, left, err)
		}
	}
}
