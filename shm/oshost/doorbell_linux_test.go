package oshost_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"cutthrough/internal/proctest"
	"cutthrough/shm"
	"cutthrough/shm/internal/shmtest"
	"cutthrough/shm/oshost"
)

// hosts are the two kinds of kernel.
var hosts = map[string]func() shm.Host{"this kernel": oshost.New, "old kernel": oshost.NewOld}

// onBoth runs a test on both kinds of kernel.
func onBoth(t *testing.T, test func(t *testing.T, h shm.Host)) {
	for name, open := range hosts {
		t.Run(name, func(t *testing.T) {
			leaks := proctest.CheckLeaks(t)
			test(t, open())
			leaks()
		})
	}
}

// newBell returns a doorbell and what a peer has of it: the bare socket at the ringing end.
func newBell(t testing.TB, h shm.Host) (bell shm.Doorbell, peer int) {
	t.Helper()
	wait, ring, err := h.NewDoorbell()
	if err != nil {
		t.Fatal(err)
	}
	bell, err = h.OpenWaiter(wait, bellName)
	if err != nil {
		t.Fatal(err)
	}
	return bell, dup(t, ring)
}

// dup returns the bare descriptor in d, which is closed.
func dup(t testing.TB, d shm.Desc) int {
	t.Helper()
	fd := must(t)(unix.FcntlInt(uintptr(oshost.FD(d)), unix.F_DUPFD_CLOEXEC, 0))
	shmtest.Check(t, d.Close())
	return fd
}

// newRinger returns the ringing end of a doorbell and the bare socket of the process that waits.
func newRinger(t testing.TB, h shm.Host) (ring shm.RingCloser, peer int) {
	t.Helper()
	wait, r, err := h.NewDoorbell()
	if err != nil {
		t.Fatal(err)
	}
	if ring, err = h.OpenRinger(r, bellName); err != nil {
		t.Fatal(err)
	}
	return ring, dup(t, wait)
}

// TestRingDoesNotBlock: the process that waits does what it can with its end of a doorbell: it takes no ring, makes the
// end blocking, shuts it down, closes it. A ring returns at once all the same.
func TestRingDoesNotBlock(t *testing.T) {
	onBoth(t, func(t *testing.T, h shm.Host) {
		for _, act := range []func(peer int) error{
			func(int) error { return nil },
			func(peer int) error { return unix.SetNonblock(peer, false) },
			func(peer int) error { return unix.SetsockoptInt(peer, unix.SOL_SOCKET, unix.SO_RCVBUF, 1) },
			func(peer int) error { return unix.Shutdown(peer, unix.SHUT_RDWR) },
			func(peer int) error { return unix.Close(peer) },
		} {
			ring, peer := newRinger(t, h)
			shmtest.Check(t, act(peer))
			done := make(chan error, 1)
			go func() {
				for range 10_000 {
					if err := ring.Ring(); err != nil {
						done <- err
						return
					}
				}
				done <- ring.Close()
			}()
			select {
			case err := <-done:
				shmtest.Check(t, err)
			case <-time.After(shmtest.Liveness):
				t.Error("a ring blocks")
			}
			_ = unix.Close(peer) // closed already in one case
		}
	})
}

// TestBlockingEnd: file flags belong to the socket, so a ringing end that was made blocking before it arrived is rung
// without blocking too.
func TestBlockingEnd(t *testing.T) {
	h := oshost.New()
	wait, r, err := h.NewDoorbell()
	shmtest.Check(t, err)
	shmtest.Check(t, unix.SetNonblock(oshost.FD(r), false))
	ring, err := h.OpenRinger(r, bellName)
	shmtest.Check(t, err)
	for range 1000 {
		shmtest.Check(t, ring.Ring())
	}
	shmtest.Check(t, errors.Join(ring.Close(), wait.Close()))
}

