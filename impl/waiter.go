package impl

import (
	"errors"
	"time"

	"cutthrough/shm"
)

// eventRinger wakes the peer of a session: a ring is an event in the queue that the peer reads.
type eventRinger struct {
	s    *Session
	kind uint8
}

// Ring implements [shm.Ringer].
func (r eventRinger) Ring() error { return r.s.out.post(r.kind, r.s.handle.Index()) }

// sessionWaiter is what a direction of a session sleeps on.
type sessionWaiter struct {
	s *Session
	d *direction
}

// Wait implements [shm.Waiter]. A change of the session's state, which includes its deadlines, ends the
// wait too.
func (w sessionWaiter) Wait(ready func() bool, deadline time.Duration) error {
	if w.s.app.opt.Spin == 0 {
		ready = nil // or the doorbell would spin
	}
	return w.s.peer.await(w.d, ready, deadline)
}

// ignoreWakeErr drops ErrDeadline and ErrClosed: the caller re-checks the state of the session after every wake,
// and the deadline may have moved.
func ignoreWakeErr(err error) error {
	if errors.Is(err, shm.ErrDeadline) || errors.Is(err, shm.ErrClosed) {
		return nil
	}
	return err
}
