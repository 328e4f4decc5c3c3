package oshost

import (
	"fmt"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"cutthrough/shm"
)

// fdDesc is a descriptor with one owner and any number of calls in progress. Close does not wait
// for them: the last call closes the descriptor. So its number cannot be reused under a call, and a
// call that a hostile peer blocks does not block Close.
type fdDesc struct {
	fd      int
	foreign bool         // closing it can block: it is of unknown kind, or descriptors of a peer wait in it
	state   atomic.Int64 // 2 × calls in progress, + 1 once closed
	poll    atomic.Pointer[endpoint]
}

// hold returns the descriptor for one call, which ends with drop; false when it is closed.
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
		_ = d.closeNow() // Close has returned, so no caller is left for the error
	}
}

func (d *fdDesc) closed() bool { return d.state.Load()&1 == 1 }

// shut makes later holds fail. first says whether this call did so. idle says whether no call is in
// progress; the caller closes the descriptor then.
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

// Close closes the descriptor. The second call returns [shm.ErrClosed]. Safe for concurrent use.
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
	p := d.poll.Load()
	switch {
	case p != nil && d.foreign:
		closeSlow(p.close)
		return nil
	case p != nil:
		return p.close()
	case d.foreign:
		closeForeign(d.fd)
		return nil
	}
	return unix.Close(d.fd)
}

// takeFD moves the descriptor in d, which a peer sent, to the caller. On failure d is closed,
// unless a call on it is in progress.
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
		_ = d.Close() // of another Host: this package cannot use it
		return -1, fmt.Errorf("%T: %w", d, shm.ErrDesc)
	}
}

// closeForeign closes a descriptor that a peer chose. A close can take as long as the file system
// or protocol behind it likes (FUSE flushes, sockets linger), so only memory files, which have
// seals, are closed in line.
func closeForeign(fd int) {
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0); err == nil {
		_ = unix.Close(fd) // a memory file has no data to flush
		return
	}
	closeSlow(func() error { return unix.Close(fd) })
}

// slowCloses bounds the threads that closes of unknown length hold: a process that has too many threads dies.
var slowCloses = make(chan struct{}, 32)

// closeSlow calls f, which may block, on a goroutine of its own. No caller is left for the error.
func closeSlow(f func() error) {
	go func() {
		slowCloses <- struct{}{}
		defer func() { <-slowCloses }()
		_ = f()
	}()
}
