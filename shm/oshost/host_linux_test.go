package oshost_test

import (
	"errors"
	"io"
	"math"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"cutthrough/internal/proctest"
	"cutthrough/shm"
	"cutthrough/shm/hosttest"
	"cutthrough/shm/internal/shmtest"
	"cutthrough/shm/oshost"
)

// goroutines runs processes of the suite as goroutines, each with its own Host,
// and takes a census afterwards.
type goroutines struct{ open func() shm.Host }

func (g goroutines) Run(t *testing.T, procs ...func(h shm.Host)) {
	t.Helper()
	leaks := proctest.CheckLeaks(t)
	var wg sync.WaitGroup
	for _, proc := range procs {
		wg.Go(func() { proc(g.open()) })
	}
	wg.Wait()
	leaks()
}

func TestOS(t *testing.T) { hosttest.Run(t, goroutines{oshost.New}) }

// TestDeadlinesFarAway: the ends of time are not confused by overflow.
func TestDeadlinesFarAway(t *testing.T) {
	h := oshost.New()
	bell, peer := newBell(t, h)
	for _, deadline := range []time.Duration{shm.Forever, shm.Forever - 1, math.MaxInt64 / 2} {
		rung := make(chan error)
		go func() { rung <- bell.Wait(func() bool { return false }, deadline) }()
		shmtest.Check(t, bell.Ring())
		shmtest.Check(t, <-rung)
	}
	for _, deadline := range []time.Duration{math.MinInt64, math.MinInt64 + 1, -1, 0} {
		if err := bell.Wait(func() bool { return false }, deadline); err == nil {
			t.Errorf("waited until %d without a ring", deadline)
		}
	}
	shmtest.Check(t, errors.Join(bell.Close(), unix.Close(peer)))
}

var bellName = shm.NewName("test.bell")

// TestSecondClose: closing twice is an error, but for segments, and never closes
// what got the descriptor's number in between.
func TestSecondClose(t *testing.T) {
	leaks := proctest.CheckLeaks(t)
	h := oshost.New()
	s, err0 := h.CreateSegment(shm.MinSegment)
	bells, theirs, err1 := shmtest.NewBells(h)
	waited, peer := newBell(t, h)
	l, err3 := h.Listen(t.TempDir() + "/s")
	c, err4 := h.Dial(l.Addr(), shm.Forever)
	if err := errors.Join(err0, err1, err3, err4); err != nil {
		t.Fatal(err)
	}
	shmtest.Check(t, errors.Join(bells.Own.Ring(), bells.Peer.Ring(), waited.Ring(), waited.Wait(nil, 0)))
	desc := oshost.ForeignDesc(memfd(t, 0, 0, nil, 0))
	for _, tt := range []struct {
		what   string
		handle io.Closer
		second error
	}{
		{"segment", s, nil}, {"doorbell that was rung", bells.Own, shm.ErrClosed}, {"ringing end", bells.Peer, shm.ErrClosed}, {"descriptor of a doorbell", theirs[0], shm.ErrClosed}, {"doorbell that was waited for", waited, shm.ErrClosed},
		{"channel", c, shm.ErrClosed}, {"listener", l, shm.ErrClosed}, {"descriptor", desc, shm.ErrClosed},
	} {
		shmtest.Check(t, tt.handle.Close())
		var others []*os.File
		for range 8 {
			f, err := os.Open("/dev/null")
			shmtest.Check(t, err)
			others = append(others, f)
		}
		if err := tt.handle.Close(); !errors.Is(err, tt.second) {
			t.Errorf("second close of a %s: got %v, want %v", tt.what, err, tt.second)
		}
		for _, f := range others {
			if err := f.Close(); err != nil {
				t.Errorf("the second close of a %s closed a file: %v", tt.what, err)
			}
		}
	}
	shmtest.Check(t, errors.Join(theirs[1].Close(), unix.Close(peer)))
	leaks()
}

// strangeDesc is a descriptor of some other Host.
type strangeDesc struct{ closed int }

func (d *strangeDesc) Close() error { d.closed++; return nil }

// TestStrangeDesc: descriptors of another Host are refused, and closed by their owner
// at that time.
func TestStrangeDesc(t *testing.T) {
	h, d := oshost.New(), &strangeDesc{}
	_, err0 := h.MapSegment(d, shm.MinSegment)
	_, err1 := h.OpenWaiter(d, bellName)
	_, err2 := h.OpenRinger(d, bellName)
	c, peer := rawPeer(t, h)
	err3 := c.Send([]byte("x"), []shm.Desc{d}, 0)
	for i, err := range []error{err0, err1, err2, err3} {
		if !errors.Is(err, shm.ErrDesc) {
			t.Errorf("call %d: got %v, want %v", i, err, shm.ErrDesc)
		}
	}
	if d.closed != 3 {
		t.Errorf("closed %d times, want 3: Send only borrows", d.closed)
	}
	shmtest.Check(t, errors.Join(c.Close(), unix.Close(peer)))
}
