package layer

import (
	"fmt"
	"testing"
	"time"

	"cutthrough/impl/layer/segments"
	"cutthrough/impl/wire"
)

// bench drives a Core whose work on memory is done at once, unless it is held back, and whose applications answer
// nothing by themselves.
type bench struct {
	t    *testing.T
	l    *Core
	now  time.Duration
	hold bool // work on memory
	held []Event
	said map[Channel][]wire.Message
	hung map[Channel]bool
}

func newBench(t *testing.T, cfg Config) *bench {
	return &bench{t: t, l: New(cfg), said: map[Channel][]wire.Message{}, hung: map[Channel]bool{}}
}

func (b *bench) step(ev Event) {
	b.t.Helper()
	for events := []Event{ev}; len(events) > 0; events = events[1:] {
		ev := events[0]
		ev.Now = b.now
		for _, fx := range b.l.Step(ev) {
			next := Event{Segment: fx.Segment, Blocks: fx.Blocks}
			switch fx.Kind {
			case EffectSend:
				b.said[fx.Channel] = append(b.said[fx.Channel], fx.Msg)
				continue
			case EffectHangup:
				b.hung[fx.Channel] = true
				continue
			case EffectCreate:
				next.Kind = EventCreated
			case EffectZero:
				next.Kind = EventZeroed
			case EffectDestroy:
				next.Kind = EventReleased
			default:
				continue
			}
			if b.hold {
				b.held = append(b.held, next)
			} else {
				events = append(events, next)
			}
		}
	}
	if err := b.l.CheckInvariants(); err != nil {
		b.t.Fatal(err)
	}
}

// say sends a message of a channel and returns the last message to it.
func (b *bench) say(ch Channel, m wire.Message) wire.Message {
	b.t.Helper()
	b.said[ch] = append(b.said[ch], wire.Message{})
	b.step(Event{Kind: EventMessage, Channel: ch, Msg: m})
	return b.said[ch][len(b.said[ch])-1]
}

// attach opens a channel of a user and attaches an application, which listens at the port ch.
func (b *bench) attach(ch Channel, user uint32) wire.Status {
	b.t.Helper()
	b.step(Event{Kind: EventOpen, Channel: ch, User: user})
	if status := b.say(ch, wire.Message{Type: wire.Attach, Scope: wire.ScopeLocal}).Status; status != wire.OK {
		return status
	}
	return b.say(ch, wire.Message{Type: wire.Bind, URI: uri(ch)}).Status
}

func uri(ch Channel) string { return fmt.Sprintf("tcp://127.0.0.1/%d", ch) }

// connect connects c to the application at the port s, which accepts, and returns the answer.
func (b *bench) connect(c, s Channel) wire.Message {
	b.t.Helper()
	reply := b.say(c, wire.Message{Type: wire.Connect, URI: uri(s)})
	if reply.Type == wire.ConnectReply {
		return reply
	}
	accept := b.said[s][len(b.said[s])-1]
	b.say(s, wire.Message{Type: wire.AcceptReply, Handle: accept.Handle})
	return b.said[c][len(b.said[c])-1]
}

// connects connects until it is refused, and returns how often it was not.
func (b *bench) connects(c, s Channel) (n int) {
	b.t.Helper()
	for ; ; n++ {
		switch reply := b.connect(c, s); reply.Status {
		case wire.OK:
		case wire.QuotaExceeded:
			return n
		default:
			b.t.Fatal(reply)
		}
	}
}

