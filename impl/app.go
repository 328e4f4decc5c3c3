package impl

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"cutthrough/impl/wire"
	"cutthrough/shm"
)

var (
	nameAppLock  = shm.NewName("app.lock")
	nameRequest  = shm.NewName("app.request")
	nameIncoming = shm.NewName("app.accept")
	namePeerLock = shm.NewName("peer.lock")
	namePeerBell = shm.NewName("peer.bell")
	namePeerRing = shm.NewName("peer.ring")
)

// Options say how an application attaches.
type Options struct {
	Namespace string
	Secret    uint64
	Scope     uint8 // ScopeLocal, ScopeGlobal or both; 0 means both
	Backlog   int   // sessions that wait for Accept, per listener; default 4096. More connects wait, and their diallers
	RxSize    int   // bytes of the fifo that a dialled session reads; 0: the session layer's default
	TxSize    int   // and of the one that it writes
	// Trust, if not nil, judges the process that listens at the address, as the kernel knows it: an error ends
	// Attach before anything is sent. Any process can listen at an abstract address or in a directory of all.
	Trust func(layer shm.Peer) error
	// Observe, if not nil, gets what happens, in order: for tests, simulation and monitors. It must
	// not call the application.
	Observe func(Observation)
	Spin    int // how long to look for progress before sleeping; see fifo.SpinDefault; 0 sleeps at once
	// CloseWait bounds how long App.Close and Listener.Close wait for the session layer; default 500 ms. CloseContext
	// waits as long as its context.
	CloseWait time.Duration
}

const defaultCloseWait = 500 * time.Millisecond

// App is an application that is attached to a session layer. Close is enough to
// release everything. Safe for concurrent use.
type App struct {
	host shm.Host
	opt  Options
	conn shm.Conn

	mu          sync.Locker
	lastRequest uint64
	requests    []*request
	outgoing    []outgoing // messages that wait to be sent, the oldest first
	sending     bool       // a call or the writer is sending them
	table       segmentTable
	sessions    []*Session // by the index of their handle; nil where there is none
	listeners   []*Listener
	attached    bool
	closed      bool  // by Close
	err         error // why it has ended
	hungUp      bool  // the control channel has ended: no reply comes any more
	tasks       int
	ended       shm.Doorbell
}

// Attach is AttachContext with the background context: it waits for a session layer that does not answer.
func Attach(h shm.Host, addr string, opt Options) (*App, error) {
	return AttachContext(context.Background(), h, addr, opt)
}

// AttachContext attaches to the session layer that listens at addr. Errors: those of
// shm.Host.Dial and of ctx, or a [wire.Status]; Unsupported for options that cannot be sent.
func AttachContext(ctx context.Context, h shm.Host, addr string, opt Options) (*App, error) {
	if opt.Scope == 0 {
		opt.Scope = wire.ScopeLocal | wire.ScopeGlobal
	}
	if opt.Backlog == 0 {
		opt.Backlog = 4096
	}
	opt.CloseWait = cmp.Or(opt.CloseWait, defaultCloseWait)
	m := wire.Message{Type: wire.Attach, Namespace: opt.Namespace, Secret: opt.Secret, Scope: opt.Scope}
	err := m.Validate()
	if min(opt.RxSize, opt.TxSize) < 0 || max(opt.RxSize, opt.TxSize) > wire.MaxFifo {
		err = fmt.Errorf("fifos of %d and %d bytes: %w", opt.RxSize, opt.TxSize, wire.Unsupported)
	}
	if err != nil {
		return nil, fmt.Errorf("impl: attach: %w", err)
	}
	conn, err := dialLayer(ctx, h, addr)
	if err != nil {
		return nil, fmt.Errorf("impl: attach: %w", err)
	}
	if opt.Trust != nil {
		peer, err := conn.Peer()
		if err == nil {
			err = opt.Trust(peer)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("impl: attach: %w", err), conn.Close())
		}
	}
	a := &App{host: h, opt: opt, conn: conn, mu: h.NewLock(nameAppLock), ended: h.NewLocalDoorbell(nameRequest)}
	a.mu.Lock()
	a.spawnLocked("app-control", a.runControl)
	a.mu.Unlock()
	err = a.ask(patient(ctx), a.newRequest(), m)
	if err != nil {
		_ = a.Close()
		return nil, fmt.Errorf("impl: attach: %w", err)
	}
	return a, nil
}

