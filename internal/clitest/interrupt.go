package clitest

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// InterruptAt runs a program of testscript with args, sends it sig once it has written a line
// that starts with prefix to standard error, and returns exit code and output.
func InterruptAt(t *testing.T, prefix string, sig os.Signal, program string, args ...string) (code int, stdout string) {
	t.Helper()
	cmd := exec.Command(program, args...)
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
		t.Fatalf("%s %v: %v\n%s%s", program, args, cmd.ProcessState, seen, rest)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}