func (b *bench) want(what string, got, want any) {
	b.t.Helper()
	if got != want {
		b.t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// TestShareOfAServer: a client gets at most half of the sessions of a server, and of what others have left.
func TestShareOfAServer(t *testing.T) {
	b := newBench(t, Config{MaxSessions: 16, FifoSize: 100})
	for ch := Channel(1); ch <= 4; ch++ {
		b.want("attach", b.attach(ch, 0), wire.OK)
	}
	b.want("the first client", b.connects(2, 1), 8)
	b.want("the second client", b.connects(3, 1), 4)
	b.want("the third client", b.connects(4, 1), 2)
	b.want("the server as a client", b.connect(1, 2).Status, wire.OK)
}

// TestLateServerPays: a client closes sessions that the server does not confirm. Neither the client nor its user is
// charged for them, and another server can be reached; the late server cannot any more.
func TestLateServerPays(t *testing.T) {
	b := newBench(t, Config{MaxUserSessions: 10, FifoSize: 100, SegmentSize: segments.Page})
	b.attach(1, 1)
	b.attach(2, 2)
	b.attach(3, 3)
	for i := range 10 {
		m := b.connect(2, 1)
		b.want("connect", m.Status, wire.OK)
		b.say(2, wire.Message{Type: wire.Disconnect, Handle: m.Handle})
		b.want("sessions of the client's user", b.l.users[2].sessions, 0)
		b.want("sessions of the server's user", b.l.users[1].sessions, i+1)
		b.want("bytes of the client's user", b.l.users[2].bytes, uint64(0))
	}
	b.want("connect to the late server", b.connect(2, 1).Status, wire.QuotaExceeded)
	b.want("connect to another server", b.connect(2, 3).Status, wire.OK)
	for _, m := range b.said[1] {
		b.say(1, wire.Message{Type: wire.DisconnectReply, Handle: m.Handle})
	}
	b.want("sessions of the server's user", b.l.users[1].sessions, 0)
	b.want("connect after the confirmations", b.connect(2, 1).Status, wire.OK)
}

// TestUserQuotas: what one user has is bounded, whatever its applications do, and is given back.
func TestUserQuotas(t *testing.T) {
	b := newBench(t, Config{
		MaxUserApps: 2, MaxUserListeners: 3, MaxUserSessions: 3, MaxUserBytes: 8 * segments.Page,
		SegmentSize: 4 * segments.Page, FifoSize: 100, QueueSlots: 4,
	})
	for ch := Channel(1); ch <= 2; ch++ {
		b.want("attach", b.attach(ch, 1), wire.OK)
	}
	b.want("one application more", b.attach(3, 1), wire.QuotaExceeded)
	b.want("an application of another user", b.attach(4, 2), wire.OK)
	bind := wire.Message{Type: wire.Bind, URI: "tcp://127.0.0.1/100"}
	b.want("the last listener", b.say(1, bind).Status, wire.OK)
	bind.URI = "tcp://127.0.0.1/101"
	b.want("one listener more", b.say(2, bind).Status, wire.QuotaExceeded)
	b.want("a listener of another user", b.say(4, bind).Status, wire.OK)
	b.want("sessions", b.connects(1, 4)+b.connects(2, 4), 3)
	b.want("a session of another user", b.connect(4, 1).Status, wire.QuotaExceeded) // its server may come to pay
	b.step(Event{Kind: EventGone, Channel: 1})
	b.want("applications and listeners", b.l.users[1].apps+b.l.users[1].listeners, 2)
	b.want("attach after one has left", b.attach(5, 1), wire.OK)
}

// TestTotalOfMemory: all segments together stay within the total, which one application may use half of. Memory
// counts until it is released.
func TestTotalOfMemory(t *testing.T) {
	b := newBench(t, Config{MaxTotalBytes: 16 * segments.Page, MaxUserBytes: 16 * segments.Page, SegmentSize: 4 * segments.Page, FifoSize: 4000, QueueSlots: 4})
	for ch := Channel(1); ch <= 4; ch++ {
		b.attach(ch, 0)
	}
	b.hold = false
	for b.connect(2, 1).Status == wire.OK {
	}
	b.want("bytes of one application", b.l.bytes <= 8*segments.Page, true)
	for b.connect(3, 1).Status == wire.OK {
	}
	b.want("a connect of an application that has nothing", b.connect(4, 2).Status, wire.QuotaExceeded)
	huge := wire.Message{Type: wire.Connect, URI: uri(1), RxSize: wire.MaxFifo, TxSize: wire.MaxFifo}
	b.want("a connect for more than there is", b.say(4, huge).Status, wire.QuotaExceeded)
	b.hold = true
	b.step(Event{Kind: EventGone, Channel: 2})
	b.step(Event{Kind: EventGone, Channel: 3})
	b.step(Event{Kind: EventGone, Channel: 1})
	used := b.l.bytes
	b.want("bytes that are being released", used > 8*segments.Page, true)
	for _, ev := range b.held {
		b.step(ev)
	}
	b.want("bytes", b.l.bytes, uint64(0))
}

// TestHandshake: a channel has a time in which an application must attach, also after one has detached.
func TestHandshake(t *testing.T) {
	b := newBench(t, Config{HandshakeTimeout: time.Second})
	b.attach(1, 0)
	b.step(Event{Kind: EventOpen, Channel: 2})
	b.now = time.Second - 1
	b.step(Event{Kind: EventTick})
	b.want("hung up before the time", len(b.hung), 0)
	b.say(1, wire.Message{Type: wire.Detach})
	b.now++
	b.step(Event{Kind: EventTick})
	b.want("hung up in time", b.hung[2] && !b.hung[1], true)
	b.now += time.Second
	b.step(Event{Kind: EventTick})
	b.want("hung up after a detach", b.hung[1], true)
}

// TestZeroedBeforeReuse: the memory of a session that is over goes to the next one when it is zeroed, and a connect
// for which there is no other memory waits for that.
func TestZeroedBeforeReuse(t *testing.T) {
	b := newBench(t, Config{MaxBytes: 4 * segments.Page, SegmentSize: 4 * segments.Page, FifoSize: 3000, QueueSlots: 4})
	b.attach(1, 0)
	b.attach(2, 0)
	first, second := b.connect(2, 1), b.connect(2, 1)
	b.want("two connects", first.Status == wire.OK && second.Status == wire.OK, true)
	b.hold = true
	b.say(2, wire.Message{Type: wire.Disconnect, Handle: first.Handle})
	b.say(1, wire.Message{Type: wire.Disconnect, Handle: first.Handle})
	b.want("work", len(b.held), 1)
	b.want("answer", b.say(2, wire.Message{Type: wire.Connect, URI: uri(1)}).Type, wire.Type(0))
	b.step(b.held[0])
	accept := b.said[1][len(b.said[1])-1]
	b.want("message to the server", accept.Type, wire.Accept)
	b.want("memory", accept.Tx, first.Rx)
}
