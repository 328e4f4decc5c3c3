package oshost

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// ListenStream returns a listener of stream connections for what people and monitors ask of a
// program. Path, lock file and abstract names are as for [NewWith]; an inherited socket may be of any
// family. It is safe for concurrent use.
func ListenStream(addr string, s Sockets) (net.Listener, error) {
	l, err := listenStream(addr, s)
	if err != nil {
		return nil, fmt.Errorf("oshost: listen %q: %w", addr, err)
	}
	return l, nil
}

func listenStream(addr string, s Sockets) (net.Listener, error) {
	if f := s.Inherited[addr]; f != nil {
		l, err := net.FileListener(f)
		return l, errors.Join(err, f.Close())
	}
	l := &streamListener{}
	sa, err := sockaddr(addr)
	if err != nil {
		return nil, err
	}
	if l.entry, err = claimSocketFile(addr); err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, errors.Join(err, l.entry.release())
	}
	f := os.NewFile(uintptr(fd), addr)
	err = bindAndListen(fd, sa, l.entry, s)
	if err == nil {
		l.Listener, err = net.FileListener(f) // a copy of f
	}
	if err != nil {
		return nil, errors.Join(err, l.entry.remove(), f.Close(), l.entry.release())
	}
	return l, f.Close()
}

// streamListener removes its files when it is closed.
type streamListener struct {
	net.Listener
	entry *socketFile // nil for an abstract address
	once  sync.Once
}

// Close implements [net.Listener]. The file goes first, as in listener.teardown, and only once: later
// another process may have the path.
func (l *streamListener) Close() error {
	err := net.ErrClosed
	l.once.Do(func() { err = errors.Join(l.entry.remove(), l.Listener.Close(), l.entry.release()) })
	return err
}
