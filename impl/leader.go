package impl

import (
	"errors"
	"time"

	"cutthrough/shm"
)

// Events are for whoever takes them out of the queues: that is the leader, one task at a
// time, which sleeps on the application's doorbell. The task of a session that has to wait
// leads if nobody does, so that the event it waits for wakes it and no other task first.
// Those that wait meanwhile follow: the leader rings their bells. A leader that
// leaves while others wait hands over to the event task, which leads until nobody waits.
// While nobody waits, events stay in the queues, and nobody rings.
//
// This is the leader/followers pattern of Schmidt et al.
type leadership struct {
	taken     bool
	asleep    *direction   // of the session that leads, while it sleeps or is about to
	followers int          // halves that wait for their bell
	relay     shm.Doorbell // wakes the event task to lead
}

// await waits until h is woken, until has come, or for no reason. ready is
// for the doorbell.
func (a *App) await(h *direction, ready func() bool, until time.Duration) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.events.taken {
		return a.followLocked(h, ready, until)
	}
	a.events.taken = true
	err := a.leadLocked(h, ready, until)
	a.events.taken = false
	if a.events.followers > 0 {
		_ = a.events.relay.Ring()
	}
	return err
}

// follow waits until the leader wakes h. The caller has the lock.
func (a *App) followLocked(h *direction, ready func() bool, until time.Duration) error {
	if h.takeSignal() {
		return nil
	}
	h.waiting = true
	a.events.followers++
	err := waitUnlocked(a.mu, h.bell, ready, until)
	if h.waiting { // nobody rang
		h.waiting = false
		a.events.followers--
	}
	h.signalled = false
	return ignoreWakeErr(err)
}

// heard says whether h was woken since it last asked.
func (h *direction) takeSignal() bool {
	woken := h.signalled
	h.signalled = false
	return woken
}

// looks makes nothing of the errors after which the caller, who looks at the state of the
// session, finds out by itself what is the matter.
func ignoreWakeErr(err error) error {
	if errors.Is(err, shm.ErrDeadline) || errors.Is(err, shm.ErrClosed) {
		return nil
	}
	return err
}

// lead takes events until h is woken. A peer that floods a queue has it return,
// so that the caller looks at its deadline. The caller has the lock.
func (a *App) leadLocked(h *direction, ready func() bool, until time.Duration) error {
	for {
		a.takeEventsLocked()
		if h.takeSignal() {
			return nil // before any queue is armed: nobody sleeps
		}
		if a.armQueuesLocked() {
			return nil
		}
		if until <= a.host.Now() {
			return nil
		}
		a.events.asleep = h
		err := waitUnlocked(a.mu, a.bell, ready, until)
		a.events.asleep = nil
		if err != nil {
			return ignoreWakeErr(err)
		}
	}
}

// runEvents leads when it is asked to.
func (a *App) runEvents() {
	for a.events.relay.Wait(nil, shm.Forever) == nil {
		a.mu.Lock()
		if !a.events.taken { // else who leads will ask again
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

// leadOthers takes events until nobody waits for any. The caller has the lock.
func (a *App) leadOthersLocked() {
	for a.events.followers > 0 {
		a.takeEventsLocked()
		if a.events.followers == 0 {
			return // nobody sleeps until an event: no queue is to be armed
		}
		if a.armQueuesLocked() {
			a.mu.Unlock() // a peer that floods a queue must not keep the others from the lock
			a.mu.Lock()
			continue
		}
		if err := waitUnlocked(a.mu, a.bell, nil, shm.Forever); err != nil {
			return
		}
	}
}

// wake wakes the call that sleeps in one direction. The caller has the lock of the application.
func (s *Session) signalLocked(kind uint8) {
	h := &s.rx
	switch kind {
	case evData:
	case evSpace:
		h = &s.tx
	default:
		return // the peer made it up
	}
	s.app.signalLocked(h)
}

// wakeAll wakes the calls that sleep. The caller has the lock of the application.
func (s *Session) signalAllLocked() {
	s.app.signalLocked(&s.rx)
	s.app.signalLocked(&s.tx)
}

// wake wakes the call that sleeps in h. The caller has the lock.
func (a *App) signalLocked(h *direction) {
	h.signalled = true
	switch {
	case h.waiting:
		h.waiting = false
		a.events.followers--
		_ = h.bell.Ring()
	case a.events.asleep == h:
		_ = a.bell.Ring()
	}
}
