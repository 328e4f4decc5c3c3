package oshost

import (
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"cutthrough/shm"
)

// doorbell is an eventfd: a kernel counter. Ring adds one to it; Wait reads it back to zero and
// sleeps while it is zero.
//
// The side that makes a condition true stores it and then rings. The side that waits announces
// itself, checks the condition, and then waits. A ring before the Wait is not lost: it stays in the
// counter. Word operations are sequentially consistent and the kernel locks the counter, so a store
// before a Ring is visible after the Wait that took it. An earlier Wait may have taken the ring for
// another condition; that is why callers check again after every Wait.
//
// The descriptor joins the netpoller at the first Wait. A process that only rings would otherwise
// wake its own poller with each ring.
//
// All holders of an eventfd share its file flags, so a peer can make it blocking. Wait does not
// depend on the flag: it reads with RWF_NOWAIT. Writes have no such option, so a hostile peer that
// also fills the counter can keep a Ring in the kernel until a read; Close reads then.
type doorbell struct {
	fdDesc
	clock clock
	spin  spinner
}

var ringOnce = binary.NativeEndian.AppendUint64(nil, 1)

// NewDoorbell implements [shm.Host].
func (h *host) NewDoorbell(shm.Name) (shm.Doorbell, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("oshost: new doorbell: eventfd: %w", err)
	}
	return h.newDoorbell(fd), nil
}

// OpenDoorbell implements [shm.Host].
func (h *host) OpenDoorbell(d shm.Desc, _ shm.Name) (shm.Doorbell, error) {
	fd, err := takeFD(d)
	if err != nil {
		return nil, fmt.Errorf("oshost: open doorbell: %w", err)
	}
	if err := checkEventfd(fd); err != nil {
		closeForeign(fd)
		return nil, fmt.Errorf("oshost: open doorbell: %w", err)
	}
	return h.newDoorbell(fd), nil
}

func (h *host) newDoorbell(fd int) shm.Doorbell {
	d := &doorbell{clock: h.clock, spin: spinner{budget: maxSpin}}
	d.fd = fd
	return d
}

// checkEventfd asks the kernel for the name of fd. A file cannot imitate it, because the names of
// files are paths. It also makes fd non-blocking.
func checkEventfd(fd int) error {
	name, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		return err
	}
	if name != "anon_inode:[eventfd]" {
		return fmt.Errorf("%q is no eventfd: %w", name, shm.ErrDesc)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return fmt.Errorf("set non-blocking: %w", err)
	}
	return nil
}

// Desc implements [shm.Doorbell]. The doorbell is its own descriptor.
func (d *doorbell) Desc() shm.Desc { return d }

// Ring implements [shm.Doorbell]. It is one write.
func (d *doorbell) Ring() error {
	fd, ok := d.hold()
	if !ok {
		return fmt.Errorf("oshost: ring: %w", shm.ErrClosed)
	}
	defer d.drop()
	err := retryEINTR(func() error {
		_, err := unix.Write(fd, ringOnce)
		return err
	})
	if err != nil && err != unix.EAGAIN { // EAGAIN: the counter is full of rings that Wait has yet to take
		return fmt.Errorf("oshost: ring: %w", err)
	}
	return nil
}

// Wait implements [shm.Doorbell]. With ready it spins for a while first, because a sleep and a
// wake-up cost a hundred times the time in which a busy peer answers.
func (d *doorbell) Wait(ready func() bool, deadline time.Duration) error {
	if _, ok := d.hold(); !ok {
		return fmt.Errorf("oshost: wait: %w", shm.ErrClosed)
	}
	defer d.drop()
	if ready != nil && d.spin.until(ready, d.clock.left(deadline)) {
		return nil
	}
	p, err := d.poller()
	if err == nil {
		err = p.do(&p.in, deadline, d.take)
	}
	if err != nil {
		return fmt.Errorf("oshost: wait: %w", err)
	}
	return nil
}

// poller returns the endpoint to sleep on. One task waits at a time, but Close may run
// concurrently: it marks the descriptor closed before it looks for the endpoint, and take checks
// the mark after the endpoint is stored, so one of them sees the other.
func (d *doorbell) poller() (*endpoint, error) {
	if p := d.poll.Load(); p != nil {
		return p, nil
	}
	// A peer may have cleared the flag since the doorbell was made.
	if err := unix.SetNonblock(d.fd, true); err != nil {
		return nil, err
	}
	p := newEndpoint(d.clock, d.fd, "doorbell")
	d.poll.Store(p)
	return p, nil
}

// take reads the counter back to zero, EAGAIN when it is zero.
func (d *doorbell) take(fd int) error {
	if d.closed() {
		return shm.ErrClosed
	}
	return drainEventfd(fd)
}

func drainEventfd(fd int) error {
	var count [8]byte
	return retryEINTR(func() error {
		_, err := unix.Preadv2(fd, [][]byte{count[:]}, -1, unix.RWF_NOWAIT)
		return err
	})
}

// Close implements [shm.Doorbell].
func (d *doorbell) Close() error {
	fd, ok := d.hold()
	if !ok {
		return fmt.Errorf("oshost: close doorbell: %w", shm.ErrClosed)
	}
	defer d.drop()
	if first, _ := d.shut(); !first {
		return fmt.Errorf("oshost: close doorbell: %w", shm.ErrClosed)
	}
	if p := d.poll.Load(); p != nil {
		// The waiter wakes as if its deadline had passed, and finds the mark. The call fails only
		// for an endpoint on which no task can sleep.
		_ = p.file.SetReadDeadline(time.Unix(1, 0))
	}
	return unstick(fd)
}

// unstick releases a Ring that a hostile peer has blocked. Only then is the counter full; otherwise
// its rings belong to the tasks that still wait.
func unstick(fd int) error {
	poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	err := retryEINTR(func() error {
		_, err := unix.Poll(poll, 0)
		return err
	})
	if err == nil && poll[0].Revents&unix.POLLOUT == 0 {
		err = drainEventfd(fd)
	}
	if err != nil && err != unix.EAGAIN {
		return fmt.Errorf("oshost: close doorbell: %w", err)
	}
	return nil
}
