package oshost_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"cutthrough/internal/proctest"
	"cutthrough/shm"
	"cutthrough/shm/internal/shmtest"
	"cutthrough/shm/oshost"
)

// A fault is one system call that fails, once and for all, and an operation that needs
// it. The kernel makes the call fail (seccomp): nothing in package shm knows.
type fault struct {
	name    string
	call    int
	arg     int    // which argument selects the call,
	mask    uint32 // by these bits of it
	value   uint32 // being these; 0 and 0 for any call
	errno   unix.Errno
	prepare func(h shm.Host) (operate func() error, err error)
	want    error // nil: it works all the same
}

// freeDesc as a value stands for the descriptor that the operation will open first. The
// runtime has an eventfd of its own and does not survive that a write to that one fails.
const freeDesc = ^uint32(0)

var faults = []fault{
	{"memfd_create", unix.SYS_MEMFD_CREATE, 0, 0, 0, unix.EMFILE, creating, unix.EMFILE},
	{"memfd_create on an old kernel", unix.SYS_MEMFD_CREATE, 1, unix.MFD_NOEXEC_SEAL, unix.MFD_NOEXEC_SEAL, unix.EINVAL, creating, nil},
	{"ftruncate", unix.SYS_FTRUNCATE, 0, 0, 0, unix.EFBIG, creating, unix.EFBIG},
	{"fallocate", unix.SYS_FALLOCATE, 0, 0, 0, unix.ENOSPC, creating, unix.ENOSPC},
	{"add seals", unix.SYS_FCNTL, 1, ^uint32(0), unix.F_ADD_SEALS, unix.EPERM, creating, unix.EPERM},
	{"mmap when creating", unix.SYS_MMAP, 3, ^uint32(0), unix.MAP_SHARED, unix.ENOMEM, creating, unix.ENOMEM},
	{"mmap when mapping", unix.SYS_MMAP, 3, ^uint32(0), unix.MAP_SHARED, unix.ENOMEM, mapping, unix.ENOMEM},
	{"fstat", unix.SYS_FSTAT, 0, 0, 0, unix.EIO, mapping, unix.EIO},
	{"fstatfs", unix.SYS_FSTATFS, 0, 0, 0, unix.EIO, mapping, unix.EIO},
	{"get seals", unix.SYS_FCNTL, 1, ^uint32(0), unix.F_GET_SEALS, unix.EINVAL, mapping, shm.ErrDesc},
	{"socketpair", unix.SYS_SOCKETPAIR, 0, 0, 0, unix.ENFILE, ringing, unix.ENFILE},
	{"shutdown", unix.SYS_SHUTDOWN, 0, 0, 0, unix.EINVAL, ringing, unix.EINVAL},
	{"small buffer", unix.SYS_SETSOCKOPT, 2, ^uint32(0), unix.SO_SNDBUF, unix.ENOMEM, ringing, unix.ENOMEM},
	{"refuse descriptors", unix.SYS_SETSOCKOPT, 2, ^uint32(0), unix.SO_PASSRIGHTS, unix.ENOMEM, ringing, unix.ENOMEM},
	{"refuse descriptors on an old kernel", unix.SYS_SETSOCKOPT, 2, ^uint32(0), unix.SO_PASSRIGHTS, unix.ENOPROTOOPT, ringing, nil},
	{"refuse descriptors of dialers", unix.SYS_SETSOCKOPT, 2, ^uint32(0), unix.SO_PASSRIGHTS, unix.ENOMEM, listening, unix.ENOMEM},
	{"kind of socket", unix.SYS_GETSOCKOPT, 0, 0, 0, unix.EINVAL, opening, shm.ErrDesc},
	{"ring", unix.SYS_SENDTO, 0, 0, 0, unix.EIO, ringing, unix.EIO},
	{"ring that no process hears", unix.SYS_SENDTO, 0, 0, 0, unix.ECONNRESET, ringing, nil},
	{"take a ring", unix.SYS_RECVFROM, 0, 0, 0, unix.EIO, ringing, unix.EIO},
	{"epoll_ctl for a doorbell", unix.SYS_EPOLL_CTL, 0, 0, 0, unix.ENOSPC, ringing, os.ErrNoDeadline},
	{"socket", unix.SYS_SOCKET, 0, 0, 0, unix.EMFILE, dialing, unix.EMFILE},
	{"connect", unix.SYS_CONNECT, 0, 0, 0, unix.EACCES, dialing, unix.EACCES},
	{"epoll_ctl for a channel", unix.SYS_EPOLL_CTL, 0, 0, 0, unix.ENOSPC, dialing, os.ErrNoDeadline},
	{"accept", unix.SYS_ACCEPT4, 0, 0, 0, unix.EMFILE, accepting, shm.ErrDeadline},
	{"accept when memory is short", unix.SYS_ACCEPT4, 0, 0, 0, unix.ENOMEM, accepting, unix.ENOMEM},
	{"epoll_ctl for an accepted channel", unix.SYS_EPOLL_CTL, 0, 0, 0, unix.ENOSPC, accepting, os.ErrNoDeadline},
	{"sendmsg", unix.SYS_SENDMSG, 0, 0, 0, unix.ENOBUFS, sending, unix.ENOBUFS},
	{"sendmsg to a dead peer", unix.SYS_SENDMSG, 0, 0, 0, unix.ECONNRESET, sending, shm.ErrPeerClosed},
	{"recvmsg", unix.SYS_RECVMSG, 0, 0, 0, unix.ENOMEM, sending, unix.ENOMEM},
	{"recvmsg for ever reset", unix.SYS_RECVMSG, 0, 0, 0, unix.ECONNRESET, sending, unix.ECONNRESET},
	{"getsockopt", unix.SYS_GETSOCKOPT, 0, 0, 0, unix.EINVAL, sending, unix.EINVAL},
	{"lock", unix.SYS_FLOCK, 0, 0, 0, unix.ENOLCK, listening, unix.ENOLCK},
	{"bind", unix.SYS_BIND, 0, 0, 0, unix.EACCES, listening, unix.EACCES},
	{"bind in use", unix.SYS_BIND, 0, 0, 0, unix.EADDRINUSE, listening, shm.ErrAddrInUse},
	{"listen", unix.SYS_LISTEN, 0, 0, 0, unix.EOPNOTSUPP, listening, unix.EOPNOTSUPP},
	{"epoll_ctl for a listener", unix.SYS_EPOLL_CTL, 0, 0, 0, unix.ENOSPC, listening, os.ErrNoDeadline},
	{"socket for a listener", unix.SYS_SOCKET, 0, 0, 0, unix.ENFILE, listening, unix.ENFILE},
}

