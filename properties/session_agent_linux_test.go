package properties

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/rpc"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"cutthrough/impl"
	"cutthrough/shm"
)

// Tests with several processes run this test binary again, as an agent that does what its parent
// asks for over net/rpc, on its standard input and output: it is the session layer or an
// application, and notes the messages that it sees.

const (
	agentEnv = "PROPERTIES_TEST_AGENT"
	liveness = 30 * time.Second // bound on what must happen at all, on a busy machine
)

func TestMain(m *testing.M) {
	if os.Getenv(agentEnv) == "" {
		os.Exit(m.Run())
	}
	s := rpc.NewServer()
	if err := s.Register(&Agent{host: shm.OS(), sessions: map[int]*impl.Session{}}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	s.ServeConn(duplex{os.Stdin, os.Stdout})
}

// duplex is a connection of two pipes.
type duplex struct {
	io.Reader
	io.WriteCloser
}

// process is a running agent.
type process struct {
	t       *testing.T
	cmd     *exec.Cmd
	rpc     *rpc.Client
	app     int // its number as an application; 0 for the session layer
	fatal   func(format string, args ...any)
	stopped bool
	gone    bool
}

// complaints makes what an agent prints an error of the test.
type complaints struct{ *testing.T }

func (c complaints) Write(b []byte) (int, error) {
	c.Errorf("agent: %s", b)
	return len(b), nil
}

// startAgent starts an agent, which ends with the test at the latest. When it fails to do what it
// is asked for it calls fatal, which ends the test.
func startAgent(t *testing.T, app int, fatal func(format string, args ...any)) *process {
	t.Helper()
	p := &process{t: t, app: app, fatal: fatal, cmd: exec.Command(os.Args[0])}
	// Under the race detector a process sleeps a second before it exits.
	p.cmd.Env = append(os.Environ(), agentEnv+"=1", "GORACE=atexit_sleep_ms=0")
	p.cmd.Stderr = complaints{t}
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.rpc = rpc.NewClient(duplex{out, in})
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

// kill ends an agent with SIGKILL, stopped or not, and collects it.
func (p *process) kill() {
	p.gone = true
	p.signal(syscall.SIGKILL)
	_ = p.cmd.Wait() // "signal: killed"
	_ = p.rpc.Close()
}

// stop stops an agent, and returns when it has stopped.
func (p *process) stop() {
	p.stopped = true
	p.signal(syscall.SIGSTOP)
	var status syscall.WaitStatus
	_, err := syscall.Wait4(p.cmd.Process.Pid, &status, syscall.WUNTRACED, nil)
	if err != nil || !status.Stopped() {
		p.t.Errorf("stop: %v, status %#x", err, status)
	}
}

// resume has it go on.
func (p *process) resume() {
	p.stopped = false
	p.signal(syscall.SIGCONT)
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Error(err)
	}
}

// begin has p do something, and returns what waits for the result. An error of the agent ends
// the test.
func begin[R any](p *process, method string, args any) (wait func() R) {
	var r R
	call := p.rpc.Go("Agent."+method, args, &r, make(chan *rpc.Call, 1))
	return func() R {
		p.t.Helper()
		timer := time.NewTimer(liveness)
		defer timer.Stop()
		select {
		case <-call.Done:
			if call.Error != nil {
				p.fatal("application %d: %s %+v: %v", p.app, method, args, call.Error)
			}
		case <-timer.C:
			p.kill()
			p.fatal("application %d: %s %+v takes too long", p.app, method, args)
		}
		return r
	}
}

// ask has p do something and returns the result.
func ask[R any](p *process, method string, args any) R {
	p.t.Helper()
	return begin[R](p, method, args)()
}

// None stands for no arguments or no result.
type None struct{}

// Agent is what an agent offers.
type Agent struct {
	host shm.Host

	mu       sync.Mutex
	log      []noted
	broken   error // of the layer's invariants
	server   *impl.Server
	served   chan error
	app      *impl.App
	listener *impl.Listener
	sessions map[int]*impl.Session
}

func (a *Agent) note(n noted) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.log = append(a.log, n)
}

// Log returns what was noted since the last call.
func (a *Agent) Log(_ None, log *[]noted) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	*log, a.log = a.log, nil
	return a.broken
}

