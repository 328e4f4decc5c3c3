package impl

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"cutthrough/impl/layer"
	"cutthrough/impl/server"
	"cutthrough/internal/proctest"
	"cutthrough/shm"
	"cutthrough/shm/fifo"
	"cutthrough/shm/oshost"
)

const (
	liveness          = proctest.Liveness
	backgroundTimeout = 5 * time.Second // bound on what happens in the background
)

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
	server   *server.Server
	served   chan error
	addr     string
	app      *App
	listener *Listener
	conns    map[int]*Session
	last     int
	load     *load
	unix     []net.Listener // the rivals in benchmarks
}

func newAgent() *Agent { return &Agent{host: oshost.New(), conns: map[int]*Session{}, load: newLoad()} }

// Layer runs a session layer at addr.
func (a *Agent) Layer(addr string, _ *None) error {
	l, err := a.host.Listen(addr)
	if err != nil {
		return err
	}
	a.server, a.served = server.New(a.host, l, server.Config{}), make(chan error, 1)
	go func() { a.served <- a.server.Run() }()
	return nil
}

// EndLayer ends it.
func (a *Agent) EndLayer(None, *None) error { return errors.Join(a.server.Close(), <-a.served) }

// Stat returns what the session layer has.
func (a *Agent) Stat(_ None, st *layer.Stat) error {
	*st = a.server.Stat()
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
// Some descriptors are closed in the background. It polls, because the kernel has no event for the close of a
// descriptor or the end of a mapping.
func awaitHoldings(holdings func() (Census, error), want Census) (Census, error) {
	for begin := time.Now(); ; runtime.Gosched() {
		c, err := holdings()
		if err != nil || maps.Equal(c, want) || time.Since(begin) > backgroundTimeout {
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
