package oshost_test

import (
	"errors"
	"io"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"cutthrough/internal/proctest"
	"cutthrough/shm"
	"cutthrough/shm/hosttest"
	"cutthrough/shm/internal/shmtest"
	"cutthrough/shm/oshost"
)

// rawPeer returns a channel and the bare socket at its other end.
func rawPeer(t testing.TB, h shm.Host) (shm.Conn, int) {
	t.Helper()
	l, err := h.Listen(shmtest.NewAddr())
	if err != nil {
		t.Fatal(err)
	}
	fd := must(t)(unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0))
	shmtest.Check(t, unix.Connect(fd, &unix.SockaddrUnix{Name: l.Addr()}))
	c, err := l.Accept(h.Now() + shmtest.Liveness)
	if err != nil {
		t.Fatal(err)
	}
	shmtest.Check(t, l.Close())
	return c, fd
}

// rawListener returns a channel that was dialled and the bare socket that accepted it.
func rawListener(t testing.TB, h shm.Host) (shm.Conn, int) {
	t.Helper()
	addr := shmtest.NewAddr()
	l := must(t)(unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0))
	shmtest.Check(t, errors.Join(unix.Bind(l, &unix.SockaddrUnix{Name: addr}), unix.Listen(l, 1)))
	c, err := h.Dial(addr, shm.Forever)
	if err != nil {
		t.Fatal(err)
	}
	fd, _, err := unix.Accept4(l, unix.SOCK_CLOEXEC)
	shmtest.Check(t, errors.Join(err, unix.Close(l)))
	return c, fd
}

// rawSend sends bytes with n copies of the standard input's descriptor.
func rawSend(t testing.TB, fd int, msg []byte, n int) {
	t.Helper()
	var oob []byte
	if n > 0 {
		oob = unix.UnixRights(make([]int, n)...)
	}
	if len(msg) == 0 {
		sendEmpty(t, fd, oob)
		return
	}
	shmtest.Check(t, unix.Sendmsg(fd, msg, oob, nil, 0))
}

