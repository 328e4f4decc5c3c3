package oshost_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"cutthrough/internal/proctest"
	"cutthrough/shm"
	"cutthrough/shm/internal/shmtest"
	"cutthrough/shm/oshost"
)

// rawListen returns a listening socket made without package shm.
func rawListen(t testing.TB, path string, typ, backlog int) int {
	t.Helper()
	fd := must(t)(unix.Socket(unix.AF_UNIX, typ|unix.SOCK_CLOEXEC, 0))
	shmtest.Check(t, unix.Bind(fd, &unix.SockaddrUnix{Name: path}))
	shmtest.Check(t, unix.Listen(fd, backlog))
	return fd
}

// files returns the names and types of what is in dir.
func files(t testing.TB, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Type().String()+" "+e.Name())
	}
	return names
}

// listenAsTold listens at the address that the parent sends.
func listenAsTold(h shm.Host, parent shm.Conn) (shm.Listener, error) {
	buf := make([]byte, shm.MaxMessage)
	n, _, err := parent.Recv(buf, h.Now()+shmtest.Liveness)
	if err != nil {
		return nil, err
	}
	return h.Listen(string(buf[:n]))
}

// squatter is a child that listens at the address it is sent, and waits for its death.
var squatter = shmtest.Child("squatter", func(h shm.Host, parent shm.Conn) error {
	l, err := listenAsTold(h, parent)
	if err != nil {
		return err
	}
	if err := parent.Send([]byte("listening"), nil, h.Now()+shmtest.Liveness); err != nil {
		return err
	}
	h.Sleep(shm.Forever)
	return l.Close()
})

// TestListenAfterDeath: the address of a killed process is free, whatever it left
// behind, and Close leaves nothing.
func TestListenAfterDeath(t *testing.T) {
	leaks := proctest.CheckLeaks(t)
	h, dir := oshost.New(), t.TempDir()
	for _, addr := range []string{filepath.Join(dir, "s"), shmtest.NewAddr()} {
		p := shmtest.Start(t, h, squatter)
		shmtest.Check(t, p.Conn.Send([]byte(addr), nil, h.Now()+shmtest.Liveness))
		if _, _, err := p.Conn.Recv(make([]byte, 16), h.Now()+shmtest.Liveness); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Listen(addr); !errors.Is(err, shm.ErrAddrInUse) {
			t.Errorf("%s of a living process: got %v, want %v", addr, err, shm.ErrAddrInUse)
		}
		p.Kill()
		for range 2 {
			l, err := h.Listen(addr)
			if err != nil {
				t.Fatalf("%s of a dead process: %v", addr, err)
			}
			c, err := h.Dial(addr, shm.Forever)
			shmtest.Check(t, errors.Join(err, c.Close(), l.Close()))
		}
		shmtest.Check(t, p.Conn.Close())
	}
	if left := files(t, dir); len(left) > 0 {
		t.Errorf("files left: %q", left)
	}
	leaks()
}

