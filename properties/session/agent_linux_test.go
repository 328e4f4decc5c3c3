package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"testing"

	"cutthrough/impl"
	"cutthrough/impl/layer"
	"cutthrough/impl/server"
	"cutthrough/impl/wire"
	"cutthrough/internal/proctest"
	"cutthrough/properties/oracle"
	"cutthrough/shm"
	"cutthrough/shm/oshost"
)

func TestMain(m *testing.M) {
	if proctest.Here() {
		proctest.Serve(&Agent{host: oshost.New(), sessions: map[int]*impl.Session{}})
	}
	os.Exit(m.Run())
}

// process is a running agent.
type process struct {
	*proctest.Process
	app   int // its number as an application; 0 for the session layer
	fatal func(format string, args ...any)
}

// begin has p do something, and returns what waits for the result. An error of the agent ends
// the test.
func begin[R any](p *process, method string, args any) (wait func() R) {
	done := proctest.Begin[R](p.Process, method, args)
	return func() R {
		r, err := done()
		if err != nil {
			p.fatal("application %d: %v", p.app, err)
		}
		return r
	}
}

// ask has p do something and returns the result.
func ask[R any](p *process, method string, args any) R { return begin[R](p, method, args)() }

// None stands for no arguments or no result.
type None struct{}

// Agent is what an agent offers: it is the session layer or an application, and notes the messages that
// it sees.
type Agent struct {
	host shm.Host

	mu       sync.Mutex
	log      []noted
	broken   error // of the layer's invariants
	server   *server.Server
	steps    proctest.Events // of the session layer
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
	Config layer.Config
}

// Layer runs a session layer, which notes every message that it takes and makes.
func (a *Agent) Layer(c LayerCall, _ *None) error {
	l, err := a.host.Listen(c.Addr)
	if err != nil {
		return err
	}
	broken := func(err error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.broken = errors.Join(a.broken, err)
	}
	observe := func(ch layer.Channel, made bool, m wire.Message) {
		what := taken
		if made {
			what = told
		}
		a.note(noted{What: what, Channel: ch, Msg: m})
	}
	cfg := server.Config{
		Policy: server.AllowUsers(a.host.Self().UID),
		Core:   steppedCore{oracle.NewWatchedCore(c.Config, broken, observe), &a.steps},
	}
	a.server, a.served = server.New(a.host, l, cfg), make(chan error, 1)
	go func() { a.served <- a.server.Run() }()
	return nil
}

// steppedCore is a core that notes each step. The server calls it under a lock, so what waits for a step sees what
// the step has done.
type steppedCore struct {
	server.Core
	steps *proctest.Events
}

func (c steppedCore) Step(ev layer.Event) []layer.Effect {
	defer c.steps.Note()
	return c.Core.Step(ev)
}

// Steps returns how many steps the session layer has made, as soon as these are more than n.
func (a *Agent) Steps(n int, now *int) error {
	*now = a.steps.Beyond(n)
	return nil
}

// Stat returns what the session layer has.
func (a *Agent) Stat(_ None, st *layer.Stat) error {
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
	return compare(err, c.Want)
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
	return compare(err, c.Want)
}

// wantable are the errors that tests want, by the names that they have between processes.
var wantable = map[string]error{
	"": nil, "EOF": io.EOF, "refused": syscall.ECONNREFUSED,
	"reset": syscall.ECONNRESET, "timed out": syscall.ETIMEDOUT,
}

// compare returns nil if err is the one wanted.
func compare(err error, want string) error {
	if target, ok := wantable[want]; ok && errors.Is(err, target) { // nil is nil
		return nil
	}
	return fmt.Errorf("error %w, want %q", err, want)
}
