package oracle

import (
	"fmt"

	"cutthrough/impl/layer"
	"cutthrough/impl/wire"
	"cutthrough/model/monitor"
	"cutthrough/model/negotiation"
)

// Sessions follows each session of a session layer with the model of one session, from the accept notification
// of its server to the end of the run: an application may use the handle long after the session. An inconclusive
// verdict is no failure; a test of the model shows that there is none.
//
// The client is known from the start, because the layer notifies the server while it handles the connect.
type Sessions struct {
	fail     Failer
	mon      *Messages // has the set of applications that have gone
	sessions table[wire.Handle, *followedSession]
	all      []*followedSession
	connects table[asked, *followedSession] // by the connect that asked for the session
	last     asked                          // the message that the layer is handling
	fed      []*followedSession             // that had an event since then
}

// asked identifies a connect.
type asked struct {
	ch      layer.Channel
	context uint64
}

type followedSession struct {
	h       wire.Handle
	sides   [2]layer.Channel // 0 after the application of the side has detached
	leaving [2]bool
	monitor *monitor.Monitor[negotiation.Session, negotiation.SessionEvent]
}

var clientSide, serverSide = negotiation.SessionSides()

// NewSessions returns a monitor that reports to fail; mon has the set of applications that have gone.
func NewSessions(fail Failer, mon *Messages) *Sessions {
	return &Sessions{fail: fail, mon: mon}
}

// Observe is called for every message that the layer takes or makes.
func (o *Sessions) Observe(ch layer.Channel, made bool, m wire.Message) {
	if made {
		o.checkMade(ch, m)
	} else {
		o.noteTaken(ch, m)
	}
}

// checkMade gives a message of the layer to the model of its session.
func (o *Sessions) checkMade(ch layer.Channel, m wire.Message) {
	s := o.sessions.get(m.Handle)
	if m.Type == wire.ConnectReply {
		s = o.connects.get(asked{ch, m.RequestID})
	}
	if kind, ok := Told(m); ok && s != nil {
		o.feed(s, kind, s.side(ch))
	}
	if m.Type == wire.Accept && s == nil {
		s = &followedSession{h: m.Handle, monitor: negotiation.WatchSession()}
		s.sides[clientSide], s.sides[serverSide] = o.last.ch, ch
		o.sessions.set(m.Handle, s)
		o.connects.set(o.last, s)
		o.all = append(o.all, s)
	}
}

// noteTaken gives a message of an application to the model of its session. By then the layer has sent everything
// that follows from the message before.
func (o *Sessions) noteTaken(ch layer.Channel, m wire.Message) {
	o.EndStep()
	o.last = asked{ch, m.RequestID}
	if m.Type == wire.Detach {
		o.detach(ch)
	}
	if kind, ok := Taken(m); ok {
		if s := o.sessions.get(m.Handle); s != nil {
			o.feed(s, kind, s.side(ch))
		}
	}
}

// detach removes an application from all its sessions. Later messages over its channel belong to no side of
// these sessions.
func (o *Sessions) detach(ch layer.Channel) {
	for _, s := range o.all {
		if r := s.side(ch); r != negotiation.Stranger {
			o.feed(s, negotiation.TakenDetach, r)
			s.sides[r] = 0
		}
	}
}

// EndStep checks that the layer owes no message for the message that it took last.
func (o *Sessions) EndStep() {
	for _, s := range o.fed {
		o.feed(s, negotiation.Settled, negotiation.Stranger)
	}
	o.fed = o.fed[:0]
}

// Undecided describes a session that the model does not accept, or returns "". Call EndStep before.
func (o *Sessions) Undecided() string {
	for _, s := range o.all {
		if s.monitor.Verdict() != monitor.Accepted {
			return fmt.Sprintf("session (%v): %v", s.h, s.monitor)
		}
	}
	return ""
}

// feed gives an event to the model of a session, after the events of sides that have gone meanwhile.
func (o *Sessions) feed(s *followedSession, kind, side uint8) {
	for r, ch := range s.sides {
		if c := o.mon.stateOf(ch); c != nil && !s.leaving[r] && (c.gone || o.mon.FailingCalls) {
			s.leaving[r] = true
			s.monitor.Observe(negotiation.SessionEvent{Kind: negotiation.Leaving, Side: uint8(r)})
		}
	}
	e := negotiation.SessionEvent{Kind: kind, Side: side}
	if s.monitor.Observe(e) == monitor.Rejected {
		o.fail(RefinesSession, "session (%v): %v: %v", s.h, e, s.monitor)
	}
	if kind != negotiation.Settled {
		o.fed = append(o.fed, s)
	}
}

// side returns the side of the session that a channel is, or negotiation.Stranger.
func (s *followedSession) side(ch layer.Channel) uint8 {
	for r, of := range s.sides {
		if of == ch {
			return uint8(r)
		}
	}
	return negotiation.Stranger
}
