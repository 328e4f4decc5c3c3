package impl

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"cutthrough/shm"
	"cutthrough/shm/evq"
	"cutthrough/shm/fifo"
)

var (
	nameReadLock  = shm.NewName("session.read-lock")
	nameWriteLock = shm.NewName("session.write-lock")
	nameStateLock = shm.NewName("session.state-lock")
	nameReadBell  = shm.NewName("session.readable")
	nameWriteBell = shm.NewName("session.writable")
	nameQuiet     = shm.NewName("session.quiet")
)

// Session is a local session: a [net.Conn] whose bytes go through two fifos in shared
// memory. Safe for concurrent use; concurrent reads take turns, and so do writes.
type Session struct {
	app           *App
	handle        Handle
	local, remote Addr
	inbox         *inbox
	out           outbox

	in, ex half // reading and writing

	mu       sync.Locker // below, and the deadlines and inside counts of the halves
	err      error       // the session is unusable: reset, corrupt, or the layer is gone
	peerFin  bool        // the peer has closed its writing direction
	peerDone bool        // the peer has closed
	fin      bool        // we have closed ours
	closed   bool
	inside   int // calls that may touch the fifos
	quiet    shm.Doorbell
}

// half is one direction of a session as this side uses it.
type half struct {
	turn     sync.Locker   // held by the call that uses the fifo
	deadline time.Duration // of Host.Now; shm.Forever: none

	// Guarded by the lock of the application.
	woken   bool // since it last waited
	follows bool // it waits for the bell, because another task leads
	bell    shm.Doorbell

	writer *fifo.Writer
	reader *fifo.Reader
}

// newSession opens the fifos and queues that m describes. The caller has the lock of
// the application.
func (a *App) newSession(m Message, serves bool) (*Session, error) {
	h := a.host
	s := &Session{
		app: a, handle: m.Handle, mu: h.NewLock(nameStateLock), quiet: h.NewLocalDoorbell(nameQuiet),
		in: half{turn: h.NewLock(nameReadLock), bell: h.NewLocalDoorbell(nameReadBell), deadline: shm.Forever},
		ex: half{turn: h.NewLock(nameWriteLock), bell: h.NewLocalDoorbell(nameWriteBell), deadline: shm.Forever},
	}
	s.local, s.remote = Addr{m.Endpoint, m.Handle}, Addr{m.Endpoint, m.Handle}
	rx, rxOff, err := a.table.resolve(m.Rx)
	if err != nil {
		return nil, err
	}
	tx, txOff, err := a.table.resolve(m.Tx)
	if err != nil {
		return nil, err
	}
	consumer, err := fifo.OpenConsumer(rx.seg, rxOff)
	if err != nil {
		return nil, err
	}
	producer, err := fifo.OpenProducer(tx.seg, txOff)
	if err != nil {
		return nil, err
	}
	post, postOff, err := a.table.resolve(m.PostQueue)
	if err != nil {
		return nil, err
	}
	id := 0
	if serves {
		id = 1
	}
	queue, err := evq.OpenProducer(post.seg, postOff, id)
	if err != nil {
		return nil, err
	}
	s.out = outbox{queue, post.peer}
	if s.inbox, err = a.openInbox(m.ReadQueue); err != nil {
		return nil, err
	}
	s.in.reader = &fifo.Reader{Fifo: consumer, Peer: notice{s, evSpace}, Bell: gate{s, &s.in}, Now: h.Now, Spin: a.opt.Spin}
	s.ex.writer = &fifo.Writer{Fifo: producer, Peer: notice{s, evData}, Bell: gate{s, &s.ex}, Now: h.Now, Spin: a.opt.Spin}
	i := int(m.Handle.index())
	for i >= len(a.sessions) {
		a.sessions = append(a.sessions, nil)
	}
	a.sessions[i] = s
	return s, nil
}

// openInbox returns the event queue at the address as one that this application
// reads, opening it if it is new.
func (a *App) openInbox(at Address) (*inbox, error) {
	for _, in := range a.inboxes {
		if in.at == at {
			return in, in.err
		}
	}
	m, off, err := a.table.resolve(at)
	if err != nil {
		return nil, err
	}
	q, err := evq.OpenConsumer(m.seg, off)
	if err != nil {
		return nil, err
	}
	in := &inbox{at: at, segment: m.h, queue: q}
	a.inboxes = append(a.inboxes, in)
	if a.events.taken {
		_ = a.bell.Ring() // who leads must ask for rings of this queue too
	}
	return in, nil
}