func creating(h shm.Host) (func() error, error) {
	return func() error {
		s, err := h.CreateSegment(segSize)
		if err != nil {
			return err
		}
		return s.Close()
	}, nil
}

// ends returns both ends of a channel.
func ends(h shm.Host) (a, b shm.Conn, err error) {
	l, err := h.Listen(shmtest.NewAddr())
	if err != nil {
		return nil, nil, err
	}
	a, err = h.Dial(l.Addr(), shm.Forever)
	b, err2 := l.Accept(h.Now() + shmtest.Liveness)
	return a, b, errors.Join(err, err2, l.Close())
}

func mapping(h shm.Host) (func() error, error) {
	a, b, err := ends(h)
	if err != nil {
		return nil, err
	}
	s, err := h.CreateSegment(segSize)
	if err != nil {
		return nil, err
	}
	err = errors.Join(b.Send([]byte("x"), []shm.Desc{s.Desc()}, shm.Forever), s.Close())
	return func() error {
		_, descs, err := a.Recv(make([]byte, 1), shm.Forever)
		if err != nil {
			return err
		}
		s, err := h.MapSegment(descs[0], segSize)
		if err != nil {
			return err
		}
		return s.Close()
	}, err
}

func opening(h shm.Host) (func() error, error) {
	return func() error {
		wait, ring, err := h.NewDoorbell()
		if err != nil {
			return err
		}
		bell, err1 := h.OpenWaiter(wait, bellName)
		ringer, err2 := h.OpenRinger(ring, bellName)
		if err1 == nil {
			err1 = bell.Close()
		}
		if err2 == nil {
			err2 = ringer.Close()
		}
		return errors.Join(err1, err2)
	}, nil
}

