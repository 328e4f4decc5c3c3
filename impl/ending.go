package impl

import (
	"errors"
	"net"
	"syscall"

	"cutthrough/impl/wire"
	"cutthrough/shm"
	"cutthrough/shm/fifo"
)

// This file has the ends of a session: those that this side makes, and those that it is told of.

// closeWrite is CloseWrite without the context of its errors.
func (s *Session) closeWrite() error {
	s.mu.Lock()
	err := s.err
	if s.closed {
		err = net.ErrClosed
	}
	if err == nil {
		err = s.overLocked(&s.tx)
	}
	if err == nil {
		s.fin = true
		s.inflight++
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	s.wake(&s.tx)
	s.tx.turn.Lock() // the last Write is over, and its bytes come before the end
	defer s.leave(&s.tx)
	s.tx.writer.Fifo.SetState(fifo.StateClosed)
	_ = s.out.post(evEnd, s.handle.Index())
	s.tell(wire.Message{Type: wire.Disconnect, Handle: s.handle, CloseMode: wire.CloseWrite})
	return nil
}

// tell tells the session layer something about the session. The peer knows it from the fifos.
func (s *Session) tell(m wire.Message) {
	s.at.app.mu.Lock()
	defer s.at.app.mu.Unlock()
	s.at.tellLocked(m)
	s.at.flushLocked()
}

// close is Close or Reset without the context of its errors.
func (s *Session) close(kind wire.Type) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return net.ErrClosed
	}
	s.closed = true
	for s.inflight > 0 {
		s.mu.Unlock()
		s.signalAll()
		_ = s.drained.Wait(nil, shm.Forever)
		s.mu.Lock()
	}
	usable := s.err == nil || errors.Is(s.err, net.ErrClosed) // the application closes; the fifos are fine
	spoiled := errors.Is(s.err, shm.ErrCorrupt)
	s.mu.Unlock()
	if usable {
		if n, err := s.rx.reader.Fifo.Readable(); n > 0 || err != nil {
			kind = wire.Reset
		}
	}
	s.depart(kind, spoiled)
	s.peer.leave(s)
	a := s.at.app
	a.mu.Lock()
	s.at.forgetSessionLocked(s)
	s.at.tellLocked(wire.Message{Type: kind, Handle: s.handle}) // before App.Close, which waits for the session, leaves
	s.at.flushLocked()
	a.mu.Unlock()
	_ = a.ended.Ring()
	return nil
}

// depart tells the peer, through the fifos, that this side is done. In a queue that is spoiled no event is posted: to
// find out that none can be takes thousands of tries.
func (s *Session) depart(kind wire.Type, spoiled bool) {
	state := fifo.StateClosed
	if kind == wire.Reset {
		state = fifo.StateReset
	}
	s.tx.writer.Fifo.SetState(state)
	s.rx.reader.Fifo.SetState(state)
	if !spoiled {
		_ = s.out.post(evEnd, s.handle.Index())
	}
}

// abandonLocked closes a session that its dialler does not want any more. The lock is that of the application.
func (s *Session) abandonLocked() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.depart(wire.Reset, false)
	s.peer.leave(s)
	s.at.forgetSessionLocked(s)
	s.at.tellLocked(wire.Message{Type: wire.Reset, Handle: s.handle})
}

// peerDidLocked notes what the session layer says about the peer. The lock is that of the application.
func (s *Session) peerDidLocked(m wire.Message) {
	s.mu.Lock()
	switch {
	case m.Type == wire.Reset && m.Gone:
		s.end = ErrPeerGone
	case m.Type == wire.Reset && s.err == nil:
		s.err = syscall.ECONNRESET
	case m.CloseMode == wire.CloseWrite:
		s.peerFin = true
	default:
		s.peerDone = true
	}
	s.mu.Unlock()
	s.signalAll()
}

// fail makes the session unusable.
func (s *Session) fail(err error) {
	s.peer.mu.Lock()
	defer s.peer.mu.Unlock()
	s.failLocked(err)
}

// failLocked is fail with the lock of the peer held.
func (s *Session) failLocked(err error) {
	s.mu.Lock()
	switch {
	case isEnd(err):
		s.end = err
	case s.err == nil:
		s.err = err
	}
	s.mu.Unlock()
	s.signalAllLocked()
}
