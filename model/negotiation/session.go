package negotiation

import (
	"fmt"

	"cutthrough/model/monitor"
)

// This file is the machine of one session alone, for a monitor of the messages of a session layer
// with any number of applications. It begins with the accept that the server is told of, and goes on
// for as long as a message may name the handle. It has the layer's side of the machine in layer.go;
// what applications do is input.

// Stranger is the side of an application that is neither the client nor the server of a session.
const Stranger = 2

var watchedSides = [...]string{client: "client", server: "server", Stranger: "a stranger"}

// SessionSides returns the numbers of the client and the server in a [SessionEvent].
func SessionSides() (c, s uint8) { return client, server }

// What is seen of a session.
const (
	// The layer takes it, from a side or from Stranger.
	TakenAccept = iota
	TakenReject
	TakenDisconnect
	TakenReset
	TakenFin
	TakenConfirm
	TakenDetach // never of Stranger

	// The layer tells it to a side; what ends with its end may be told to Stranger.
	ToldAccept // once, before everything else
	ToldConnected
	ToldRefused  // its connect
	ToldTimedOut // its connect
	ToldClosed   // the peer is done
	ToldReset
	ToldGone     // the application of the peer is gone
	ToldFinished // the peer has closed its writing direction
	ToldDone     // the reply to a request that was obeyed
	ToldInvalid  // and to one that was not

	// Leaving: the application of a side leaves, dies or is hung up; the layer will notice.
	Leaving
	// Settled: the layer has said all that it has to say about what it took.
	Settled
)

var watchedNames = [...]string{
	TakenAccept: "accept-reply ok", TakenReject: "accept-reply refused", TakenDisconnect: "disconnect",
	TakenReset: "reset", TakenFin: "disconnect for writing", TakenConfirm: "answer to a close", TakenDetach: "detach",
	ToldAccept: "accept", ToldConnected: "connect-reply ok", ToldRefused: "connect-reply refused", ToldTimedOut: "connect-reply timed out",
	ToldClosed: "disconnect", ToldReset: "reset", ToldGone: "reset, gone", ToldFinished: "disconnect for writing",
	ToldDone: "reply ok", ToldInvalid: "reply invalid", Leaving: "leaving",
}

// SessionEvent is something seen of a session: what, and of or to which side.
type SessionEvent struct{ Kind, Side uint8 }

// String returns the event as rejections print it.
func (e SessionEvent) String() string {
	switch {
	case e.Kind == Settled:
		return "nothing more said"
	case e.Kind >= ToldAccept && e.Kind <= ToldInvalid:
		return fmt.Sprintf("%s told: %s", watchedSides[e.Side], watchedNames[e.Kind])
	}
	return fmt.Sprintf("%s: %s", watchedSides[e.Side], watchedNames[e.Kind])
}

// Bits of a side, besides those that the layer keeps.
const (
	leaves = hurried << (1 + iota) // it is not there any more, whether or not the layer has noticed
	noticed
)

// Session is a state of one session: what the layer keeps, and what it is about to say. The
// layer is atomic: nothing else happens before that is said.
type Session struct {
	state  uint8
	sides  [2]uint8
	queued uint8
	says   [2]SessionEvent
}

// sessionLimit is more than the states that events leave possible, which are six.
const sessionLimit = 16

var sessionMachine = monitor.Machine[Session, SessionEvent]{
	Hidden: Session.hidden, Step: Session.step, Allowed: Session.allowed, Limit: sessionLimit,
}

// WatchSession returns a monitor of a session whose server has just been asked to accept.
func WatchSession() *monitor.Monitor[Session, SessionEvent] {
	return monitor.New(sessionMachine, Session{state: pending, sides: [2]uint8{server: told}})
}

func (x *Session) say(kind, side uint8) {
	x.says[x.queued] = SessionEvent{kind, side}
	x.queued++
}

// active says whether a side uses the session: only then what it says counts.
func (x *Session) active(r uint8) bool { return r != Stranger && x.sides[r]&(told|done) == told }

