package mutate

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestMain lets the test program stand in for simrun (which calls Exec) and for a
// wrapper of the compilers.
func TestMain(m *testing.M) {
	switch {
	case os.Getenv("MUTATE_TEST_STALL") != "" && len(os.Args) > 1 && strings.Contains(os.Args[1], "/tool/"):
		stall(os.Getenv("MUTATE_TEST_STALL"))
	case os.Getenv("MUTATE_TEST_EXEC") != "":
		os.Exit(caller(os.Getenv("MUTATE_TEST_EXEC")))
	}
	_ = os.Setenv("GOFLAGS", os.Getenv("GOFLAGS")+" -ldflags=-w") // linked in half the time
	os.Exit(m.Run())
}

// caller runs a mutant as simrun does. Its own exit code 99 stands for an error.
func caller(root string) int {
	if os.Getenv("MUTATE_TEST_NOHUP") != "" {
		signal.Ignore(syscall.SIGHUP)
	}
	m, err := projectAt(root).Find("test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 99
	}
	code, err := projectAt(root).Exec(context.Background(), m, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 99
	}
	return code
}

// stall is the wrapper's side of stallCompilers. It never returns.
func stall(dir string) {
	if slices.Contains(os.Args, "-V=full") { // the go command asks for a version
		fmt.Fprintln(os.Stderr, syscall.Exec(os.Args[1], os.Args[1:], os.Environ()))
		os.Exit(1)
	}
	w, err := os.OpenFile(dir+"/report", os.O_WRONLY, 0)
	if err == nil {
		_, err = w.WriteString("compiling\n")
	}
	if err == nil {
		_, err = os.ReadFile(dir + "/leash") // which has no end while the test runs
	}
	fmt.Fprintln(os.Stderr, "stalled compiler:", err)
	os.Exit(1)
}

// stalled watches compilers that do not finish, through a pipe that they write to.
type stalled struct{ r, w *os.File }

// stallCompilers makes every build from now on stall in its first compiler. No program of it is in the
// build cache, as none is ever finished that has its flag for the compiler.
func stallCompilers(t *testing.T) stalled {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	open := func(name string, flag int) *os.File {
		f, err := os.OpenFile(filepath.Join(dir, name), flag, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	for _, name := range []string{"report", "leash"} {
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	open("leash", os.O_RDWR) // a compiler that outlives the test reads its end then
	s := stalled{r: open("report", os.O_RDONLY|syscall.O_NONBLOCK)}
	s.w = open("report", os.O_WRONLY) // as long as there is a writer, the reader waits
	if err := s.r.SetReadDeadline(time.Now().Add(liveness)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("MUTATE_TEST_STALL", dir)
	t.Setenv("GOFLAGS", os.Getenv("GOFLAGS")+" -gcflags=-N -toolexec="+self)
	return s
}

// begun waits until a compiler runs.
func (s stalled) begun(t *testing.T) {
	t.Helper()
	if _, err := s.r.Read(make([]byte, 1)); err != nil {
		t.Fatalf("no compiler: %v", err)
	}
}

// ended waits until none is left.
func (s stalled) ended(t *testing.T) {
	t.Helper()
	if err := s.w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, s.r); err != nil {
		t.Fatalf("a compiler lives on: %v", err)
	}
}

func TestExec(t *testing.T) {
	root := newModule(t)
	scratch := scratchSpace(t)
	m := newMutant(t, swap)
	tests := []struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		{[]string{"greet"}, 0, "hallo, world\n", ""},
		{[]string{"copy", "-x", "a b"}, 7, "input", `["-x" "a b"]`},
		{[]string{"die"}, 128 + 9, "", ""},
	}
	for _, tt := range tests {
		var stdout, stderr bytes.Buffer
		code, err := projectAt(root).Exec(t.Context(), m, tt.args, strings.NewReader("input"), &stdout, &stderr)
		if err != nil || code != tt.code || stdout.String() != tt.stdout || stderr.String() != tt.stderr {
			t.Errorf("%q: code %d, error %v, stdout %q, stderr %q; want %d, %q, %q",
				tt.args, code, err, stdout.String(), stderr.String(), tt.code, tt.stdout, tt.stderr)
		}
		wantEmpty(t, scratch)
	}

	stale := newMutant(t, strings.ReplaceAll(swap, "greet.go", "gone.go"))
	if code, err := projectAt(root).Exec(t.Context(), stale, nil, nil, nil, nil); code != -1 || !errors.Is(err, ErrStale) {
		t.Errorf("stale mutant: code %d, error %v; want -1, ErrStale", code, err)
	}
	wantEmpty(t, scratch)
}

// output hands out what a program writes.
type output chan string

func (o output) Write(p []byte) (int, error) { o <- string(p); return len(p), nil }

func TestExecDeadline(t *testing.T) {
	root := newModule(t)
	scratch := scratchSpace(t)
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	stdout := make(output, 8)
	type result struct {
		code int
		err  error
	}
	done := make(chan result, 1)
	go func() {
		code, err := projectAt(root).Exec(ctx, newMutant(t, swap), []string{"signals"}, nil, stdout, nil)
		done <- result{code, err}
	}()
	select {
	case got := <-stdout:
		if got != "ready\n" {
			t.Fatalf("the program said %q", got)
		}
	case r := <-done:
		t.Fatalf("code %d, error %v before the deadline", r.code, r.err)
	}
	cancel(cause)
	if r := <-done; r.code != 3 || !errors.Is(r.err, cause) {
		t.Errorf("code %d, error %v; want 3, %v", r.code, r.err, cause)
	}
	close(stdout)
	if got := <-stdout; got != "terminated\n" {
		t.Errorf("the program said %q, want that it was terminated", got)
	}
	wantEmpty(t, scratch)
}

// A process is a test program that runs a mutant.
type process struct {
	cmd    *exec.Cmd
	lines  *bufio.Reader // what the mutant says
	stderr bytes.Buffer
}

// startCaller starts a process that runs mutant swap with args. attr decides
// about its terminal: without one, it is in a session of its own.
func startCaller(t *testing.T, attr *syscall.SysProcAttr, stdin *os.File, args ...string) *process {
	t.Helper()
	root := newModule(t)
	writeFile(t, root, mutants+"/test.patch", swap)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(self, args...)}
	p.cmd.Env = append(os.Environ(), "MUTATE_TEST_EXEC="+root)
	p.cmd.SysProcAttr = attr
	p.cmd.Stderr = &p.stderr
	if stdin != nil {
		p.cmd.Stdin = stdin
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := stdout.(*os.File).SetReadDeadline(time.Now().Add(liveness)); err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewReader(stdout)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.cmd.WaitDelay = time.Second // should the mutant live on
	return p
}

// kill ends a test that fails: the caller, and what it started in its session.
func (p *process) kill() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	_ = p.cmd.Wait()
}

// want reads one line.
func (p *process) want(t *testing.T, line string) {
	t.Helper()
	got, err := p.lines.ReadString('\n')
	if err != nil || got != line+"\n" {
		p.kill()
		t.Fatalf("the program said %q, %v; want %q; stderr: %s", got, err, line, p.stderr.String())
	}
}

func (p *process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// wantExit reads to the end of the output, where both the caller and the
// mutant have closed it, and checks how the caller ended.
func (p *process) wantExit(t *testing.T, rest string, code int) {
	t.Helper()
	text, err := io.ReadAll(p.lines)
	if err != nil {
		p.kill()
		t.Fatalf("the program said %q and did not end: %v; stderr: %s", text, err, p.stderr.String())
	}
	if string(text) != rest {
		t.Errorf("the program ends with %q, want %q", text, rest)
	}
	_ = p.cmd.Wait() // the exit code says it all
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		t.Errorf("exit code %d, want %d; stderr: %s", got, code, p.stderr.String())
	}
}

func TestExecPassesSignalsOn(t *testing.T) {
	// Where hang-ups are ignored, as under nohup, the programs would inherit that.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	scratch := scratchSpace(t)
	p := startCaller(t, &syscall.SysProcAttr{Setsid: true}, nil, "signals")
	p.want(t, "ready")
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGINT} {
		p.signal(t, s)
		p.want(t, s.String())
	}
	p.signal(t, syscall.SIGTERM)
	p.wantExit(t, "terminated\n", 3)
	wantEmpty(t, scratch)
}

