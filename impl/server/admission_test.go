package server

import (
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"cutthrough/impl/layer"
	"cutthrough/impl/layer/layertest"
	"cutthrough/impl/wire"
	"cutthrough/internal/proctest"
	"cutthrough/shm"
	"cutthrough/shm/oshost"
)

// TestAdmission: a process that connects in a loop delays itself, and neither another process of its user nor another
// user; processes of one user that do so together do not delay another user.
func TestAdmission(t *testing.T) {
	var a admission
	flood := shm.Peer{UID: 1, PID: 1}
	admitted := 0
	for at, ok := a.admit(0, flood); ok; at, ok = a.admit(0, flood) {
		if admitted++; at > processRate.every*processRate.burst {
			t.Fatalf("the channel %d waits %v", admitted, at)
		}
	}
	if most := 2 * int(processRate.burst); admitted != most {
		t.Errorf("%d channels of one process, want %d", admitted, most)
	}
	for _, p := range []shm.Peer{{UID: 1, PID: 2}, {UID: 2, PID: 1}} {
		if at, ok := a.admit(0, p); at > 0 || !ok {
			t.Errorf("%+v waits %v, %v", p, at, ok)
		}
	}
	if at, ok := a.admit(time.Second, flood); at > time.Second || !ok {
		t.Errorf("a second later the process waits until %v, %v", at, ok)
	}
	for pid := range 10_000 {
		a.admit(time.Second, shm.Peer{UID: 1, PID: 10 + pid})
	}
	if at, ok := a.admit(time.Second, shm.Peer{UID: 2, PID: 1}); at > time.Second || !ok {
		t.Errorf("another user waits until %v, %v", at, ok)
	}
	for pid := range 3000 {
		a.admit(time.Hour+time.Duration(pid)*time.Second, shm.Peer{UID: 3, PID: pid})
	}
	if len(a.free) > 200 {
		t.Errorf("%d buckets are kept, of which two are not full", len(a.free))
	}
}

// TestExcess: of unattached channels that are too many, the oldest goes of the process that has the most of the user
// that has the most.
func TestExcess(t *testing.T) {
	s := New(oshost.New(), nil, Config{MaxUnattached: 6, MaxUserUnattached: 4})
	id := layer.Channel(0)
	add := func(uid uint32, pid int) {
		id++
		s.unattached = append(s.unattached, &channel{id: id, peer: shm.Peer{UID: uid, PID: pid}})
	}
	for _, x := range []struct {
		uid  uint32
		pid  int
		want int
	}{{1, 1, -1}, {2, 5, -1}, {2, 6, -1}, {2, 6, -1}, {2, 6, -1}, {2, 7, 2}, {1, 2, 2}} {
		add(x.uid, x.pid)
		if got := s.excess(); got != x.want {
			t.Errorf("after %+v: %d", x, got)
		}
	}
}

// frozenHost is a host whose clock stands still for the code that uses it.
type frozenHost struct{ shm.Host }

func (frozenHost) Now() time.Duration { return 0 }