// rawRecv receives a message with one descriptor.
func rawRecv(t testing.TB, fd int) int {
	t.Helper()
	oob := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(fd, make([]byte, shm.MaxMessage), oob, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	msgs, err := unix.ParseSocketControlMessage(oob[:n])
	if err != nil || len(msgs) != 1 {
		t.Fatalf("%d control messages, %v", len(msgs), err)
	}
	fds, err := unix.ParseUnixRights(&msgs[0])
	if err != nil || len(fds) != 1 {
		t.Fatalf("descriptors %v, %v", fds, err)
	}
	return fds[0]
}

// TestRecvHostile: messages that no Conn sends, to a channel that takes descriptors. What is too much is lost with all its
// descriptors, and the channel goes on; an empty one looks like the end.
func TestRecvHostile(t *testing.T) {
	const maxFDs = 253 // SCM_MAX_FD
	for _, tt := range []struct {
		name       string
		bytes, fds int
		want       error
	}{
		{"as much as allowed", shm.MaxMessage, shm.MaxDescs, nil},
		{"one descriptor too many", 1, shm.MaxDescs + 1, shm.ErrTruncated},
		{"as many descriptors as the kernel takes", 1, maxFDs, shm.ErrTruncated},
		{"one byte too many", shm.MaxMessage + 1, 0, shm.ErrTruncated},
		{"too long, with descriptors", 2 * shm.MaxMessage, shm.MaxDescs, shm.ErrTruncated},
		{"too much of everything", 10 * shm.MaxMessage, maxFDs, shm.ErrTruncated},
		{"empty", 0, 0, io.EOF},
		{"empty, with descriptors", 0, shm.MaxDescs, io.EOF},
		{"empty, with too many descriptors", 0, maxFDs, shm.ErrTruncated},
	} {
		t.Run(tt.name, func(t *testing.T) {
			leaks := proctest.CheckLeaks(t)
			h := oshost.New()
			c, peer := rawListener(t, h)
			rawSend(t, peer, make([]byte, tt.bytes), tt.fds)
			rawSend(t, peer, []byte("next"), 1)
			buf := make([]byte, shm.MaxMessage)
			n, descs, err := c.Recv(buf, h.Now()+shmtest.Liveness)
			if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if err == nil && (n != tt.bytes || len(descs) != tt.fds) || err != nil && (n != 0 || descs != nil) {
				t.Errorf("%d bytes, %d descriptors, %v", n, len(descs), err)
			}
			n, more, err := c.Recv(buf, h.Now()+shmtest.Liveness)
			if string(buf[:n]) != "next" || len(more) != 1 || err != nil {
				t.Errorf("next message: %q, %d descriptors, %v", buf[:n], len(more), err)
			}
			for _, d := range append(descs, more...) {
				shmtest.Check(t, d.Close())
			}
			shmtest.Check(t, errors.Join(c.Close(), unix.Close(peer)))
			leaks()
		})
	}
}

// TestAcceptedTakesNoDescriptors: a peer attaches descriptors to what it sends to a listener, one of which takes long to
// close. Recv and Close return at once, and so do those of other channels.
func TestAcceptedTakesNoDescriptors(t *testing.T) {
	onBoth(t, func(t *testing.T, h shm.Host) {
		for _, recv := range []bool{true, false} {
			c, peer := rawPeer(t, h)
			slow, end := lingering(t, 4*shmtest.Liveness)
			fds := append(make([]int, shm.MaxDescs), slow)
			err := unix.Sendmsg(peer, []byte("x"), unix.UnixRights(fds...), nil, unix.MSG_NOSIGNAL)
			old := err == nil
			if old {
				shmtest.Check(t, unix.Close(slow)) // the last one is in the message
			} else if err != unix.EPERM {
				t.Error(err)
			}
			done := make(chan error, 1)
			go func() {
				_, descs, err := c.Recv(make([]byte, 8), 0)
				if len(descs) > 0 || old && !errors.Is(err, shm.ErrTruncated) || !old && !errors.Is(err, shm.ErrDeadline) {
					t.Errorf("received %v, %v; the peer's send: old kernel %v", descs, err, old)
				}
				done <- c.Close()
			}()
			if !recv {
				_, _, _ = c.Recv(make([]byte, 8), 0) // beside the other one
			}
			select {
			case err := <-done:
				shmtest.Check(t, err)
			case <-time.After(shmtest.Liveness):
				t.Error("Recv or Close blocks")
			}
			if !old {
				_ = unix.SetsockoptLinger(slow, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{})
				shmtest.Check(t, unix.Close(slow))
			}
			shmtest.Check(t, errors.Join(end.Close(), unix.Close(peer)))
		}
	})
}

// TestOldKernel: the contract holds on a kernel that cannot refuse descriptors.
func TestOldKernel(t *testing.T) { hosttest.Run(t, goroutines{oshost.NewOld}) }

// TestRecvCloseOnExec: a descriptor from a peer is not inherited by programs that
// this process starts.
func TestRecvCloseOnExec(t *testing.T) {
	h := oshost.New()
	c, peer := rawListener(t, h)
	before := inheritable(t)
	rawSend(t, peer, []byte("x"), 1)
	_, descs, err := c.Recv(make([]byte, 1), h.Now()+shmtest.Liveness)
	if err != nil {
		t.Fatal(err)
	}
	wait, ring, err := h.NewDoorbell()
	if err != nil {
		t.Fatal(err)
	}
	s, err := h.CreateSegment(shm.MinSegment)
	if err != nil {
		t.Fatal(err)
	}
	l, err := h.Listen(t.TempDir() + "/s")
	if err != nil {
		t.Fatal(err)
	}
	if after := inheritable(t); after != before {
		t.Errorf("%d descriptors would be inherited, before it were %d", after, before)
	}
	shmtest.Check(t, errors.Join(descs[0].Close(), wait.Close(), ring.Close(), s.Close(), l.Close(), c.Close(), unix.Close(peer)))
}

// inheritable counts descriptors without FD_CLOEXEC.
func inheritable(t testing.TB) (n int) {
	t.Helper()
	for fd := range 1000 {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			n++
		}
	}
	return n
}

