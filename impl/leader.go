package impl

import (
	"time"

	"cutthrough/shm"
)

// leadership says which task takes the events out of the queues: the leader, one at a time, which sleeps on
// the doorbell of the application. A call that has to wait leads if no other task does, so that its event
// wakes it and no other task first. Calls that wait meanwhile follow: the leader rings their bells. A leader
// that returns while others wait hands over to the event task, which leads until no call waits. While no call
// waits, events stay in the queues and no peer rings.
//
// This is the leader/followers pattern of Schmidt et al.
type leadership struct {
	taken     bool
	asleep    *direction   // of the session that leads, while it sleeps or is about to
	followers int          // directions that wait for their bell
	watched   []*inbox     // the queues that a call waits for, and perhaps some that one waited for
	relay     shm.Doorbell // wakes the event task to lead
}

// await waits until d is signalled, until has come, or for no reason. ready is for the doorbell.
func (a *App) await(d *direction, ready func() bool, until time.Duration) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.events.taken {
		return a.followLocked(d, ready, until)
	}
	a.events.taken = true
	a.watchLocked(d.inbox)
	err := a.leadLocked(d, ready, until)
	d.inbox.waiting--
	a.events.taken = false
	if a.events.followers > 0 {
		_ = a.events.relay.Ring()
	}
	return err
}

// followLocked waits until the leader signals d. The leader may be asleep, so the first follower of a queue asks for
// a ring at its next event; for the others the leader, or that follower, has.
func (a *App) followLocked(d *direction, ready func() bool, until time.Duration) error {
	first := d.inbox.waiting == 0
	if first {
		a.takeLocked(d.inbox)
	}
	if d.takeSignal() || first && a.armLocked(d.inbox) {
		return nil
	}
	d.waiting = true
	a.events.followers++
	a.watchLocked(d.inbox)
	err := waitUnlocked(a.mu, d.bell, ready, until)
	if d.waiting { // the bell has not rung
		a.stopFollowingLocked(d)
	}
	d.signalled = false
	return err
}

// stopFollowingLocked ends the wait of d for its bell.
func (a *App) stopFollowingLocked(d *direction) {
	d.waiting = false
	a.events.followers--
	d.inbox.waiting--
}

// takeSignal says whether d was signalled since the last call.
func (d *direction) takeSignal() bool {
	signalled := d.signalled
	d.signalled = false
	return signalled
}

// leadLocked takes events until d is signalled. It also returns when a peer floods a queue, so that the caller
// looks at its deadline.
func (a *App) leadLocked(d *direction, ready func() bool, until time.Duration) error {
	for {
		a.takeEventsLocked()
		if d.takeSignal() {
			return nil // before any queue is armed: no call sleeps
		}
		if a.armQueuesLocked() {
			return nil
		}
		if until <= a.host.Now() {
			return nil
		}
		a.events.asleep = d
		err := waitUnlocked(a.mu, a.bell, ready, until)
		a.events.asleep = nil
		if err != nil {
			return err
		}
	}
}

// runEvents is the event task: it leads when a leader hands over.
func (a *App) runEvents() {
	for a.events.relay.Wait(nil, shm.Forever) == nil {
		a.mu.Lock()
		if !a.events.taken { // else the leader will ask again
			a.events.taken = true
			a.leadOthersLocked()
			a.events.taken = false
		}
		a.mu.Unlock()
	}
}

// closeBells ends the event task.
func (a *App) closeBells() {
	_ = a.bell.Close()
	_ = a.events.relay.Close()
}

// leadOthersLocked takes events until no call waits for any.
func (a *App) leadOthersLocked() {
	for a.events.followers > 0 {
		a.takeEventsLocked()
		if a.events.followers == 0 {
			return // no call sleeps until an event: no queue is to be armed
		}
		err := error(nil)
		if a.armQueuesLocked() {
			a.mu.Unlock() // a peer that floods a queue must not keep the others from the lock
			a.mu.Lock()
		} else {
			err = waitUnlocked(a.mu, a.bell, nil, shm.Forever)
		}
		if err != nil {
			return
		}
	}
}

// signalLocked wakes the call that sleeps in the direction of an event. It ignores events of other kinds, which
// only a faulty peer posts.
func (s *Session) signalLocked(kind uint8) {
	d := &s.rx
	switch kind {
	case evData:
	case evSpace:
		d = &s.tx
	default:
		return // the peer made it up
	}
	s.app.signalLocked(d)
}

// signalAllLocked wakes the calls that sleep in either direction.
func (s *Session) signalAllLocked() {
	s.app.signalLocked(&s.rx)
	s.app.signalLocked(&s.tx)
}

// signalLocked wakes the call that sleeps in d.
func (a *App) signalLocked(d *direction) {
	d.signalled = true
	switch {
	case d.waiting:
		a.stopFollowingLocked(d)
		_ = d.bell.Ring()
	case a.events.asleep == d:
		_ = a.bell.Ring()
	}
}
