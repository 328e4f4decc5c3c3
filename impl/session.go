package impl

import (
	"container/list"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"cutthrough/impl/wire"
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
	nameDrained   = shm.NewName("session.drained")
)

// Session is a local session: a [net.Conn] whose bytes go through two fifos in shared
// memory. Safe for concurrent use; concurrent reads take turns, and so do writes.
type Session struct {
	at            *attachment // of which it is a session
	handle        wire.Handle
	serves        bool        // this side has accepted
	memory        [3]*mapping // of the fifos and queues
	local, remote Addr
	remotePeer    wire.Peer
	peer          *peer
	out           outbox

	rx, tx direction // reading and writing

	mu       sync.Locker // below, and the deadlines of the directions
	err      error       // the session is unusable: reset or corrupt
	peerFin  bool        // the session layer says that the peer has closed its writing direction
	peerDone bool        // and that it has closed; the fifos say it earlier, unless the peer is hostile
	end      error       // the peer or the session layer is gone: nothing follows the bytes that are there
	fin      bool        // we have closed ours
	deaf     bool        // CloseRead was called
	closed   bool
	inflight int // calls that may touch the fifos
	drained  shm.Doorbell
}

// direction is reading or writing, as this side of a session uses it.
type direction struct {
	turn     sync.Locker   // held by the call that uses the fifo
	deadline time.Duration // of Host.Now; shm.Forever: none

	// Guarded by the lock of the peer.
	signalled bool          // since it last waited
	place     *list.Element // among the followers; nil while it is none
	bell      shm.Doorbell

	writer *fifo.Writer
	reader *fifo.Reader
}

// maxSessions bounds the index of a session that a session layer can name.
const maxSessions = 1 << 22

// newSessionLocked opens the fifos and queues that m describes.
func (a *attachment) newSessionLocked(m wire.Message, serves bool) (*Session, error) {
	h := a.app.host
	s := &Session{
		at: a, handle: m.Handle, serves: serves, mu: h.NewLock(nameStateLock), drained: h.NewLocalDoorbell(nameDrained),
		rx: direction{turn: h.NewLock(nameReadLock), bell: h.NewLocalDoorbell(nameReadBell), deadline: shm.Forever},
		tx: direction{turn: h.NewLock(nameWriteLock), bell: h.NewLocalDoorbell(nameWriteBell), deadline: shm.Forever},
	}
	s.name(m, serves)
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
	read, readOff, err := a.table.resolve(m.ReadQueue)
	if err != nil {
		return nil, err
	}
	if s.peer = post.peer; read != post || s.peer == nil {
		return nil, fmt.Errorf("impl: event queues without doorbells: %w", ErrUnresolved)
	}
	s.out = outbox{queue, s.peer}
	s.rx.reader = &fifo.Reader{Fifo: consumer, Peer: eventRinger{s, evSpace}, Bell: sessionWaiter{s, &s.rx}, Now: h.Now, Spin: a.app.opt.Spin}
	s.tx.writer = &fifo.Writer{Fifo: producer, Peer: eventRinger{s, evData}, Bell: sessionWaiter{s, &s.tx}, Now: h.Now, Spin: a.app.opt.Spin}
	if err := a.enterLocked(s, m.ReadQueue, read, readOff); err != nil {
		return nil, err
	}
	s.memory = [...]*mapping{rx, tx, read}
	for _, m := range s.memory {
		m.users++
	}
	producer.SetState(fifo.StateOpen)
	return s, nil
}

// enterLocked makes s one of the sessions, of the attachment and of its peer.
func (a *attachment) enterLocked(s *Session, queue wire.Location, m *mapping, off uint64) error {
	i := int(s.handle.Index())
	if i >= maxSessions || a.sessionLocked(s.handle.Index()) != nil {
		return fmt.Errorf("impl: new %v: %w", s.handle, ErrUnresolved)
	}
	if err := s.peer.join(s, queue, m, off); err != nil {
		return err
	}
	for i >= len(a.sessions) {
		a.sessions = append(a.sessions, nil)
	}
	a.sessions[i] = s
	a.live++
	return nil
}

