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
	EventOpen     EventKind = iota // a channel was accepted
	EventMessage                   // a message arrived on it
	EventGone                      // it ended: the application left, died or was hung up
	EventCreated                   // the segment that EffectCreate asked for exists, or Err
	EventZeroed                    // the Blocks that EffectZero named are zeroed
	EventReleased                  // the memory of a segment that EffectDestroy named is free
	EventDrained                   // everything that waited to be sent over the channel was sent
	EventTick                      // time has passed
)

// Event is what drives the session layer.
type Event struct {
	Kind    EventKind
	Now     time.Duration
	Channel Channel
	User    uint32      // of EventOpen: the user whose quotas the application counts against
	Peer    wire.Peer   // of EventOpen: the process, which the applications that it has sessions with are told
	Refuse  wire.Status // of an Attach: the refusal that the driver has decided on, or OK
	Msg     wire.Message
	Segment wire.Handle
	Blocks  []segments.Block
	Err     error
}

// EffectKind says what to do.
type EffectKind uint8

// The effects.
const (
	EffectSend    EffectKind = iota // send Msg; a Map with the descriptor of Segment, and those of Side's doorbells if it says so
	EffectCreate                    // create Segment of Size bytes, and report with EventCreated
	EffectFormat                    // make empty fifos or queues in Segment
	EffectZero                      // zero fifos that are over, and report with EventZeroed
	EffectDestroy                   // unmap and close Segment, which no application has any more; report with EventReleased
	EffectForget                    // close what is there of Side's doorbells of Segment: it has them, or it has left
	EffectHangup                    // close the channel, for the reason in Err
)

// Effect is what the session layer wants done, in order.
type Effect struct {
	Kind    EffectKind
	Channel Channel
	Msg     wire.Message
	Segment wire.Handle
	Pair    wire.Handle // that Segment belongs to
	Side    int         // 0 the client, 1 the server
	Size    uint64
	Blocks  []segments.Block
	Err     error
}
