package impl

import (
	"errors"
	"time"

	"cutthrough/shm"
	"cutthrough/shm/evq"
)

// Events between the two applications of a pair. Arg is the index of the session;
// a stale one wakes a task for nothing, which is harmless.
const (
	evData  uint8 = 1 + iota // there are bytes in the fifo that you read
	evSpace                  // there is room in the fifo that you write
)

// inbox is an event queue that this application reads.
type inbox struct {
	at       Address
	segment  Handle
	queue    *evq.Consumer
	sinceLow int   // events taken since the queue was last empty
	err      error // the peer has spoiled it
}

// outbox is an event queue that this application posts to, and the bell of who reads it.
type outbox struct {
	queue *evq.Producer
	bell  shm.Doorbell
}

// post tells the peer of a session. A queue that is full loses the event, which the
// reader notices: when it finds that it took as many events as there are slots since the
// queue was empty, it wakes all sessions.
func (o *outbox) post(kind uint8, session uint32) error {
	err := o.queue.Post(evq.Event{Kind: kind, Arg: session})
	if err != nil && err != evq.ErrFull {
		return err
	}
	return o.queue.Wake(o.bell)
}

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
	asleep    *half        // of the session that leads, while it sleeps or is about to
	followers int          // halves that wait for their bell
	relay     shm.Doorbell // wakes the event task to lead
}

// await waits until h is woken, until has come, or for no reason. ready is
// for the doorbell.
func (a *App) await(h *half, ready func() bool, until time.Duration) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.events.taken {
		return a.follow(h, ready, until)
	}
	a.events.taken = true
	err := a.lead(h, ready, until)
	a.events.taken = false
	if a.events.followers > 0 {
		_ = a.events.relay.Ring()
	}
	return err
}

// follow waits until the leader wakes h. The caller has the lock.
func (a *App) follow(h *half, ready func() bool, until time.Duration) error {
	if h.heard() {
		return nil
	}
	h.follows = true
	a.events.followers++
	a.mu.Unlock()
	err := h.bell.Wait(ready, until)
	a.mu.Lock()
	if h.follows { // nobody rang
		h.follows = false
		a.events.followers--
	}
	h.woken = false
	return looks(err)
}

// heard says whether h was woken since it last asked.
func (h *half) heard() bool {
	woken := h.woken
	h.woken = false
	return woken
}

// looks makes nothing of the errors after which the caller, who looks at the state of the
// session, finds out by itself what is the matter.
func looks(err error) error {
	if errors.Is(err, shm.ErrDeadline) || errors.Is(err, shm.ErrClosed) {
		return nil
	}
	return err
}

// lead takes events until h is woken. A peer that floods a queue has it return,
// so that the caller looks at its deadline. The caller has the lock.
func (a *App) lead(h *half, ready func() bool, until time.Duration) error {
	for {
		a.takeEvents()
		if h.heard() || a.armQueues() || until <= a.host.Now() {
			return nil
		}
		a.events.asleep = h
		a.mu.Unlock()
		err := a.bell.Wait(ready, until)
		a.mu.Lock()
		a.events.asleep = nil
		if err != nil {
			return looks(err)
		}
	}
}

// runEvents leads when it is asked to.
func (a *App) runEvents() {
	for a.events.relay.Wait(nil, shm.Forever) == nil {
		a.mu.Lock()
		if !a.events.taken { // else who leads will ask again
			a.events.taken = true
			a.leadOthers()
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
func (a *App) leadOthers() {
	for a.events.followers > 0 {
		a.takeEvents()
		again, err := a.events.followers == 0 || a.armQueues(), error(nil)
		a.mu.Unlock()
		if !again {
			err = a.bell.Wait(nil, shm.Forever)
		}
		a.mu.Lock()
		if err != nil {
			return
		}
	}
}

// wake wakes the call that sleeps in one direction. The caller has the lock of the application.
func (s *Session) wake(kind uint8) {
	h := &s.in
	switch kind {
	case evData:
	case evSpace:
		h = &s.ex
	default:
		return // the peer made it up
	}
	s.app.wake(h)
}

// wakeAll wakes the calls that sleep. The caller has the lock of the application.
func (s *Session) wakeAll() {
	s.app.wake(&s.in)
	s.app.wake(&s.ex)
}

// wake wakes the call that sleeps in h. The caller has the lock.
func (a *App) wake(h *half) {
	h.woken = true
	switch {
	case h.follows:
		h.follows = false
		a.events.followers--
		_ = h.bell.Ring()
	case a.events.asleep == h:
		_ = a.bell.Ring()
	}
}

// takeEvents empties all queues. Nobody rings while it does.
func (a *App) takeEvents() {
	for _, in := range a.inboxes {
		if in.err == nil { // else it would seem to have news for ever
			in.queue.Disarm()
			a.drain(in)
		}
	}
}

// armQueues asks for a ring at the next event in any queue; it says whether there is
// one already.
func (a *App) armQueues() bool {
	again := false
	for _, in := range a.inboxes {
		again = in.err == nil && in.queue.ArmNonEmpty() || again
	}
	return again
}

// drain wakes the sessions that the events of in name, at most as many events as there
// are slots: a peer that floods the queue must not keep the application's lock. A queue
// that is corrupt ends the sessions of that pair, and nothing else.
func (a *App) drain(in *inbox) {
	slots := in.queue.Slots()
	for range slots {
		ev, ok, err := in.queue.Poll()
		if err != nil {
			a.corrupt(in, err)
			return
		}
		if !ok {
			in.sinceLow = 0
			return
		}
		if s := a.session(ev.Arg); s != nil && s.inbox == in {
			s.wake(ev.Kind)
		}
		if in.sinceLow++; in.sinceLow == slots {
			in.sinceLow = 0 // it may have been full, and events were lost
			a.eachSession(in, (*Session).wakeAll)
		}
	}
}

// corrupt ends the use of a queue that the peer has spoiled, and the sessions that depend
// on it.
func (a *App) corrupt(in *inbox, err error) {
	in.err = err
	a.eachSession(in, func(s *Session) { s.fail(err) })
}

// eachSession calls f for the sessions of an inbox in order of their index.
func (a *App) eachSession(in *inbox, f func(*Session)) {
	for _, s := range a.sessions {
		if s != nil && s.inbox == in {
			f(s)
		}
	}
}
