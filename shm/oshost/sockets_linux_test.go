package oshost_test

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"cutthrough/internal/proctest"
	"cutthrough/shm"
	"cutthrough/shm/internal/shmtest"
	"cutthrough/shm/oshost"
)

// TestSocketMode: a socket file is for its own user, unless another mode is asked for, and whatever
// the umask is.
func TestSocketMode(t *testing.T) {
	defer unix.Umask(unix.Umask(0o027))
	dir := t.TempDir()
	for mode, want := range map[fs.FileMode]fs.FileMode{0: 0o600, 0o660: 0o660, 0o666: 0o666} {
		s := oshost.Sockets{Mode: mode, Group: os.Getegid()}
		path := filepath.Join(dir, want.String())
		l, err := oshost.NewWith(s).Listen(path)
		shmtest.Check(t, err)
		stream, err := oshost.ListenStream(path+".stream", s)
		shmtest.Check(t, err)
		for _, path := range []string{path, path + ".stream"} {
			if info, err := os.Stat(path); err != nil || info.Mode() != want|fs.ModeSocket {
				t.Errorf("%v, %v; want mode %v", info.Mode(), err, want)
			}
		}
		shmtest.Check(t, errors.Join(l.Close(), stream.Close()))
	}
	if left := files(t, dir); len(left) > 0 {
		t.Errorf("files left: %q", left)
	}
}

// TestListenStream: a stream listener has its path as a listener of channels has, and needs no file
// for an abstract address.
func TestListenStream(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	leaks := proctest.CheckLeaks(t)
	shmtest.Check(t, unix.Close(rawListen(t, "stale", unix.SOCK_STREAM, 1)))
	shmtest.Check(t, os.WriteFile("precious", nil, 0o600))
	abstract := shmtest.NewAddr()
	shmtest.Check(t, os.WriteFile(abstract, nil, 0o600))
	before := len(files(t, dir))
	for _, addr := range []string{"stale", abstract} {
		l, err := oshost.ListenStream(addr, oshost.Sockets{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := oshost.ListenStream(addr, oshost.Sockets{}); !errors.Is(err, shm.ErrAddrInUse) {
			t.Errorf("%s: a second listener: %v", addr, err)
		}
		a, err := net.Dial("unix", addr)
		shmtest.Check(t, err)
		b, err := l.Accept()
		shmtest.Check(t, err)
		shmtest.Check(t, errors.Join(a.Close(), b.Close(), l.Close()))
	}
	if _, err := oshost.ListenStream("precious", oshost.Sockets{}); !errors.Is(err, shm.ErrAddrInUse) {
		t.Errorf("at a file: %v", err)
	}
	for _, addr := range []string{"", "@"} {
		if _, err := oshost.ListenStream(addr, oshost.Sockets{}); err == nil {
			t.Errorf("%q: no error", addr)
		}
	}
	if left := files(t, dir); len(left) != before-1 { // the stale socket is gone
		t.Errorf("files left: %q", left)
	}
	leaks()
}

// TestInherited: a socket that another process has bound is used as it is, once, and its file stays.
func TestInherited(t *testing.T) {
	leaks := proctest.CheckLeaks(t)
	dir := t.TempDir()
	inherited := func(path string, typ int) *os.File {
		return os.NewFile(uintptr(rawListen(t, path, typ, 8)), path)
	}
	channels, streams, wrong := filepath.Join(dir, "c"), filepath.Join(dir, "s"), filepath.Join(dir, "w")
	s := oshost.Sockets{Inherited: map[string]*os.File{
		channels: inherited(channels, unix.SOCK_SEQPACKET),
		streams:  inherited(streams, unix.SOCK_STREAM),
		wrong:    inherited(wrong, unix.SOCK_STREAM),
	}}
	h := oshost.NewWith(s)
	if _, err := h.Listen(wrong); !errors.Is(err, unix.EINVAL) {
		t.Errorf("a stream socket for channels: %v", err)
	}
	l, err := h.Listen(channels)
	if err != nil {
		t.Fatal(err)
	}
	shmtest.Check(t, reachSelf(h, l, "hello"))
	stream, err := oshost.ListenStream(streams, s)
	shmtest.Check(t, err)
	a, err := net.Dial("unix", streams)
	shmtest.Check(t, err)
	b, err := stream.Accept()
	shmtest.Check(t, errors.Join(err, b.Close()))
	if _, err := a.Read(make([]byte, 1)); err != io.EOF {
		t.Error(err)
	}
	shmtest.Check(t, errors.Join(a.Close(), stream.Close(), l.Close()))
	if left := files(t, dir); len(left) != 3 {
		t.Errorf("files left: %q", left)
	}
	leaks()
}
