package impl

import (
	"container/list"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"cutthrough/impl/wire"
	"cutthrough/shm"
	"cutthrough/shm/evq"
)

// Events between the two applications of a pair. Arg is the index of the session;
// a stale one wakes a task for nothing, which is harmless.
const (
	evData  uint8 = 1 + iota // there are bytes in the fifo that you read
	evSpace                  // there is room in the fifo that you write
	evEnd                    // the state of a fifo has changed
)

// peer is another application as this one has it: their event queues, one for each reader, and the doorbells, one for
// each direction. It comes with the segment that the queues are in. Nothing here is shared with a third application,
// which could do harm with it.
type peer struct {
	host shm.Host
	bell shm.Doorbell   // the peer rings it after it has posted an event
	ring shm.RingCloser // rings the peer

	mu        sync.Locker // of all below; the application's lock comes before it, that of a session after it
	at        wire.Location
	queue     *evq.Consumer // what the peer posts; nil until the first session
	sessions  map[uint32]*Session
	sinceLow  int        // events taken since the queue was last empty
	err       error      // the peer has spoiled one of the queues
	deserted  bool       // the peer is gone, and so are the sessions with it
	leader    *direction // of the call that takes the events; nil: no call waits
	asleep    bool       // the leader is, or is about to
	followers list.List  // directions of the calls that wait for their own bell; the longest first
}

// newPeer opens the doorbells that came with a segment. It owns them also when it fails.
func (a *App) newPeer(wait, ring shm.Desc) (*peer, error) {
	p := &peer{host: a.host, mu: a.host.NewLock(namePeerLock), sessions: map[uint32]*Session{}}
	var err error
	if p.bell, err = a.host.OpenWaiter(wait, namePeerBell); err != nil {
		return nil, errors.Join(err, ring.Close())
	}
	if p.ring, err = a.host.OpenRinger(ring, namePeerRing); err != nil {
		return nil, errors.Join(err, p.bell.Close())
	}
	return p, nil
}

// close closes the doorbells. The sessions with the peer are over.
func (p *peer) close() error {
	if p == nil {
		return nil
	}
	return errors.Join(p.bell.Close(), p.ring.Close())
}

// join makes s one of the sessions with the peer, whose events come through the queue at a location in m.
func (p *peer) join(s *Session, at wire.Location, m *mapping, off uint64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.queue == nil {
		queue, err := evq.OpenConsumer(m.seg, off)
		if err != nil {
			return err
		}
		p.at, p.queue = at, queue
	}
	switch {
	case p.at != at:
		return fmt.Errorf("impl: another queue of the same peer: %w", ErrUnresolved)
	case p.err != nil:
		return p.err
	}
	p.sessions[s.handle.Index()] = s
	if p.deserted {
		s.failLocked(ErrPeerGone)
	}
	return nil
}

// leave ends the membership of s.
func (p *peer) leave(s *Session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sessions[s.handle.Index()] == s {
		delete(p.sessions, s.handle.Index())
	}
}

// outbox is an event queue that this application posts to, and the application that reads it.
type outbox struct {
	queue *evq.Producer
	peer  *peer
}

// post posts an event of a session and wakes the peer. A queue that is full loses the event, which the reader
// notices: when it has taken as many events as there are slots since the queue was empty, it wakes all sessions.
func (o *outbox) post(kind uint8, session uint32) error {
	err := o.queue.Post(evq.Event{Kind: kind, Arg: session})
	if err != nil && err != evq.ErrFull {
		o.peer.mu.Lock()
		defer o.peer.mu.Unlock()
		o.peer.corruptLocked(err) // it takes long to find out, so all sessions are told
		return err
	}
	return o.queue.Wake(o.peer.ring)
}

// takeLocked takes the events of the queue. While it does, the peer rings no doorbell. A queue without events
// costs one load.
func (p *peer) takeLocked() {
	switch {
	case p.err != nil: // else it would seem to have news for ever
	case p.queue.NonEmpty():
		p.queue.Disarm()
		p.drainLocked()
	default:
		p.sinceLow = 0
	}
}

// armLocked asks for a ring at the next event. True: there is an event already. A queue that is armed is armed again:
// the ring that woke the leader may be of a producer that is about to clear the request, though its event was taken
// long ago.
func (p *peer) armLocked() bool { return p.err == nil && p.queue.ArmNonEmpty() }

// drainLocked wakes the sessions that the events name. It takes at most as many events as there are slots,
// because a peer that floods the queue must not keep a call from its deadline. A queue that is corrupt ends
// the sessions with that peer and no others.
func (p *peer) drainLocked() {
	slots := p.queue.Slots()
	for range slots {
		ev, ok, err := p.queue.Poll()
		if err != nil {
			p.corruptLocked(err)
			return
		}
		if !ok {
			p.sinceLow = 0
			return
		}
		if s := p.sessions[ev.Arg]; s != nil {
			s.signalLocked(ev.Kind)
		}
		if p.sinceLow++; p.sinceLow == slots {
			p.sinceLow = 0 // it may have been full, and events were lost
			p.eachSessionLocked((*Session).signalAllLocked)
		}
	}
}

// corruptLocked ends the use of the queues, one of which the peer has spoiled, and the sessions that depend on them.
func (p *peer) corruptLocked(err error) {
	p.err = err
	p.eachSessionLocked(func(s *Session) { s.failLocked(err) })
}

// eachSessionLocked calls f for the sessions with the peer in order of their index.
func (p *peer) eachSessionLocked(f func(*Session)) {
	for _, i := range slices.Sorted(maps.Keys(p.sessions)) {
		f(p.sessions[i])
	}
}
