package oshost

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"cutthrough/shm"
)

const (
	backlog     = 64                    // connections that were not accepted; more wait, and a new one is behind all of them
	reservePath = "/dev/null"           // a file that every process can open
	tablePause  = 10 * time.Millisecond // between attempts while the descriptor table is full
)

// Results of one attempt to accept, besides errnos.
var (
	errRefusedOne = errors.New("refused one connection")
	errTableFull  = errors.New("no descriptor left to refuse with")
)

// listener is a listening socket and one spare descriptor. When the descriptor table of the process
// is full, the listener closes the spare one, accepts the next connection in its place, and closes
// that connection. Without the spare descriptor the connection could not be refused and would keep
// the socket readable.
type listener struct {
	host  *host
	addr  string
	poll  *endpoint
	entry *socketFile // nil for an abstract address and an inherited socket

	inherited bool // the socket was bound by another process
	// Closing a channel can block: the kernel cannot refuse the descriptors that a peer attaches.
	lingers bool

	mu      sync.Mutex
	reserve int // -1 when there is none
	closed  bool
}

// Listen implements [shm.Host]. A path is guarded by a lock file beside it, "path.lock", and a
// socket file left by a dead process is replaced. Any other file at one of the two paths stays, and
// the error is ErrAddrInUse. An inherited socket is used as it is.
func (h *host) Listen(addr string) (shm.Listener, error) {
	l := &listener{host: h, addr: addr, reserve: -1}
	if err := l.listen(); err != nil {
		return nil, fmt.Errorf("oshost: listen %q: %w", addr, errors.Join(err, l.teardown()))
	}
	return l, nil
}

func (l *listener) listen() error {
	fd, err := l.socket()
	if err != nil {
		return err
	}
	l.poll = newEndpoint(l.host.clock, fd, "listener")
	if err := l.poll.sleeps(); err != nil {
		return err
	}
	err = l.poll.try(func(fd int) (err error) {
		l.lingers, err = l.host.refuseRights(fd) // channels inherit it
		return err
	})
	if err != nil {
		return err
	}
	if l.reserve, err = openReserve(); err != nil || l.inherited {
		return err
	}
	sa, err := sockaddr(l.addr)
	if err != nil {
		return err
	}
	return l.poll.try(func(fd int) error { return bindAndListen(fd, sa, l.entry, l.host.sockets) })
}

// socket returns the inherited socket of the address, or claims the address and returns a new one.
func (l *listener) socket() (int, error) {
	if f := l.host.sockets.Inherited[l.addr]; f != nil {
		l.inherited = true
		return inherit(f)
	}
	_, err := sockaddr(l.addr)
	if err == nil {
		l.entry, err = claimSocketFile(l.addr)
	}
	if err != nil {
		return -1, err
	}
	return newSocket()
}

// bindAndListen binds a new socket to the address that entry has claimed, and makes it listen. No process can
// connect before that, so the permissions of the file hold for every connection.
func bindAndListen(fd int, sa *unix.SockaddrUnix, entry *socketFile, s Sockets) error {
	if err := unix.Bind(fd, sa); err == unix.EADDRINUSE {
		return fmt.Errorf("%w (%w)", shm.ErrAddrInUse, err)
	} else if err != nil {
		return err
	}
	if err := entry.remember(); err != nil {
		return err
	}
	if err := entry.permit(s); err != nil {
		return err
	}
	return unix.Listen(fd, backlog)
}

