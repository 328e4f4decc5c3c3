package oshost

import (
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"cutthrough/shm"
)

// A doorbell is a pair of connected unix sockets of type SOCK_SEQPACKET that carries in one direction: the socket at
// the waiting end is shut for writing. A ring is a message of one byte. A kernel object with one descriptor for both
// sides, such as an eventfd, would let a process that is to ring it take rings away, fill it, and make it block by its
// file flags, which all holders share. The two ends of a pair have nothing in common but the messages under way.
//
// The side that makes a condition true stores it and then rings. The side that waits announces itself, checks the
// condition, and then waits. A ring before the Wait is not lost: its message stays. Word operations are sequentially
// consistent and the kernel locks the queue of messages, so a store before a Ring is visible after the Wait that took
// it. An earlier Wait may have taken the ring for another condition; that is why callers check again after every Wait.

// NewDoorbell implements [shm.Host].
func (h *host) NewDoorbell() (wait, ring shm.Desc, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("oshost: new doorbell: socketpair: %w", err)
	}
	waiting, ringing := &fdDesc{fd: fds[0]}, &fdDesc{fd: fds[1]}
	waiting.foreign, err = h.narrow(waiting.fd, ringing.fd)
	if err != nil {
		_, _ = waiting.Close(), ringing.Close() // fresh sockets; the other error matters
		return nil, nil, fmt.Errorf("oshost: new doorbell: %w", err)
	}
	return waiting, ringing, nil
}

// narrow makes a pair of sockets a doorbell. A buffer that holds a handful of rings bounds how often Wait returns
// without news, when no task has waited for long. It says whether closing the waiting end can block.
func (h *host) narrow(waiting, ringing int) (lingers bool, err error) {
	if err := unix.Shutdown(waiting, unix.SHUT_WR); err != nil {
		return false, fmt.Errorf("shutdown: %w", err)
	}
	if err := unix.SetsockoptInt(ringing, unix.SOL_SOCKET, unix.SO_SNDBUF, 1); err != nil { // the kernel has a minimum
		return false, fmt.Errorf("SO_SNDBUF: %w", err)
	}
	return h.refuseRights(waiting)
}

// refuseRights makes the kernel refuse messages with descriptors to a socket. lingers is true if the kernel, before
// Linux 6.16, cannot: then a message may bring descriptors. To take it out, or to close the socket before, closes
// them, which can block.
func (h *host) refuseRights(fd int) (lingers bool, err error) {
	err = unix.ENOPROTOOPT
	if !h.oldKernel {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSRIGHTS, 0)
	}
	switch err {
	case nil:
		return false, nil
	case unix.ENOPROTOOPT:
		return true, nil
	}
	return false, fmt.Errorf("SO_PASSRIGHTS: %w", err)
}

// takeEnd takes the descriptor of an end of a doorbell out of d. It checks the kind of the socket; which end it is, the
// process knows that made it.
func takeEnd(d shm.Desc) (int, error) {
	fd, err := takeFD(d)
	if err != nil {
		return -1, err
	}
	for _, option := range [...]struct{ name, want int }{
		{unix.SO_DOMAIN, unix.AF_UNIX}, {unix.SO_TYPE, unix.SOCK_SEQPACKET},
	} {
		got, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, option.name)
		if err != nil || got != option.want {
			closeForeign(fd)
			return -1, fmt.Errorf("no end of a doorbell: %w", shm.ErrDesc)
		}
	}
	return fd, nil
}

// ringer is the ringing end of a doorbell.
type ringer struct{ fdDesc }

var oneRing = []byte{1}

// OpenRinger implements [shm.Host].
func (h *host) OpenRinger(d shm.Desc, _ shm.Name) (shm.RingCloser, error) {
	fd, err := takeEnd(d)
	if err != nil {
		return nil, fmt.Errorf("oshost: open ringer: %w", err)
	}
	r := &ringer{}
	r.fd = fd
	return r, nil
}

// Ring implements [shm.Ringer]. It is one send, which does not block because the call says so: the flags of the socket
// do not count.
func (r *ringer) Ring() error {
	fd, ok := r.hold()
	if !ok {
		return fmt.Errorf("oshost: ring: %w", shm.ErrClosed)
	}
	defer r.drop()
	err := retryEINTR(func() error { return unix.Send(fd, oneRing, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL) })
	switch err {
	case nil, unix.EAGAIN: // no room: it has rung, and Wait has yet to take that
		return nil
	case unix.EPIPE, unix.ECONNRESET, unix.ENOTCONN: // no process can hear it
		return nil
	}
	return fmt.Errorf("oshost: ring: %w", err)
}

