package oshost

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"cutthrough/shm"
)

// conn is a connected unix socket of type SOCK_SEQPACKET. The kernel keeps order and message
// boundaries, carries descriptors, knows the peer, and reports its death.
type conn struct {
	poll    *endpoint
	dialled bool // it receives descriptors and sends none; else the other way round
	lingers bool // closing it can block: descriptors of a peer may wait in it
	closed  atomic.Bool
}

// Dial implements [shm.Host].
func (h *host) Dial(addr string, deadline time.Duration) (shm.Conn, error) {
	fd, err := connect(addr, func() time.Duration { return h.left(deadline) })
	switch err {
	case nil:
	case unix.EAGAIN:
		return nil, fmt.Errorf("oshost: dial %q: its backlog is full: %w", addr, shm.ErrDeadline)
	case unix.ECONNREFUSED, unix.ENOENT:
		return nil, fmt.Errorf("oshost: dial %q: %w (%w)", addr, shm.ErrRefused, err)
	default:
		return nil, fmt.Errorf("oshost: dial %q: %w", addr, err)
	}
	c := &conn{poll: newEndpoint(h.clock, fd, "conn"), dialled: true}
	if err := c.poll.sleeps(); err != nil {
		return nil, fmt.Errorf("oshost: dial %q: %w", addr, errors.Join(err, c.Close()))
	}
	return c, nil
}

func newSocket() (int, error) {
	return unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
}

// connect returns a connected socket, or an errno: EAGAIN when the backlog of the listener is full and no time is left.
// The kernel lets those that wait take turns, so a process that connects in a loop does not keep others out.
func connect(addr string, left func() time.Duration) (int, error) {
	sa, err := sockaddr(addr)
	if err != nil {
		return -1, err
	}
	fd, err := newSocket()
	if err != nil {
		return -1, err
	}
	err = retryEINTR(func() error { return unix.Connect(fd, sa) })
	if err == unix.EAGAIN {
		err = connectWaiting(fd, sa, left)
	}
	if err != nil {
		_ = unix.Close(fd) // a fresh socket; the connect error matters
		return -1, err
	}
	return fd, nil
}

// connectWaiting connects as soon as the listener has room, or returns EAGAIN. It takes a thread meanwhile: the kernel
// has no event for that.
func connectWaiting(fd int, sa *unix.SockaddrUnix, left func() time.Duration) error {
	if err := unix.SetNonblock(fd, false); err != nil {
		return err
	}
	for {
		wait := left()
		if wait == 0 {
			return unix.EAGAIN
		}
		limit := unix.NsecToTimeval(min(max(wait, time.Millisecond), time.Minute).Nanoseconds()) // zero would be no limit
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit); err != nil {
			return err
		}
		switch err := unix.Connect(fd, sa); err {
		case nil:
			return unix.SetNonblock(fd, true)
		case unix.EINTR, unix.EAGAIN:
		default:
			return err
		}
	}
}

// sockaddr returns the socket address of addr, or EINVAL. The kernel would choose a name for an
// empty one, and end the path at a zero byte.
func sockaddr(addr string) (*unix.SockaddrUnix, error) {
	if addr == "" || addr == "@" || strings.IndexByte(addr, 0) >= 0 {
		return nil, unix.EINVAL
	}
	return &unix.SockaddrUnix{Name: addr}, nil
}

// Send implements [shm.Conn]. The kernel keeps about 200 KiB of messages. A full channel becomes
// writable again when most of it was read.
func (c *conn) Send(msg []byte, descs []shm.Desc, deadline time.Duration) error {
	if len(msg) == 0 || len(msg) > shm.MaxMessage || len(descs) > shm.MaxDescs {
		return fmt.Errorf("oshost: send %d bytes and %d descriptors: %w", len(msg), len(descs), shm.ErrSize)
	}
	if c.dialled && len(descs) > 0 {
		return fmt.Errorf("oshost: send %d descriptors to a listener: %w", len(descs), shm.ErrDesc)
	}
	err := c.do(&c.poll.out, deadline, func(fd int) error { return sendMessage(fd, msg, descs) })
	if err != nil {
		return fmt.Errorf("oshost: send: %w", err)
	}
	return nil
}

// sendMessage sends once; EAGAIN when the channel is full. It holds the descriptors meanwhile, so
// that none can be closed and its number reused.
func sendMessage(fd int, msg []byte, descs []shm.Desc) error {
	fds := make([]int, 0, shm.MaxDescs)
	for i, d := range descs {
		h, ok := d.(interface {
			hold() (int, bool)
			drop()
		})
		if !ok {
			return fmt.Errorf("descriptor %d is a %T: %w", i, d, shm.ErrDesc)
		}
		n, ok := h.hold()
		if !ok {
			return fmt.Errorf("descriptor %d is closed: %w", i, shm.ErrDesc)
		}
		defer h.drop()
		fds = append(fds, n)
	}
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	err := retryEINTR(func() error { return unix.Sendmsg(fd, msg, oob, nil, unix.MSG_NOSIGNAL) })
	switch err {
	case unix.EPIPE, unix.ECONNRESET, unix.ENOTCONN:
		return shm.ErrPeerClosed
	case unix.ETOOMANYREFS, unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM:
		return fmt.Errorf("%w (%w)", shm.ErrShortage, err)
	}
	return err
}