// dialLayer connects to the session layer. While that has no room for a connection, it looks at ctx between two tries.
func dialLayer(ctx context.Context, h shm.Host, addr string) (shm.Conn, error) {
	end, limited := ctx.Deadline()
	for {
		until := shm.Forever
		if limited {
			until = h.At(end)
		}
		if ctx.Done() != nil { // each try is behind those that wait, so there are few
			until = min(until, h.Now()+time.Second)
		}
		conn, err := h.Dial(addr, until)
		if !errors.Is(err, shm.ErrDeadline) {
			return conn, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
}

// spawnLocked runs f in a task that Close waits for.
func (a *App) spawnLocked(name string, f func()) {
	a.tasks++
	a.host.Go(name, func() {
		f()
		a.mu.Lock()
		a.tasks--
		a.mu.Unlock()
		_ = a.ended.Ring()
	})
}

// Close closes all sessions and listeners and leaves the session layer: the addresses of the listeners are free when it
// returns nil. What was written is delivered if the peer reads it. It waits for the session layer at most
// Options.CloseWait, and returns os.ErrDeadlineExceeded then: everything here is closed, and the session layer will find
// that out. The second call returns net.ErrClosed.
func (a *App) Close() error { return a.close(a.brief()) }

// CloseContext is Close that waits for the session layer as long as ctx, whose error it returns then.
func (a *App) CloseContext(ctx context.Context) error { return a.close(patient(ctx)) }

func (a *App) close(p patience) error {
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return net.ErrClosed
	}
	a.closed = true
	a.endLocked(net.ErrClosed)
	sessions, listeners := slices.Clone(a.sessions), slices.Clone(a.listeners)
	a.mu.Unlock()
	for _, l := range listeners {
		_ = l.Close()
	}
	for _, s := range sessions {
		if s != nil {
			_ = s.Close()
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for slices.ContainsFunc(a.sessions, func(s *Session) bool { return s != nil }) {
		_ = waitUnlocked(a.mu, a.ended, nil, shm.Forever) // another call is closing it
	}
	// Unmap before the session layer can learn that we are gone: it gives the places to others then.
	var errs []error
	for len(a.table.byBase) > 0 {
		errs = append(errs, a.unmapLocked(a.table.byBase[0].h))
	}
	errs = append(errs, a.detachLocked(p))
	a.mu.Unlock()
	_ = a.conn.Close()
	a.mu.Lock()
	for a.tasks > 0 {
		_ = waitUnlocked(a.mu, a.ended, nil, shm.Forever)
	}
	return errors.Join(errs...)
}

// detachLocked leaves the session layer and waits for its reply. A session layer that is gone has forgotten the
// application by itself.
func (a *App) detachLocked(p patience) error {
	if !a.attached || a.hungUp {
		return nil
	}
	r := a.newRequest()
	a.requestLocked(r, wire.Message{Type: wire.Detach}, nil)
	err := a.awaitLocked(p, r, func() bool { return a.hungUp })
	if a.hungUp {
		return nil
	}
	return err
}

// endLocked makes every call that waits return.
func (a *App) endLocked(why error) {
	if a.err != nil {
		return
	}
	a.err = why
	for _, r := range a.requests {
		_ = r.bell.Ring()
	}
	for _, s := range a.sessions {
		if s != nil {
			s.fail(why)
		}
	}
	for _, l := range a.listeners {
		_ = l.bell.Ring()
	}
}

// sessionLocked returns the live session with the index, or nil.
func (a *App) sessionLocked(index uint32) *Session {
	if int(index) >= len(a.sessions) {
		return nil
	}
	return a.sessions[index]
}
