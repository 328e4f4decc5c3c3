package session

import (
	"sync"

	"cutthrough/impl/wire"
	"cutthrough/properties/oracle"
	"cutthrough/shm"
	"cutthrough/shm/evq"
	"cutthrough/sim"
	"cutthrough/sim/scenario"
)

// flooder is the mode of a hostile application that answers as it should, and posts events to the peers that dial it whenever
// there is room in their queues.
const flooder = "flooder"

// A flooder posts at most floodEvents for each session, and tries at most floodTries times: in a simulation a task that
// has no end is no adversary.
const (
	floodEvents = 8 * queueSlots
	floodTries  = 4 * floodEvents
)

// turnEvents bounds the events that a peer can post while an application takes events from it: one in place of each event that
// may be taken, and one for each slot that was free before.
const turnEvents = 2 * queueSlots

var namePeerLock = shm.NewName("peer.lock")

// flood posts events about a session to its dialler. They are well-formed, and tell it to look for bytes.
func (s *spoils) flood(m wire.Message) {
	for _, g := range s.segments {
		if !g.contains(m.PostQueue) {
			continue
		}
		queue, err := evq.OpenProducer(g.Segment, uint64(m.PostQueue-g.base), 0)
		scenario.Must(err)
		posted := 0
		for tries := 0; posted < floodEvents && tries < floodTries; tries++ {
			if queue.Post(evq.Event{Kind: 1, Arg: m.Handle.Index()}) == nil {
				posted++
				s.posted[int(m.Peer.PID)]++
				_ = queue.Wake(g.peer)
			}
		}
	}
}

// turns is a host that judges how many events a flooder posts while the application holds the lock of a peer.
type turns struct {
	*sim.Process
	w      *sim.World
	posted func() int // by the flooder to this application
	taken  int        // locks of peers
}

// NewLock implements [shm.Host].
func (h *turns) NewLock(name shm.Name) sync.Locker {
	l := h.Process.NewLock(name)
	if name != namePeerLock {
		return l
	}
	return &turn{Locker: l, host: h}
}

// turn is the lock of a peer. While it is held, calls on sessions with that peer neither return nor begin.
type turn struct {
	sync.Locker
	host          *turns
	posted, taken int // when it was taken last
}

// Lock implements [sync.Locker].
func (t *turn) Lock() {
	t.Locker.Lock()
	t.host.taken++
	t.posted, t.taken = t.host.posted(), t.host.taken
}

// Unlock implements [sync.Locker]. If another peer had its turn meanwhile, the events may have been posted to that.
func (t *turn) Unlock() {
	if n := t.host.posted() - t.posted; n > turnEvents && t.host.taken == t.taken {
		t.host.w.Fail(oracle.BoundedTurn, "a peer has posted %d events while a call that takes them kept others waiting, and may post %d", n, turnEvents)
	}
	t.Locker.Unlock()
}
