package session

import (
	"cutthrough/impl/wire"
	"cutthrough/shm"
	"cutthrough/shm/evq"
)

var (
	nameSpoils    = shm.NewName("rogue.spoils")
	nameRogueRing = shm.NewName("rogue.ring")
)

// vandal is the mode of a hostile application that answers as it should, and spoils the event queues of each session
// that it accepts.
const vandal = "vandal"

// liar is the mode of a hostile application that answers as it should, and writes any value into the forgeable words of
// its sessions at any time, if the class of faults is hostile.
const liar = "liar"

var forgeable = []shm.Name{
	shm.NewName("evq.sleep"), shm.NewName("evq.want"), shm.NewName("evq.tail"), shm.NewName("evq.slot"),
	shm.NewName("fifo.head"), shm.NewName("fifo.tail"), shm.NewName("fifo.has_event"),
	shm.NewName("fifo.want_deq_ntf"), shm.NewName("fifo.deq_ntf_sent"),
	shm.NewName("fifo.producer_state"), shm.NewName("fifo.consumer_state"),
}

// queueSlots is how many slots event queues have.
const queueSlots = 4

// spoils are the segments that a vandal has mapped, and the doorbells of the applications that it shares them with.
type spoils struct {
	segments []spoiledSegment
	last     wire.Handle // the session whose queues were spoiled last
	posted   map[int]int // events of a flooder, by the process that they are for
}

type spoiledSegment struct {
	base wire.Location
	*shm.Segment
	peer shm.RingCloser // nil if there are no event queues in the segment
}

// keep maps the segment that a message brings. It returns the descriptors that are of no use.
func (s *spoils) keep(h shm.Host, m wire.Message, descs []shm.Desc) []shm.Desc {
	if m.Type != wire.Map || len(descs) == 0 {
		return descs
	}
	seg, err := h.MapSegment(descs[0], m.Size)
	if err != nil {
		return descs[1:]
	}
	g := spoiledSegment{base: m.Base, Segment: seg}
	rest := descs[1:]
	if len(rest) == 2 {
		if g.peer, err = h.OpenRinger(rest[1], nameRogueRing); err != nil {
			g.peer = nil
		}
		rest = rest[:1]
	}
	s.segments = append(s.segments, g)
	return rest
}

// contains says whether the segment has a location, and event queues.
func (g *spoiledSegment) contains(at wire.Location) bool {
	return at >= g.base && at < g.base+wire.Location(g.Size()) && g.peer != nil
}

// spoil writes laps that no history explains into all slots of both event queues of a session, and rings.
func (s *spoils) spoil(m wire.Message) {
	for _, g := range s.segments {
		if !g.contains(m.ReadQueue) {
			continue
		}
		for _, at := range []wire.Location{m.ReadQueue, m.PostQueue} {
			for i := range uint32(queueSlots) {
				g.Uint64(uint64(at-g.base)+evq.Size(i), nameSpoils).Store(uint64(queueSlots+i) << 60)
			}
		}
		_ = g.peer.Ring()
		s.last = m.Handle
	}
}

// drop releases what keep has opened.
func (s *spoils) drop() {
	for _, g := range s.segments {
		_ = g.Close()
		if g.peer != nil {
			_ = g.peer.Close()
		}
	}
}