// stateLocked returns why a call in direction d must not wait: nil, the end of the stream, a deadline or what
// ended the session. The lock is that of the session.
func (s *Session) stateLocked(d *direction) error {
	switch {
	case s.closed:
		return net.ErrClosed
	case s.err != nil:
		return s.err
	case d.deadline != shm.Forever && d.deadline <= s.at.app.host.Now():
		return os.ErrDeadlineExceeded
	}
	return s.overLocked(d)
}

// overLocked returns why nothing more can be moved in direction d, as the fifo and the session layer say, or nil.
func (s *Session) overLocked(d *direction) error {
	state, err := d.peerState()
	switch {
	case err != nil:
		return err
	case state == fifo.StateReset:
		return syscall.ECONNRESET
	case d == &s.rx && (state == fifo.StateClosed || s.peerFin || s.peerDone || s.deaf):
		return io.EOF
	case d == &s.tx && (state == fifo.StateClosed || s.fin || s.peerDone):
		return syscall.EPIPE
	}
	return s.end
}

// peerState returns what the other side of the fifo does.
func (d *direction) peerState() (fifo.State, error) {
	if d.reader != nil {
		return d.reader.Fifo.PeerState()
	}
	return d.writer.Fifo.PeerState()
}

// mayWait returns the deadline until which a call in direction d may wait, or why it must not.
func (s *Session) mayWait(d *direction) (time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return d.deadline, s.stateLocked(d)
}

// enter begins a call in direction d, leave ends it. Between them Close waits.
func (s *Session) enter(d *direction) error {
	d.turn.Lock()
	s.mu.Lock()
	err := s.stateLocked(d)
	if d == &s.rx && isEnd(err) {
		err = nil
	}
	if err == nil {
		s.inflight++
	}
	s.mu.Unlock()
	if err != nil {
		d.turn.Unlock()
	}
	return err
}

func (s *Session) leave(d *direction) {
	s.mu.Lock()
	s.inflight--
	closed := s.closed
	s.mu.Unlock()
	d.turn.Unlock()
	if closed {
		_ = s.drained.Ring()
	}
}

// isEnd says whether err is the end of what the peer has written: bytes that came before may be left.
func isEnd(err error) bool {
	return err == io.EOF || err == ErrPeerGone || errors.Is(err, ErrLayerGone)
}

// receive is Read without the context of its errors.
func (s *Session) receive(b []byte) (int, error) {
	if err := s.enter(&s.rx); err != nil {
		return 0, err
	}
	defer s.leave(&s.rx)
	var end error
	for {
		n, err := s.rx.reader.TryRead(b)
		if err != nil || n > 0 || len(b) == 0 {
			return n, err
		}
		if end != nil {
			return 0, end
		}
		until, err := s.mayWait(&s.rx)
		if isEnd(err) {
			end = err
			continue
		}
		if err == nil {
			err = ignoreWakeErr(s.rx.reader.Wait(until))
		}
		if err != nil {
			return 0, err
		}
	}
}

// send is Write without the context of its errors.
func (s *Session) send(b []byte) (int, error) {
	if err := s.enter(&s.tx); err != nil {
		return 0, err
	}
	defer s.leave(&s.tx)
	done := 0
	for {
		n, err := s.tx.writer.TryWrite(b[done:])
		done += n
		if err != nil || done == len(b) {
			return done, err
		}
		until, err := s.mayWait(&s.tx)
		if err == nil {
			err = ignoreWakeErr(s.tx.writer.Wait(len(b)-done, until))
		}
		if err != nil {
			return done, err
		}
	}
}

// setDeadline sets the deadline of direction d.
func (s *Session) setDeadline(d *direction, t time.Time) error {
	until := shm.Forever
	if !t.IsZero() {
		until = s.at.app.host.At(t)
	}
	s.mu.Lock()
	closed := s.closed
	if !closed {
		d.deadline = until
	}
	s.mu.Unlock()
	if closed {
		return net.ErrClosed
	}
	s.wake(d)
	return nil
}
