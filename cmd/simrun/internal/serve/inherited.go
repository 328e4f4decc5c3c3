package serve

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/coreos/go-systemd/v22/activation"
)

// Names by which a service manager says what a socket is for (FileDescriptorName=), where its address does not.
const (
	statName    = "stat"
	metricsName = "metrics"
)

// inherit takes the listening sockets that a service manager has passed (LISTEN_FDS), and completes the addresses of the
// options with theirs. A socket of type SOCK_SEQPACKET is for applications. A stream socket is for metrics or stat: the
// address of the options or the name of the descriptor says which. One that is for nothing is an error.
func (o *options) inherit() error {
	files := activation.Files(true)
	o.sockets.Inherited = map[string]*os.File{}
	var streams []*os.File
	for _, f := range files {
		kind, addr, err := describe(f)
		switch {
		case err != nil:
			return fmt.Errorf("inherited descriptor %s: %w", f.Name(), err)
		case kind == unix.SOCK_STREAM:
			streams = append(streams, f)
			continue
		case kind != unix.SOCK_SEQPACKET:
			return fmt.Errorf("inherited socket %s (%s): neither SOCK_SEQPACKET for applications nor SOCK_STREAM", f.Name(), addr)
		case o.socket != "" && o.socket != addr:
			return fmt.Errorf("inherited socket %s (%s) is not the one of the settings, %s", f.Name(), addr, o.socket)
		case o.sockets.Inherited[addr] != nil:
			return fmt.Errorf("inherited socket %s (%s) is there twice", f.Name(), addr)
		}
		o.socket = addr
		o.sockets.Inherited[addr] = f
	}
	for _, f := range streams {
		_, addr, _ := describe(f) // as before
		switch {
		case f.Name() == statName || addr == o.socket+statSuffix:
			addr = o.socket + statSuffix
		case f.Name() == metricsName && o.metrics == "":
			o.metrics = addr
		case addr != o.metrics:
			return fmt.Errorf("inherited socket %s (%s) is for nothing: name it %s or %s", f.Name(), addr, statName, metricsName)
		}
		o.sockets.Inherited[addr] = f
	}
	return nil
}

// describe returns the type and the address of a listening socket.
func describe(f *os.File) (kind int, addr string, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, "", err
	}
	ctlErr := raw.Control(func(fd uintptr) {
		var listens int
		if listens, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err == nil && listens == 0 {
			err = errors.New("the socket does not listen")
		}
		if err != nil {
			return
		}
		var sa unix.Sockaddr
		if kind, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TYPE); err == nil {
			sa, err = unix.Getsockname(int(fd))
		}
		addr = address(sa)
	})
	return kind, addr, errors.Join(ctlErr, err)
}

// address writes the address of a socket as the settings do.
func address(sa unix.Sockaddr) string {
	switch sa := sa.(type) {
	case *unix.SockaddrUnix:
		return sa.Name
	case *unix.SockaddrInet4:
		return (&net.TCPAddr{IP: sa.Addr[:], Port: sa.Port}).String()
	case *unix.SockaddrInet6:
		return (&net.TCPAddr{IP: sa.Addr[:], Port: sa.Port}).String()
	}
	return "unknown"
}
