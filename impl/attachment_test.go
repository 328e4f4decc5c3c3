package impl

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"testing"

	"cutthrough/impl/layer"
	"cutthrough/impl/server"
	"cutthrough/impl/wire"
	"cutthrough/internal/proctest"
	"cutthrough/shm"
	"cutthrough/shm/oshost"
)

// mortalLayer is a session layer that a test ends, and may start again at the same address.
type mortalLayer struct {
	t      *testing.T
	addr   string
	server *server.Server
	end    func()
	config server.Config // of the next ones; the policy may be nil
}

func newMortalLayer(t *testing.T) *mortalLayer {
	t.Helper()
	m := &mortalLayer{t: t, addr: t.TempDir() + "/layer"}
	m.start()
	return m
}

func (m *mortalLayer) start() {
	m.t.Helper()
	h := oshost.New()
	socket, err := h.Listen(m.addr)
	check(m.t, err)
	if m.config.Policy == nil {
		m.config.Policy = server.AllowUsers(h.Self().UID)
	}
	s := server.New(h, socket, m.config)
	m.server = s
	run := result(s.Run)
	m.end = func() {
		m.t.Helper()
		check(m.t, s.Close())
		check(m.t, run())
		wantErr(m.t, "second close", s.Close(), shm.ErrClosed)
	}
}

// attach attaches an application that tells when it has attached, lost its session layer, or failed to listen.
func (m *mortalLayer) attach(opt Options) (*App, *proctest.Events) {
	m.t.Helper()
	changes := &proctest.Events{}
	opt.Observe = func(o Observation) {
		if o.Kind >= ObserveAttached {
			changes.Note()
		}
	}
	a, err := Attach(oshost.New(), m.addr, opt)
	check(m.t, err)
	return a, changes
}

// TestLayerEnds: without its session layer an application that is not to return can begin nothing, says so, uses the
// sessions that it has, and closes well.
func TestLayerEnds(t *testing.T) {
	leaks := proctest.CheckLeaks(t)
	t.Run("", func(t *testing.T) {
		m := newMortalLayer(t)
		a, _ := m.attach(Options{NoReturn: true})
		b, _ := m.attach(Options{NoReturn: true})
		silent := rawApp(t, m.addr)
		silent.listen("tcp://127.0.0.1/99")
		l := listen(t, a, testURI)
		c, s := connect(t, l, b)
		c2, s2 := connect(t, l, b)
		calls := appCalls(t, a, l)
		silent.want(wire.Accept)
		m.end()
		calls(ErrLayerGone)

		exchange(t, c, s, []byte("after the end"))
		exchange(t, s, c, make([]byte, 1<<20))
		blocked := sessionCalls(t, s)
		check(t, c.Reset())
		blocked(syscall.ECONNRESET)
		check(t, s.Close())

		_, err := c2.Write([]byte("last words"))
		check(t, errors.Join(err, c2.CloseWrite()))
		if got, err := io.ReadAll(s2); string(got) != "last words" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
		exchange(t, s2, c2, []byte("the other way"))
		check(t, s2.Close())
		wantErr(t, "read", c2.read(), io.EOF)
		wantErr(t, "close for writing", c2.CloseWrite(), syscall.EPIPE)
		check(t, errors.Join(c2.Close(), l.Close(), a.Close(), b.Close()))
	})
	leaks()
}

// TestPeerEndsAfterLayer: the end of an application reaches its peer without a session layer: in order, or as death.
func TestPeerEndsAfterLayer(t *testing.T) {
	leaks := proctest.CheckLeaks(t)
	t.Run("", func(t *testing.T) {
		m := newMortalLayer(t)
		a, _ := m.attach(Options{})
		b, _ := m.attach(Options{})
		c, s := connect(t, listen(t, a, testURI), b)
		m.end()
		read := s.rx.begin(s.read)
		check(t, b.Close())
		wantErr(t, "read", read(), io.EOF)
		wantErr(t, "write", s.fill(), syscall.EPIPE)
		wantErr(t, "read", c.read(), net.ErrClosed)
		check(t, a.Close())
	})
	leaks()
}

// TestLayerReturns: applications attach again by themselves, listeners have their addresses again, and what was begun
// before goes on beside what is begun now.
func TestLayerReturns(t *testing.T) {
	leaks := proctest.CheckLeaks(t)
	t.Run("", func(t *testing.T) {
		m := newMortalLayer(t)
		a, ofA := m.attach(Options{})
		b, ofB := m.attach(Options{})
		l := listen(t, a, testURI)
		c, s := connect(t, l, b)
		accepted := make(chan error, 1)
		for i := range 2 {
			go func() { _, err := l.Accept(); accepted <- err }()
			m.end()
			awaitEvents(ofB, 2*i+2)
			_, err := b.Dial(t.Context(), testURI)
			wantErr(t, "dial without a session layer", err, ErrLayerGone)
			m.start()
			awaitEvents(ofA, 2*i+3)
			awaitEvents(ofB, 2*i+3)
			_, err = b.Dial(t.Context(), testURI)
			check(t, err)
			check(t, <-accepted)
			exchange(t, c, s, []byte("again"))
		}
		check(t, errors.Join(a.Close(), b.Close()))
		m.end()
	})
	leaks()
}

// TestReturnRefused: an application says why a later session layer does not take it, or Trust does not take the session layer, and why a
// listener has no address there.
func TestReturnRefused(t *testing.T) {
	m := newMortalLayer(t)
	told := make(chan Observation, 100)
	var distrusts atomic.Bool
	broken := errors.New("not that one")
	a, err := Attach(oshost.New(), m.addr, Options{
		Trust: func(shm.Peer) error {
			if distrusts.Load() {
				return broken
			}
			return nil
		},
		Observe: func(o Observation) {
			if o.Kind >= ObserveAttached {
				told <- o
			}
		},
	})
	check(t, err)
	listen(t, a, "tcp://127.0.0.1/1")
	listen(t, a, "tcp://127.0.0.1/2")
	await := func(kind ObservationKind, want error) {
		t.Helper()
		for o := range told {
			if o.Kind == kind {
				wantErr(t, "observation", o.Err, want)
				return
			}
		}
	}
	again := func(c server.Config) {
		m.end()
		m.config = c
		m.start()
	}
	await(ObserveAttached, nil)
	again(server.Config{Policy: func(server.Applicant) wire.Status { return wire.Denied }})
	await(ObserveLayerGone, ErrLayerGone)
	await(ObserveNotAttached, wire.Denied)
	distrusts.Store(true)
	again(server.Config{Core: layer.New(layer.Config{MaxListeners: 1})})
	await(ObserveNotAttached, broken)
	distrusts.Store(false)
	await(ObserveNotBound, wire.QuotaExceeded)
	await(ObserveAttached, nil)
	check(t, a.Close())
	m.end()
}

// TestLayerLeaves: what a session layer that is about to end says keeps its applications from asking it for more.
func TestLayerLeaves(t *testing.T) {
	m := newMortalLayer(t)
	told := &proctest.Events{}
	a, err := Attach(oshost.New(), m.addr, Options{NoReturn: true, Observe: func(o Observation) {
		if o.Msg.Type == wire.Leaving {
			told.Note()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	m.server.Leave()
	awaitEvents(told, 1)
	_, err = a.Listen(testURI)
	wantErr(t, "listen", err, ErrLayerGone)
	check(t, a.Close())
	m.end()
}

func awaitEvents(e *proctest.Events, n int) {
	e.Await(func() bool { return e.Count() >= n })
}