// LayerCall says where a session layer listens, and how it is configured.
type LayerCall struct {
	Addr   string
	Config impl.Config
}

// Layer runs a session layer, which notes every message that it takes and makes.
func (a *Agent) Layer(c LayerCall, _ *None) error {
	l, err := a.host.Listen(c.Addr)
	if err != nil {
		return err
	}
	cfg := impl.ServerConfig{
		Layer: c.Config,
		Observe: func(ch impl.Channel, made bool, m impl.Message) {
			what := taken
			if made {
				what = told
			}
			a.note(noted{What: what, Channel: ch, Msg: m})
		},
		Check: func(err error) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.broken = errors.Join(a.broken, err)
		},
	}
	a.server, a.served = impl.NewServer(a.host, l, cfg), make(chan error, 1)
	go func() { a.served <- a.server.Run() }()
	return nil
}

// Stat returns what the session layer has.
func (a *Agent) Stat(_ None, st *impl.Stat) error {
	*st = a.server.Stat()
	return nil
}

// EndLayer ends it.
func (a *Agent) EndLayer(None, *None) error { return errors.Join(a.server.Close(), <-a.served) }

// AttachCall says where an application attaches, and how often it is accepted
// before it asks for it.
type AttachCall struct {
	Addr    string
	App     int
	Backlog int
}

// Attach attaches an application, which notes every message that it receives.
func (a *Agent) Attach(c AttachCall, _ *None) (err error) {
	a.app, err = impl.Attach(a.host, c.Addr, impl.Options{Backlog: c.Backlog, Observe: func(o impl.Observation) {
		if o.Kind == impl.ObserveReceived {
			a.note(noted{What: received, App: c.App, Msg: o.Msg})
		}
	}})
	return err
}

// Detach leaves the session layer.
func (a *Agent) Detach(None, *None) error { return a.app.Close() }

// Listen listens at uri.
func (a *Agent) Listen(uri string, _ *None) (err error) {
	a.listener, err = a.app.Listen(uri)
	return err
}

// Unlisten ends that.
func (a *Agent) Unlisten(None, *None) error { return a.listener.Close() }

// DialCall says where to, and what error is wanted if one is.
type DialCall struct{ URI, Want string }

// Dial dials and returns a number for the session.
func (a *Agent) Dial(c DialCall, id *int) error {
	s, err := a.app.Dial(context.Background(), c.URI)
	*id = a.keep(s)
	return expect(err, c.Want)
}

// Accept accepts a session and returns a number for it.
func (a *Agent) Accept(_ None, id *int) error {
	s, err := a.listener.AcceptSession()
	*id = a.keep(s)
	return err
}

func (a *Agent) keep(s *impl.Session) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	id := len(a.sessions) + 1
	a.sessions[id] = s
	return id
}

// SessionCall says what to do with which session, and what error is wanted if one is.
type SessionCall struct {
	ID         int
	Verb, Want string
}

// Do does something with a session; what is read and written is one byte.
func (a *Agent) Do(c SessionCall, _ *None) error {
	a.mu.Lock()
	s := a.sessions[c.ID]
	a.mu.Unlock()
	var err error
	switch c.Verb {
	case "write":
		_, err = s.Write([]byte("x"))
	case "read":
		_, err = io.ReadFull(s, make([]byte, 1))
	case "shut":
		err = s.CloseWrite()
	case "close":
		err = s.Close()
	case "reset":
		err = s.Reset()
	default:
		err = fmt.Errorf("%w: %s", errors.ErrUnsupported, c.Verb)
	}
	return expect(err, c.Want)
}

// wantable are the errors that tests want, by the names that they have between processes.
var wantable = map[string]error{
	"": nil, "EOF": io.EOF, "refused": syscall.ECONNREFUSED,
	"reset": syscall.ECONNRESET, "timed out": syscall.ETIMEDOUT,
}

// expect returns nil if err is the one wanted.
func expect(err error, want string) error {
	if target, ok := wantable[want]; ok && errors.Is(err, target) { // nil is nil
		return nil
	}
	return fmt.Errorf("error %w, want %q", err, want)
}
