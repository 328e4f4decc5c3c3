package impl

import (
	"slices"

	"cutthrough/impl/wire"
	"cutthrough/shm"
	"cutthrough/shm/evq"
)

// openInboxLocked returns the event queue at a location as one that this application reads; it opens the queue
// if it is new.
func (a *App) openInboxLocked(at wire.Location) (*inbox, error) {
	for _, in := range a.inboxes {
		if in.at == at {
			return in, in.err
		}
	}
	m, off, err := a.table.resolve(at)
	if err != nil {
		return nil, err
	}
	q, err := evq.OpenConsumer(m.seg, off)
	if err != nil {
		return nil, err
	}
	in := &inbox{at: at, segment: m.h, queue: q}
	a.inboxes = append(a.inboxes, in)
	return in, nil
}

// Events between the two applications of a pair. Arg is the index of the session;
// a stale one wakes a task for nothing, which is harmless.
const (
	evData  uint8 = 1 + iota // there are bytes in the fifo that you read
	evSpace                  // there is room in the fifo that you write
)

// inbox is an event queue that this application reads. Each peer has one of its own: a queue that all peers
// could write would let one harm the others.
type inbox struct {
	at       wire.Location
	segment  wire.Handle
	queue    *evq.Consumer
	sinceLow int   // events taken since the queue was last empty
	err      error // the peer has spoiled it

	waiting int  // calls that wait for an event of this queue
	watched bool // it is in leadership.watched: a call waited when the leader looked last
}

// outbox is an event queue that this application posts to, and the doorbell of the application that reads it.
type outbox struct {
	queue *evq.Producer
	bell  shm.Doorbell
}

// post posts an event of a session and wakes the peer. A queue that is full loses the event, which the reader
// notices: when it has taken as many events as there are slots since the queue was empty, it wakes all sessions.
func (o *outbox) post(kind uint8, session uint32) error {
	err := o.queue.Post(evq.Event{Kind: kind, Arg: session})
	if err != nil && err != evq.ErrFull {
		return err
	}
	return o.queue.Wake(o.bell)
}

// takeEventsLocked takes the events of the queues that a call waits for. The events of other queues stay there
// until a call waits for them.
func (a *App) takeEventsLocked() {
	keep := a.events.watched[:0]
	for _, in := range a.events.watched {
		a.takeLocked(in)
		if in.watched = in.waiting > 0; in.watched {
			keep = append(keep, in)
		}
	}
	clear(a.events.watched[len(keep):])
	a.events.watched = keep
}

// takeLocked takes the events of one queue. While it does, the peer rings no doorbell. A queue without events
// costs one load.
func (a *App) takeLocked(in *inbox) {
	switch {
	case in.err != nil: // else it would seem to have news for ever
	case in.queue.NonEmpty():
		in.queue.Disarm()
		a.drainLocked(in)
	default:
		in.sinceLow = 0
	}
}

// armQueuesLocked asks for a ring at the next event in any queue that a call waits for. True: there is an event
// already. A queue that is armed is armed again: the ring that woke the leader may be of a producer that is about
// to clear the request, though its event was taken long ago.
func (a *App) armQueuesLocked() bool {
	again := false
	for _, in := range a.events.watched {
		if in.waiting > 0 && a.armLocked(in) {
			again = true // go on: every queue is to be armed
		}
	}
	return again
}

// armLocked asks for a ring at the next event of one queue. True: there is an event already.
func (a *App) armLocked(in *inbox) bool { return in.err == nil && in.queue.ArmNonEmpty() }

// watchLocked counts a call that is to wait for an event of in.
func (a *App) watchLocked(in *inbox) {
	in.waiting++
	if !in.watched {
		in.watched = true
		a.events.watched = append(a.events.watched, in)
	}
}

// forgetQueuesLocked drops the queues in a segment that is unmapped.
func (a *App) forgetQueuesLocked(segment wire.Handle) {
	there := func(in *inbox) bool { return in.segment == segment }
	a.inboxes = slices.DeleteFunc(a.inboxes, there)
	a.events.watched = slices.DeleteFunc(a.events.watched, there)
}

// drainLocked wakes the sessions that the events of in name. It takes at most as many events as there are slots,
// because a peer that floods the queue must not keep the lock of the application. A queue that is corrupt ends
// the sessions of that pair and no others.
func (a *App) drainLocked(in *inbox) {
	slots := in.queue.Slots()
	for range slots {
		ev, ok, err := in.queue.Poll()
		if err != nil {
			a.corruptLocked(in, err)
			return
		}
		if !ok {
			in.sinceLow = 0
			return
		}
		if s := a.sessionLocked(ev.Arg); s != nil && s.inbox == in {
			s.signalLocked(ev.Kind)
		}
		if in.sinceLow++; in.sinceLow == slots {
			in.sinceLow = 0 // it may have been full, and events were lost
			a.eachSessionLocked(in, (*Session).signalAllLocked)
		}
	}
}

// corruptLocked ends the use of a queue that the peer has spoiled, and the sessions that depend on it.
func (a *App) corruptLocked(in *inbox, err error) {
	in.err = err
	a.eachSessionLocked(in, func(s *Session) { s.failLocked(err) })
}

// eachSessionLocked calls f for the sessions of an inbox in order of their index.
func (a *App) eachSessionLocked(in *inbox, f func(*Session)) {
	for _, s := range a.sessions {
		if s != nil && s.inbox == in {
			f(s)
		}
	}
}
