package impl

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"syscall"

	"cutthrough/impl/wire"
	"cutthrough/shm"
)

// Listener is a [net.Listener] of local sessions. Safe for concurrent use.
type Listener struct {
	app    *App
	at     *attachment // where it is bound; nil: nowhere at present
	handle wire.Handle // there
	addr   Addr
	bell   shm.Doorbell
	queue  []*Session // accepted by us, not yet by the caller
	// waiting are the connects for which the queue has no room. The session layer has no answer yet, so their diallers wait.
	waiting []wire.Message
	closed  bool
}

// Listen is ListenContext with the background context.
func (a *App) Listen(uri string) (*Listener, error) {
	return a.ListenContext(context.Background(), uri)
}

// ListenContext listens at uri ("tcp://0.0.0.0/80"). Errors are in a [*net.OpError]: a [wire.Status] such as
// AddressInUse, which is also syscall.EADDRINUSE, net.ErrClosed, or those of ctx, which concerns this call alone.
// [ListenConfig] has the form of package net.
func (a *App) ListenContext(ctx context.Context, uri string) (*Listener, error) {
	e, err := wire.ParseURI(uri)
	if err != nil {
		return nil, addressError("listen", "", e, err)
	}
	return a.listen(ctx, e)
}

// listen listens at e; the address of the listener has the port that was chosen.
func (a *App) listen(ctx context.Context, e wire.Endpoint) (*Listener, error) {
	l := &Listener{app: a, addr: Addr{Endpoint: e}, bell: a.host.NewLocalDoorbell(nameIncoming)}
	err := a.bind(ctx, l)
	if errors.Is(err, wire.Invalid) {
		err = fmt.Errorf("%w: %w", os.NewSyscallError("bind", syscall.EADDRNOTAVAIL), err)
	}
	if err != nil {
		return nil, l.opError("listen", sysError("bind", err))
	}
	return l, nil
}

// bind asks for the address of a listener, which the reply makes one of the application's.
func (a *App) bind(ctx context.Context, l *Listener) error {
	r := a.newRequest()
	r.listener = l
	return a.ask(patient(ctx), r, wire.Message{Type: wire.Bind, Endpoint: l.addr.Endpoint})
}

// boundLocked notes that the listener of r is bound, or gives the address back if that is not wanted any more.
func (a *attachment) boundLocked(r *request, m wire.Message) {
	l := r.listener
	if r.dropped || l.closed {
		a.tellLocked(wire.Message{Type: wire.Unbind, Handle: m.Handle})
		return
	}
	l.at, l.handle = a, m.Handle
	if l.addr.Endpoint != m.Endpoint {
		l.addr.Endpoint = m.Endpoint // with the port that was chosen
	}
	if !slices.Contains(a.app.listeners, l) {
		a.app.listeners = append(a.app.listeners, l)
	}
}

// Accept waits for the next session. It returns net.ErrClosed after Close.
func (l *Listener) Accept() (net.Conn, error) {
	s, err := l.AcceptSession()
	if err != nil {
		return nil, err
	}
	return s, nil
}

// AcceptSession is Accept with the concrete type.
func (l *Listener) AcceptSession() (*Session, error) {
	a := l.app
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(l.queue) == 0 {
		err := a.overLocked()
		if l.closed {
			err = net.ErrClosed
		}
		if err != nil {
			_ = l.bell.Ring() // for the next call that waits
			return nil, l.opError("accept", err)
		}
		_ = waitUnlocked(a.mu, l.bell, nil, shm.Forever)
	}
	s := l.queue[0]
	l.queue = l.queue[1:]
	if len(l.queue) > 0 {
		_ = l.bell.Ring()
	}
	if l.at != nil {
		l.admitLocked()
		l.at.flushLocked()
	}
	return s, nil
}

// Addr returns the endpoint that the listener listens at.
func (l *Listener) Addr() net.Addr { return l.addr }

// Close stops listening, so that the endpoint is free when it returns nil, and resets the sessions that no Accept has
// returned. Established ones stay. It waits for the session layer at most Options.CloseWait, and returns
// os.ErrDeadlineExceeded then: the endpoint becomes free when the session layer goes on, or the application has left if
// that is closing. The second call returns net.ErrClosed. Errors are in a [*net.OpError].
func (l *Listener) Close() error { return l.close(l.app.brief()) }

// CloseContext is Close that waits for the session layer as long as ctx, whose error it returns then.
func (l *Listener) CloseContext(ctx context.Context) error { return l.close(patient(ctx)) }

func (l *Listener) close(p patience) error {
	a := l.app
	a.mu.Lock()
	if l.closed {
		a.mu.Unlock()
		return l.opError("close", net.ErrClosed)
	}
	l.closed = true
	queue, t := l.queue, l.at
	for _, m := range l.waiting {
		t.answerConnectLocked(m, wire.Refused)
	}
	l.queue, l.waiting = nil, nil
	a.listeners = slices.DeleteFunc(a.listeners, func(o *Listener) bool { return o == l })
	_ = l.bell.Ring()
	ended := func() bool { return t == nil || t.err != nil } // the session layer forgets the listener by itself then
	r := a.newRequest()
	if !ended() {
		t.requestLocked(r, wire.Message{Type: wire.Unbind, Handle: l.handle}, nil)
	}
	a.mu.Unlock()
	for _, s := range queue {
		_ = s.Reset()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if ended() {
		return nil
	}
	if err := t.awaitLocked(p, r, ended); err != nil && !ended() {
		return l.opError("close", err)
	}
	return nil
}

// opError gives err its context, as package net does.
func (l *Listener) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: l.addr.Network(), Addr: l.addr, Err: err}
}

// maxWaiting bounds the connects that wait for room in the queue of a listener. More are refused. A session layer does
// not have so many sessions for one application.
const maxWaiting = 1 << 16

// acceptLocked handles an accept notification.
func (a *attachment) acceptLocked(m wire.Message) {
	i := slices.IndexFunc(a.app.listeners, func(l *Listener) bool { return l.at == a && l.handle == m.Listener })
	if i < 0 || a.err != nil || len(a.app.listeners[i].waiting) == maxWaiting {
		a.answerConnectLocked(m, wire.Refused)
		return
	}
	l := a.app.listeners[i]
	l.waiting = append(l.waiting, m)
	l.admitLocked()
}

// admitLocked makes sessions of the connects that wait, in order, while the queue has room.
func (l *Listener) admitLocked() {
	for len(l.waiting) > 0 && len(l.queue) < l.app.opt.Backlog {
		m := l.waiting[0]
		l.waiting = l.waiting[1:]
		s, err := l.at.newSessionLocked(m, true)
		if err != nil {
			l.at.answerConnectLocked(m, wire.NoMemory)
			continue
		}
		l.queue = append(l.queue, s)
		_ = l.bell.Ring()
		l.at.answerConnectLocked(m, wire.OK)
	}
}

// withdrawnLocked notes that the dialler of a connect waits no more. The answer says that nothing here uses the session.
func (a *attachment) withdrawnLocked(session wire.Handle) {
	for _, l := range a.app.listeners {
		if l.at != a {
			continue
		}
		i := slices.IndexFunc(l.waiting, func(m wire.Message) bool { return m.Handle == session })
		if i >= 0 {
			a.answerConnectLocked(l.waiting[i], wire.Refused)
			l.waiting = slices.Delete(l.waiting, i, i+1)
		}
	}
}

func (a *attachment) answerConnectLocked(m wire.Message, status wire.Status) {
	a.postLocked(wire.Message{Type: wire.AcceptReply, Handle: m.Handle, Status: status}, nil)
}
