package impl

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"cutthrough/impl/layer"
	"cutthrough/impl/server"
	"cutthrough/impl/wire"
	"cutthrough/internal/proctest"
	"cutthrough/shm/oshost"
)

const testURI = "tcp://127.0.0.1/80"

// pipe returns the two ends of a session between two applications of a session
// layer of their own.
func pipe(t testing.TB) (c, s *Session) {
	t.Helper()
	addr := startLayer(t, server.Config{Layer: layer.Config{FifoSize: 4096}})
	return connect(t, listen(t, attach(t, addr), testURI), attach(t, addr))
}

func listen(t testing.TB, a *App, uri string) *Listener {
	t.Helper()
	l, err := a.Listen(uri)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func wantErr(t testing.TB, call string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", call, err, want)
	}
}

// result runs f in a goroutine and returns a function that waits for its error.
func result(f func() error) func() error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	return func() error {
		select {
		case err := <-done:
			return err
		case <-time.After(liveness):
			return errors.New("still blocked")
		}
	}
}

// begin runs a call in direction h as result does, and returns when the call holds the turn of h: it blocks soon, or
// does already. No other call in direction h may be running.
func (h *direction) begin(call func() error) (wait func() error) {
	taken := make(chan struct{})
	h.turn = noted{h.turn, sync.OnceFunc(func() { close(taken) })}
	wait = result(call)
	<-taken
	return wait
}

// noted is a lock that calls locked whenever it is held.
type noted struct {
	sync.Locker
	locked func()
}

func (n noted) Lock() {
	n.Locker.Lock()
	n.locked()
}

// read is a Read as an error alone.
func (s *Session) read() error {
	_, err := s.Read(make([]byte, 1))
	return err
}

// fill writes until the fifo is full, and goes on.
func (s *Session) fill() error {
	_, err := s.Write(make([]byte, 1<<20))
	return err
}

// TestCloseWriteTimedOut: an expired write deadline, which crypto/tls leaves behind, does not keep CloseWrite from
// sending the end.
func TestCloseWriteTimedOut(t *testing.T) {
	c, s := pipe(t)
	check(t, c.SetWriteDeadline(time.Unix(1, 0)))
	check(t, c.CloseWrite())
	wantErr(t, "read", s.read(), io.EOF)
}

// TestCloseWriteBesideWrite: CloseWrite ends a Write that waits for room.
func TestCloseWriteBesideWrite(t *testing.T) {
	c, s := pipe(t)
	wait := c.tx.begin(c.fill)
	check(t, c.CloseWrite())
	wantErr(t, "write", wait(), syscall.EPIPE)
	_, err := io.ReadAll(s)
	check(t, err)
}

func TestCloseWrite(t *testing.T) {
	c, s := pipe(t)
	msg := bytes.Repeat([]byte("half"), 100)
	_, err := c.Write(msg)
	check(t, err)
	check(t, c.CloseWrite())
	wantErr(t, "second CloseWrite", c.CloseWrite(), syscall.EPIPE)
	wantErr(t, "write after CloseWrite", c.fill(), syscall.EPIPE)
	got, err := io.ReadAll(s)
	if err != nil || !bytes.Equal(got, msg) {
		t.Errorf("read %q, %v", got, err)
	}
	_, err = s.Write(msg)
	check(t, err)
	check(t, s.Close())
	if err := iotest.TestReader(c, msg); err != nil {
		t.Error(err)
	}
	check(t, c.Close())
}

func TestZeroLength(t *testing.T) {
	c, s := pipe(t)
	for range 2 { // on an empty stream, and on one that is not
		for _, op := range []func([]byte) (int, error){c.Read, c.Write, s.Read, s.Write} {
			if n, err := op(nil); n != 0 || err != nil {
				t.Errorf("zero-length: %d, %v", n, err)
			}
		}
		_, err := c.Write([]byte("x"))
		check(t, err)
	}
	wantErr(t, "close with unread bytes", s.Close(), nil)
	check(t, c.Close())
}

func TestClosed(t *testing.T) {
	c, _ := pipe(t)
	check(t, c.Close())
	for name, call := range map[string]func() error{
		"Read": c.read, "Write": c.fill, "CloseWrite": c.CloseWrite, "Close": c.Close, "Reset": c.Reset,
		"SetDeadline":      func() error { return c.SetDeadline(time.Time{}) },
		"SetReadDeadline":  func() error { return c.SetReadDeadline(time.Now()) },
		"SetWriteDeadline": func() error { return c.SetWriteDeadline(time.Now()) },
	} {
		wantErr(t, name, call(), net.ErrClosed)
	}
	if c.RemoteAddr().String() != "127.0.0.1:80" || c.LocalAddr().String() == "127.0.0.1:80" || c.LocalAddr().Network() != "tcp" {
		t.Errorf("addresses %v, %v", c.LocalAddr(), c.RemoteAddr())
	}
}

