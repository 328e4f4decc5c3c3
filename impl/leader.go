package impl

import (
	"errors"
	"time"

	"cutthrough/shm"
)

// One call at a time takes the events of a peer: the leader, which sleeps on the doorbell that the peer rings. A call
// that has to wait leads if no other does, so that its event wakes it and no other task first. Calls that wait
// meanwhile follow: the leader rings their bells. A leader that returns promotes a follower. While no call waits,
// events stay in the queue and the peer rings no doorbell. A peer concerns the calls that wait for it and no others:
// each peer has its own leader.
//
// This is the leader/followers pattern of Schmidt et al.

// await waits until d is signalled, until has come, or for no reason. ready is for the doorbell.
func (p *peer) await(d *direction, ready func() bool, until time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.deserted {
		return nil // the state of the session says why
	}
	if p.leader != nil {
		if err := p.followLocked(d, ready, until); p.leader != d {
			return err
		}
	}
	p.leader = d
	err := p.leadLocked(d, ready, until)
	if errors.Is(err, shm.ErrPeerClosed) || errors.Is(err, shm.ErrClosed) { // closed here: the sessions are over
		p.desertLocked()
		err = nil
	}
	p.promoteLocked()
	return err
}

// followLocked waits until the leader signals d, or makes it the leader. The leader has asked for a ring at the next
// event, or will.
func (p *peer) followLocked(d *direction, ready func() bool, until time.Duration) error {
	if d.takeSignal() {
		return nil
	}
	d.place = p.followers.PushBack(d)
	err := waitUnlocked(p.mu, d.bell, ready, until)
	p.dismissLocked(d)
	if p.leader != d {
		d.signalled = false
	}
	return err
}

// dismissLocked ends the wait of a follower. It says whether d was one.
func (p *peer) dismissLocked(d *direction) bool {
	if d.place == nil {
		return false
	}
	p.followers.Remove(d.place)
	d.place = nil
	return true
}

// promoteLocked makes the follower that has waited longest the leader, if there is one. It leads from now on, though it
// has yet to wake: a call that comes before follows.
func (p *peer) promoteLocked() {
	p.leader = nil
	if first := p.followers.Front(); first != nil {
		p.leader = first.Value.(*direction)
		p.dismissLocked(p.leader)
		_ = p.leader.bell.Ring()
	}
}

// takeSignal says whether d was signalled since the last call.
func (d *direction) takeSignal() bool {
	signalled := d.signalled
	d.signalled = false
	return signalled
}

// leadLocked takes events until d is signalled. It also returns when the peer floods the queue, so that the caller
// looks at its deadline.
func (p *peer) leadLocked(d *direction, ready func() bool, until time.Duration) error {
	for {
		p.takeLocked()
		if d.takeSignal() {
			return nil // before the queue is armed: the call does not sleep
		}
		if p.armLocked() {
			return nil
		}
		if until <= p.host.Now() {
			return nil
		}
		p.asleep = true
		err := waitUnlocked(p.mu, p.bell, ready, until)
		p.asleep = false
		if err != nil {
			return err
		}
	}
}

// desertLocked notes that the peer has closed its end of the doorbell: it has died, or has nothing to do with this
// application any more. Sessions that it has closed say so in their fifos. The others end after the bytes that are
// there, whether or not there is a session layer to say so.
func (p *peer) desertLocked() {
	p.deserted = true
	p.eachSessionLocked(func(s *Session) { s.failLocked(ErrPeerGone) })
}

// signalLocked wakes the call that sleeps in d.
func (p *peer) signalLocked(d *direction) {
	d.signalled = true
	switch {
	case p.dismissLocked(d):
		_ = d.bell.Ring()
	case p.leader == d && p.asleep:
		_ = p.bell.Ring()
	}
}

// signalLocked wakes the call that sleeps in the direction of an event. It ignores events of other kinds, which
// only a faulty peer posts. The lock is that of the peer.
func (s *Session) signalLocked(kind uint8) {
	switch kind {
	case evData:
		s.peer.signalLocked(&s.rx)
	case evSpace:
		s.peer.signalLocked(&s.tx)
	case evEnd:
		s.signalAllLocked()
	}
}

// signalAllLocked wakes the calls that sleep in either direction. The lock is that of the peer.
func (s *Session) signalAllLocked() {
	s.peer.signalLocked(&s.rx)
	s.peer.signalLocked(&s.tx)
}

// signalAll wakes the calls that sleep in either direction.
func (s *Session) signalAll() {
	s.peer.mu.Lock()
	defer s.peer.mu.Unlock()
	s.signalAllLocked()
}

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
	if w.s.at.app.opt.Spin == 0 {
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
