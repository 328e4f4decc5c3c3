package shmtest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"cutthrough/internal/proctest"
	"cutthrough/shm"
	"cutthrough/shm/oshost"
)

const (
	childEnv = "SHM_TEST_CHILD" // name of the body
	addrEnv  = "SHM_TEST_ADDR"  // where the parent listens

	// Liveness is [proctest.Liveness].
	Liveness = proctest.Liveness
)

// Body is what a child process does with its host and a channel to its parent. Its error
// ends up in the test of the parent.
type Body func(h shm.Host, parent shm.Conn) error

var childBodies = map[string]Body{}

// Child registers body under name, for [Start], and returns name. Call it from a package variable
// of a test: a child process is the test binary once more.
func Child(name string, body Body) string {
	childBodies[name] = body
	return name
}

// Main runs the body of a child process, or else the tests. Call it from TestMain.
func Main(m *testing.M) {
	if name := os.Getenv(childEnv); name != "" {
		if err := runChild(name); err != nil {
			fmt.Fprintf(os.Stderr, "child %s: %v\n", name, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func runChild(name string) error {
	h := oshost.New()
	parent, err := h.Dial(os.Getenv(addrEnv), shm.Forever)
	if err != nil {
		return err
	}
	if err := childBodies[name](h, parent); err != nil {
		return err
	}
	return parent.Close()
}

// Process is a running child.
type Process struct {
	Conn shm.Conn // to the child

	t      testing.TB
	cmd    *exec.Cmd
	stderr bytes.Buffer
}

var addrs atomic.Int64

// NewAddr returns an address that no other process or test uses.
func NewAddr() string { return fmt.Sprintf("@shm.test.%d.%d", os.Getpid(), addrs.Add(1)) }

// Start starts the child process name; end it with [Process.Wait] or [Process.Kill].
func Start(t testing.TB, h shm.Host, name string) *Process {
	t.Helper()
	l, err := h.Listen(NewAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { Check(t, l.Close()) }()
	p := &Process{t: t, cmd: exec.Command(os.Args[0])}
	// Under the race detector a process sleeps a second before it exits.
	p.cmd.Env = append(os.Environ(), childEnv+"="+name, addrEnv+"="+l.Addr(), "GORACE=atexit_sleep_ms=0")
	p.cmd.Stderr = &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.Conn, err = l.Accept(h.Now() + Liveness)
	if err != nil {
		p.cmd.Process.Kill()
		t.Fatalf("child %s did not dial: %v, %v\n%s", name, err, p.cmd.Wait(), &p.stderr)
	}
	return p
}

// Wait waits for a child that ends well.
func (p *Process) Wait() {
	p.t.Helper()
	timer := time.AfterFunc(Liveness, func() { p.cmd.Process.Kill() })
	defer timer.Stop()
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("%v\n%s", err, &p.stderr)
	}
	Check(p.t, p.Conn.Close())
}

// PID returns the process id of the child.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Kill ends a child with SIGKILL and collects it; the channel stays open.
func (p *Process) Kill() {
	p.t.Helper()
	Check(p.t, p.cmd.Process.Kill())
	p.cmd.Wait() // "signal: killed"
}

// Check reports err, if there is one, as an error of the test.
func Check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}