// TestCloseWakes: Close of a session ends its blocked calls.
func TestCloseWakes(t *testing.T) {
	c, _ := pipe(t)
	read, write := c.rx.begin(c.read), c.tx.begin(c.fill)
	check(t, c.Close())
	wantErr(t, "read", read(), net.ErrClosed)
	wantErr(t, "write", write(), net.ErrClosed)
}

// TestPeerCloses: what was written is read before the end; what was not read is
// reported as a reset.
func TestPeerCloses(t *testing.T) {
	t.Run("read everything", func(t *testing.T) {
		c, s := pipe(t)
		_, err := s.Write([]byte("last words"))
		check(t, err)
		check(t, s.Close())
		got, err := io.ReadAll(c)
		if string(got) != "last words" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
		wantErr(t, "write to a peer that has closed", c.fill(), syscall.EPIPE)
	})
	t.Run("unread bytes", func(t *testing.T) {
		c, s := pipe(t)
		read := result(c.read)
		_, err := c.Write([]byte("never read"))
		check(t, err)
		check(t, s.Close())
		wantErr(t, "blocked read", read(), syscall.ECONNRESET)
		wantErr(t, "read", c.read(), syscall.ECONNRESET)
		wantErr(t, "write", c.fill(), syscall.ECONNRESET)
		check(t, c.Close())
	})
	t.Run("reset", func(t *testing.T) {
		c, s := pipe(t)
		_, err := s.Write([]byte("thrown away"))
		check(t, err)
		write := result(c.fill)
		check(t, s.Reset())
		wantErr(t, "blocked write", write(), syscall.ECONNRESET)
		wantErr(t, "read", c.read(), syscall.ECONNRESET)
	})
}

// TestDeadlineMoves: a deadline that is set while a call is blocked counts.
func TestDeadlineMoves(t *testing.T) {
	past := time.Unix(1, 0)
	c, _ := pipe(t)
	for _, d := range []struct {
		name string
		half *direction
		set  func(time.Time) error
		call func() error
	}{{"read", &c.rx, c.SetReadDeadline, c.read}, {"write", &c.tx, c.SetWriteDeadline, c.fill}} {
		check(t, d.set(time.Now().Add(time.Hour)))
		blocked := d.half.begin(d.call)
		check(t, d.set(time.Time{}))
		check(t, d.set(time.Now().Add(time.Millisecond)))
		err := blocked()
		wantErr(t, "blocked "+d.name, err, os.ErrDeadlineExceeded)
		if e, ok := err.(net.Error); !ok || !e.Timeout() {
			t.Errorf("%s: %T is no timeout", d.name, err)
		}
		wantErr(t, d.name, d.call(), os.ErrDeadlineExceeded)
		check(t, d.set(past))
		wantErr(t, d.name, d.call(), os.ErrDeadlineExceeded)
		check(t, d.set(time.Time{}))
		blocked = d.half.begin(d.call)
		check(t, d.set(past))
		wantErr(t, "blocked "+d.name, blocked(), os.ErrDeadlineExceeded)
	}
}

func TestListenerCloses(t *testing.T) {
	addr := startLayer(t, server.Config{})
	server, client := attach(t, addr), attach(t, addr)
	l := listen(t, server, testURI)
	accept := func() error { _, err := l.Accept(); return err }
	c, s := connect(t, l, client)
	first, second := result(accept), result(accept)
	check(t, l.Close())
	for _, err := range []error{first(), second(), accept(), l.Close()} {
		wantErr(t, "accept or close", err, net.ErrClosed)
	}
	_, err := client.Dial(t.Context(), testURI)
	wantErr(t, "dial", err, syscall.ECONNREFUSED)
	_, err = c.Write([]byte("an established session stays"))
	check(t, err)
	wantErr(t, "read", s.read(), nil)
}