// TestAdmissions: what is delayed, refused and evicted is counted.
func TestAdmissions(t *testing.T) {
	h := frozenHost{oshost.New()}
	l, addr := listenAt(t, h)
	s := New(h, l, Config{MaxUnattached: 4, MaxUserUnattached: 3})
	come := func(times int) {
		for range times {
			c := dialClient(t, h, addr)
			t.Cleanup(func() { check(t, c.conn.Close()) })
			conn, err := l.Accept(shm.Forever)
			check(t, err)
			s.mu.Lock()
			s.admitLocked(conn, h.Self())
			s.unlock()
		}
	}
	spend := func(tokens time.Duration) {
		for range tokens {
			s.admission.admit(h.Now(), h.Self())
		}
	}
	spend(processRate.burst - 2)
	come(5)
	spend(processRate.burst)
	come(2)
	if got, want := s.Admissions(), (Admissions{Delayed: 3, Refused: 2, Evicted: 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	check(t, s.Close())
}

// slowHost is a host whose large segments take until the test lets them be made, and whose channels do to close.
type slowHost struct {
	shm.Host
	create chan struct{}
}

func (h *slowHost) CreateSegment(size uint64) (*shm.Segment, error) {
	if size > 1<<20 {
		<-h.create
	}
	return h.Host.CreateSegment(size)
}

// slowConn is the session layer's end of a channel that takes its time to close.
type slowConn struct {
	shm.Conn
	release chan struct{}
	once    sync.Once
}

func (c *slowConn) Close() error {
	c.once.Do(func() { <-c.release })
	return c.Conn.Close()
}

// slowListener makes channels slow to close while slow is set.
type slowListener struct {
	shm.Listener
	fails   int // times that Accept fails first
	slow    bool
	release chan struct{}
}

func (l *slowListener) Accept(deadline time.Duration) (shm.Conn, error) {
	if l.fails > 0 {
		l.fails--
		return nil, errors.New("out of buffers")
	}
	c, err := l.Listener.Accept(deadline)
	if err == nil && l.slow {
		l.slow = false
		return &slowConn{Conn: c, release: l.release}, nil
	}
	return c, err
}

// client is an application that speaks the protocol by hand.
type client struct {
	t    *testing.T
	h    shm.Host
	conn shm.Conn
}

func dialClient(t *testing.T, h shm.Host, addr string) *client {
	t.Helper()
	conn, err := h.Dial(addr, shm.Forever)
	if err != nil {
		t.Fatal(err)
	}
	return &client{t, h, conn}
}

func (c *client) say(m wire.Message) {
	c.t.Helper()
	check(c.t, c.conn.Send(m.Encode(nil), nil, c.h.Now()+proctest.Liveness))
}

// want returns the next message of a type; it answers maps.
func (c *client) want(k wire.Type) wire.Message {
	c.t.Helper()
	for {
		m, err := c.recv(proctest.Liveness)
		if err != nil {
			c.t.Fatalf("waiting for %v: %v", k, err)
		}
		if m.Type == wire.Map {
			c.say(wire.Message{Type: wire.MapReply, Handle: m.Handle})
		}
		if m.Type == k {
			return m
		}
	}
}

func (c *client) recv(d time.Duration) (wire.Message, error) {
	b := make([]byte, wire.MaxSize)
	n, descs, err := c.conn.Recv(b, c.h.Now()+d)
	if err != nil {
		return wire.Message{}, err
	}
	for _, d := range descs {
		check(c.t, d.Close())
	}
	return wire.Decode(b[:n])
}

// attach attaches and listens at a port.
func (c *client) attach(port string) wire.Status {
	c.t.Helper()
	c.say(wire.Message{Type: wire.Attach, RequestID: 1, Scope: wire.ScopeLocal})
	m := c.want(wire.AttachReply)
	if m.Status == wire.OK && port != "" {
		c.say(wire.Message{Type: wire.Bind, URI: "tcp://127.0.0.1/" + port})
		c.want(wire.BindReply)
	}
	return m.Status
}

func runServer(t *testing.T, h shm.Host, l shm.Listener, cfg Config) *Server {
	t.Helper()
	cfg.Core = layertest.Core{Core: layer.New(cfg.Layer), Broken: func(err error) { t.Error(err) }}
	s := New(h, l, cfg)
	done := make(chan error, 1)
	go func() { done <- s.Run() }()
	t.Cleanup(func() {
		check(t, s.Close())
		check(t, <-done)
	})
	return s
}

func listenAt(t *testing.T, h shm.Host) (shm.Listener, string) {
	t.Helper()
	addr := t.TempDir() + "/layer"
	l, err := h.Listen(addr)
	if err != nil {
		t.Fatal(err)
	}
	return l, addr
}

// TestNoWorkUnderTheLock: while a large segment is being made and a channel is being closed, applications attach and
// connect.
func TestNoWorkUnderTheLock(t *testing.T) {
	h := &slowHost{Host: oshost.New(), create: make(chan struct{})}
	l, addr := listenAt(t, h)
	slow := &slowListener{Listener: l, fails: 2, slow: true, release: make(chan struct{})}
	runServer(t, h, slow, Config{})
	lingers := dialClient(t, h, addr)
	lingers.say(wire.Message{Type: wire.Map, Size: 1}) // to be hung up
	server, greedy, other := dialClient(t, h, addr), dialClient(t, h, addr), dialClient(t, h, addr)
	server.attach("80")
	greedy.attach("")
	greedy.say(wire.Message{Type: wire.Connect, RequestID: 7, URI: testURI, RxSize: 4 << 20})
	greedy.say(wire.Message{Type: wire.Unbind, RequestID: 8}) // handled after the connect
	greedy.want(wire.UnbindReply)
	other.attach("81")
	other.say(wire.Message{Type: wire.Connect, RequestID: 9, URI: testURI})
	accept := server.want(wire.Accept)
	server.say(wire.Message{Type: wire.AcceptReply, Handle: accept.Handle})
	if m := other.want(wire.ConnectReply); m.Status != wire.OK {
		t.Error(m)
	}
	close(h.create)
	server.want(wire.Accept)
	close(slow.release)
	for _, c := range []*client{lingers, server, greedy, other} {
		check(t, c.conn.Close())
	}
}

// TestOneMapInFlight: an application that does not answer a map gets no other, until it answers.
func TestOneMapInFlight(t *testing.T) {
	h := oshost.New()
	l, addr := listenAt(t, h)
	runServer(t, h, l, Config{Layer: layer.Config{MaxTotalBytes: 1 << 30}})
	server := dialClient(t, h, addr)
	server.attach("80")
	var clients []*client
	for range 5 {
		c := dialClient(t, h, addr)
		c.attach("")
		c.say(wire.Message{Type: wire.Connect, RequestID: 7, URI: testURI})
		clients = append(clients, c)
	}
	for range clients {
		m, err := server.recv(proctest.Liveness)
		if err != nil || m.Type != wire.Map {
			t.Fatalf("%v, %v; want a map", m, err)
		}
		for accept := (wire.Message{}); accept.Type != wire.Accept; {
			if accept, err = server.recv(proctest.Liveness); err != nil {
				t.Fatal(err)
			}
		}
		if more, err := server.recv(20 * time.Millisecond); !errors.Is(err, shm.ErrDeadline) {
			t.Fatalf("%v, %v before the map was answered", more, err)
		}
		server.say(wire.Message{Type: wire.MapReply, Handle: m.Handle})
	}
	for _, c := range append(clients, server) {
		check(t, c.conn.Close())
	}
}

// shortConn is the session layer's end of a channel that cannot carry descriptors for now.
type shortConn struct{ shm.Conn }

func (c shortConn) Send(b []byte, descs []shm.Desc, deadline time.Duration) error {
	if len(descs) > 0 {
		return shm.ErrShortage
	}
	return c.Conn.Send(b, descs, deadline)
}

type shortListener struct{ shm.Listener }

func (l shortListener) Accept(deadline time.Duration) (shm.Conn, error) {
	c, err := l.Listener.Accept(deadline)
	return shortConn{c}, err
}

// TestShortageFailsOneMap: when descriptors cannot be sent, because others have too many in flight, the application
// gets the map without them and can refuse that session. It is not hung up.
func TestShortageFailsOneMap(t *testing.T) {
	h := oshost.New()
	l, addr := listenAt(t, h)
	runServer(t, h, shortListener{l}, Config{})
	server, c := dialClient(t, h, addr), dialClient(t, h, addr)
	server.attach("80")
	c.attach("")
	c.say(wire.Message{Type: wire.Connect, RequestID: 7, URI: testURI})
	m := server.want(wire.Map)
	server.say(wire.Message{Type: wire.MapReply, Handle: m.Handle, Status: wire.NoMemory})
	accept := server.want(wire.Accept)
	server.say(wire.Message{Type: wire.AcceptReply, Handle: accept.Handle, Status: wire.NoMemory})
	if m := c.want(wire.ConnectReply); m.Status != wire.Refused {
		t.Error(m)
	}
	server.say(wire.Message{Type: wire.Unbind, RequestID: 8, Handle: accept.Listener})
	server.want(wire.UnbindReply)
	check(t, server.conn.Close())
	check(t, c.conn.Close())
}

// TestPolicy: the policy sees the process and the namespace, and its status refuses the attach. The default lets the
// own user in.
func TestPolicy(t *testing.T) {
	h := oshost.New()
	l, addr := listenAt(t, h)
	seen := make(chan Applicant, 1)
	runServer(t, h, l, Config{Policy: func(a Applicant) wire.Status { seen <- a; return wire.Denied }})
	c := dialClient(t, h, addr)
	if status := c.attach(""); status != wire.Denied {
		t.Errorf("attach: %v", status)
	}
	if a := <-seen; a != (Applicant{Peer: h.Self()}) {
		t.Errorf("the policy saw %+v", a)
	}
	check(t, c.conn.Close())

	l, addr = listenAt(t, h)
	s := runServer(t, h, l, Config{})
	c = dialClient(t, h, addr)
	if status := c.attach(""); status != wire.OK {
		t.Errorf("attach: %v", status)
	}
	check(t, c.conn.Close())
	stranger := shm.Peer{UID: h.Self().UID + 1}
	if AllowUsers(7)(Applicant{Peer: shm.Peer{UID: 8}}) != wire.Denied || AllowUsers()(Applicant{}) != wire.OK {
		t.Error("AllowUsers lets others than its users and root attach")
	}
	if _, err := s.StatFor(stranger); !errors.Is(err, wire.Denied) {
		t.Errorf("stat for a stranger: %v", err)
	}
	if _, err := s.StatFor(h.Self()); err != nil {
		t.Errorf("stat for the owner: %v", err)
	}
}

// TestAbstractNeedsPolicy: a session layer does not serve an abstract address without a policy.
func TestAbstractNeedsPolicy(t *testing.T) {
	h := oshost.New()
	l, err := h.Listen("@cutthrough.server.policy")
	if err != nil {
		t.Fatal(err)
	}
	s := New(h, l, Config{})
	if err := s.Run(); !errors.Is(err, ErrNoPolicy) {
		t.Errorf("run: %v", err)
	}
	check(t, s.Close())
}

// TestHandshakeDeadline: a process that only connects is hung up in time.
func TestHandshakeDeadline(t *testing.T) {
	h := oshost.New()
	l, addr := listenAt(t, h)
	runServer(t, h, l, Config{Layer: layer.Config{HandshakeTimeout: 50 * time.Millisecond}})
	c := dialClient(t, h, addr)
	if _, err := c.recv(proctest.Liveness); err != io.EOF {
		t.Errorf("recv: %v", err)
	}
	check(t, c.conn.Close())
}
