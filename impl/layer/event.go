package layer

import (
	"time"

	"cutthrough/impl/layer/segments"
	"cutthrough/impl/wire"
)

// Channel names the control channel of one application. It identifies the sender of
// a message; no field of the message does.
type Channel uint64

// EventKind says what happened.
type EventKind uint8

// The events.
const (
	EventOpen    EventKind = iota // a channel was accepted
	EventMessage                  // a message arrived on it
	EventGone                     // it ended: the application left, died or was hung up
	EventCreated                  // the segment that EffectCreate asked for exists, or Err
	EventDrained                  // everything that waited to be sent over the channel was sent
	EventTick                     // time has passed
)

// Event is what drives the session layer.
type Event struct {
	Kind    EventKind
	Now     time.Duration
	Channel Channel
	Msg     wire.Message
	Segment wire.Handle
	Err     error
}

// EffectKind says what to do.
type EffectKind uint8

// The effects.
const (
	EffectSend    EffectKind = iota // send Msg; a Map with the descriptor of Segment, and those of Side's doorbells if it says so
	EffectCreate                    // create Segment of Size bytes, and report with EventCreated
	EffectFormat                    // make empty fifos or queues in Segment
	EffectZero                      // zero fifos that are over, before their memory is used again
	EffectDestroy                   // unmap and close Segment: no application has it any more
	EffectForget                    // close what is there of Side's doorbells of Segment: it has them, or it has left
	EffectHangup                    // close the channel, for the reason in Err
)

// Effect is what the session layer wants done, in order.
type Effect struct {
	Kind    EffectKind
	Channel Channel
	Msg     wire.Message
	Segment wire.Handle
	Side    int // 0 the client, 1 the server
	Size    uint64
	Blocks  []segments.Block
	Err     error
}