// TestListenerCloseResets: sessions that no call has accepted are reset.
func TestListenerCloseResets(t *testing.T) {
	addr := startLayer(t, server.Config{})
	l := listen(t, attach(t, addr), testURI)
	c, err := attach(t, addr).Dial(t.Context(), testURI)
	if err != nil {
		t.Fatal(err)
	}
	check(t, l.Close())
	wantErr(t, "read", c.read(), syscall.ECONNRESET)
}

func TestStatuses(t *testing.T) {
	own := netip.MustParseAddr("10.0.0.1")
	addr := startLayer(t, server.Config{Layer: layer.Config{
		Namespaces: []layer.Namespace{{Name: "red", Secret: 7, Own: []netip.Addr{own}}, {Name: "blue", Secret: 8, Own: []netip.Addr{own}}},
	}})
	app := func(ns string, secret uint64, scope uint8) *App {
		a, err := Attach(oshost.New(), addr, Options{Namespace: ns, Secret: secret, Scope: scope})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { check(t, a.Close()) })
		return a
	}
	_, err := Attach(oshost.New(), addr, Options{Namespace: "red", Secret: 8})
	wantErr(t, "wrong secret", err, syscall.EACCES)
	wantErr(t, "wrong secret", err, wire.WrongSecret)
	_, err = Attach(oshost.New(), addr, Options{Namespace: "green"})
	wantErr(t, "unknown namespace", err, wire.NoNamespace)
	_, err = Attach(oshost.New(), addr+"/nowhere", Options{})
	wantErr(t, "no session layer", err, syscall.ENOTDIR)

	red, red2 := app("red", 7, wire.ScopeLocal), app("red", 7, wire.ScopeLocal)
	blue, both := app("blue", 8, wire.ScopeLocal|wire.ScopeGlobal), app("red", 7, 0)
	listen(t, red, "tcp://127.0.0.1/1")
	listen(t, blue, "tcp://10.0.0.1/2")
	dial := func(a *App, uri string) error {
		c, err := a.Dial(t.Context(), uri)
		if err == nil {
			check(t, c.Close())
		}
		return err
	}
	_, err = red2.Listen("tcp://127.0.0.1/1")
	wantErr(t, "address in use", err, syscall.EADDRINUSE)
	_, err = red.Listen("tcp://10.9.9.9/1")
	wantErr(t, "an address of another machine", err, wire.Invalid)
	wantErr(t, "no listener", dial(red, "tcp://127.0.0.1/9"), syscall.ECONNREFUSED)
	wantErr(t, "itself", dial(red, "tcp://127.0.0.1/1"), wire.SelfConnect)
	wantErr(t, "same namespace", dial(red2, "tcp://127.0.0.1/1"), nil)
	wantErr(t, "loopback of another namespace", dial(blue, "tcp://127.0.0.1/1"), syscall.ECONNREFUSED)
	wantErr(t, "global, from local scope only", dial(red, "tcp://10.0.0.1/2"), syscall.EACCES)
	wantErr(t, "global", dial(both, "tcp://10.0.0.1/2"), nil)
	wantErr(t, "wildcard", dial(both, "tcp://0.0.0.0/2"), wire.Invalid)
	if err := dial(both, "nonsense"); err == nil {
		t.Error("dialled nonsense")
	}
}