// notice is the doorbell of the peer as the fifo code sees it: to ring it is to post
// an event.
type notice struct {
	s    *Session
	kind uint8
}

// Ring implements [shm.Doorbell].
func (n notice) Ring() error { return n.s.out.post(n.kind, n.s.handle.index()) }

// Wait implements [shm.Doorbell]; nobody waits for a notice.
func (n notice) Wait(func() bool, time.Duration) error { panic("impl: wait for a notice") }

// Desc implements [shm.Doorbell].
func (n notice) Desc() shm.Desc { return nil }

// Close implements [shm.Doorbell].
func (n notice) Close() error { return nil }

// gate is the bell that a half sleeps on: it lets deadlines move, and the end of
// the stream, a close or a reset end the sleep.
type gate struct {
	s *Session
	h *half
}

// Ring implements [shm.Doorbell].
func (g gate) Ring() error { return g.h.bell.Ring() }

// Wait implements [shm.Doorbell].
func (g gate) Wait(ready func() bool, _ time.Duration) error {
	g.s.mu.Lock()
	until := g.h.deadline
	err := g.s.state(g.h)
	g.s.mu.Unlock()
	if err == io.EOF && ready() {
		return nil // bytes that came before the end of the stream
	}
	if err != nil {
		return err
	}
	if g.s.app.opt.Spin == 0 {
		ready = nil // or the doorbell would spin
	}
	return g.s.app.await(g.h, ready, until) // if it is nil the caller looks, and comes back here
}

// Desc implements [shm.Doorbell].
func (g gate) Desc() shm.Desc { return nil }

// Close implements [shm.Doorbell].
func (g gate) Close() error { return nil }

// state returns why a call of half h must not wait: nil, the end of the stream, a
// deadline or what ended the session. The caller has mu.
func (s *Session) state(h *half) error {
	switch {
	case s.closed:
		return net.ErrClosed
	case s.err != nil:
		return s.err
	case h.deadline != shm.Forever && h.deadline <= s.app.host.Now():
		return os.ErrDeadlineExceeded
	case h == &s.in && (s.peerFin || s.peerDone):
		return io.EOF
	case h == &s.ex && (s.fin || s.peerDone):
		return syscall.EPIPE
	}
	return nil
}

// enter begins a call of half h, leave ends it. Between them Close waits.
func (s *Session) enter(h *half) error {
	h.turn.Lock()
	s.mu.Lock()
	err := s.state(h)
	if err == io.EOF {
		err = nil // there may be bytes left
	}
	if err == nil {
		s.inside++
	}
	s.mu.Unlock()
	if err != nil {
		h.turn.Unlock()
	}
	return err
}

func (s *Session) leave(h *half) {
	s.mu.Lock()
	s.inside--
	closed := s.closed
	s.mu.Unlock()
	h.turn.Unlock()
	if closed {
		_ = s.quiet.Ring()
	}
}

// Read reads up to len(b) bytes. io.EOF when the peer has closed and everything it wrote
// was read; net.ErrClosed, os.ErrDeadlineExceeded, syscall.ECONNRESET, shm.ErrCorrupt.
func (s *Session) Read(b []byte) (int, error) {
	if err := s.enter(&s.in); err != nil {
		return 0, err
	}
	defer s.leave(&s.in)
	return s.in.reader.Read(b, shm.Forever)
}

// Write writes all of b, or returns how many bytes and why not more: syscall.EPIPE when
// the peer has closed or CloseWrite was called; else as Read.
func (s *Session) Write(b []byte) (int, error) {
	if err := s.enter(&s.ex); err != nil {
		return 0, err
	}
	defer s.leave(&s.ex)
	return s.ex.writer.Write(b, shm.Forever)
}

// CloseWrite closes the writing direction: the peer reads what was written, and then
// io.EOF. The second call returns syscall.EPIPE.
func (s *Session) CloseWrite() error {
	if err := s.enter(&s.ex); err != nil {
		return err
	}
	defer s.leave(&s.ex)
	s.mu.Lock()
	s.fin = true
	s.mu.Unlock()
	return s.tell(Message{Kind: MsgDisconnect, Handle: s.handle, How: CloseWrite})
}