// TestHostileRinger: a peer does what it can with the ringing end: it reads, floods, sends long messages, makes the end
// blocking, enlarges its buffer. Wait keeps its deadline, rings of this process arrive, and Close returns.
func TestHostileRinger(t *testing.T) {
	onBoth(t, func(t *testing.T, h shm.Host) {
		for name, act := range map[string]func(peer int){
			"read": func(peer int) {
				_, _, _ = unix.Recvfrom(peer, make([]byte, 8), unix.MSG_DONTWAIT)
			},
			"flood": func(peer int) {
				_ = unix.Send(peer, make([]byte, 1000), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
			},
			"blocking": func(peer int) { _ = unix.SetNonblock(peer, false) },
			"buffer":   func(peer int) { _ = unix.SetsockoptInt(peer, unix.SOL_SOCKET, unix.SO_SNDBUF, 1<<20) },
		} {
			bell, peer := newBell(t, h)
			stop, stopped := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(stopped)
				for {
					select {
					case <-stop:
						return
					default:
						act(peer)
					}
				}
			}()
			for range 20 {
				until := h.Now() + shmtest.Liveness/3000
				for err := error(nil); err == nil; { // spurious
					err = bell.Wait(nil, until)
					if err != nil && !errors.Is(err, shm.ErrDeadline) {
						t.Errorf("%s: %v", name, err)
					}
					if h.Now() > until+shmtest.Liveness/2 {
						t.Fatalf("%s: a deadline was missed", name)
					}
				}
				shmtest.Check(t, bell.Ring())
				shmtest.Check(t, bell.Wait(nil, h.Now()+shmtest.Liveness))
			}
			shmtest.Check(t, bell.Close())
			close(stop)
			<-stopped
			shmtest.Check(t, unix.Close(peer))
		}
	})
}

// TestDescriptorsInARing: a peer attaches descriptors whose close blocks. This kernel refuses them; on an older one the
// doorbell seems to be closed by its peer. No call blocks either way.
func TestDescriptorsInARing(t *testing.T) {
	onBoth(t, func(t *testing.T, h shm.Host) {
		bell, peer := newBell(t, h)
		fd, end := lingering(t, 4*shmtest.Liveness)
		err := unix.Sendmsg(peer, []byte{1}, unix.UnixRights(fd), nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		if err == nil {
			shmtest.Check(t, unix.Close(fd)) // the last one is in the message
		}
		done := make(chan error, 1)
		go func() { done <- errors.Join(bell.Wait(nil, 0), bell.Close()) }()
		want := shm.ErrDeadline
		if err == nil {
			want = shm.ErrPeerClosed
		}
		select {
		case got := <-done:
			if !errors.Is(got, want) {
				t.Errorf("wait: %v, want %v; the peer's send: %v", got, want, err)
			}
		case <-time.After(shmtest.Liveness):
			t.Error("Wait or Close blocks")
		}
		if err != nil {
			_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{})
			shmtest.Check(t, unix.Close(fd))
		}
		shmtest.Check(t, errors.Join(end.Close(), unix.Close(peer)))
	})
}

// TestDoorbellBoundsRings: many rings that no Wait took cost a few spurious returns at most.
func TestDoorbellBoundsRings(t *testing.T) {
	bell, peer := newBell(t, oshost.New())
	ring, err := oshost.New().OpenRinger(oshost.ForeignDesc(peer), bellName)
	shmtest.Check(t, err)
	for range 1000 {
		shmtest.Check(t, ring.Ring())
	}
	waits := 0
	for err = bell.Wait(nil, 0); err == nil; err = bell.Wait(nil, 0) {
		waits++
	}
	if !errors.Is(err, shm.ErrDeadline) || waits < 1 || waits > 16 {
		t.Errorf("1000 rings made %d waits return, then %v", waits, err)
	}
	shmtest.Check(t, errors.Join(bell.Close(), ring.Close()))
}

