package impl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/rpc"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"cutthrough/shm"
)

// Tests with several processes run this test binary again, as an agent that does what
// its parent asks for over net/rpc, on its standard input and output. An agent can
// be a session layer, an application, or nothing yet.

const (
	agentEnv = "IMPL_TEST_AGENT"
	liveness = 30 * time.Second // bound on what must happen at all, on a busy machine
	settle   = 5 * time.Second  // bound on what happens in the background
)

func TestMain(m *testing.M) {
	if os.Getenv(agentEnv) == "" {
		goleak.VerifyTestMain(m)
		return
	}
	s := rpc.NewServer()
	if err := s.Register(newAgent()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	s.ServeConn(struct {
		io.Reader
		io.WriteCloser
	}{os.Stdin, os.Stdout})
	os.Exit(0)
}

// process is a running agent.
type process struct {
	t    testing.TB
	cmd  *exec.Cmd
	rpc  *rpc.Client
	gone bool
}

// None stands for no arguments or no result.
type None struct{}

// complaints makes what an agent prints an error of the test.
type complaints struct{ testing.TB }

func (c complaints) Write(b []byte) (int, error) {
	c.Errorf("agent: %s", b)
	return len(b), nil
}

// start starts an agent, which ends with the test at the latest.
func start(t testing.TB) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(os.Args[0])}
	// Under the race detector a process sleeps a second before it exits.
	p.cmd.Env = append(os.Environ(), agentEnv+"=1", "GORACE=atexit_sleep_ms=0")
	p.cmd.Stderr = complaints{t}
	in, err := p.cmd.StdinPipe()
	check(t, err)
	out, err := p.cmd.StdoutPipe()
	check(t, err)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.rpc = rpc.NewClient(struct {
		io.Reader
		io.WriteCloser
	}{out, in})
	t.Cleanup(p.end)
	return p
}

// end ends an agent that is still there: it exits when its input ends.
func (p *process) end() {
	if p.gone {
		return
	}
	p.gone = true
	_ = p.rpc.Close()
	timer := time.AfterFunc(liveness, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("agent: %v", err)
	}
}

// kill ends an agent with SIGKILL and collects it.
func (p *process) kill() {
	p.gone = true
	check(p.t, p.cmd.Process.Kill())
	_ = p.cmd.Wait() // "signal: killed"
	_ = p.rpc.Close()
}

// stop stops an agent, and returns when it has stopped.
func (p *process) stop() {
	p.t.Helper()
	check(p.t, p.cmd.Process.Signal(syscall.SIGSTOP))
	var status syscall.WaitStatus
	_, err := syscall.Wait4(p.cmd.Process.Pid, &status, syscall.WUNTRACED, nil)
	if err != nil || !status.Stopped() {
		p.t.Errorf("stop: %v, status %#x", err, status)
	}
}

// resume has it go on.
func (p *process) resume() { check(p.t, p.cmd.Process.Signal(syscall.SIGCONT)) }

