package negotiation

import (
	"fmt"

	"cutthrough/model/monitor"
)

// This file is the machine of the two sides of one session alone, as their applications have it, for a monitor of what
// calls say. It needs no layer: a session goes on when that has died.

// What is seen of a side.
const (
	Opened  = iota // a call has returned the session
	Ending         // the application closes it, or a direction of it, or has gone
	Learned        // a call says that the session has ended
)

var sideEvents = [...]string{Opened: "has the session", Ending: "ends it", Learned: "learns that it has ended"}

// SideEvent is something seen of a side of a session, numbered as [SessionSides] says.
type SideEvent struct{ Kind, Side uint8 }

// String returns the event as rejections print it.
func (e SideEvent) String() string {
	return fmt.Sprintf("%s %s", watchedSides[e.Side], sideEvents[e.Kind])
}

var sidesMachine = monitor.Machine[Sides, SideEvent]{
	Hidden: func(Sides, func(Sides)) {}, Step: Sides.step, Allowed: Sides.allowed, Limit: 1,
}

// WatchSides returns a monitor of a session that neither side has.
func WatchSides() *monitor.Monitor[Sides, SideEvent] { return monitor.New(sidesMachine, Sides{}) }

// step emits the state after an event, if it can happen: a side that has ended a session has no more to learn.
func (x Sides) step(e SideEvent, emit func(Sides)) {
	switch {
	case e.Kind == Opened && x[e.Side] == idle:
		x[e.Side] = open
	case e.Kind == Ending:
		x[e.Side] = over
	case e.Kind == Learned && (x.alone(int(e.Side)) || x[e.Side] == over):
	default:
		return
	}
	emit(x)
}

// allowed says what may be seen next.
func (x Sides) allowed() (names []string) {
	for kind := range uint8(len(sideEvents)) {
		for side := range uint8(len(x)) {
			e := SideEvent{kind, side}
			x.step(e, func(Sides) { names = append(names, e.String()) })
		}
	}
	return names
}