// TestExecInterruptKey presses control-C: the terminal sends SIGINT to the caller
// and to the mutant, which must not get a second one from the caller.
func TestExecInterruptKey(t *testing.T) {
	scratch := scratchSpace(t)
	keyboard, tty := openTerminal(t)
	p := startCaller(t, &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}, tty, "signals")
	p.want(t, "ready")
	// Stop the caller until the mutant has handled the first signal: the kernel
	// would make one of two that are pending.
	p.signal(t, syscall.SIGSTOP)
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(p.cmd.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("stop the caller: status %v, %v", status, err)
	}
	if _, err := keyboard.WriteString("\x03"); err != nil {
		t.Fatal(err)
	}
	p.want(t, "interrupt")
	p.signal(t, syscall.SIGTERM) // lower numbers first: SIGINT, if passed on, before SIGTERM
	p.signal(t, syscall.SIGCONT)
	p.wantExit(t, "terminated\n", 3)
	wantEmpty(t, scratch)
}

// openTerminal returns both ends of a pseudo terminal.
func openTerminal(t *testing.T) (keyboard, tty *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keyboard.Close() })
	if err := unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tty.Close() })
	return keyboard, tty
}

// TestExecCallerKilled: the mutant does not outlive a caller that had no time to
// clean up.
func TestExecCallerKilled(t *testing.T) {
	scratchSpace(t)
	p := startCaller(t, &syscall.SysProcAttr{Setsid: true}, nil, "signals")
	p.want(t, "ready")
	p.signal(t, syscall.SIGKILL)
	p.wantExit(t, "", -1)
}

func TestExecSignalDuringBuild(t *testing.T) {
	compiling := stallCompilers(t)
	scratch := scratchSpace(t)
	p := startCaller(t, &syscall.SysProcAttr{Setsid: true}, nil, "signals")
	compiling.begun(t)
	p.signal(t, syscall.SIGINT)
	p.wantExit(t, "", 99)
	if !strings.Contains(p.stderr.String(), "by signal: interrupt") {
		t.Errorf("stderr %q, want the signal named", p.stderr.String())
	}
	compiling.ended(t)
	wantEmpty(t, scratch)
}

// TestExecIgnoredSignals: what nohup asked for stays so.
func TestExecIgnoredSignals(t *testing.T) {
	scratch := scratchSpace(t)
	t.Setenv("MUTATE_TEST_NOHUP", "1")
	p := startCaller(t, &syscall.SysProcAttr{Setsid: true}, nil, "signals")
	p.want(t, "ready")
	p.signal(t, syscall.SIGHUP)
	p.signal(t, syscall.SIGTERM)
	p.wantExit(t, "terminated\n", 3)
	wantEmpty(t, scratch)
}