// step emits the state after an event, if it can happen.
func (x Session) step(e SessionEvent, emit func(Session)) {
	switch {
	case e.Kind == Leaving:
		x.sides[e.Side] |= leaves
	case e.Kind == Settled:
		if x.queued > 0 {
			return
		}
	case e.Kind >= ToldAccept:
		if x.queued == 0 || x.says[0] != e {
			return
		}
		x.queued--
		x.says = [2]SessionEvent{x.says[1]}
	case x.queued > 0 || e.Side != Stranger && x.sides[e.Side]&noticed != 0:
		return // first it says what it has to, and a side that has gone says nothing
	case e.Kind == TakenDetach:
		x.leave(e.Side)
	default:
		x.take(e.Kind, e.Side)
	}
	emit(x)
}

// take is what the layer does with a message of a side.
func (x *Session) take(kind, r uint8) {
	switch kind {
	case TakenAccept:
		if x.active(r) && r == server && x.state == pending {
			x.state = ready
			x.sides[client] |= told
			x.say(ToldConnected, client)
		}
	case TakenReject:
		if x.active(r) && r == server && x.state != ready {
			x.sides[server] |= done
			x.fail(ToldRefused)
			x.endIfDone()
		}
	case TakenConfirm:
		if x.active(r) && x.sides[r]&closing != 0 {
			x.sides[r] |= done
			x.endIfDone()
		}
	default:
		x.request(kind, r)
	}
}

// request is what the layer does with what it has to answer.
func (x *Session) request(kind, r uint8) {
	if !x.active(r) || kind == TakenFin && (x.state != ready || x.sides[r]&fin != 0) {
		x.say(ToldInvalid, r)
		return
	}
	x.say(ToldDone, r)
	switch kind {
	case TakenFin:
		x.sides[r] |= fin
		x.say(ToldFinished, 1-r)
	case TakenDisconnect:
		x.finish(r, ToldClosed)
	case TakenReset:
		x.finish(r, ToldReset)
	}
}

// fail answers the connect of a session that will not be.
func (x *Session) fail(answer uint8) {
	if x.state == pending {
		x.state = ending
		if x.sides[client]&done == 0 {
			x.say(answer, client)
		}
		x.sides[client] |= done
	}
}

// finish makes a side done and tells the other.
func (x *Session) finish(r, kind uint8) {
	x.sides[r] |= done
	x.fail(ToldRefused)
	x.state = ending
	x.tell(1-r, kind)
	x.endIfDone()
}

// tell tells a side that its peer is done, if it uses the session. A reset leaves nothing to hurry.
func (x *Session) tell(r, kind uint8) {
	switch {
	case x.sides[r]&told == 0:
		x.sides[r] |= done
	case x.sides[r]&done == 0:
		x.sides[r] |= closing
		if kind != ToldClosed {
			x.sides[r] |= hurried
		}
		x.say(kind, r)
	}
}

// endIfDone ends the session when both sides are done. Then it knows only which sides have gone.
func (x *Session) endIfDone() {
	if x.sides[client]&x.sides[server]&done != 0 {
		x.state = free
		for r := range x.sides {
			x.sides[r] &= leaves | noticed
		}
	}
}

// leave is what the layer does when it notices that a side has gone.
func (x *Session) leave(r uint8) {
	x.sides[r] |= leaves | noticed
	if x.state != free && x.sides[r]&done == 0 {
		x.finish(r, ToldGone)
	}
}

// hidden emits what the layer may do without a message that is seen here: it notices that a side
// has gone, the server's listener ends, time passes.
func (x Session) hidden(emit func(Session)) {
	if x.queued > 0 {
		return
	}
	for r := range uint8(2) {
		if x.sides[r]&(leaves|noticed) == leaves {
			t := x
			t.leave(r)
			emit(t)
		}
		if x.state == ending && x.sides[r]&(closing|done|hurried) == closing {
			t := x
			t.sides[r] |= hurried
			t.say(ToldReset, r)
			emit(t)
		}
	}
	if x.state == pending {
		for _, answer := range [...]uint8{ToldRefused, ToldTimedOut} {
			t := x
			t.fail(answer)
			t.tell(server, ToldClosed)
			emit(t)
		}
	}
}

// allowed says what may be seen next.
func (x Session) allowed() []string {
	if x.queued > 0 {
		return []string{x.says[0].String()}
	}
	return []string{"any message of an application"}
}
