package impl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"

	"cutthrough/shm"
)

var (
	nameAppLock  = shm.NewName("app.lock")
	nameRequest  = shm.NewName("app.request")
	nameIncoming = shm.NewName("app.accept")
	namePeerBell = shm.NewName("bell.peer")
	nameLead     = shm.NewName("app.lead")
)

// Options say how an application attaches.
type Options struct {
	Namespace string
	Secret    uint64
	Scope     uint8 // ScopeLocal, ScopeGlobal or both; 0 means both
	Backlog   int   // sessions that wait for Accept, per listener; default 128
	RxSize    int   // bytes of the fifo that a dialled session reads; 0: the session layer's default
	TxSize    int   // and of the one that it writes
	// Observe, if not nil, gets what happens, in order: for tests, simulation and monitors. It must
	// not call the application.
	Observe func(Observation)
	Spin    int // how long to look for progress before sleeping; see fifo.SpinDefault; 0 sleeps at once
}

// App is an application that is attached to a session layer. Close is enough to
// release everything. Safe for concurrent use.
type App struct {
	host shm.Host
	opt  Options
	conn shm.Conn
	bell shm.Doorbell // rung by peers after they posted an event

	mu        sync.Locker
	events    leadership
	context   uint64
	requests  []*request
	table     segmentTable
	inboxes   []*inbox
	sessions  []*Session // by the index of their handle; nil where there is none
	listeners []*Listener
	err       error // why it has ended
	tasks     int
	ended     shm.Doorbell
}

// request is a request that waits for its reply.
type request struct {
	context  uint64
	bell     shm.Doorbell
	reply    Message
	session  *Session  // made by the reply of a connect
	listener *Listener // known from the reply of a bind on
	done     bool
	dropped  bool // nobody waits any more
}

// ObservationKind says what an application has done.
type ObservationKind uint8

// The observations.
const (
	ObserveReceived ObservationKind = iota // a message of the session layer, before it is handled
	ObserveMapped                          // the segment of a MsgMap
	ObserveUnmapped                        // the segment of an earlier MsgMap
)

// Observation is something that an application has done.
type Observation struct {
	Kind ObservationKind
	Msg  Message
}

func (a *App) observe(k ObservationKind, m Message) {
	if a.opt.Observe != nil {
		a.opt.Observe(Observation{k, m})
	}
}

// Attach attaches to the session layer that listens at addr. Errors: those of
// shm.Host.Dial, or a [Status]; Unsupported for options that cannot be sent.
func Attach(h shm.Host, addr string, opt Options) (*App, error) {
	if opt.Scope == 0 {
		opt.Scope = ScopeLocal | ScopeGlobal
	}
	if opt.Backlog == 0 {
		opt.Backlog = 128
	}
	m := Message{Kind: MsgAttach, Namespace: opt.Namespace, Secret: opt.Secret, Scope: opt.Scope}
	err := m.sendable()
	if min(opt.RxSize, opt.TxSize) < 0 || max(opt.RxSize, opt.TxSize) > maxFifo {
		err = fmt.Errorf("fifos of %d and %d bytes: %w", opt.RxSize, opt.TxSize, Unsupported)
	}
	if err != nil {
		return nil, fmt.Errorf("impl: attach: %w", err)
	}
	conn, err := h.Dial(addr)
	if err != nil {
		return nil, fmt.Errorf("impl: attach: %w", err)
	}
	bell, err := h.NewDoorbell(nameAppBell)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("impl: attach: %w", err), conn.Close())
	}
	a := &App{
		host: h, opt: opt, conn: conn, bell: bell, mu: h.NewLock(nameAppLock),
		ended: h.NewLocalDoorbell(nameRequest), events: leadership{relay: h.NewLocalDoorbell(nameLead)},
	}
	a.mu.Lock()
	a.spawn("app-control", a.runControl)
	a.spawn("app-events", a.runEvents)
	a.mu.Unlock()
	r := a.newRequest()
	err = a.ask(context.Background(), r, m, bell.Desc())
	if err != nil {
		_ = a.Close()
		return nil, fmt.Errorf("impl: attach: %w", err)
	}
	return a, nil
}