// TestListenLeavesAlone: what is not a stale socket stays where it is.
func TestListenLeavesAlone(t *testing.T) {
	const name = "s"
	for _, tt := range []struct {
		what string
		make func(t *testing.T, path string) (undo func())
	}{
		{"file", func(t *testing.T, path string) func() {
			shmtest.Check(t, os.WriteFile(path, []byte("precious"), 0o600))
			return func() {}
		}},
		{"directory", func(t *testing.T, path string) func() {
			shmtest.Check(t, os.Mkdir(path, 0o700))
			return func() {}
		}},
		{"named pipe", func(t *testing.T, path string) func() {
			shmtest.Check(t, unix.Mkfifo(path, 0o600))
			return func() {}
		}},
		{"symbolic link to a stale socket", func(t *testing.T, path string) func() {
			shmtest.Check(t, unix.Close(rawListen(t, path+".stale", unix.SOCK_SEQPACKET, 1)))
			shmtest.Check(t, os.Symlink(path+".stale", path))
			return func() {}
		}},
		{"a listener of another process", func(t *testing.T, path string) func() {
			fd := rawListen(t, path, unix.SOCK_SEQPACKET, 1)
			return func() { shmtest.Check(t, unix.Close(fd)) }
		}},
		{"a stream listener of another process", func(t *testing.T, path string) func() {
			fd := rawListen(t, path, unix.SOCK_STREAM, 1)
			return func() { shmtest.Check(t, unix.Close(fd)) }
		}},
		{"a listener of another process with a full backlog", func(t *testing.T, path string) func() {
			fd := rawListen(t, path, unix.SOCK_SEQPACKET, 0)
			c, err := oshost.New().Dial(path, shm.Forever)
			shmtest.Check(t, err)
			return func() { shmtest.Check(t, errors.Join(c.Close(), unix.Close(fd))) }
		}},
		{"file at the place of the lock", func(t *testing.T, path string) func() {
			shmtest.Check(t, os.WriteFile(path+".lock", []byte("precious"), 0o600))
			return func() {}
		}},
		{"empty file at the place of the lock", func(t *testing.T, path string) func() {
			shmtest.Check(t, os.WriteFile(path+".lock", nil, 0o600))
			return func() {}
		}},
		{"named pipe at the place of the lock", func(t *testing.T, path string) func() {
			shmtest.Check(t, unix.Mkfifo(path+".lock", 0o600))
			return func() {}
		}},
		{"our listener", func(t *testing.T, path string) func() {
			l, err := oshost.New().Listen(path)
			shmtest.Check(t, err)
			return func() { shmtest.Check(t, l.Close()) }
		}},
	} {
		t.Run(tt.what, func(t *testing.T) {
			leaks := proctest.CheckLeaks(t)
			dir := t.TempDir()
			undo := tt.make(t, filepath.Join(dir, name))
			before := files(t, dir)
			if _, err := oshost.New().Listen(filepath.Join(dir, name)); !errors.Is(err, shm.ErrAddrInUse) {
				t.Errorf("got %v, want %v", err, shm.ErrAddrInUse)
			}
			if diff := cmp.Diff(before, files(t, dir)); diff != "" {
				t.Errorf("files (-before +after):\n%s", diff)
			}
			undo()
			leaks()
		})
	}
}

