package impl

import (
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"cutthrough/impl/wire"
)

var _ net.Conn = (*Session)(nil)

// Read reads up to len(b) bytes. It returns io.EOF when the peer has closed and everything it wrote was read. Any other
// error is a [*net.OpError] around net.ErrClosed, os.ErrDeadlineExceeded, syscall.ECONNRESET, shm.ErrCorrupt, or, after
// all bytes too, [ErrPeerGone] or [ErrLayerGone].
func (s *Session) Read(b []byte) (int, error) {
	n, err := s.receive(b)
	if err != nil && err != io.EOF {
		err = s.opError("read", err)
	}
	return n, err
}

// Write writes all of b, or returns how many bytes and why not more: syscall.EPIPE when the peer has closed or
// CloseWrite was called; else as Read. The error is a [*net.OpError].
func (s *Session) Write(b []byte) (int, error) {
	n, err := s.send(b)
	if err != nil {
		err = s.opError("write", err)
	}
	return n, err
}

// CloseWrite closes the writing direction: the peer reads what was written, and then io.EOF. The second call returns
// syscall.EPIPE, a call after Close net.ErrClosed, each in a [*net.OpError].
func (s *Session) CloseWrite() error { return s.opError("close", s.closeWrite()) }

// CloseRead closes the reading direction: a Read that waits returns io.EOF, later ones return the bytes that have
// arrived, and then io.EOF. The peer is not told, as with tcp: its writes wait when the fifo is full, until the
// session is closed. A second call does nothing; one after Close returns net.ErrClosed in a [*net.OpError].
func (s *Session) CloseRead() error {
	s.mu.Lock()
	closed := s.closed
	s.deaf = true
	s.mu.Unlock()
	if closed {
		return s.opError("close", net.ErrClosed)
	}
	s.wake(&s.rx)
	return nil
}

// Close closes the session; blocked calls return net.ErrClosed. The peer reads what was
// written, unless bytes from it are unread here: then they are thrown away and it is
// reset. The second call returns net.ErrClosed in a [*net.OpError].
func (s *Session) Close() error { return s.opError("close", s.close(wire.Disconnect)) }

// Reset closes the session and throws away what is under way in both directions:
// the peer's calls return syscall.ECONNRESET.
func (s *Session) Reset() error { return s.opError("close", s.close(wire.Reset)) }

// LocalAddr returns the address of this side: for the server the endpoint that its client has dialled, for the client
// an address that tells its session from others.
func (s *Session) LocalAddr() net.Addr { return s.local }

// RemoteAddr returns the address of the other side, which is what LocalAddr returns there.
func (s *Session) RemoteAddr() net.Addr { return s.remote }

// Peer returns the process at the other side, as the kernel told the session layer when that process attached. It says
// nothing of a process that has inherited the session's application since.
func (s *Session) Peer() wire.Peer { return s.remotePeer }

// SetDeadline sets both deadlines. The zero time means none.
func (s *Session) SetDeadline(t time.Time) error {
	if err := s.SetReadDeadline(t); err != nil {
		return err
	}
	return s.SetWriteDeadline(t)
}

// SetReadDeadline sets the deadline of reads, also of those that wait. The error is net.ErrClosed in a [*net.OpError].
func (s *Session) SetReadDeadline(t time.Time) error { return s.setError(s.setDeadline(&s.rx, t)) }

// SetWriteDeadline sets the deadline of writes, also of those that wait. The error is as that of SetReadDeadline.
func (s *Session) SetWriteDeadline(t time.Time) error { return s.setError(s.setDeadline(&s.tx, t)) }

// SetReadBuffer returns nil if at least n bytes that the peer has written can wait here to be read: that many are
// settled when the session is dialled ([Dialer.ReadBuffer]) and stay. Otherwise the error is a [*net.OpError] around
// errors.ErrUnsupported and says how many they are. 0 and less are syscall.EINVAL.
func (s *Session) SetReadBuffer(n int) error {
	return s.setError(s.hasBuffer(n, "Dialer.ReadBuffer", s.rx.reader.Fifo.Capacity()))
}

// SetWriteBuffer is SetReadBuffer for the bytes that wait to be read by the peer ([Dialer.WriteBuffer]).
func (s *Session) SetWriteBuffer(n int) error {
	return s.setError(s.hasBuffer(n, "Dialer.WriteBuffer", s.tx.writer.Fifo.Capacity()))
}

func (s *Session) hasBuffer(n int, option string, capacity uint64) error {
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	switch {
	case closed:
		return net.ErrClosed
	case n <= 0:
		return syscall.EINVAL
	case uint64(n) > capacity:
		return fmt.Errorf("a buffer of %d bytes in a session that was dialled with %d (see %s): %w", n, capacity, option, errors.ErrUnsupported)
	}
	return nil
}

// name sets the addresses of a new session and what is known of its peer.
func (s *Session) name(m wire.Message, serves bool) {
	s.local = Addr{clientEndpoint(m.Endpoint, m.Serial), m.Handle}
	s.remote = Addr{m.Endpoint, m.Handle}
	if serves {
		s.local, s.remote = s.remote, s.local
	}
	s.remotePeer = m.Peer
}

// wake makes a call that waits in direction d look again.
func (s *Session) wake(d *direction) {
	s.peer.mu.Lock()
	defer s.peer.mu.Unlock()
	s.peer.signalLocked(d)
}

// opError gives err its context, as package net does.
func (s *Session) opError(op string, err error) error {
	if err == nil {
		return nil
	}
	return &net.OpError{Op: op, Net: s.local.Network(), Source: s.local, Addr: s.remote, Err: sysError(op, err)}
}

// setError is opError for what is set.
func (s *Session) setError(err error) error {
	if err == nil {
		return nil
	}
	return &net.OpError{Op: "set", Net: s.local.Network(), Addr: s.local, Err: sysError("setsockopt", err)}
}
