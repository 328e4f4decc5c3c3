package oshost

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"cutthrough/shm"
)

// endpoint is a non-blocking descriptor in the Go netpoller. The runtime keeps one deadline per
// direction, and each call here brings its own: so a call tries first, and calls that have to wait
// take turns.
type endpoint struct {
	clock clock
	file  *os.File
	raw   syscall.RawConn
	in    direction
	out   direction
}

type direction struct {
	turn        chan struct{} // full while a task waits for readiness
	setDeadline func(time.Time) error
	wait        func(func(fd uintptr) (done bool)) error
}

// newEndpoint takes over fd, which must be non-blocking. An endpoint that the netpoller refused
// works until do has to sleep; do returns the error of sleeps then.
func newEndpoint(c clock, fd int, what string) *endpoint {
	file := os.NewFile(uintptr(fd), what)
	raw, err := file.SyscallConn()
	if err != nil {
		panic(fmt.Sprintf("oshost: fresh %s: %v", what, err))
	}
	return &endpoint{
		clock: c,
		file:  file,
		raw:   raw,
		in:    direction{make(chan struct{}, 1), file.SetReadDeadline, raw.Read},
		out:   direction{make(chan struct{}, 1), file.SetWriteDeadline, raw.Write},
	}
}

// sleeps returns an error if the netpoller refused the descriptor.
func (e *endpoint) sleeps() error {
	if err := e.file.SetDeadline(time.Time{}); err != nil {
		return fmt.Errorf("the netpoller refused the descriptor: %w", err)
	}
	return nil
}

// do calls try until it returns anything but EAGAIN, and sleeps in between. It returns that result,
// ErrDeadline or ErrClosed. Calls of one direction with different deadlines may overlap; try must
// be safe for concurrent use.
//
// No wake-up is lost: wait forgets old readiness, calls try, and only then sleeps; readiness that
// comes after the forgetting is remembered.
func (e *endpoint) do(d *direction, deadline time.Duration, try func(fd int) error) error {
	err := e.try(try)
	if err != unix.EAGAIN {
		return err
	}
	if !d.takeTurn(e.clock.left(deadline)) {
		return shm.ErrDeadline
	}
	defer func() { <-d.turn }()
	return e.sleep(d, deadline, try)
}

// sleep is do for a task that has the turn, or a direction that one task uses: it does not try before it is ready to
// sleep, and deadline has not passed.
func (e *endpoint) sleep(d *direction, deadline time.Duration, try func(fd int) error) (err error) {
	switch err := d.setDeadline(e.clock.at(deadline)); {
	case errors.Is(err, os.ErrNoDeadline):
		return e.sleeps()
	case err != nil:
		return shm.ErrClosed
	}
	waitErr := d.wait(func(fd uintptr) bool {
		err = try(int(fd))
		return err != unix.EAGAIN
	})
	switch {
	case waitErr == nil:
		return err
	case errors.Is(waitErr, os.ErrDeadlineExceeded):
		// A late scheduler must not turn a success into a timeout.
		if err = e.try(try); err == unix.EAGAIN {
			return shm.ErrDeadline
		}
		return err
	}
	return shm.ErrClosed
}

// try calls f once, without waiting for other calls.
func (e *endpoint) try(f func(fd int) error) (err error) {
	if e.raw.Control(func(fd uintptr) { err = f(int(fd)) }) != nil {
		return shm.ErrClosed
	}
	return err
}

// close wakes all calls with ErrClosed and returns when they have ended.
func (e *endpoint) close() error {
	err := e.file.Close()
	if errors.Is(err, os.ErrClosed) {
		return shm.ErrClosed
	}
	return err
}

// takeTurn waits for the turn, at most left. Close needs no case of its own: it wakes the task that
// has the turn, which passes the turn on to the next task.
func (d *direction) takeTurn(left time.Duration) bool {
	if left == 0 {
		return false
	}
	select {
	case d.turn <- struct{}{}:
		return true
	default:
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case d.turn <- struct{}{}:
		return true
	case <-timer.C:
		return false
	}
}

// left returns the time until deadline, 0 when it has passed. The comparison before the subtraction
// keeps the distant past from becoming the distant future.
func (c clock) left(deadline time.Duration) time.Duration {
	switch now := c.Now(); {
	case deadline <= now:
		return 0
	case deadline == shm.Forever:
		return shm.Forever
	default:
		return deadline - now
	}
}

// at converts a deadline for the netpoller, for which the zero time is no deadline.
func (c clock) at(deadline time.Duration) time.Time {
	if deadline == shm.Forever {
		return time.Time{}
	}
	return c.start.Add(deadline)
}