// TestDialContext: a context ends Dial wherever it is, and nothing is left of the
// session that the server may have accepted.
func TestDialContext(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	c, s := attachedRaw(t, startLayer(t, server.Config{}))
	_, err := c.Dial(cancelled, testURI)
	wantErr(t, "dial before its request", err, context.Canceled)

	for _, accepts := range []bool{true, false} {
		ctx, cancel := context.WithCancel(t.Context())
		dial := result(func() error { _, err := c.Dial(ctx, testURI); return err })
		s.want(wire.Accept) // and the map before it
		accept := s.last
		cancel()
		wantErr(t, "dial that waits for the server", dial(), context.Canceled)
		if accepts {
			s.send(wire.Message{Type: wire.AcceptReply, Handle: accept.Handle})
			s.want(wire.Reset) // from the client, which does not want it any more
			s.send(wire.Message{Type: wire.ResetReply, Handle: accept.Handle})
		} else {
			s.send(wire.Message{Type: wire.AcceptReply, Handle: accept.Handle, Status: wire.Refused})
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err = c.Dial(ctx, testURI)
	wantErr(t, "dial of a silent server", err, context.DeadlineExceeded)
	s.want(wire.Accept)
	s.send(wire.Message{Type: wire.AcceptReply, Handle: s.last.Handle, Status: wire.Refused})
	s.send(wire.Message{Type: wire.Unbind, RequestID: 9})
	s.want(wire.UnbindReply) // the session layer has answered the connect
	_, err = c.Listen("tcp://127.0.0.1/81")
	check(t, err) // and this reply came after that answer
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := c.current; len(at.requests) > 0 || at.sessionLocked(s.last.Handle.Index()) != nil {
		t.Errorf("left: %d requests, sessions %v", len(at.requests), at.sessions)
	}
}

// TestDialTimesOut: without a context the session layer's timeout ends a Dial.
func TestDialTimesOut(t *testing.T) {
	c, s := attachedRaw(t, startLayer(t, server.Config{Layer: layer.Config{ConnectTimeout: time.Millisecond}}))
	_, err := c.Dial(t.Context(), testURI)
	wantErr(t, "dial of a silent server", err, syscall.ETIMEDOUT)
	if e := net.Error(nil); !errors.As(err, &e) || !e.Timeout() {
		t.Errorf("%v is no timeout", err)
	}
	s.want(wire.Disconnect)
	s.send(wire.Message{Type: wire.DisconnectReply, Handle: s.last.Handle})
}

// outcome returns a function that checks the error of calls that are under way, and of those that are made then.
func outcome(t *testing.T, blocked map[string]func() error, calls map[string]func() error) func(want error) {
	return func(want error) {
		t.Helper()
		for name, err := range blocked {
			wantErr(t, "blocked "+name, err(), want)
		}
		for name, call := range calls {
			wantErr(t, name, call(), want)
		}
	}
}

// appCalls starts one call of each kind that concerns the session layer, all of which block, and returns their outcome.
func appCalls(t *testing.T, a *App, l *Listener) func(want error) {
	accept := func() error { _, err := l.Accept(); return err }
	dial := func() error { _, err := a.Dial(t.Context(), "tcp://127.0.0.1/99"); return err }
	listen := func() error { _, err := a.Listen("tcp://127.0.0.1/98"); return err }
	return outcome(t, map[string]func() error{"Accept": result(accept), "Dial": result(dial)},
		map[string]func() error{"Accept": accept, "Dial": dial, "Listen": listen})
}

// sessionCalls starts a Read and a Write, which block, and returns their outcome.
func sessionCalls(t *testing.T, c *Session) func(want error) {
	return outcome(t, map[string]func() error{"Read": c.rx.begin(c.read), "Write": c.tx.begin(c.fill)},
		map[string]func() error{"Read": c.read, "Write": c.fill})
}

// TestAppCloses: Close of an application ends all its calls and releases everything.
func TestAppCloses(t *testing.T) {
	leaks := proctest.CheckLeaks(t)
	t.Run("", func(t *testing.T) {
		addr := startLayer(t, server.Config{})
		a, silent := attach(t, addr), rawApp(t, addr)
		silent.listen("tcp://127.0.0.1/99")
		l := listen(t, a, testURI)
		c, s := connect(t, l, attach(t, addr))
		_, err := s.Write([]byte("last words"))
		check(t, err)
		calls, ofSession := appCalls(t, a, l), sessionCalls(t, s)
		silent.want(wire.Accept)
		check(t, a.Close())
		calls(net.ErrClosed)
		ofSession(net.ErrClosed)
		wantErr(t, "second close", a.Close(), net.ErrClosed)
		if got, err := io.ReadAll(io.LimitReader(c, 10)); string(got) != "last words" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
	})
	leaks()
}

// TestLeaks: sessions that come and go, closed in every way and order, leave nothing.
func TestLeaks(t *testing.T) {
	leaks := proctest.CheckLeaks(t)
	t.Run("", func(t *testing.T) {
		addr := startLayer(t, server.Config{})
		server, client := attach(t, addr), attach(t, addr)
		l := listen(t, server, testURI)
		var all sync.WaitGroup
		for i := range 200 {
			c, s := connect(t, l, client)
			all.Go(func() {
				if i&1 == 0 {
					_, _ = c.Write([]byte("x"))
				}
				if i&2 == 0 {
					check(t, c.Close())
				}
				if i&4 == 0 {
					check(t, s.Reset())
				}
				if i&8 == 0 {
					check(t, s.closeOnce())
				}
				if i&16 == 0 {
					check(t, c.closeOnce())
				}
			})
		}
		all.Wait()
	})
	leaks()
}

// closeOnce is Close of a session that may be closed already.
func (s *Session) closeOnce() error {
	if err := s.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
