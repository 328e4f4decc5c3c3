package impl

import (
	"io"
	"time"

	"cutthrough/shm"
)

// eventRinger is the doorbell of the peer as the fifo sees it: to ring it is to post an event.
type eventRinger struct {
	s    *Session
	kind uint8
}

// Ring implements [shm.Doorbell].
func (n eventRinger) Ring() error { return n.s.out.post(n.kind, n.s.handle.Index()) }

// Wait implements [shm.Doorbell]. It panics: the doorbell of the peer is for ringing.
func (n eventRinger) Wait(func() bool, time.Duration) error { panic("impl: wait for a notice") }

// Desc implements [shm.Doorbell].
func (n eventRinger) Desc() shm.Desc { return nil }

// Close implements [shm.Doorbell].
func (n eventRinger) Close() error { return nil }

// sessionWaiter is the bell that a direction sleeps on. A deadline that moves, the end of the stream, a close
// and a reset end the sleep.
type sessionWaiter struct {
	s *Session
	d *direction
}

// Ring implements [shm.Doorbell].
func (g sessionWaiter) Ring() error { return g.d.bell.Ring() }

// Wait implements [shm.Doorbell].
func (g sessionWaiter) Wait(ready func() bool, _ time.Duration) error {
	g.s.mu.Lock()
	until := g.d.deadline
	err := g.s.stateLocked(g.d)
	g.s.mu.Unlock()
	if err == io.EOF && ready() {
		return nil // bytes that came before the end of the stream
	}
	if err != nil {
		return err
	}
	if g.s.app.opt.Spin == 0 {
		ready = nil // or the doorbell would spin
	}
	return g.s.app.await(g.d, ready, until) // if it is nil the caller looks, and comes back here
}

// Desc implements [shm.Doorbell].
func (g sessionWaiter) Desc() shm.Desc { return nil }

// Close implements [shm.Doorbell].
func (g sessionWaiter) Close() error { return nil }