// call has p do something and returns the result. An error of the agent ends the test.
func call[R any](p *process, method string, args any) R {
	p.t.Helper()
	r, err := try[R](p, method, args)
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

// try is call that returns the error, which only its text is left of.
func try[R any](p *process, method string, args any) (R, error) {
	var r R
	timer := time.NewTimer(liveness)
	defer timer.Stop()
	select {
	case c := <-p.rpc.Go("Agent."+method, args, &r, make(chan *rpc.Call, 1)).Done:
		if c.Error != nil {
			return r, fmt.Errorf("agent: %s %v: %w", method, args, c.Error)
		}
		return r, nil
	case <-timer.C:
		_ = p.cmd.Process.Signal(syscall.SIGQUIT)
		_ = p.cmd.Wait()
		p.gone = true
		return r, fmt.Errorf("agent: %s %v takes too long", method, args)
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// Agent is what an agent offers.
type Agent struct {
	host shm.Host

	mu       sync.Mutex
	server   *Server
	served   chan error
	app      *App
	listener *Listener
	conns    map[int]*Session
	last     int
	load     *load
	unix     []net.Listener // the rivals in benchmarks
}

func newAgent() *Agent { return &Agent{host: shm.OS(), conns: map[int]*Session{}, load: newLoad()} }

// Layer runs a session layer at addr.
func (a *Agent) Layer(addr string, _ *None) error {
	l, err := a.host.Listen(addr)
	if err != nil {
		return err
	}
	a.server, a.served = NewServer(a.host, l, ServerConfig{}), make(chan error, 1)
	go func() { a.served <- a.server.Run() }()
	return nil
}

// EndLayer ends it.
func (a *Agent) EndLayer(None, *None) error { return errors.Join(a.server.Close(), <-a.served) }

// Stat returns what the session layer has.
func (a *Agent) Stat(_ None, st *Stat) error {
	*st = a.server.Stat()
	return nil
}

// Attach attaches to the session layer at addr.
func (a *Agent) Attach(addr string, _ *None) (err error) {
	a.app, err = Attach(a.host, addr, Options{Spin: shm.SpinDefault})
	return err
}

// Detach leaves the session layer.
func (a *Agent) Detach(None, *None) error { return a.app.Close() }

// Listen listens at uri.
func (a *Agent) Listen(uri string, _ *None) (err error) {
	a.listener, err = a.app.Listen(uri)
	return err
}

// Dial dials uri and returns a number for the session.
func (a *Agent) Dial(uri string, id *int) error {
	s, err := a.app.Dial(context.Background(), uri)
	return a.keep(s, err, id)
}

// Accept accepts a session and returns a number for it.
func (a *Agent) Accept(_ None, id *int) error {
	s, err := a.listener.AcceptSession()
	return a.keep(s, err, id)
}

func (a *Agent) keep(s *Session, err error, id *int) error {
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last++
	a.conns[a.last], *id = s, a.last
	return nil
}

func (a *Agent) conn(id int) *Session {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.conns[id]
}

// Census returns what the process holds.
func (a *Agent) Census(_ None, c *Census) (err error) {
	*c, err = holdings()
	return err
}

// errorKinds are the errors that tests expect of sessions, by the names that they have
// between processes.
var errorKinds = []struct {
	name string
	err  error
}{
	{"EOF", io.EOF}, {"closed", net.ErrClosed}, {"deadline", os.ErrDeadlineExceeded},
	{"reset", syscall.ECONNRESET}, {"pipe", syscall.EPIPE}, {"refused", syscall.ECONNREFUSED}, {"layer gone", ErrLayerGone},
}

func kindOf(err error) string {
	for _, k := range errorKinds {
		if errors.Is(err, k.err) {
			return k.name
		}
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func errorOf(kind string) error {
	for _, k := range errorKinds {
		if k.name == kind {
			return k.err
		}
	}
	if kind != "" {
		return errors.New(kind)
	}
	return nil
}

// Census is what a process holds: open descriptors and mappings of segments by
// what they refer to, and tasks of applications and session layers.
type Census map[string]int

// holdings returns the census of this process.
func holdings() (Census, error) {
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
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for _, task := range []string{"(*App).run", "(*Server).run", "(*Server).read", "(*Server).flush"} {
		c["tasks "+task] = bytes.Count(stacks, []byte("cutthrough/impl."+task))
	}
	return c, nil
}

// awaitHoldings returns the census when it is want, or when it has not become that.
// Some descriptors are closed in the background.
func awaitHoldings(holdings func() (Census, error), want Census) (Census, error) {
	for begin := time.Now(); ; runtime.Gosched() {
		c, err := holdings()
		if err != nil || maps.Equal(c, want) || time.Since(begin) > settle {
			return c, err
		}
	}
}

// checkLeaks returns a function that reports what this process holds then and did not
// hold when checkLeaks was called.
func checkLeaks(t testing.TB) func() {
	t.Helper()
	warmUp(t)
	before, err := holdings()
	check(t, err)
	return func() {
		t.Helper()
		after, err := awaitHoldings(holdings, before)
		check(t, err)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("leak (-before +after):\n%s", diff)
		}
	}
}

// warmUp makes the runtime open what it opens once: the netpoller's descriptors.
func warmUp(t testing.TB) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	check(t, r.Close())
	check(t, w.Close())
}