// Close closes the session; blocked calls return net.ErrClosed. The peer reads what was
// written, unless bytes from it are unread here: then they are thrown away and it is
// reset. The second call returns net.ErrClosed.
func (s *Session) Close() error { return s.close(MsgDisconnect) }

// Reset closes the session and throws away what is under way in both directions:
// the peer's calls return syscall.ECONNRESET.
func (s *Session) Reset() error { return s.close(MsgReset) }

func (s *Session) close(kind Kind) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return net.ErrClosed
	}
	s.closed = true
	for s.inside > 0 {
		s.mu.Unlock()
		s.app.mu.Lock()
		s.wakeAll()
		s.app.mu.Unlock()
		_ = s.quiet.Wait(nil, shm.Forever)
		s.mu.Lock()
	}
	usable := s.err == nil || errors.Is(s.err, net.ErrClosed) // the application closes; the fifos are fine
	s.mu.Unlock()
	if usable {
		if n, err := s.in.reader.Fifo.Readable(); n > 0 || err != nil {
			kind = MsgReset
		}
	}
	a := s.app
	a.mu.Lock()
	if a.session(s.handle.index()) == s {
		a.sessions[s.handle.index()] = nil
	}
	a.mu.Unlock()
	_ = a.ended.Ring()
	return s.tell(Message{Kind: kind, Handle: s.handle})
}

// tell sends a request about the session. A session layer that is gone has
// forgotten the session by itself.
func (s *Session) tell(m Message) error {
	a := s.app
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil && !errors.Is(a.err, net.ErrClosed) {
		return nil
	}
	if err := a.tell(m); err != nil && !errors.Is(err, shm.ErrClosed) && !errors.Is(err, shm.ErrPeerClosed) {
		return err
	}
	return nil
}

// abandon closes a session that its dialler does not want any more. The caller has
// the lock of the application.
func (s *Session) abandon() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.app.sessions[s.handle.index()] = nil
	_ = s.app.tell(Message{Kind: MsgReset, Handle: s.handle})
}

// peerDid notes what the session layer says about the peer. The caller has the lock of the
// application.
func (s *Session) peerDid(m Message) {
	s.mu.Lock()
	switch {
	case m.Kind == MsgReset && s.err == nil:
		s.err = syscall.ECONNRESET
	case m.How == CloseWrite:
		s.peerFin = true
	default:
		s.peerDone = true
	}
	s.mu.Unlock()
	s.wakeAll()
}

// fail makes the session unusable. The caller has the lock of the application.
func (s *Session) fail(err error) {
	s.mu.Lock()
	if s.err == nil {
		s.err = err
	}
	s.mu.Unlock()
	s.wakeAll()
}

// LocalAddr returns the endpoint of the session; it is the same on both sides.
func (s *Session) LocalAddr() net.Addr { return s.local }

// RemoteAddr returns the endpoint of the session.
func (s *Session) RemoteAddr() net.Addr { return s.remote }

// SetDeadline sets both deadlines. The zero time means none.
func (s *Session) SetDeadline(t time.Time) error {
	return errors.Join(s.setDeadline(&s.in, t), s.setDeadline(&s.ex, t))
}

// SetReadDeadline sets the deadline of reads, also of those that wait.
func (s *Session) SetReadDeadline(t time.Time) error { return s.setDeadline(&s.in, t) }

// SetWriteDeadline sets the deadline of writes, also of those that wait.
func (s *Session) SetWriteDeadline(t time.Time) error { return s.setDeadline(&s.ex, t) }

func (s *Session) setDeadline(h *half, t time.Time) error {
	until := shm.Forever
	if !t.IsZero() {
		until = s.app.host.At(t)
	}
	s.mu.Lock()
	closed := s.closed
	if !closed {
		h.deadline = until
	}
	s.mu.Unlock()
	if closed {
		return net.ErrClosed
	}
	s.app.mu.Lock()
	s.app.wake(h)
	s.app.mu.Unlock()
	return nil
}

var _ net.Conn = (*Session)(nil)
