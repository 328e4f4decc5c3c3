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

// doorbell is an eventfd: a kernel counter to which Ring adds one and which Wait
// reads back to zero, sleeping while it is zero.
//
// Ordering. Whoever makes a condition true stores it first and rings then;
// whoever waits announces itself, checks the condition, and waits then. A ring that
// comes before the Wait is not lost: it stays in the counter. Word operations are
// sequentially consistent and the counter has a lock in the kernel, so what was
// stored before a Ring is visible after the Wait that took it. A ring that an
// earlier Wait took for something else is not repeated: that is why callers check
// again after every Wait.
//
// The descriptor joins the netpoller at the first Wait, not before: a process that
// only rings would otherwise wake its own poller with each ring.
//
// An eventfd has one set of file flags for all its holders, so a peer can make it
// blocking. Wait does not care, it reads with RWF_NOWAIT; there is no such thing
// for writes, so a hostile peer that also fills the counter can keep a Ring in the
// kernel until somebody reads, which Close does then.
type doorbell struct {
	fdDesc
	clock clock
	spin  spinner
}

var ringOnce = binary.NativeEndian.AppendUint64(nil, 1)

// NewDoorbell implements [Host].
func (h *host) NewDoorbell(shm.Name) (shm.Doorbell, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("oshost: new doorbell: eventfd: %w", err)
	}
	return h.newDoorbell(fd), nil
}

// OpenDoorbell implements [Host].
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

// checkEventfd asks the kernel for the name of fd, which a file cannot imitate:
// theirs are paths. It also makes fd non-blocking.
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

// Desc implements [Doorbell]. The doorbell is its own descriptor.
func (d *doorbell) Desc() shm.Desc { return d }

// Ring implements [Doorbell]. It is one write.
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
	if err != nil && err != unix.EAGAIN { // EAGAIN: 2^64-2 rings are waiting, one of them is ours
		return fmt.Errorf("oshost: ring: %w", err)
	}
	return nil
}

// Wait implements [Doorbell]. With ready it spins for a while first, because a
// sleep and a wake-up cost a hundred times what a busy peer needs to answer.
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

// poller returns the endpoint to sleep on. Only one task waits at a time, but
// Close may come in between: it marks the descriptor closed before it looks here,
// and take checks the mark after the endpoint is here, so one sees the other.
func (d *doorbell) poller() (*endpoint, error) {
	if p := d.poll.Load(); p != nil {
		return p, nil
	}
	// The flag was set when the doorbell was made, but see above.
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

// Close implements [Doorbell].
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
		// The waiter wakes as if its deadline had passed, and finds the mark. This fails
		// only for an endpoint on which nobody can sleep.
		_ = p.file.SetReadDeadline(time.Unix(1, 0))
	}
	return unstick(fd)
}

// unstick lets go of a Ring that a hostile peer has stuck. Only then is the counter
// full; otherwise what is in it belongs to those who still wait.
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