// doomed is a child that gets a doorbell, sends three messages, rings, and waits for
// its death.
var doomed = shmtest.Child("doomed", func(h shm.Host, parent shm.Conn) error {
	_, descs, err := parent.Recv(make([]byte, 16), h.Now()+shmtest.Liveness)
	if err != nil {
		return err
	}
	bell, err := h.OpenRinger(descs[0], bellName)
	if err != nil {
		return err
	}
	for _, msg := range []string{"1", "2", "3"} {
		if err := parent.Send([]byte(msg), nil, h.Now()+shmtest.Liveness); err != nil {
			return err
		}
	}
	if err := bell.Ring(); err != nil {
		return err
	}
	h.Sleep(shm.Forever)
	return nil
})

// TestPeerKilled: everything a killed process sent arrives, then io.EOF, although it
// left a message unread; sending to it fails.
func TestPeerKilled(t *testing.T) {
	leaks := proctest.CheckLeaks(t)
	h := oshost.New()
	wait, ring, err := h.NewDoorbell()
	if err != nil {
		t.Fatal(err)
	}
	bell, err := h.OpenWaiter(wait, bellName)
	if err != nil {
		t.Fatal(err)
	}
	p := shmtest.Start(t, h, doomed)
	shmtest.Check(t, p.Conn.Send([]byte("bell"), []shm.Desc{ring}, h.Now()+shmtest.Liveness))
	shmtest.Check(t, bell.Wait(nil, h.Now()+shmtest.Liveness))
	shmtest.Check(t, p.Conn.Send([]byte("never read"), nil, h.Now()+shmtest.Liveness))
	p.Kill()
	buf := make([]byte, shm.MaxMessage)
	for _, want := range []string{"1", "2", "3"} {
		n, _, err := p.Conn.Recv(buf, h.Now()+shmtest.Liveness)
		if string(buf[:n]) != want || err != nil {
			t.Errorf("%q, %v, want %q", buf[:n], err, want)
		}
	}
	for range 2 {
		if _, _, err := p.Conn.Recv(buf, h.Now()+shmtest.Liveness); err != io.EOF {
			t.Errorf("recv: got %v, want %v", err, io.EOF)
		}
		if err := p.Conn.Send([]byte("x"), nil, h.Now()+shmtest.Liveness); !errors.Is(err, shm.ErrPeerClosed) {
			t.Errorf("send: got %v, want %v", err, shm.ErrPeerClosed)
		}
	}
	shmtest.Check(t, ring.Close())
	if err := bell.Wait(nil, h.Now()+shmtest.Liveness); !errors.Is(err, shm.ErrPeerClosed) {
		t.Errorf("wait: got %v, want %v", err, shm.ErrPeerClosed)
	}
	shmtest.Check(t, errors.Join(p.Conn.Close(), bell.Close()))
	leaks()
}

// TestPeerKilledWakes: a Recv that waits when the peer is killed returns io.EOF.
func TestPeerKilledWakes(t *testing.T) {
	leaks := proctest.CheckLeaks(t)
	h := oshost.New()
	p := shmtest.Start(t, h, doomed)
	ended := make(chan error, 1)
	go func() {
		_, _, err := p.Conn.Recv(make([]byte, 16), h.Now()+shmtest.Liveness)
		ended <- err
	}()
	p.Kill()
	if err := <-ended; err != io.EOF {
		t.Errorf("got %v, want %v", err, io.EOF)
	}
	shmtest.Check(t, p.Conn.Close())
	leaks()
}
