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
	nameEnded    = shm.NewName("app.ended")
	nameAgain    = shm.NewName("app.attach-again")
	nameDoubt    = shm.NewName("app.doubt")
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
	// Observe, if not nil, gets what happens, in order. It must not call the application, nor wait.
	Observe func(Observation)
	Spin    int // how long to look for progress before sleeping; see fifo.SpinDefault; 0 sleeps at once
	// CloseWait bounds how long App.Close and Listener.Close wait for the session layer; default 500 ms. CloseContext
	// waits as long as its context.
	CloseWait time.Duration
	// NoReturn: when the session layer has ended, the application does not attach again. Listeners end then.
	NoReturn bool
}

const (
	defaultCloseWait = 500 * time.Millisecond
	// dialTry bounds one try to connect to a session layer that has no room.
	dialTry = 250 * time.Millisecond
	// openWait is how long a dialler may take, after the session layer has ended, to use a session that its reply has
	// told of. The session layer may have ended before the reply.
	openWait = time.Second
)

// App is an application of a session layer. When that ends, established sessions go on, and the application attaches
// again as soon as there is a session layer at the address. Close is enough to release everything. Safe for concurrent
// use.
type App struct {
	host shm.Host
	addr string
	opt  Options

	mu        sync.Locker
	current   *attachment   // the newest
	past      []*attachment // whose session layer has ended, and that have sessions
	listeners []*Listener   // also those that are bound at no session layer at present
	attaching bool          // a task attaches again
	closed    bool
	tasks     int
	ended     shm.Doorbell // rung when a task or session has ended
	again     shm.Doorbell // ends a pause of the task that attaches again
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
	m := opt.attach()
	err := m.Validate()
	if min(opt.RxSize, opt.TxSize) < 0 || max(opt.RxSize, opt.TxSize) > wire.MaxFifo {
		err = fmt.Errorf("fifos of %d and %d bytes: %w", opt.RxSize, opt.TxSize, wire.Unsupported)
	}
	if err != nil {
		return nil, fmt.Errorf("impl: attach: %w", err)
	}
	a := &App{
		host: h, addr: addr, opt: opt, attaching: true,
		mu: h.NewLock(nameAppLock), ended: h.NewLocalDoorbell(nameEnded), again: h.NewLocalDoorbell(nameAgain),
	}
	if err := a.attach(ctx); err != nil {
		_ = a.Close()
		return nil, fmt.Errorf("impl: attach: %w", err)
	}
	a.mu.Lock()
	a.current.announceLocked()
	a.attaching = false
	a.returnLocked()
	a.mu.Unlock()
	return a, nil
}

// dialLayer connects to the session layer. While that has no room for a connection, it looks between two tries whether
// the caller or the application has given up.
func (a *App) dialLayer(ctx context.Context) (shm.Conn, error) {
	end, limited := ctx.Deadline()
	for {
		until := shm.Forever
		if limited {
			until = a.host.At(end)
		}
		if ctx.Done() != nil || a.current != nil { // each try is behind those that wait, so there are few
			until = min(until, a.host.Now()+dialTry)
		}
		conn, err := a.host.Dial(a.addr, until)
		if !errors.Is(err, shm.ErrDeadline) {
			return conn, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		a.mu.Lock()
		closed := a.closed
		a.mu.Unlock()
		if closed {
			return nil, net.ErrClosed
		}
	}
}

// attach returns the message with which an application attaches.
func (o *Options) attach() wire.Message {
	return wire.Message{Type: wire.Attach, Namespace: o.Namespace, Secret: o.Secret, Scope: o.Scope}
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
	_ = a.again.Ring()
	var sessions []*Session
	for _, t := range a.attachmentsLocked() {
		t.endLocked(net.ErrClosed)
		for _, s := range t.sessionsLocked() {
			s.fail(net.ErrClosed)
			sessions = append(sessions, s)
		}
	}
	listeners := slices.Clone(a.listeners)
	a.mu.Unlock()
	for _, l := range listeners {
		_ = l.Close()
	}
	for _, s := range sessions {
		_ = s.Close()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	var errs []error
	for _, t := range a.attachmentsLocked() {
		errs = append(errs, t.leaveLocked(p))
	}
	for a.tasks > 0 {
		_ = waitUnlocked(a.mu, a.ended, nil, shm.Forever)
	}
	return errors.Join(errs...)
}

// attachmentsLocked returns the attachments that have to be left: the newest, and those before it that have sessions.
func (a *App) attachmentsLocked() []*attachment {
	all := slices.Clone(a.past)
	if a.current != nil && !a.current.hungUp {
		all = append(all, a.current)
	}
	return all
}

// overLocked returns why nothing can be accepted any more, or nil.
func (a *App) overLocked() error {
	switch {
	case a.closed:
		return net.ErrClosed
	case a.opt.NoReturn:
		return a.current.err
	}
	return nil
}