// inherit returns a copy of f, which must be a socket that an own listener could have made, and closes f.
func inherit(f *os.File) (fd int, err error) {
	defer func() { err = errors.Join(err, f.Close()) }()
	raw, err := f.SyscallConn()
	if err != nil {
		return -1, err
	}
	ctlErr := raw.Control(func(old uintptr) {
		for option, want := range map[int]int{unix.SO_DOMAIN: unix.AF_UNIX, unix.SO_TYPE: unix.SOCK_SEQPACKET, unix.SO_ACCEPTCONN: 1} {
			if got, e := unix.GetsockoptInt(int(old), unix.SOL_SOCKET, option); e != nil || got != want {
				err = fmt.Errorf("the inherited descriptor is no listening unix socket of type SOCK_SEQPACKET (%w)", unix.EINVAL)
				return
			}
		}
		if fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0); err == nil {
			err = unix.SetNonblock(fd, true)
		}
	})
	return fd, errors.Join(ctlErr, err)
}

// Accept implements [shm.Listener].
func (l *listener) Accept(deadline time.Duration) (shm.Conn, error) {
	for {
		var fd int
		err := l.poll.do(&l.poll.in, deadline, func(listening int) (err error) {
			fd, err = l.acceptOnce(listening)
			return err
		})
		var c *conn
		if err == nil {
			c = &conn{poll: newEndpoint(l.host.clock, fd, "conn"), lingers: l.lingers}
			if err = c.poll.sleeps(); err != nil {
				err = errors.Join(err, c.Close())
			}
		}
		now := l.host.Now()
		switch {
		case err == nil:
			return c, nil
		case err == errTableFull && now < deadline:
			l.host.Sleep(min(deadline, now+tablePause))
		case err == errRefusedOne && now < deadline:
		case err == errTableFull || err == errRefusedOne:
			return nil, fmt.Errorf("oshost: accept: descriptor table full: %w", shm.ErrDeadline)
		default:
			return nil, fmt.Errorf("oshost: accept: %w", err)
		}
	}
}

func (l *listener) acceptOnce(fd int) (int, error) {
	conn, err := accept(fd)
	if err == unix.EMFILE || err == unix.ENFILE {
		return -1, l.refuse(fd)
	}
	return conn, err
}

// accept accepts one connection and skips those that were closed before.
func accept(fd int) (int, error) {
	for {
		conn, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
		if err != unix.EINTR && err != unix.ECONNABORTED {
			return conn, err
		}
	}
}

// refuse accepts and closes one connection by means of the spare descriptor. Another task may take
// the freed descriptor at any moment; the spare one is lost then, and later calls open a new one.
func (l *listener) refuse(fd int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := closeReserve(l.reserve); err != nil {
		return err
	}
	conn, err := accept(fd)
	if err == nil {
		err = l.drop(conn)
	}
	var reserveErr error
	l.reserve, reserveErr = openReserve()
	switch {
	case err == nil:
		return errRefusedOne
	case err == unix.EMFILE || err == unix.ENFILE || reserveErr != nil:
		return errTableFull
	}
	return err
}

// drop closes a channel that was not wanted.
func (l *listener) drop(conn int) error {
	if l.lingers {
		closeForeign(conn)
		return nil
	}
	return unix.Close(conn)
}

func openReserve() (int, error) {
	return unix.Open(reservePath, unix.O_RDONLY|unix.O_CLOEXEC, 0)
}

func closeReserve(fd int) error {
	if fd < 0 {
		return nil
	}
	return unix.Close(fd)
}

// Addr implements [shm.Listener].
func (l *listener) Addr() string { return l.addr }

// Close implements [shm.Listener].
func (l *listener) Close() error {
	l.mu.Lock()
	closed := l.closed
	l.closed = true
	l.mu.Unlock()
	err := shm.ErrClosed
	if !closed {
		err = l.teardown()
	}
	if err != nil {
		return fmt.Errorf("oshost: close listener %q: %w", l.addr, err)
	}
	return nil
}

// teardown undoes the completed part of listen. The file goes first: while the socket is open, its
// inode number cannot belong to another file.
func (l *listener) teardown() error {
	errs := []error{l.entry.remove()}
	if l.poll != nil {
		errs = append(errs, l.poll.close()) // no Accept is in progress from here on
	}
	errs = append(errs, closeReserve(l.reserve), l.entry.release())
	return errors.Join(errs...)
}
