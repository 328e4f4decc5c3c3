package oracle

import (
	"cutthrough/impl/wire"
	"cutthrough/model/monitor"
	"cutthrough/model/negotiation"
)

// Ends follows the two sides of each session with the model of them, by what the calls of applications say. It needs no
// session layer: it goes on when that has died.
type Ends struct {
	fail     Failer
	sessions map[wire.Handle]*followedSides
	all      []*followedSides
	gone     map[int]bool // applications
}

type followedSides struct {
	apps    [2]int // 0 where no call has returned the session yet
	monitor *monitor.Monitor[negotiation.Sides, negotiation.SideEvent]
}

// NewEnds returns a monitor that reports to fail.
func NewEnds(fail Failer) *Ends {
	return &Ends{fail: fail, sessions: map[wire.Handle]*followedSides{}, gone: map[int]bool{}}
}

// Opened is called when a dial or an accept has returned a session to an application.
func (o *Ends) Opened(h wire.Handle, app int, dialled bool) {
	s := o.sessions[h]
	if s == nil {
		s = &followedSides{monitor: negotiation.WatchSides()}
		o.sessions[h] = s
		o.all = append(o.all, s)
	}
	side := serverSide
	if dialled {
		side = clientSide
	}
	s.apps[side] = app
	o.feed(s, h, negotiation.Opened, app)
	if o.gone[app] { // the call was under way when it left
		o.feed(s, h, negotiation.Ending, app)
	}
}

// Ending is called before an application closes or resets a session or closes a direction of it.
func (o *Ends) Ending(h wire.Handle, app int) { o.feed(o.sessions[h], h, negotiation.Ending, app) }

// Gone is called before an application leaves and after it has died.
func (o *Ends) Gone(app int) {
	o.gone[app] = true
	for _, s := range o.all {
		o.feed(s, 0, negotiation.Ending, app)
	}
}

// Learned is called when a call on a session has failed, because the session has ended.
func (o *Ends) Learned(h wire.Handle, app int) { o.feed(o.sessions[h], h, negotiation.Learned, app) }

// feed gives an event of an application to the model of a session, if a call has returned it the session.
func (o *Ends) feed(s *followedSides, h wire.Handle, kind uint8, app int) {
	for side, a := range s.apps {
		e := negotiation.SideEvent{Kind: kind, Side: uint8(side)}
		if a == app && s.monitor.Observe(e) == monitor.Rejected {
			o.fail(EndHasCause, "session (%v) of application %d: %v: %v", h, app, e, s.monitor)
		}
	}
}
