package impl

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"cutthrough/impl/layer"
	"cutthrough/impl/server"
	"cutthrough/impl/wire"
	"cutthrough/internal/proctest"
	"cutthrough/shm/oshost"
)

// TestDialEndpoint: an endpoint that did not come from a URI is what it means, or an error of that one call.
func TestDialEndpoint(t *testing.T) {
	addr := startLayer(t, server.Config{})
	server, client := attach(t, addr), attach(t, addr)
	l, err := server.Listen("tcp://127.0.0.1/80")
	check(t, err)
	for _, e := range []wire.Endpoint{
		{}, {Proto: wire.TCP}, {Proto: wire.TCP, Addr: netip.MustParseAddrPort("127.0.0.1:0")}, {Proto: 9, Addr: netip.MustParseAddrPort("127.0.0.1:80")},
		{Proto: wire.TCP, Addr: netip.MustParseAddrPort("[fe80::1%eth0]:80")},
	} {
		if _, err := client.DialEndpoint(context.Background(), e); !errors.Is(err, wire.Unsupported) {
			t.Errorf("dial %v: %v, want %v", e, err, wire.Unsupported)
		}
	}
	// As package net has IPv4 addresses.
	c, err := client.DialEndpoint(context.Background(), wire.Endpoint{Proto: wire.TCP, Addr: netip.MustParseAddrPort("[::ffff:127.0.0.1]:80")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.AcceptSession()
	check(t, err)
	check(t, c.Close())
}

// TestOptions: options that cannot be sent are an error of Attach.
func TestOptions(t *testing.T) {
	addr := startLayer(t, server.Config{})
	for _, o := range []Options{
		{Namespace: strings.Repeat("x", wire.MaxNamespace+1)}, {Namespace: "a\x00b"}, {Namespace: "\xff"},
		{Scope: 4}, {RxSize: -1}, {TxSize: -1}, {RxSize: wire.MaxFifo + 1}, {TxSize: wire.MaxFifo + 1},
	} {
		if _, err := Attach(oshost.New(), addr, o); !errors.Is(err, wire.Unsupported) {
			t.Errorf("%+v: %v, want %v", o, err, wire.Unsupported)
		}
	}
}

// TestDialBurst: a listener whose application does not accept yet takes a burst of dials.
func TestDialBurst(t *testing.T) {
	addr := startLayer(t, server.Config{})
	l := listen(t, attach(t, addr), testURI)
	client := attach(t, addr)
	for range 1000 {
		_, err := client.Dial(context.Background(), testURI)
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 1000 {
		_, err := l.AcceptSession()
		check(t, err)
	}
}

// awaitWaiting waits until n connects wait for room; there is no event for that.
func (l *Listener) awaitWaiting(n int) {
	proctest.Eventually(func() bool {
		l.app.mu.Lock()
		defer l.app.mu.Unlock()
		return len(l.waiting) == n
	})
}

// TestFullBacklog: a dial waits while the backlog of the listener is full, until an Accept makes room, its context ends
// or the listener closes.
func TestFullBacklog(t *testing.T) {
	addr := startLayer(t, server.Config{})
	serves, err := Attach(oshost.New(), addr, Options{Backlog: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { check(t, serves.Close()) }()
	l, dials := listen(t, serves, testURI), attach(t, addr)
	dial := func(ctx context.Context) func() error {
		return result(func() error { _, err := dials.Dial(ctx, testURI); return err })
	}
	check(t, dial(t.Context())())
	second := dial(t.Context())
	l.awaitWaiting(1)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	wantErr(t, "dial until a deadline", dial(ctx)(), context.DeadlineExceeded)
	_, err = l.AcceptSession()
	check(t, err)
	check(t, second())
	fourth := dial(t.Context())
	l.awaitWaiting(2)
	check(t, l.Close())
	wantErr(t, "dial of a listener that closes", fourth(), syscall.ECONNREFUSED)
}

// TestWithdrawnConnect: a connect that waits for room and times out leaves nothing.
func TestWithdrawnConnect(t *testing.T) {
	s := startServer(t, server.Config{Layer: layer.Config{ConnectTimeout: 10 * time.Millisecond}})
	serves, err := Attach(oshost.New(), s.addr, Options{Backlog: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { check(t, serves.Close()) }()
	l, dials := listen(t, serves, testURI), attach(t, s.addr)
	c, err := dials.Dial(t.Context(), testURI)
	check(t, err)
	_, err = dials.Dial(t.Context(), testURI)
	wantErr(t, "dial", err, syscall.ETIMEDOUT)
	l.awaitWaiting(0)
	check(t, c.Close())
	accepted, err := l.AcceptSession()
	check(t, err)
	check(t, accepted.Close())
	if st := s.await(func(st layer.Stat) bool { return len(st.Sessions) == 0 }); len(st.Sessions) > 0 {
		t.Errorf("sessions left: %+v", st.Sessions)
	}
}

// dialled returns an application, the reply to a dial of it, and the session.
func dialled(t *testing.T) (a *App, reply wire.Message, s *Session) {
	t.Helper()
	addr := startLayer(t, server.Config{})
	a, err := Attach(oshost.New(), addr, Options{Observe: func(o Observation) {
		if o.Msg.Type == wire.ConnectReply {
			reply = o.Msg
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	s, _ = connect(t, listen(t, attach(t, addr), testURI), a)
	t.Cleanup(func() { check(t, errors.Join(s.Close(), a.Close())) })
	return a, reply, s
}

// TestReplyBesideClose: a session whose dial is answered while the application closes is given up, and its dial fails:
// Close has closed the sessions that it knew.
func TestReplyBesideClose(t *testing.T) {
	a, reply, _ := dialled(t)
	a.mu.Lock()
	defer a.mu.Unlock()
	at := a.current
	at.err = net.ErrClosed
	defer func() { at.err = nil }()
	r := a.newRequest()
	r.id, r.asked = 99, wire.Connect
	at.requests = append(at.requests, r)
	reply.RequestID, reply.Handle = r.id, wire.NewHandle(wire.KindSession, 1, reply.Handle.Index()+1)
	check(t, at.replyLocked(reply))
	wantErr(t, "dial", r.err, net.ErrClosed)
	if s := at.sessionLocked(reply.Handle.Index()); s != nil {
		t.Errorf("session %v is left", s.handle)
	}
}

// TestSessionIndex: a session layer that names a session that exists, or one far away, is refused.
func TestSessionIndex(t *testing.T) {
	a, reply, s := dialled(t)
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, index := range []uint32{s.handle.Index(), maxSessions} {
		reply.Handle = wire.NewHandle(wire.KindSession, 1, index)
		_, err := a.current.newSessionLocked(reply, false)
		wantErr(t, "session", err, ErrUnresolved)
	}
}

// TestBurst: a call sends a bounded number of messages for others, and the writer the rest.
func TestBurst(t *testing.T) {
	a := attach(t, startLayer(t, server.Config{}))
	a.mu.Lock()
	for range 3 * maxBurst {
		a.current.tellLocked(wire.Message{Type: wire.Unbind, Handle: wire.NewHandle(wire.KindListener, 1, 9)}) // of no listener
	}
	a.current.flushLocked()
	left := len(a.current.outgoing)
	a.mu.Unlock()
	if left < 2*maxBurst {
		t.Errorf("%d of %d messages are left", left, 3*maxBurst)
	}
}

// TestURIErrors: what is no URI is a *net.OpError too.
func TestURIErrors(t *testing.T) {
	a := attach(t, startLayer(t, server.Config{}))
	for _, uri := range []string{"", "nonsense", "tcp://127.0.0.1/x", "ftp://127.0.0.1/80", "unix://", strings.Repeat("x", 1000)} {
		_, err := a.Dial(t.Context(), uri)
		if o, ok := err.(*net.OpError); !ok || o.Op != "dial" {
			t.Errorf("dial %q: %#v", uri, err)
		}
		_, err = a.Listen(uri)
		if o, ok := err.(*net.OpError); !ok || o.Op != "listen" {
			t.Errorf("listen %q: %#v", uri, err)
		}
	}
}
