package layer

import (
	"errors"
	"fmt"
	"time"

	"cutthrough/impl/layer/pool"
	"cutthrough/impl/layer/segments"
	"cutthrough/impl/wire"
)

// Core is the session layer: a state machine that is driven. Step takes one event to
// completion and returns what must be done about it, in order. It has no clock, no
// I/O and no locks; not safe for concurrent use.
type Core struct {
	cfg       Config
	now       time.Duration
	channels  map[Channel]channel
	users     map[uint32]account
	bytes     uint64 // of all segments
	apps      pool.Pool[app]
	listeners pool.Pool[listener]
	sessions  pool.Pool[session]
	pairs     pool.Pool[pair]
	segments  *segments.Manager
	byPair    map[pairKey]wire.Handle
	directory map[tableKey]wire.Handle
	timers    timers
	out       []Effect

	lastSerial uint64          // of a session
	ports      map[portKey]int // listeners at each
	lastPort   uint16          // where the search for a free one goes on
}

// New returns a session layer without applications. It panics if cfg makes no
// sense: sizes and places that are no pages, slots that are no power of two.
func New(cfg Config) *Core {
	cfg = cfg.Resolved()
	if err := cfg.check(); err != nil {
		panic(err)
	}
	first := cfg.firstGeneration()
	return &Core{
		cfg: cfg, channels: map[Channel]channel{}, users: map[uint32]account{}, lastSerial: uint64(cfg.Epoch) << 32,
		apps: pool.New[app](wire.KindApp, first), listeners: pool.New[listener](wire.KindListener, first),
		sessions: pool.New[session](wire.KindSession, first), pairs: pool.New[pair](wire.KindPair, first),
		segments: segments.NewManager(cfg.Base, cfg.End, cfg.Guard, first),
		byPair:   map[pairKey]wire.Handle{}, directory: map[tableKey]wire.Handle{}, ports: map[portKey]int{},
	}
}

// Step takes one event to completion. The effects are valid until the next Step.
func (l *Core) Step(ev Event) []Effect {
	l.out = l.out[:0]
	l.now = max(l.now, ev.Now)
	switch ev.Kind {
	case EventOpen:
		if _, ok := l.channels[ev.Channel]; ok {
			panic(fmt.Sprintf("impl: channel %d opened twice", ev.Channel))
		}
		l.open(ev.Channel, ev.User, ev.Peer)
	case EventMessage:
		if c, ok := l.channels[ev.Channel]; ok {
			l.message(ev, l.apps.Get(c.app))
		}
	case EventGone:
		if c, ok := l.channels[ev.Channel]; ok {
			l.timers.stop(&c.handshake)
			delete(l.channels, ev.Channel)
			if a := l.apps.Get(c.app); a != nil {
				l.onAppGone(a)
			}
		}
	case EventCreated:
		l.onCreated(ev.Segment, ev.Err)
	case EventZeroed:
		l.onZeroed(ev.Segment, ev.Blocks)
	case EventReleased:
		l.onReleased(ev.Segment)
	case EventDrained:
		if a := l.apps.Get(l.channels[ev.Channel].app); a != nil {
			a.backlogCredit = a.sessions
		}
	case EventTick:
	}
	l.expire()
	return l.out
}

// Attached says whether an application is attached over the channel.
func (l *Core) Attached(ch Channel) bool { return l.channels[ch].app != 0 }

// BacklogCredit returns the most sessions that the application of a channel has had at once since
// the last EventDrained of the channel: each may have messages that wait. 0 when none is attached.
func (l *Core) BacklogCredit(ch Channel) int {
	if a := l.apps.Get(l.channels[ch].app); a != nil {
		return a.backlogCredit
	}
	return 0
}

// send queues a message to an application.
func (l *Core) send(a *app, m wire.Message) {
	l.out = append(l.out, Effect{Kind: EffectSend, Channel: a.channel, Msg: m})
}

// errUnexpected is why an application is hung up that sends what only the
// session layer sends.
var errUnexpected = errors.New("unexpected message")

// message dispatches a message of a, or of a channel that is not attached (nil).
func (l *Core) message(ev Event, a *app) {
	ch, m := ev.Channel, ev.Msg
	if m.Type == wire.Attach {
		l.attach(ch, a, m, ev.Refuse)
		return
	}
	reply := m.Type.Reply()
	if a == nil {
		if m.Type.IsRequest() {
			l.out = append(l.out, Effect{Kind: EffectSend, Channel: ch, Msg: wire.Message{Type: reply, RequestID: m.RequestID, Status: wire.NotAttached, Handle: m.Handle}})
		}
		return
	}
	switch m.Type {
	case wire.Detach:
		l.onAppGone(a)
		l.open(ch, a.user, a.peer)
		l.send(a, wire.Message{Type: reply, RequestID: m.RequestID})
	case wire.Bind:
		l.bind(a, m)
	case wire.Unbind:
		l.unbind(a, m)
	case wire.Connect:
		l.connect(a, m)
	case wire.AcceptReply:
		l.acceptReply(a, m)
	case wire.Disconnect, wire.Reset:
		l.closeRequest(a, m, reply)
	case wire.DisconnectReply, wire.ResetReply:
		l.closeAnswer(a, m)
	case wire.MapReply:
		l.mapReply(a, m)
	case wire.UnmapReply:
		l.unmapReply(a, m)
	default:
		l.out = append(l.out, Effect{Kind: EffectHangup, Channel: ch, Err: fmt.Errorf("impl: %w: %v", errUnexpected, m.Type)})
	}
}
