package oshost

import (
	"fmt"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"cutthrough/shm"
)

// fdDesc is a descriptor with one owner and any number of calls under way. Close
// never waits for those: the last one out closes the descriptor, so that its
// number cannot be reused under a call, and a call that a hostile peer manages
// to block does not block Close.
type fdDesc struct {
	fd      int
	foreign bool         // from a peer, and nobody has looked at what it is
	state   atomic.Int64 // 2 × calls under way, + 1 once closed
	poll    atomic.Pointer[endpoint]
}

// hold returns the descriptor for one call, which ends with drop; false when it
// is closed.
func (d *fdDesc) hold() (int, bool) {
	for {
		s := d.state.Load()
		if s&1 == 1 {
			return -1, false
		}
		if d.state.CompareAndSwap(s, s+2) {
			return d.fd, true
		}
	}
}

func (d *fdDesc) drop() {
	if d.state.Add(-2) == 1 {
		_ = d.closeNow() // Close has returned; nobody is left to tell
	}
}

func (d *fdDesc) closed() bool { return d.state.Load()&1 == 1 }

// shut makes later holds fail. It reports whether this call did so, and whether
// no call is under way, which leaves the descriptor to the caller.
func (d *fdDesc) shut() (first, idle bool) {
	for {
		s := d.state.Load()
		if s&1 == 1 {
			return false, false
		}
		if d.state.CompareAndSwap(s, s|1) {
			return true, s == 0
		}
	}
}

// Close closes the descriptor. The second call returns [ErrClosed]. Safe for
// concurrent use.
func (d *fdDesc) Close() error {
	switch first, idle := d.shut(); {
	case !first:
		return fmt.Errorf("oshost: close descriptor: %w", shm.ErrClosed)
	case idle:
		return d.closeNow()
	}
	return nil
}

func (d *fdDesc) closeNow() error {
	if p := d.poll.Load(); p != nil {
		return p.close()
	}
	if d.foreign {
		closeForeign(d.fd)
		return nil
	}
	return unix.Close(d.fd)
}

// takeFD moves the descriptor in d, which a peer sent, to the caller. On failure
// d is closed.
func takeFD(d shm.Desc) (int, error) {
	switch d := d.(type) {
	case nil:
		return -1, fmt.Errorf("no descriptor: %w", shm.ErrDesc)
	case *fdDesc:
		if first, idle := d.shut(); !first || !idle {
			return -1, fmt.Errorf("descriptor closed or in use: %w", shm.ErrDesc)
		}
		return d.fd, nil
	default:
		_ = d.Close() // it was never ours to use
		return -1, fmt.Errorf("%T: %w", d, shm.ErrDesc)
	}
}

// closeForeign closes a descriptor of a peer's choosing. A close can take as
// long as the file system or protocol behind it likes (FUSE flushes, sockets
// linger), so only memory files, which have seals, are closed in line.
func closeForeign(fd int) {
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0); err == nil {
		_ = unix.Close(fd) // nothing can be lost with it
		return
	}
	go unix.Close(fd)
}
