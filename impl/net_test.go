package impl

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"

	"golang.org/x/net/nettest"

	"cutthrough/impl/layer"
	"cutthrough/impl/layer/layertest"
	"cutthrough/impl/server"
	"cutthrough/internal/proctest"
	"cutthrough/shm"
	"cutthrough/shm/fifo"
	"cutthrough/shm/oshost"
)

// startLayer runs a session layer on a socket of its own and returns the address.
func startLayer(t testing.TB, cfg server.Config) string {
	t.Helper()
	return startServer(t, cfg).addr
}

// steppedLayer is a session layer whose steps tests wait for.
type steppedLayer struct {
	*server.Server
	steps *proctest.Events
	addr  string
}

// newSteppedLayer is [server.New] with a core that notes its steps, and checks each unless broken is nil.
func newSteppedLayer(h shm.Host, l shm.Listener, cfg server.Config, broken func(error)) steppedLayer {
	steps := &proctest.Events{}
	cfg.Core = layertest.Core{Core: layer.New(cfg.Layer), Broken: broken, Steps: steps}
	return steppedLayer{server.New(h, l, cfg), steps, l.Addr()}
}

// await returns what the session layer has when it is as wanted, or when nothing happens any more.
func (s steppedLayer) await(want func(layer.Stat) bool) (st layer.Stat) {
	s.steps.Await(func() bool {
		st = s.Stat()
		return want(st)
	})
	return st
}

// startServer is startLayer that returns the layer. In tests, but not in benchmarks,
// every step is checked.
func startServer(t testing.TB, cfg server.Config) steppedLayer {
	t.Helper()
	broken := func(err error) { t.Errorf("session layer: %v", err) }
	if _, ok := t.(*testing.B); ok {
		broken = nil
	}
	return startWith(t, cfg, broken)
}

// startWith is startServer with any check of every step, or none.
func startWith(t testing.TB, cfg server.Config, broken func(error)) steppedLayer {
	t.Helper()
	addr := filepath.Join(t.TempDir(), "layer")
	h := oshost.New()
	l, err := h.Listen(addr)
	if err != nil {
		t.Fatal(err)
	}
	s := newSteppedLayer(h, l, cfg, broken)
	done := make(chan error, 1)
	go func() { done <- s.Run() }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close session layer: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("session layer: %v", err)
		}
		if n := len(s.Stat().Segments); n > 0 {
			t.Errorf("session layer: %d segments left", n)
		}
	})
	return s
}

func attach(t testing.TB, addr string) *App {
	t.Helper()
	a, err := Attach(oshost.New(), addr, Options{Spin: fifo.SpinDefault})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), liveness) // a slow machine takes longer than Close may
		defer cancel()
		if err := a.CloseContext(ctx); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Errorf("close application: %v", err)
		}
	})
	return a
}

// connect returns the two ends of a session between two applications.
func connect(t testing.TB, l *Listener, client *App) (c, s *Session) {
	t.Helper()
	c, err := client.DialEndpoint(context.Background(), l.addr.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	s, err = l.AcceptSession()
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

func TestEcho(t *testing.T) {
	addr := startLayer(t, server.Config{})
	server, client := attach(t, addr), attach(t, addr)
	l, err := server.Listen("tcp://127.0.0.1/80")
	if err != nil {
		t.Fatal(err)
	}
	c, s := connect(t, l, client)
	go func() {
		_, _ = io.Copy(s, s)
		_ = s.Close()
	}()
	msg := make([]byte, 300_000)
	for i := range msg {
		msg[i] = byte(i * 7)
	}
	go func() {
		_, _ = c.Write(msg)
		_ = c.CloseWrite()
	}()
	got, err := io.ReadAll(c)
	if err != nil || string(got) != string(msg) {
		t.Errorf("echo of %d bytes: %d bytes, %v", len(msg), len(got), err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestConn(t *testing.T) {
	addr := startLayer(t, server.Config{})
	server, client := attach(t, addr), attach(t, addr)
	l, err := server.Listen("tcp://127.0.0.1/80")
	if err != nil {
		t.Fatal(err)
	}
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		c, s := connect(t, l, client)
		return c, s, func() { _ = c.Close(); _ = s.Close() }, nil
	})
}
