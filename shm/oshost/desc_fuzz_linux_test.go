package oshost_test

import (
	"errors"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"cutthrough/internal/proctest"
	"cutthrough/shm"
	"cutthrough/shm/internal/shmtest"
	"cutthrough/shm/oshost"
)

var nameFuzzed = shm.NewName("test.fuzzed")

// anyDescs returns a descriptor of each kind that a peer might send.
func anyDescs(t testing.TB, h shm.Host) []int {
	var pipe [2]int
	shmtest.Check(t, unix.Pipe2(pipe[:], unix.O_CLOEXEC))
	pair := must(t)(unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0))
	bare, err := unix.MemfdCreate("bare", unix.MFD_CLOEXEC)
	shmtest.Check(t, err)
	event, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	shmtest.Check(t, err)
	dir, err := unix.Open(os.TempDir(), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	shmtest.Check(t, err)
	all := []int{pipe[0], pipe[1], pair, bare, event, dir}
	seg, err := h.CreateSegment(shm.MinSegment)
	shmtest.Check(t, err)
	wait, ring, err := h.NewDoorbell()
	shmtest.Check(t, err)
	for _, d := range []shm.Desc{seg.Desc(), wait, ring} {
		fd, err := unix.FcntlInt(uintptr(oshost.FD(d)), unix.F_DUPFD_CLOEXEC, 0)
		shmtest.Check(t, err)
		all = append(all, fd)
	}
	shmtest.Check(t, errors.Join(seg.Close(), wait.Close(), ring.Close()))
	return all
}

// use takes a descriptor for what it may not be. Each call owns it from there on.
func use(h shm.Host, how byte, d shm.Desc) error {
	switch how % 4 {
	case 0:
		s, err := h.MapSegment(d, shm.MinSegment)
		if err == nil {
			err = s.Close()
		}
		return err
	case 1:
		b, err := h.OpenWaiter(d, nameFuzzed)
		if err == nil {
			_ = b.Wait(nil, h.Now())
			err = b.Close()
		}
		return err
	case 2:
		r, err := h.OpenRinger(d, nameFuzzed)
		if err == nil {
			_ = r.Ring()
			err = r.Close()
		}
		return err
	}
	return d.Close()
}

// open returns how many descriptors this process has.
func open(t testing.TB) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	shmtest.Check(t, err)
	return len(all)
}

// FuzzDescriptors sends messages with any descriptors to both ends of a channel, and takes those that arrive for anything. No
// descriptor is left, and every error is one of the contract.
func FuzzDescriptors(f *testing.F) {
	f.Add([]byte{4, 1, 8, 0, 200, 1, 6, 1, 200, 2, 7, 1})
	f.Add([]byte{1, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 255, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0})
	f.Add([]byte{255, 3, 8, 7, 6, 10, 0, 1, 0, 3})
	h := oshost.New()
	known := []error{nil, io.EOF, shm.ErrTruncated, shm.ErrDesc, shm.ErrUnsealed, shm.ErrSize, shm.ErrDeadline, shm.ErrPeerClosed}
	check := func(t *testing.T, what string, err error) {
		for _, k := range known {
			if errors.Is(err, k) {
				return
			}
		}
		t.Errorf("%s: undocumented: %v", what, err)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		before := open(t)
		fds := anyDescs(t, h)
		accepted, client := rawPeer(t, h)
		dialled, listener := rawListener(t, h)
		take := func() byte {
			if len(in) == 0 {
				return 0
			}
			b := in[0]
			in = in[1:]
			return b
		}
		for range 8 {
			size, n := int(take()), int(take()%16)
			var some []int
			for range n {
				some = append(some, fds[int(take())%len(fds)])
			}
			oob := []byte(nil)
			if n > 0 {
				oob = unix.UnixRights(some...)
			}
			to, from := listener, dialled
			if take()%4 == 0 {
				to, from = client, accepted
			}
			if unix.Sendmsg(to, make([]byte, 1+size), oob, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT) != nil {
				continue // the kernel refuses descriptors for a listener
			}
			_, descs, err := from.Recv(make([]byte, 1+int(take())), h.Now()+shmtest.Liveness)
			check(t, "recv", err)
			if from == accepted && len(descs) > 0 {
				t.Error("a channel that was accepted takes descriptors")
			}
			for _, d := range descs {
				check(t, "use", use(h, take(), d))
			}
		}
		shmtest.Check(t, errors.Join(accepted.Close(), dialled.Close(), unix.Close(client), unix.Close(listener)))
		for _, fd := range fds {
			shmtest.Check(t, unix.Close(fd))
		}
		if !proctest.Eventually(func() bool { return open(t) == before }) { // some are closed in the background
			t.Errorf("%d descriptors are open, %d were before", open(t), before)
		}
	})
}
