package impl

import (
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
	if a.events.taken {
		_ = a.bell.Ring() // the leader must ask for rings of this queue too
	}
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

// takeEventsLocked empties all queues. While it does, the peers ring no doorbell.
func (a *App) takeEventsLocked() {
	for _, in := range a.inboxes {
		if in.err == nil { // else it would seem to have news for ever
			in.queue.Disarm()
			a.drainLocked(in)
		}
	}
}

// armQueuesLocked asks for a ring at the next event in any queue. True: there is an event already.
func (a *App) armQueuesLocked() bool {
	again := false
	for _, in := range a.inboxes {
		if in.err == nil && in.queue.ArmNonEmpty() {
			again = true // go on: every queue is to be armed
		}
	}
	return again
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