func ringing(h shm.Host) (func() error, error) {
	return func() error {
		bells, theirs, err := shmtest.NewBells(h)
		if err != nil {
			return err
		}
		err = bells.Own.Wait(nil, h.Now()+shmtest.Liveness/1000)
		if errors.Is(err, shm.ErrDeadline) {
			err = bells.Peer.Ring()
		}
		if e := errors.Join(bells.Close(), shmtest.CloseDescs(theirs)); e != nil {
			return fmt.Errorf("close: %v", e) // whatever failed, this must not
		}
		return err
	}, nil
}

// dialing and accepting keep what they prepare: it must not come or go between the
// two looks at what the process holds.
func dialing(h shm.Host) (func() error, error) {
	l, err := h.Listen(shmtest.NewAddr())
	return func() error {
		c, err := h.Dial(l.Addr(), shm.Forever)
		if err != nil {
			return err
		}
		return c.Close()
	}, err
}

func accepting(h shm.Host) (func() error, error) {
	l, err := h.Listen(shmtest.NewAddr())
	if err != nil {
		return nil, err
	}
	_, err = h.Dial(l.Addr(), shm.Forever)
	return func() error {
		c, err := l.Accept(h.Now() + shmtest.Liveness/1000)
		if err != nil {
			return err
		}
		return c.Close()
	}, err
}

func sending(h shm.Host) (func() error, error) {
	a, b, err := ends(h)
	return func() error {
		_, err := a.Peer()
		if err == nil {
			err = a.Send([]byte("x"), nil, h.Now()+shmtest.Liveness)
		}
		if err == nil {
			_, _, err = b.Recv(make([]byte, 1), h.Now()+shmtest.Liveness)
		}
		return err
	}, err
}

func listening(h shm.Host) (func() error, error) {
	dir, err := os.MkdirTemp("", "listen")
	return func() error {
		l, err := h.Listen(filepath.Join(dir, "s"))
		if err == nil {
			err = l.Close()
		}
		return errors.Join(err, os.Remove(dir)) // fails when anything is left in it
	}, err
}

// faulty is a child that is sent the number of a fault and takes it.
var faulty = shmtest.Child("faulty", func(h shm.Host, parent shm.Conn) error {
	buf := make([]byte, 1)
	if _, _, err := parent.Recv(buf, h.Now()+shmtest.Liveness); err != nil {
		return err
	}
	f := faults[buf[0]]
	operate, err := f.prepare(h)
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	held, err := proctest.Holdings()
	if err != nil {
		return err
	}
	if f.value == freeDesc {
		fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
		if err := errors.Join(err, unix.Close(fd)); err != nil {
			return err
		}
		f.value = uint32(fd)
	}
	if err := failCalls(f.call, f.arg, f.mask, f.value, f.errno); err != nil {
		return fmt.Errorf("seccomp: %w", err)
	}
	if err := operate(); !errors.Is(err, f.want) || (err == nil) != (f.want == nil) {
		return fmt.Errorf("got %v, want %v", err, f.want)
	}
	now, err := proctest.AwaitHoldings(proctest.Holdings, held)
	if err == nil && !maps.Equal(held, now) {
		err = fmt.Errorf("leak: %v before, %v after", held, now)
	}
	return err
})

// TestFaults: whichever system call fails, the error says so and nothing is left
// behind.
func TestFaults(t *testing.T) {
	h := oshost.New()
	for i, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			p := shmtest.Start(t, h, faulty)
			shmtest.Check(t, p.Conn.Send([]byte{byte(i)}, nil, h.Now()+shmtest.Liveness))
			p.Wait()
		})
	}
}