// TestOpenDoorbellDescriptors: only a socket of the right kind is an end of a doorbell.
func TestOpenDoorbellDescriptors(t *testing.T) {
	must := must(t)
	for name, open := range map[string]func() int{
		"pipe": func() int {
			var p [2]int
			err := unix.Pipe2(p[:], unix.O_CLOEXEC)
			return oneOf(t, p, err)
		},
		"stream socket": func() int {
			p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			return oneOf(t, p, err)
		},
		"network socket": func() int { return must(unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)) },
		"file":           func() int { return must(unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)) },
		"memfd":          func() int { return memfd(t, 0, 8, nil, 0) },
		"eventfd":        func() int { return must(unix.Eventfd(0, unix.EFD_CLOEXEC)) },
		"pidfd":          func() int { return must(unix.PidfdOpen(os.Getpid(), 0)) },
	} {
		t.Run(name, func(t *testing.T) {
			leaks := proctest.CheckLeaks(t)
			_, err1 := oshost.New().OpenWaiter(oshost.ForeignDesc(open()), bellName)
			_, err2 := oshost.New().OpenRinger(oshost.ForeignDesc(open()), bellName)
			if !errors.Is(err1, shm.ErrDesc) || !errors.Is(err2, shm.ErrDesc) {
				t.Errorf("got %v and %v, want %v", err1, err2, shm.ErrDesc)
			}
			leaks()
		})
	}
}

// TestOwnRing: a ring of this process wakes a task that sleeps, though nothing goes through the socket.
func TestOwnRing(t *testing.T) {
	h := oshost.New()
	bell, peer := newBell(t, h)
	for _, until := range []time.Duration{shm.Forever, h.Now() + shmtest.Liveness} {
		for range 1000 {
			begun, done := make(chan struct{}), make(chan error, 1)
			go func() {
				close(begun)
				done <- bell.Wait(nil, until)
			}()
			<-begun
			shmtest.Check(t, bell.Ring())
			select {
			case err := <-done:
				shmtest.Check(t, err)
			case <-time.After(shmtest.Liveness):
				t.Fatal("the ring was lost")
			}
		}
	}
	shmtest.Check(t, errors.Join(bell.Close(), unix.Close(peer)))
}

// TestDoorbellSpin: with two processors Wait notices a condition that comes true
// within the spin, ring or not; with one it goes to sleep at once.
func TestDoorbellSpin(t *testing.T) {
	h := oshost.New()
	bell, peer := newBell(t, h)
	defer func() { shmtest.Check(t, unix.Close(peer)) }()
	const tests = 100 // of the condition until it is true
	wait := func() (calls int, err error) {
		err = bell.Wait(func() bool { calls++; return calls >= tests }, h.Now()+shmtest.Liveness/10_000)
		return calls, err
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for range 10 {
		if calls, err := wait(); calls > 1 || !errors.Is(err, shm.ErrDeadline) {
			t.Errorf("with one processor: %d tests and %v, want 1 and %v", calls, err, shm.ErrDeadline)
		}
	}
	if runtime.NumCPU() > 1 {
		runtime.GOMAXPROCS(2)
		spun := 0
		for range 100 {
			if _, err := wait(); err == nil { // else the system had other things to do
				spun++
			}
		}
		if spun == 0 {
			t.Errorf("with two processors no wait ended by spinning")
		}
	}
	shmtest.Check(t, bell.Close())
}

// TestDoorbellRingerDoesNotPoll: the netpoller watches a doorbell from its first Wait on, and never a ringing end.
func TestDoorbellRingerDoesNotPoll(t *testing.T) {
	proctest.WarmUp(t)
	before := polled(t)
	h := oshost.New()
	bells, theirs, err := shmtest.NewBells(h)
	if err != nil {
		t.Fatal(err)
	}
	shmtest.Check(t, errors.Join(bells.Own.Ring(), bells.Peer.Ring()))
	if n := polled(t); n != before {
		t.Errorf("after a ring the netpoller has %d descriptors, before %d", n, before)
	}
	shmtest.Check(t, bells.Own.Wait(nil, 0))
	if n := polled(t); n != before+1 {
		t.Errorf("after a wait the netpoller has %d descriptors, before %d", n, before)
	}
	shmtest.Check(t, errors.Join(bells.Close(), shmtest.CloseDescs(theirs)))
}

// polled returns how many descriptors the netpoller of this process watches.
func polled(t testing.TB) (n int) {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if target, _ := os.Readlink(link); target == "anon_inode:[eventpoll]" {
			info, err := os.ReadFile("/proc/self/fdinfo/" + filepath.Base(link))
			if err != nil {
				t.Fatal(err)
			}
			n += strings.Count(string(info), "tfd:")
		}
	}
	return n
}
