package impl

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Channel names the control channel of one application. It identifies the sender of
// a message; no field of the message does.
type Channel uint64

// EventKind says what happened.
type EventKind uint8

// The events.
const (
	EvOpen    EventKind = iota // a channel was accepted
	EvMessage                  // a message arrived on it
	EvGone                     // it ended: the application left, died or was hung up
	EvCreated                  // the segment that FxCreate asked for exists, or Err
	EvDrained                  // everything that waited to be sent over the channel was sent
	EvTick                     // time has passed
)

// Event is what drives the session layer.
type Event struct {
	Kind    EventKind
	Now     time.Duration
	Channel Channel
	Msg     Message
	Segment Handle
	Err     error
}

// EffectKind says what to do.
type EffectKind uint8

// The effects.
const (
	FxSend    EffectKind = iota // send Msg; a MsgMap with the descriptors of Segment and of Bell's doorbell
	FxCreate                    // create Segment of Size bytes, and report with EvCreated
	FxFormat                    // make empty fifos or queues in Segment
	FxScrub                     // zero fifos that are over, before their memory is used again
	FxDestroy                   // unmap and close Segment: nobody else has it any more
	FxHangup                    // close the channel, for the reason in Err
)

// Effect is what the session layer wants done, in order.
type Effect struct {
	Kind    EffectKind
	Channel Channel
	Msg     Message
	Segment Handle
	Bell    Handle // the application whose doorbell goes with a MsgMap
	Size    uint64
	Blocks  []Block
	Err     error
}

// Block is a fifo or an event queue to make in a segment.
type Block struct {
	Off   uint64
	Fifo  uint64 // capacity in bytes, or 0
	Slots uint32 // slots of an event queue, or 0
}

// Namespace separates applications: listeners of local scope are found only from
// inside.
type Namespace struct {
	Name   string // "" is the default namespace, which always exists
	Secret uint64
	// Own are the addresses that are this machine's in the namespace, besides loopback.
	Own []netip.Addr
}

// Layer is the session layer: a state machine that is driven. Step takes one event to
// completion and returns what must be done about it, in order. It has no clock, no
// I/O and no locks; not safe for concurrent use.
type Layer struct {
	cfg       Config
	now       time.Duration
	channels  map[Channel]Handle // of applications; 0 while not attached
	apps      pool[app]
	listeners pool[listener]
	sessions  pool[session]
	pairs     pool[pair]
	segments  pool[segment]
	byPair    map[pairKey]Handle
	table     map[tableKey]Handle
	space     *valloc
	timers    timers
	out       []Effect
}

// NewLayer returns a session layer that nobody has attached to. It panics if cfg makes no
// sense: sizes and places that are no pages, slots that are no power of two.
func NewLayer(cfg Config) *Layer {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		panic(err)
	}
	return &Layer{
		cfg: cfg, channels: map[Channel]Handle{},
		apps: newPool[app](KindApp), listeners: newPool[listener](KindListener),
		sessions: newPool[session](KindSession), pairs: newPool[pair](KindPair),
		segments: newPool[segment](KindSegment),
		byPair:   map[pairKey]Handle{}, table: map[tableKey]Handle{},
		space: newValloc(cfg.Base, cfg.End, Page, cfg.Guard),
	}
}

// Step takes one event to completion. The effects are valid until the next Step.
func (l *Layer) Step(ev Event) []Effect {
	l.out = l.out[:0]
	l.now = max(l.now, ev.Now)
	switch ev.Kind {
	case EvOpen:
		if _, ok := l.channels[ev.Channel]; ok {
			panic(fmt.Sprintf("impl: channel %d opened twice", ev.Channel))
		}
		l.channels[ev.Channel] = 0
	case EvMessage:
		if h, ok := l.channels[ev.Channel]; ok {
			l.message(ev.Channel, l.apps.get(h), ev.Msg)
		}
	case EvGone:
		if h, ok := l.channels[ev.Channel]; ok {
			delete(l.channels, ev.Channel)
			if a := l.apps.get(h); a != nil {
				l.leave(a)
			}
		}
	case EvCreated:
		l.created(ev.Segment, ev.Err)
	case EvDrained:
		if a := l.apps.get(l.channels[ev.Channel]); a != nil {
			a.peak = a.sessions
		}
	case EvTick:
	}
	l.expire()
	return l.out
}

// Attached says whether an application is attached over the channel.
func (l *Layer) Attached(ch Channel) bool { return l.channels[ch] != 0 }

// ChannelOf returns the channel of an attached application, or false.
func (l *Layer) ChannelOf(app Handle) (Channel, bool) {
	if a := l.apps.get(app); a != nil {
		return a.channel, true
	}
	return 0, false
}

// BacklogCredit returns the most sessions that the application of a channel has had at once since
// the last EvDrained of the channel: each may have messages that wait. 0 when none is attached.
func (l *Layer) BacklogCredit(ch Channel) int {
	if a := l.apps.get(l.channels[ch]); a != nil {
		return a.peak
	}
	return 0
}

// send queues a message to an application.
func (l *Layer) send(a *app, m Message) {
	l.out = append(l.out, Effect{Kind: FxSend, Channel: a.channel, Msg: m})
}

// errUnexpected is why an application is hung up that sends what only the
// session layer sends.
var errUnexpected = errors.New("unexpected message")

// message dispatches a message of a, or of a channel that is not attached (nil).
func (l *Layer) message(ch Channel, a *app, m Message) {
	if m.Kind == MsgAttach {
		l.attach(ch, a, m)
		return
	}
	reply, request := replyTo(m.Kind)
	if a == nil {
		if request {
			l.out = append(l.out, Effect{Kind: FxSend, Channel: ch, Msg: Message{Kind: reply, Context: m.Context, Status: NotAttached, Handle: m.Handle}})
		}
		return
	}
	switch m.Kind {
	case MsgDetach:
		l.leave(a)
		l.channels[ch] = 0
		l.send(a, Message{Kind: reply, Context: m.Context})
	case MsgBind:
		l.bind(a, m)
	case MsgUnbind:
		l.unbind(a, m)
	case MsgConnect:
		l.connect(a, m)
	case MsgAcceptReply:
		l.acceptReply(a, m)
	case MsgDisconnect, MsgReset:
		l.closeRequest(a, m, reply)
	case MsgDisconnectReply, MsgResetReply:
		l.closeAnswer(a, m)
	case MsgMapReply:
		l.mapReply(a, m)
	case MsgUnmapReply:
		l.unmapReply(a, m)
	default:
		l.out = append(l.out, Effect{Kind: FxHangup, Channel: ch, Err: fmt.Errorf("impl: %w: %v", errUnexpected, m.Kind)})
	}
}

// replyTo returns the kind of the reply to a request.
func replyTo(k Kind) (Kind, bool) {
	switch k {
	case MsgAttach, MsgDetach, MsgBind, MsgUnbind, MsgConnect, MsgDisconnect, MsgReset:
		return k + 1, true
	}
	return 0, false
}
