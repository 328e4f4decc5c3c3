package sim

import (
	"fmt"
	"syscall"
	"time"

	"cutthrough/shm"
	"cutthrough/shm/access"
)

// listenBacklog is how many channels wait for Accept before Dial blocks.
const listenBacklog = 8

// listener accepts channels at an address of the world.
type listener struct {
	id      Object
	p       *Process
	addr    string
	pending []*conn // server ends
	closed  bool
}

func (l *listener) signalled() bool { return len(l.pending) > 0 || l.closed }

func (l *listener) String() string { return "listener " + l.addr }

func (l *listener) release() {
	w := l.p.w
	w.touch(l.id, LetGo)
	w.touch(Directory, Changed)
	w.contingent()
	l.closed = true
	for i, o := range w.listeners {
		if o == l {
			w.listeners = append(w.listeners[:i], w.listeners[i+1:]...)
			break
		}
	}
	for _, c := range l.pending {
		c.p.drop(c)
		c.release()
	}
	l.pending = nil
	w.wake(l)
	w.wake(dialWait{w, l.addr})
}

// dialWait is what a Dial waits for whose listener has too many channels that were not accepted.
type dialWait struct {
	w    *World
	addr string
}

func (x dialWait) signalled() bool {
	l := x.w.listenerAt(x.addr)
	return l == nil || len(l.pending) < listenBacklog
}

// Listen implements [shm.Host].
func (p *Process) Listen(addr string) (shm.Listener, error) {
	if err := p.call(Directory, nameListen, syscall.EMFILE, syscall.ENOMEM); err != nil {
		return nil, err
	}
	p.w.touch(Directory, Changed)
	p.w.contingent()
	if p.w.listenerAt(addr) != nil {
		return nil, fmt.Errorf("sim: listen %s: %w", addr, shm.ErrAddrInUse)
	}
	l := &listener{id: p.w.object("listener", addr), p: p, addr: addr}
	p.w.listeners = append(p.w.listeners, l)
	p.acquire(l)
	return l, nil
}

func (w *World) listenerAt(addr string) *listener {
	for _, l := range w.listeners {
		if l.addr == addr {
			return l
		}
	}
	return nil
}

// Dial implements [shm.Host].
func (p *Process) Dial(addr string, deadline time.Duration) (shm.Conn, error) {
	w := p.w
	room := dialWait{w, addr}
	w.expect(room, deadline)
	err := p.call(Directory, nameDial, syscall.EMFILE, syscall.ENOMEM)
	w.expect(nil, 0)
	if err != nil {
		return nil, err
	}
	for {
		w.touch(Directory, Looked)
		w.contingent()
		l := w.listenerAt(addr)
		switch {
		case l == nil:
			return nil, fmt.Errorf("sim: dial %s: %w", addr, shm.ErrRefused)
		case room.signalled():
			server, client := pair(l.p, p)
			l.pending = append(l.pending, server)
			w.wake(l)
			w.touch(l.id, Changed)
			return client, nil
		case deadline <= w.now:
			return nil, fmt.Errorf("sim: dial %s: its backlog is full: %w", addr, shm.ErrDeadline)
		}
		w.block(w.cur, room, nil, deadline)
	}
}

// Accept implements [shm.Listener].
func (l *listener) Accept(deadline time.Duration) (shm.Conn, error) {
	w := l.p.w
	t := w.cur
	w.atWait(Access{Object: l.id, Name: nameAccept, Op: access.Recv}, nil, l, deadline)
	for !l.signalled() {
		if deadline <= w.now {
			return nil, shm.ErrDeadline
		}
		if w.block(t, l, nil, deadline) && !l.signalled() {
			return nil, shm.ErrDeadline
		}
	}
	if l.closed {
		return nil, shm.ErrClosed
	}
	c := l.pending[0]
	l.pending = l.pending[1:]
	w.wake(dialWait{w, l.addr})
	return c, nil
}

// Addr implements [shm.Listener].
func (l *listener) Addr() string { return l.addr }

// Close implements [shm.Listener].
func (l *listener) Close() error {
	if l.p.w.cur != nil {
		l.p.w.at(Access{Object: l.id, Name: nameClose, Op: access.Call}, nil)
	}
	if l.closed {
		l.p.w.touch(l.id, Looked)
		return shm.ErrClosed
	}
	l.p.drop(l)
	l.release()
	return nil
}