// Recv implements [shm.Conn]. An empty message, which Send refuses to send, reads as the end of the
// channel.
func (c *conn) Recv(buf []byte, deadline time.Duration) (n int, descs []shm.Desc, err error) {
	room := 0
	if c.dialled {
		room = unix.CmsgSpace(shm.MaxDescs * 4)
	}
	err = c.do(&c.poll.in, deadline, func(fd int) (err error) {
		if c.lingers {
			if err := checkNoRights(fd); err != nil {
				return err
			}
		}
		n, descs, err = recvMessage(fd, buf, room)
		return err
	})
	switch err {
	case nil:
		return n, descs, nil
	case io.EOF:
		return 0, nil, io.EOF
	}
	return n, nil, fmt.Errorf("oshost: recv: %w", err)
}

// do is [endpoint.do], unless the channel is closed: the endpoint may close a little later.
func (c *conn) do(d *direction, deadline time.Duration, try func(fd int) error) error {
	if c.closed.Load() {
		return shm.ErrClosed
	}
	err := c.poll.do(d, deadline, try)
	if err != nil && c.closed.Load() {
		return shm.ErrClosed
	}
	return err
}

// MaxDescs must be even: control data is padded to 8 bytes, and with an odd limit the kernel would
// find room for one descriptor more.
var _ = [1]struct{}{}[shm.MaxDescs%2]

// checkNoRights returns ErrTruncated when descriptors came with the next message of fd. The message stays: to take it out
// would close them, here and now. Errors of the socket are left to the call that takes the message.
func checkNoRights(fd int) error {
	var flags int
	err := retryEINTR(func() (err error) {
		_, _, flags, _, err = unix.Recvmsg(fd, make([]byte, 1), nil, unix.MSG_PEEK|unix.MSG_DONTWAIT)
		return err
	})
	if err == nil && flags&unix.MSG_CTRUNC != 0 {
		return fmt.Errorf("descriptors that no call takes: %w", shm.ErrTruncated)
	}
	return nil
}

// recvMessage receives once, with room for control data; EAGAIN when no message is there.
func recvMessage(fd int, buf []byte, room int) (int, []shm.Desc, error) {
	oob := make([]byte, room)
	n, oobn, flags, err := recvmsg(fd, buf, oob)
	if err == unix.ECONNRESET {
		// The peer closed without reading all messages. The kernel reports that once, before the
		// messages that the peer sent.
		n, oobn, flags, err = recvmsg(fd, buf, oob)
	}
	if err != nil {
		return 0, nil, err
	}
	fds, err := parseRights(oob[:oobn])
	switch {
	case err != nil:
	case flags&unix.MSG_TRUNC != 0 || n > len(buf) || flags&unix.MSG_CTRUNC != 0 && (room == 0 || len(fds) == shm.MaxDescs):
		err = fmt.Errorf("%d descriptors, flags %#x: %w", len(fds), flags, shm.ErrTruncated)
	case n == 0:
		err = io.EOF
	case flags&unix.MSG_CTRUNC != 0:
		closeAll(fds)
		return n, nil, shm.ErrShortage
	}
	if err != nil {
		closeAll(fds)
		return 0, nil, err
	}
	var descs []shm.Desc
	for _, fd := range fds {
		descs = append(descs, &fdDesc{fd: fd, foreign: true})
	}
	return n, descs, nil
}

// closeAll closes descriptors that came with a message.
func closeAll(fds []int) {
	for _, fd := range fds {
		closeForeign(fd)
	}
}

// recvmsg is the system call alone. An empty buf receives one byte all the same.
func recvmsg(fd int, buf, oob []byte) (n, oobn, flags int, err error) {
	err = retryEINTR(func() (err error) {
		n, oobn, flags, _, err = unix.Recvmsg(fd, buf, oob, unix.MSG_CMSG_CLOEXEC)
		return err
	})
	return n, oobn, flags, err
}

// parseRights returns the descriptors in oob. The kernel wrote oob, so a malformed one is an error
// of the kernel or of this package, not of the peer.
func parseRights(oob []byte) ([]int, error) {
	if len(oob) == 0 {
		return nil, nil
	}
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, fmt.Errorf("control data: %w", err)
	}
	var fds []int
	for _, m := range msgs {
		if m.Header.Level != unix.SOL_SOCKET || m.Header.Type != unix.SCM_RIGHTS {
			continue
		}
		more, err := unix.ParseUnixRights(&m)
		if err != nil {
			return fds, fmt.Errorf("descriptors: %w", err)
		}
		fds = append(fds, more...)
	}
	return fds, nil
}

// Peer implements [shm.Conn].
func (c *conn) Peer() (shm.Peer, error) {
	if c.closed.Load() {
		return shm.Peer{}, fmt.Errorf("oshost: peer: %w", shm.ErrClosed)
	}
	var p shm.Peer
	err := c.poll.try(func(fd int) error {
		cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
		if err == nil {
			p = shm.Peer{UID: cred.Uid, GID: cred.Gid, PID: int(cred.Pid)}
		}
		return err
	})
	if err != nil {
		return shm.Peer{}, fmt.Errorf("oshost: peer: %w", err)
	}
	return p, nil
}

// Close implements [shm.Conn].
func (c *conn) Close() error {
	if c.closed.Swap(true) {
		return fmt.Errorf("oshost: close conn: %w", shm.ErrClosed)
	}
	if c.lingers {
		err := c.poll.try(func(fd int) error { return unix.Shutdown(fd, unix.SHUT_RDWR) }) // both sides see the end now
		closeSlow(c.poll.close)
		if err != nil && err != unix.ENOTCONN {
			return fmt.Errorf("oshost: close conn: %w", err)
		}
		return nil
	}
	if err := c.poll.close(); err != nil {
		return fmt.Errorf("oshost: close conn: %w", err)
	}
	return nil
}