// spawn runs f in a task that Close waits for. The caller has the lock.
func (a *App) spawn(name string, f func()) {
	a.tasks++
	a.host.Go(name, func() {
		f()
		a.mu.Lock()
		a.tasks--
		a.mu.Unlock()
		_ = a.ended.Ring()
	})
}

// Close closes all sessions and listeners and leaves the session layer. What was
// written is delivered if the peer reads it. The second call returns net.ErrClosed.
func (a *App) Close() error {
	a.mu.Lock()
	if a.err != nil && errors.Is(a.err, net.ErrClosed) {
		a.mu.Unlock()
		return net.ErrClosed
	}
	a.end(net.ErrClosed)
	sessions, listeners := slices.Clone(a.sessions), slices.Clone(a.listeners)
	a.mu.Unlock()
	for _, s := range sessions {
		if s != nil {
			_ = s.Close()
		}
	}
	for _, l := range listeners {
		_ = l.Close()
	}
	a.mu.Lock()
	for slices.ContainsFunc(a.sessions, func(s *Session) bool { return s != nil }) {
		a.mu.Unlock() // somebody else is closing it
		_ = a.ended.Wait(nil, shm.Forever)
		a.mu.Lock()
	}
	// Unmap before the session layer can learn that we are gone: it gives the places to others then.
	var errs []error
	for len(a.table.byBase) > 0 {
		errs = append(errs, a.unmap(a.table.byBase[0].h))
	}
	a.mu.Unlock()
	_ = a.conn.Close()
	a.closeBells()
	a.mu.Lock()
	defer a.mu.Unlock()
	for a.tasks > 0 {
		a.mu.Unlock()
		_ = a.ended.Wait(nil, shm.Forever)
		a.mu.Lock()
	}
	return errors.Join(errs...)
}

// end makes every call that waits return. The caller has the lock.
func (a *App) end(why error) {
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

func (a *App) newRequest() *request {
	return &request{bell: a.host.NewLocalDoorbell(nameRequest)}
}

// ask sends a request and waits for its reply, the end of ctx or of the
// application. A status other than OK is an error.
func (a *App) ask(ctx context.Context, r *request, m Message, descs ...shm.Desc) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = r.bell.Ring() })
	defer stop()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return a.err
	}
	a.context++
	m.Context, r.context = a.context, a.context
	a.requests = append(a.requests, r)
	a.mu.Unlock()
	err := a.conn.Send(m.Encode(nil), descs, shm.Forever)
	a.mu.Lock()
	for err == nil && !r.done && a.err == nil && ctx.Err() == nil {
		a.mu.Unlock()
		err = r.bell.Wait(nil, shm.Forever)
		a.mu.Lock()
	}
	switch {
	case r.done:
		return r.reply.Status.err()
	case ctx.Err() != nil:
		r.dropped = true // the reply may still come and make a session
		return ctx.Err()
	}
	a.forget(r)
	if err == nil || errors.Is(err, shm.ErrClosed) || errors.Is(err, shm.ErrPeerClosed) {
		err = a.err
	}
	if err == nil {
		err = ErrLayerGone
	}
	return err
}

// session returns the live session with the index, or nil.
func (a *App) session(index uint32) *Session {
	if int(index) >= len(a.sessions) {
		return nil
	}
	return a.sessions[index]
}

func (a *App) forget(r *request) {
	a.requests = slices.DeleteFunc(a.requests, func(o *request) bool { return o == r })
}

// ErrLayerGone is what calls return when the session layer has ended.
var ErrLayerGone = errors.New("impl: the session layer is gone")

// runControl handles the messages of the session layer, in order.
func (a *App) runControl() {
	buf := make([]byte, MaxWire)
	for {
		n, descs, err := a.conn.Recv(buf, shm.Forever)
		if err == nil {
			err = a.control(buf[:n], descs)
		}
		if err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, shm.ErrPeerClosed) {
				err = ErrLayerGone
			}
			a.mu.Lock()
			a.end(err)
			a.mu.Unlock()
			a.closeBells()
			_ = a.conn.Close()
			return
		}
	}
}

