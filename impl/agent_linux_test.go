package impl

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"cutthrough/impl/layer"
	"cutthrough/impl/server"
	"cutthrough/internal/load"
	"cutthrough/internal/proctest"
	"cutthrough/shm"
	"cutthrough/shm/fifo"
	"cutthrough/shm/oshost"
)

const liveness = proctest.Liveness

func TestMain(m *testing.M) {
	if proctest.Here() {
		proctest.Serve(newAgent())
	}
	goleak.VerifyTestMain(m)
}

// None stands for no arguments or no result.
type None struct{}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// Agent is what an agent offers: it can be a session layer, an application, or nothing yet.
type Agent struct {
	host shm.Host

	mu       sync.Mutex
	layer    steppedLayer
	served   chan error
	addr     string
	app      *App
	listener *Listener
	conns    map[int]*Session
	last     int
	load     *load.Tasks
	unix     []net.Listener // the rivals in benchmarks
}

func newAgent() *Agent {
	return &Agent{host: oshost.New(), conns: map[int]*Session{}, load: load.New(kindOf)}
}

// Layer runs a session layer at addr.
func (a *Agent) Layer(addr string, _ *None) error {
	l, err := a.host.Listen(addr)
	if err != nil {
		return err
	}
	cfg := server.Config{Policy: server.AllowUsers(a.host.Self().UID)}
	a.layer, a.served = newSteppedLayer(a.host, l, cfg, nil), make(chan error, 1)
	go func() { a.served <- a.layer.Run() }()
	return nil
}

// EndLayer ends it.
func (a *Agent) EndLayer(None, *None) error { return errors.Join(a.layer.Close(), <-a.served) }

// Stat returns what the session layer has.
func (a *Agent) Stat(_ None, st *layer.Stat) error {
	*st = a.layer.Stat()
	return nil
}

// AwaitSessions returns what the session layer has as soon as it has at most n sessions.
func (a *Agent) AwaitSessions(n int, st *layer.Stat) error {
	*st = a.layer.await(func(st layer.Stat) bool { return len(st.Sessions) <= n })
	return nil
}

// Attach attaches to the session layer at addr.
func (a *Agent) Attach(addr string, _ *None) (err error) {
	a.addr = addr
	a.app, err = Attach(a.host, addr, Options{Spin: fifo.SpinDefault})
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
func (a *Agent) Census(_ None, c *proctest.Census) (err error) {
	*c, err = proctest.Holdings()
	return err
}

// errorKinds are the errors that tests expect of sessions, by the names that they have
// between processes.
var errorKinds = []struct {
	name string
	err  error
}{
	{"peer gone", ErrPeerGone}, {"EOF", io.EOF}, {"closed", net.ErrClosed}, {"deadline", os.ErrDeadlineExceeded},
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
