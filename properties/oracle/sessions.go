package oracle

import (
	"fmt"

	"cutthrough/impl/layer"
	"cutthrough/impl/wire"
	"cutthrough/model/monitor"
	"cutthrough/model/negotiation"
)

// Sessions follows every session of a session layer with the model of one. It begins with the
// accept that the server is told of, and never ends: an application may name the handle later. A
// verdict that is inconclusive fails nothing; a test of the model shows that none is.
//
// The client is known before it is told anything: the layer asks the server to accept
// while it handles the connect.
type Sessions struct {
	fail     Failer
	mon      *Messages // knows which applications have gone
	sessions map[wire.Handle]*followedSession
	all      []*followedSession
	connects map[asked]*followedSession // what a connect has led to
	last     asked                      // whose message the layer is handling
	fed      []*followedSession         // since then
}

// asked identifies a connect.
type asked struct {
	ch      layer.Channel
	context uint64
}

type followedSession struct {
	h       wire.Handle
	sides   [2]layer.Channel // 0 is one that has detached
	leaving [2]bool
	monitor *monitor.Monitor[negotiation.Session, negotiation.SessionEvent]
}

var clientSide, serverSide = negotiation.SessionSides()

// NewSessions returns a monitor that reports to fail; mon knows which applications have gone.
func NewSessions(fail Failer, mon *Messages) *Sessions {
	return &Sessions{fail: fail, mon: mon, sessions: map[wire.Handle]*followedSession{}, connects: map[asked]*followedSession{}}
}

// Observe is called for every message that the layer takes or makes.
func (o *Sessions) Observe(ch layer.Channel, made bool, m wire.Message) {
	if made {
		o.checkMade(ch, m)
	} else {
		o.noteTaken(ch, m)
	}
}

// checkMade follows what the layer says.
func (o *Sessions) checkMade(ch layer.Channel, m wire.Message) {
	s := o.sessions[m.Handle]
	if m.Type == wire.ConnectReply {
		s = o.connects[asked{ch, m.RequestID}]
	}
	if kind, ok := Told(m); ok && s != nil {
		o.feed(s, kind, s.side(ch))
	}
	if m.Type == wire.Accept && s == nil {
		s = &followedSession{h: m.Handle, monitor: negotiation.WatchSession()}
		s.sides[clientSide], s.sides[serverSide] = o.last.ch, ch
		o.sessions[m.Handle], o.connects[o.last] = s, s
		o.all = append(o.all, s)
	}
}

// noteTaken follows what an application says. Before that the layer has said everything about what it
// took last.
func (o *Sessions) noteTaken(ch layer.Channel, m wire.Message) {
	o.EndStep()
	o.last = asked{ch, m.RequestID}
	if m.Type == wire.Detach {
		o.detach(ch)
	}
	if kind, ok := Taken(m); ok {
		if s := o.sessions[m.Handle]; s != nil {
			o.feed(s, kind, s.side(ch))
		}
	}
}

// detach has an application leave all its sessions. What comes over its channel from then on
// is a stranger's.
func (o *Sessions) detach(ch layer.Channel) {
	for _, s := range o.all {
		if r := s.side(ch); r != negotiation.Nobody {
			o.feed(s, negotiation.TakenDetach, r)
			s.sides[r] = 0
		}
	}
}

// EndStep checks that nothing is left to be said.
func (o *Sessions) EndStep() {
	for _, s := range o.fed {
		o.feed(s, negotiation.Settled, negotiation.Nobody)
	}
	o.fed = o.fed[:0]
}

// Undecided describes a session of which the model does not say that all was right, or returns "". To be
// called after Settle.
func (o *Sessions) Undecided() string {
	for _, s := range o.all {
		if s.monitor.Verdict() != monitor.Accepted {
			return fmt.Sprintf("session (%v): %v", s.h, s.monitor)
		}
	}
	return ""
}

// feed has the model of a session take an event into account, after the news that one of the
// sides has gone.
func (o *Sessions) feed(s *followedSession, kind, side uint8) {
	for r, ch := range s.sides {
		if c := o.mon.channels[ch]; c != nil && !s.leaving[r] && (c.gone || o.mon.FailingCalls) {
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

// side returns which side of the session a channel is.
func (s *followedSession) side(ch layer.Channel) uint8 {
	for r, of := range s.sides {
		if of == ch {
			return uint8(r)
		}
	}
	return negotiation.Nobody
}
