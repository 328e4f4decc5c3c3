package impl

import (
	"cutthrough/shm"
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
	queue    *shm.QueueConsumer
	sinceLow int   // events taken since the queue was last empty
	err      error // the peer has spoiled it
}

// outbox is an event queue that this application posts to, and the bell of who reads it.
type outbox struct {
	queue *shm.QueueProducer
	bell  shm.Doorbell
}

// post tells the peer of a session. A queue that is full loses the event, which the
// reader notices: when it finds that it took as many events as there are slots since the
// queue was empty, it wakes all sessions.
func (o *outbox) post(kind uint8, session uint32) error {
	err := o.queue.Post(shm.Event{Kind: kind, Arg: session})
	if err != nil && err != shm.ErrFull {
		return err
	}
	return o.queue.Wake(o.bell)
}

// runEvents passes events on to the sessions until the application ends.
func (a *App) runEvents() {
	for {
		if !a.drainEvents() {
			if err := a.bell.Wait(nil, shm.Forever); err != nil {
				return
			}
		}
	}
}

// drainEvents empties all queues, then asks for a ring at the next event in any; it
// says whether there is one already.
func (a *App) drainEvents() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	again := false
	for _, in := range a.inboxes {
		if in.err != nil {
			continue // it would seem to have news for ever
		}
		in.queue.Disarm()
		a.drain(in)
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
			a.eachSession(in, func(s *Session) { s.wake(evData); s.wake(evSpace) })
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