// exhausted is a child without a free descriptor, until it is told to free some. It
// listens at the address it is sent.
var exhausted = shmtest.Child("exhausted", func(h shm.Host, parent shm.Conn) error {
	buf := make([]byte, shm.MaxMessage)
	l, err := listenAsTold(h, parent)
	if err != nil {
		return err
	}
	hoard, err := fillTable()
	if err != nil {
		return err
	}
	if err := parent.Send([]byte("full"), nil, h.Now()+shmtest.Liveness); err != nil {
		return err
	}
	_, err1 := h.CreateSegment(segSize)
	_, _, err2 := h.NewDoorbell()
	_, err3 := h.Dial(l.Addr(), shm.Forever)
	_, err4 := h.Listen(shmtest.NewAddr())
	for i, err := range []error{err1, err2, err3, err4} {
		if !errors.Is(err, unix.EMFILE) {
			return fmt.Errorf("call %d with a full table: got %v, want %v", i, err, unix.EMFILE)
		}
	}
	if n, _, err := parent.Recv(buf, h.Now()+shmtest.Liveness); !errors.Is(err, shm.ErrShortage) || string(buf[:n]) != "bells" {
		return fmt.Errorf("recv of descriptors with a full table: got %q, %v, want the message, %v", buf[:n], err, shm.ErrShortage)
	}
	freed := make(chan error)
	go func() {
		_, _, err := parent.Recv(buf, h.Now()+shmtest.Liveness)
		for _, fd := range hoard {
			err = errors.Join(err, unix.Close(fd))
		}
		freed <- errors.Join(err, parent.Send([]byte("freed"), nil, h.Now()+shmtest.Liveness))
	}()
	c, err := l.Accept(h.Now() + shmtest.Liveness) // refuses until then
	if err := errors.Join(err, <-freed); err != nil {
		return err
	}
	return errors.Join(c.Send([]byte("welcome"), nil, h.Now()+shmtest.Liveness), c.Close(), l.Close())
})

// fillTable opens files until the descriptor table, made small before, is full.
func fillTable() (hoard []int, err error) {
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 64, Max: 64}); err != nil {
		return nil, err
	}
	for {
		fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == unix.EMFILE {
			return hoard, nil
		} else if err != nil {
			return nil, err
		}
		hoard = append(hoard, fd)
	}
}

// TestDescriptorsExhausted: a process without free descriptors fails with clear
// errors, refuses processes that dial, and works again when it has some.
func TestDescriptorsExhausted(t *testing.T) {
	leaks := proctest.CheckLeaks(t)
	h, addr, buf := oshost.New(), shmtest.NewAddr(), make([]byte, 16)
	p := shmtest.Start(t, h, exhausted)
	wait, ring, err := h.NewDoorbell()
	if err != nil {
		t.Fatal(err)
	}
	recv := func(c shm.Conn, want string) {
		t.Helper()
		if n, _, err := c.Recv(buf, h.Now()+shmtest.Liveness); err != nil || string(buf[:n]) != want {
			t.Errorf("received %q, %v, want %q", buf[:n], err, want)
		}
	}
	shmtest.Check(t, p.Conn.Send([]byte(addr), nil, h.Now()+shmtest.Liveness))
	recv(p.Conn, "full")
	shmtest.Check(t, p.Conn.Send([]byte("bells"), []shm.Desc{wait, ring}, h.Now()+shmtest.Liveness))
	for range 3 {
		c, err := h.Dial(addr, shm.Forever)
		shmtest.Check(t, err)
		if _, _, err := c.Recv(buf, h.Now()+shmtest.Liveness); err != io.EOF {
			t.Errorf("dial to a process without descriptors: got %v, want %v", err, io.EOF)
		}
		shmtest.Check(t, c.Close())
	}
	shmtest.Check(t, p.Conn.Send([]byte("free"), nil, h.Now()+shmtest.Liveness))
	recv(p.Conn, "freed")
	c, err := h.Dial(addr, shm.Forever)
	shmtest.Check(t, err)
	recv(c, "welcome")
	p.Wait()
	shmtest.Check(t, errors.Join(c.Close(), wait.Close(), ring.Close()))
	leaks()
}