// control handles one message.
func (a *App) control(b []byte, descs []shm.Desc) error {
	m, err := Decode(b)
	if err == nil && len(descs) != m.Kind.Descs() {
		err = fmt.Errorf("impl: %w: %v with %d descriptors", ErrMessage, m.Kind, len(descs))
	}
	if err != nil {
		closeDescs(descs)
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.observe(ObserveReceived, m)
	switch m.Kind {
	case MsgMap:
		return a.answer(Message{Kind: MsgMapReply, Handle: m.Handle, Status: a.mapSegment(m, descs)})
	case MsgUnmap:
		status := OK
		if a.unmap(m.Handle) != nil {
			status = Invalid
		}
		return a.answer(Message{Kind: MsgUnmapReply, Handle: m.Handle, Status: status})
	case MsgAccept:
		return a.answer(Message{Kind: MsgAcceptReply, Handle: m.Handle, Status: a.accept(m)})
	case MsgDisconnect, MsgReset:
		if s := a.session(m.Handle.index()); s != nil && s.handle == m.Handle {
			s.peerDid(m)
		}
		return nil
	}
	return a.reply(m)
}

// answer answers a notification. The session layer always reads, so it does not wait long.
func (a *App) answer(m Message) error { return a.conn.Send(m.Encode(nil), nil, shm.Forever) }

// reply hands a reply to who asked. A session that nobody waits for is closed.
func (a *App) reply(m Message) error {
	i := slices.IndexFunc(a.requests, func(r *request) bool { return r.context == m.Context })
	if i < 0 || !m.Kind.reply() {
		return nil // of a close, which nobody waits for
	}
	r := a.requests[i]
	a.forget(r)
	var failed error
	if m.Kind == MsgConnectReply && m.Status == OK {
		s, err := a.newSession(m, false)
		if err != nil {
			m.Status = NoMemory
			failed = a.tell(Message{Kind: MsgReset, Handle: m.Handle})
		} else if r.dropped {
			s.abandon()
		}
		r.session = s
	}
	if m.Kind == MsgBindReply && m.Status == OK {
		r.listener.handle = m.Handle
		a.listeners = append(a.listeners, r.listener)
	}
	r.reply, r.done = m, true
	_ = r.bell.Ring()
	return failed
}

// tell sends a request whose reply nobody waits for.
func (a *App) tell(m Message) error {
	a.context++
	m.Context = a.context
	return a.conn.Send(m.Encode(nil), nil, shm.Forever)
}

// mapSegment maps a segment and opens the peer's doorbell.
func (a *App) mapSegment(m Message, descs []shm.Desc) Status {
	if a.err != nil {
		closeDescs(descs)
		return Invalid // it would never be unmapped
	}
	seg, err := a.host.MapSegment(descs[0], m.Size)
	if err != nil {
		_ = descs[1].Close()
		return NoMemory
	}
	peer, err := a.host.OpenDoorbell(descs[1], namePeerBell)
	if err != nil {
		_ = seg.Close()
		return NoMemory
	}
	if err := a.table.add(&mapping{m.Handle, m.Base, seg, peer}); err != nil {
		_ = errors.Join(seg.Close(), peer.Close())
		return Invalid
	}
	a.observe(ObserveMapped, m)
	return OK
}

// unmap forgets a segment and its queues. Sessions in it are over by then.
func (a *App) unmap(h Handle) error {
	m := a.table.remove(h)
	if m == nil {
		return fmt.Errorf("impl: unmap %v: %w", h, ErrUnresolved)
	}
	keep := a.inboxes[:0]
	for _, in := range a.inboxes {
		if in.segment != h {
			keep = append(keep, in)
		}
	}
	a.inboxes = keep
	a.observe(ObserveUnmapped, Message{Kind: MsgMap, Handle: h, Base: m.base, Size: m.seg.Size()})
	return errors.Join(m.seg.Close(), m.peer.Close())
}
