package oshost_test

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"cutthrough/internal/proctest"
	"cutthrough/shm"
	"cutthrough/shm/internal/shmtest"
	"cutthrough/shm/oshost"
)

// newBell returns a doorbell and a raw descriptor of the same eventfd, which is
// what a peer has.
func newBell(t testing.TB, h shm.Host) (bell shm.Doorbell, peer int) {
	t.Helper()
	fd := must(t)(unix.Eventfd(0, unix.EFD_CLOEXEC))
	peer = must(t)(unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0))
	bell, err := h.OpenDoorbell(oshost.ForeignDesc(fd), bellName)
	if err != nil {
		t.Fatal(err)
	}
	return bell, peer
}

// counter returns the count of an eventfd, as the kernel shows it.
func counter(t testing.TB, fd int) uint64 {
	t.Helper()
	info, err := os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(fd))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(info), "eventfd-count:")
	n, err := strconv.ParseUint(strings.Fields(rest)[0], 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestDoorbellCoalesces: rings are counted in the kernel, one Wait takes them all.
func TestDoorbellCoalesces(t *testing.T) {
	leaks := proctest.CheckLeaks(t)
	bell, peer := newBell(t, oshost.New())
	for range 1000 {
		shmtest.Check(t, bell.Ring())
	}
	if n := counter(t, peer); n != 1000 {
		t.Errorf("1000 rings left %d", n)
	}
	shmtest.Check(t, bell.Wait(nil, 0))
	if err := bell.Wait(nil, 0); !errors.Is(err, shm.ErrDeadline) {
		t.Errorf("second wait: got %v, want %v", err, shm.ErrDeadline)
	}
	shmtest.Check(t, errors.Join(bell.Close(), unix.Close(peer)))
	leaks()
}

// TestDoorbellCloseKeepsRings: what was rung before Close is for the peer.
func TestDoorbellCloseKeepsRings(t *testing.T) {
	bell, peer := newBell(t, oshost.New())
	shmtest.Check(t, errors.Join(bell.Ring(), bell.Close()))
	if n := counter(t, peer); n != 1 {
		t.Errorf("a ring and a close left %d, want 1", n)
	}
	shmtest.Check(t, unix.Close(peer))
}

// TestDoorbellFullCounter: a ring into a counter that holds no more is a ring all
// the same.
func TestDoorbellFullCounter(t *testing.T) {
	bell, peer := newBell(t, oshost.New())
	fill(t, peer)
	shmtest.Check(t, bell.Ring())
	shmtest.Check(t, bell.Wait(nil, 0))
	shmtest.Check(t, errors.Join(bell.Close(), unix.Close(peer)))
}

// fill sets the counter of an eventfd to the largest value.
func fill(t testing.TB, fd int) {
	t.Helper()
	must(t)(unix.Write(fd, binary.NativeEndian.AppendUint64(nil, math.MaxUint64-1)))
}

// TestDoorbellPeerMakesItBlocking: file flags are shared with the peer. Deadlines
// hold and Close returns whatever it does to them.
func TestDoorbellPeerMakesItBlocking(t *testing.T) {
	leaks := proctest.CheckLeaks(t)
	h := oshost.New()
	bell, peer := newBell(t, h)
	for range 2 { // before the first Wait and after
		shmtest.Check(t, unix.SetNonblock(peer, false))
		if err := bell.Wait(nil, h.Now()+shmtest.Liveness/1000); !errors.Is(err, shm.ErrDeadline) {
			t.Errorf("wait: got %v, want %v", err, shm.ErrDeadline)
		}
	}
	shmtest.Check(t, unix.SetNonblock(peer, false))
	fill(t, peer)
	rung, thread := make(chan error, 1), make(chan int, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		thread <- unix.Gettid()
		rung <- bell.Ring()
	}()
	tid := <-thread
	// The kernel has no event for a thread that goes to sleep in a system call.
	if !proctest.Eventually(func() bool { return len(rung) > 0 || blockedIn(t, tid, unix.SYS_WRITE) }) || len(rung) > 0 {
		t.Fatal("the ring did not block, so that this tests nothing")
	}
	shmtest.Check(t, bell.Close())
	shmtest.Check(t, <-rung)
	shmtest.Check(t, unix.Close(peer))
	leaks()
}

// blockedIn says whether a thread of this process sleeps in a system call.
func blockedIn(t testing.TB, tid, call int) bool {
	t.Helper()
	text, err := os.ReadFile("/proc/self/task/" + strconv.Itoa(tid) + "/syscall")
	if err != nil {
		t.Fatal(err)
	}
	return strings.HasPrefix(string(text), strconv.Itoa(call)+" ")
}

// TestOpenDoorbellDescriptors: only an eventfd is a doorbell.
func TestOpenDoorbellDescriptors(t *testing.T) {
	must := must(t)
	for name, open := range map[string]func() int{
		"pipe": func() int {
			var p [2]int
			err := unix.Pipe2(p[:], unix.O_CLOEXEC)
			return oneOf(t, p, err)
		},
		"socket": func() int {
			p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
			return oneOf(t, p, err)
		},
		"file":    func() int { return must(unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)) },
		"memfd":   func() int { return memfd(t, 0, 8, nil, 0) },
		"epoll":   func() int { return must(unix.EpollCreate1(unix.EPOLL_CLOEXEC)) },
		"timerfd": func() int { return must(unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC)) },
		"pidfd":   func() int { return must(unix.PidfdOpen(os.Getpid(), 0)) },
		"a file called like one": func() int {
			name := t.TempDir() + "/anon_inode:[eventfd]"
			return must(unix.Open(name, unix.O_CREAT|unix.O_RDWR|unix.O_CLOEXEC, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			leaks := proctest.CheckLeaks(t)
			if _, err := oshost.New().OpenDoorbell(oshost.ForeignDesc(open()), bellName); !errors.Is(err, shm.ErrDesc) {
				t.Errorf("got %v, want %v", err, shm.ErrDesc)
			}
			leaks()
		})
	}
}

// TestDoorbellSpin: with two processors Wait notices a condition that comes true
// within the spin, ring or not; with one it goes to sleep at once.
func TestDoorbellSpin(t *testing.T) {
	h := oshost.New()
	bell, err := h.NewDoorbell(bellName)
	if err != nil {
		t.Fatal(err)
	}
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

// TestDoorbellRingerDoesNotPoll: a process that only rings is not woken by it.
func TestDoorbellRingerDoesNotPoll(t *testing.T) {
	proctest.WarmUp(t)
	before := polled(t)
	bell, err := oshost.New().NewDoorbell(bellName)
	if err != nil {
		t.Fatal(err)
	}
	shmtest.Check(t, bell.Ring())
	if n := polled(t); n != before {
		t.Errorf("after a ring the netpoller has %d descriptors, before %d", n, before)
	}
	shmtest.Check(t, bell.Wait(nil, 0))
	if n := polled(t); n != before+1 {
		t.Errorf("after a wait the netpoller has %d descriptors, before %d", n, before)
	}
	shmtest.Check(t, bell.Close())
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
