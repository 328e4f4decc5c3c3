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
	handle wire.Handle
	addr   Addr
	bell   shm.Doorbell
	queue  []*Session // accepted by us, not yet by the caller
	closed bool
}

// Listen listens at uri ("tcp://0.0.0.0/80"). Errors are in a [*net.OpError]: a [wire.Status] such as
// AddressInUse, which is also syscall.EADDRINUSE, or net.ErrClosed. [ListenConfig] has the form of package net.
func (a *App) Listen(uri string) (*Listener, error) {
	e, err := wire.ParseURI(uri)
	if err != nil {
		return nil, err
	}
	return a.listen(context.Background(), e)
}

// listen listens at e; the address of the listener has the port that was chosen.
func (a *App) listen(ctx context.Context, e wire.Endpoint) (*Listener, error) {
	l := &Listener{app: a, addr: Addr{Endpoint: e}, bell: a.host.NewLocalDoorbell(nameIncoming)}
	r := a.newRequest()
	r.listener = l
	err := a.ask(ctx, r, wire.Message{Type: wire.Bind, Endpoint: e})
	if errors.Is(err, wire.Invalid) {
		err = fmt.Errorf("%w: %w", os.NewSyscallError("bind", syscall.EADDRNOTAVAIL), err)
	}
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: e.Proto.String(), Addr: l.addr, Err: sysError("bind", err)}
	}
	return l, nil
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
		err := a.err
		if l.closed {
			err = net.ErrClosed
		}
		if err != nil {
			_ = l.bell.Ring() // for the next call that waits
			return nil, &net.OpError{Op: "accept", Net: l.addr.Network(), Addr: l.addr, Err: err}
		}
		_ = waitUnlocked(a.mu, l.bell, nil, shm.Forever)
	}
	s := l.queue[0]
	l.queue = l.queue[1:]
	if len(l.queue) > 0 {
		_ = l.bell.Ring()
	}
	return s, nil
}

// Addr returns the endpoint that the listener listens at.
func (l *Listener) Addr() net.Addr { return l.addr }

// Close stops listening, so that the endpoint is free when it returns, and resets the sessions that no Accept has
// returned. Established ones stay. The second call returns net.ErrClosed in a
// [*net.OpError].
func (l *Listener) Close() error {
	a := l.app
	a.mu.Lock()
	if l.closed {
		a.mu.Unlock()
		return &net.OpError{Op: "close", Net: l.addr.Network(), Addr: l.addr, Err: net.ErrClosed}
	}
	l.closed = true
	queue := l.queue
	l.queue = nil
	a.listeners = slices.DeleteFunc(a.listeners, func(o *Listener) bool { return o == l })
	_ = l.bell.Ring()
	a.mu.Unlock()
	err := a.ask(context.Background(), a.newRequest(), wire.Message{Type: wire.Unbind, Handle: l.handle})
	for _, s := range queue {
		_ = s.Close()
	}
	if errors.Is(err, net.ErrClosed) || errors.Is(err, ErrLayerGone) {
		err = nil // the session layer has forgotten the listener by itself
	}
	return err
}

// acceptLocked makes the session of an accept notification and queues it.
func (a *App) acceptLocked(m wire.Message) wire.Status {
	i := slices.IndexFunc(a.listeners, func(l *Listener) bool { return l.handle == m.Listener })
	if i < 0 || len(a.listeners[i].queue) >= a.opt.Backlog || a.err != nil {
		return wire.Refused
	}
	s, err := a.newSessionLocked(m, true)
	if err != nil {
		return wire.NoMemory
	}
	l := a.listeners[i]
	l.queue = append(l.queue, s)
	_ = l.bell.Ring()
	return wire.OK
}