// doorbell is the waiting end. It joins the netpoller at the first Wait.
type doorbell struct {
	fdDesc
	clock clock
	spin  spinner
	own   atomic.Bool // rung by this process
}

// OpenWaiter implements [shm.Host].
func (h *host) OpenWaiter(d shm.Desc, _ shm.Name) (shm.Doorbell, error) {
	fd, err := takeEnd(d)
	if err != nil {
		return nil, fmt.Errorf("oshost: open waiter: %w", err)
	}
	b := &doorbell{clock: h.clock, spin: spinner{budget: maxSpin}}
	b.fd = fd
	if b.foreign, err = h.refuseRights(fd); err != nil {
		closeForeign(fd)
		return nil, fmt.Errorf("oshost: open waiter: %w", err)
	}
	return b, nil
}

// Ring implements [shm.Doorbell]. It wakes the waiter as if its deadline had passed.
func (d *doorbell) Ring() error {
	if _, ok := d.hold(); !ok {
		return fmt.Errorf("oshost: ring: %w", shm.ErrClosed)
	}
	defer d.drop()
	d.own.Store(true)
	d.wake()
	return nil
}

// wake ends the sleep of the waiter. The call fails only for an endpoint on which no task can sleep.
func (d *doorbell) wake() {
	if p := d.poll.Load(); p != nil {
		_ = p.file.SetReadDeadline(time.Unix(1, 0))
	}
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
	err := d.sleep(deadline)
	if err == shm.ErrPeerClosed && d.closed() { // Close came between the check of the mark and the end of the peer
		err = shm.ErrClosed
	}
	if err != nil {
		return fmt.Errorf("oshost: wait: %w", err)
	}
	return nil
}

// sleep waits without a first try: one task waits, so it would take a ring that was there before all the same. A wake
// of an earlier Wait that comes late looks like a deadline; it is a spurious return.
func (d *doorbell) sleep(deadline time.Duration) error {
	p := d.poller()
	if d.clock.left(deadline) == 0 {
		err := p.try(d.take)
		if err == unix.EAGAIN {
			return shm.ErrDeadline
		}
		return err
	}
	err := p.sleep(&p.in, deadline, d.take)
	if err == shm.ErrDeadline && d.clock.left(deadline) > 0 {
		return nil
	}
	return err
}

// poller returns the endpoint to sleep on. One task waits at a time, but Close and Ring may run
// concurrently: they leave their mark before they look for the endpoint, and take checks
// the marks after the endpoint is stored, so one of them sees the other.
func (d *doorbell) poller() *endpoint {
	p := d.poll.Load()
	if p == nil {
		p = newEndpoint(d.clock, d.fd, "doorbell")
		d.poll.Store(p)
	}
	return p
}

// take takes one ring, EAGAIN when there is none. What Ring does not send reads as the end: a message without bytes,
// or one with descriptors, which stays where it is.
func (d *doorbell) take(fd int) error {
	if d.closed() {
		return shm.ErrClosed
	}
	if d.own.Load() {
		d.own.Store(false)
		return nil
	}
	if d.foreign && checkNoRights(fd) != nil {
		return shm.ErrPeerClosed
	}
	var b [1]byte
	return retryEINTR(func() error {
		n, _, err := unix.Recvfrom(fd, b[:], unix.MSG_DONTWAIT)
		switch {
		case err == unix.ECONNRESET: // a ring end was closed with messages that it never read
			return nil
		case err == nil && n == 0:
			return shm.ErrPeerClosed
		}
		return err
	})
}

// Close implements [shm.Doorbell]. The waiter wakes and finds the mark; the last call closes the descriptor.
func (d *doorbell) Close() error {
	if _, ok := d.hold(); !ok {
		return fmt.Errorf("oshost: close doorbell: %w", shm.ErrClosed)
	}
	defer d.drop()
	if first, _ := d.shut(); !first {
		return fmt.Errorf("oshost: close doorbell: %w", shm.ErrClosed)
	}
	d.wake()
	return nil
}