// TestListenerCloseLeavesOthers: when another process has put another file at the
// path, Close does not remove that.
func TestListenerCloseLeavesOthers(t *testing.T) {
	leaks := proctest.CheckLeaks(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	l, err := oshost.New().Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	shmtest.Check(t, os.Remove(path))
	other := rawListen(t, path, unix.SOCK_SEQPACKET, 1)
	shmtest.Check(t, l.Close())
	if diff := cmp.Diff([]string{fs.ModeSocket.String() + " s"}, files(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	shmtest.Check(t, unix.Close(other))
	leaks()
}

// TestListenRelative: a relative path means the directory that was current then.
func TestListenRelative(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	l, err := oshost.New().Listen("s")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("/")
	shmtest.Check(t, l.Close())
	if left := files(t, dir); len(left) > 0 {
		t.Errorf("files left: %q", left)
	}
}

// TestBadAddresses: what cannot be an address is refused by both sides.
func TestBadAddresses(t *testing.T) {
	leaks := proctest.CheckLeaks(t)
	h, dir := oshost.New(), t.TempDir()
	for _, addr := range []string{
		"", "@", "a\x00b", "@a\x00b", "@" + strings.Repeat("x", 200),
		filepath.Join(dir, strings.Repeat("x", 200)), filepath.Join(dir, "missing", "s"),
	} {
		if _, err := h.Listen(addr); err == nil || errors.Is(err, shm.ErrAddrInUse) {
			t.Errorf("listen %q: %v", addr, err)
		}
		if _, err := h.Dial(addr, shm.Forever); err == nil {
			t.Errorf("dial %q: no error", addr)
		}
	}
	if left := files(t, dir); len(left) > 0 {
		t.Errorf("files left: %q", left)
	}
	leaks()
}

// TestDialFullBacklog: a listener that does not accept cannot hold a dialer.
func TestDialFullBacklog(t *testing.T) {
	h := oshost.New()
	path := filepath.Join(t.TempDir(), "s")
	fd := rawListen(t, path, unix.SOCK_SEQPACKET, 3)
	var conns []shm.Conn
	var err error
	for err == nil && len(conns) < 100 {
		var c shm.Conn
		if c, err = h.Dial(path, 0); err == nil {
			conns = append(conns, c)
		}
	}
	if !errors.Is(err, shm.ErrDeadline) || len(conns) == 0 {
		t.Errorf("dial number %d: got %v, want %v", len(conns), err, shm.ErrDeadline)
	}
	for _, c := range conns {
		shmtest.Check(t, c.Close())
	}
	shmtest.Check(t, unix.Close(fd))
}

// TestListenChurn: of many that want one path at any time one has it, reaches
// itself there, and loses nothing when the others come and go.
func TestListenChurn(t *testing.T) {
	leaks := proctest.CheckLeaks(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	var holders, held atomic.Int32
	var closes proctest.Events
	var wg sync.WaitGroup
	for id := range 4 {
		wg.Go(func() {
			h := oshost.New()
			for round := 0; round < 40; {
				closed := closes.Count()
				l, err := h.Listen(path)
				if errors.Is(err, shm.ErrAddrInUse) {
					closes.Beyond(closed) // the holder closes after that
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if n := holders.Add(1); n != 1 {
					t.Errorf("%d listeners at one path", n)
				}
				if err := reachSelf(h, l, fmt.Sprintf("%d.%d", id, round)); err != nil {
					t.Error(err)
				}
				holders.Add(-1)
				shmtest.Check(t, l.Close())
				closes.Note()
				held.Add(1)
				round++
			}
		})
	}
	wg.Wait()
	if held.Load() != 160 {
		t.Errorf("held %d times, want 160", held.Load())
	}
	if left := files(t, dir); len(left) > 0 {
		t.Errorf("files left: %q", left)
	}
	leaks()
}

// reachSelf dials l and sends a message through.
func reachSelf(h shm.Host, l shm.Listener, msg string) error {
	a, err := h.Dial(l.Addr(), shm.Forever)
	if err != nil {
		return err
	}
	b, err := l.Accept(h.Now() + shmtest.Liveness)
	if err != nil {
		return errors.Join(err, a.Close())
	}
	buf := make([]byte, shm.MaxMessage)
	err = a.Send([]byte(msg), nil, h.Now()+shmtest.Liveness)
	if err == nil {
		var n int
		if n, _, err = b.Recv(buf, h.Now()+shmtest.Liveness); err == nil && string(buf[:n]) != msg {
			err = fmt.Errorf("received %q, want %q", buf[:n], msg)
		}
	}
	return errors.Join(err, a.Close(), b.Close())
}

// TestDialWaits: a dial waits while the listener has no room for it, so that a process that connects in a loop does not keep
// others out.
func TestDialWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	l := rawListen(t, path, unix.SOCK_SEQPACKET, 0)
	h := oshost.New()
	first, err := h.Dial(path, shm.Forever)
	shmtest.Check(t, err)
	deadline := h.Now() + 10*time.Millisecond
	if _, err := h.Dial(path, deadline); !errors.Is(err, shm.ErrDeadline) || h.Now() < deadline {
		t.Errorf("without room: got %v, want %v at %v", err, shm.ErrDeadline, deadline)
	}
	dialled := make(chan shm.Conn)
	go func() {
		c, err := h.Dial(path, shm.Forever)
		shmtest.Check(t, err)
		dialled <- c
	}()
	proctest.Eventually(func() bool { return strings.Contains(proctest.Stacks(), "connectWaiting") }) // no event for a task in a system call
	in, _, err := unix.Accept4(l, unix.SOCK_CLOEXEC)
	shmtest.Check(t, err)
	second := <-dialled
	for _, c := range []shm.Conn{first, second} {
		if c != nil {
			shmtest.Check(t, c.Close())
		}
	}
	shmtest.Check(t, errors.Join(unix.Close(in), unix.Close(l)))
}

// TestBacklogIsShort: a new connection waits behind all that were not accepted, so there are few, however many a process
// makes.
func TestBacklogIsShort(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	l, err := oshost.New().Listen(path)
	shmtest.Check(t, err)
	var fds []int
	for err = nil; err == nil && len(fds) < 1000; {
		var fd int
		fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		shmtest.Check(t, err)
		fds = append(fds, fd)
		err = unix.Connect(fd, &unix.SockaddrUnix{Name: path})
	}
	if err != unix.EAGAIN || len(fds) > 100 {
		t.Errorf("%d connections wait to be accepted, %v", len(fds), err)
	}
	for _, fd := range fds {
		shmtest.Check(t, unix.Close(fd))
	}
	shmtest.Check(t, l.Close())
}
