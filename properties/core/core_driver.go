package core

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"cutthrough/impl/layer"
	"cutthrough/impl/layer/segments"
	"cutthrough/impl/wire"
	"cutthrough/model/negotiation"
	"cutthrough/properties/oracle"
)

// coreDriver is a real session layer, and maps the slots of the model to handles.
type coreDriver struct {
	m        *negotiation.Model
	l        *layer.Core
	now      time.Duration
	cfg      layer.Config
	channels []layer.Channel // by application
	last     layer.Channel
	listener wire.Handle
	sessions map[[2]uint8]wire.Handle // by slot and generation
	reads    map[[2]uint8]wire.Location
	segments [4]wire.Handle // by slot
	said     map[layer.Channel][]wire.Message
	live     int // segments
	fail     bool
}

var errRefinement = errors.New("the layer departs from the model")

func newCoreDriver(m *negotiation.Model) *coreDriver {
	d := &coreDriver{
		m: m, channels: make([]layer.Channel, m.Clients+1),
		sessions: map[[2]uint8]wire.Handle{}, reads: map[[2]uint8]wire.Location{}, said: map[layer.Channel][]wire.Message{},
	}
	// A session takes more than half of a page, and the event queues little: a page holds one
	// session, two pages hold two.
	d.cfg = layer.Config{
		FifoSize: 400, QueueSlots: 1, SegmentSize: segments.Page, MaxTotalSessions: int(m.Sessions),
		HandshakeTimeout: -1, ConnectTimeout: 1000 * time.Hour, CloseTimeout: 1000 * time.Hour,
	}
	if m.Timeouts {
		d.cfg.ConnectTimeout, d.cfg.CloseTimeout = time.Hour, time.Hour
	}
	if m.Each > 1 {
		d.cfg.SegmentSize = 2 * segments.Page
	}
	if m.Linger {
		d.cfg.Linger = time.Hour
	}
	d.l = layer.New(d.cfg)
	for a := range d.channels {
		d.open(a, a == 0)
	}
	return d
}

// fall ends the layer, and begins the next one.
func (d *coreDriver) fall() {
	d.cfg.Epoch++
	d.l, d.live = layer.New(d.cfg), 0
	clear(d.channels)
}

// open attaches an application, which may listen.
func (d *coreDriver) open(a int, listens bool) {
	if d.channels[a] == 0 {
		d.last++
		d.channels[a] = d.last
		d.event(layer.Event{Kind: layer.EventOpen, Channel: d.last})
	}
	d.message(a, wire.Message{Type: wire.Attach, Scope: wire.ScopeLocal | wire.ScopeGlobal})
	if listens {
		d.message(a, wire.Message{Type: wire.Bind, URI: portURI(1)})
		said := d.said[d.channels[0]]
		d.listener = said[len(said)-1].Handle
	}
}

func (d *coreDriver) message(a int, m wire.Message) {
	d.event(layer.Event{Kind: layer.EventMessage, Channel: d.channels[a], Msg: m})
}

// event gives an event to the layer, and does at once the work on memory that it asks for.
func (d *coreDriver) event(ev layer.Event) {
	ev.Now = d.now
	effects := slices.Clone(d.l.Step(ev))
	for _, fx := range effects {
		switch fx.Kind {
		case layer.EffectSend:
			d.said[fx.Channel] = append(d.said[fx.Channel], fx.Msg)
		case layer.EffectCreate:
			d.live++
			created := layer.Event{Kind: layer.EventCreated, Segment: fx.Segment}
			if d.fail {
				d.live--
				created.Err = errRefinement
			}
			d.event(created)
		case layer.EffectZero:
			d.event(layer.Event{Kind: layer.EventZeroed, Segment: fx.Segment, Blocks: fx.Blocks})
		case layer.EffectDestroy:
			d.live--
			d.event(layer.Event{Kind: layer.EventReleased, Segment: fx.Segment})
		}
	}
}

// step takes one step of the model, if it is one of the layer, and compares.
func (d *coreDriver) step(e transition[negotiation.State]) error {
	clear(d.said)
	d.fail = d.m.Failed(e.from, e.to, e.action)
	if a, msg, ok := d.m.Taken(e.from, e.action); ok {
		d.take(a, msg)
	} else if a, ok := d.m.Returns(e.action); ok {
		d.open(a, a == 0 && e.to.Bound())
	} else if d.m.Falls(e.action) {
		d.fall()
	} else if d.m.Timeout(e.action) {
		d.now += time.Hour
		d.event(layer.Event{Kind: layer.EventTick})
	}
	if err := d.l.CheckInvariants(); err != nil {
		return err
	}
	for a := range d.channels {
		if e.to.Hears(a) && d.channels[a] != 0 {
			if err := d.compare(a, d.m.Told(e.from, e.to, a)); err != nil {
				return fmt.Errorf("application %d: %w", a, err)
			}
		}
	}
	sessions, segments := e.to.Live()
	if x, g := d.l.Live(); x != sessions || g != segments || d.live != segments {
		return fmt.Errorf("%w: %d sessions, %d segments of which %d exist; the model has %d, %d",
			errRefinement, x, g, d.live, sessions, segments)
	}
	return nil
}

// take gives a message of the model to the layer.
func (d *coreDriver) take(a int, msg negotiation.Message) {
	if msg.Kind() == negotiation.MsgEnd {
		d.event(layer.Event{Kind: layer.EventGone, Channel: d.channels[a]})
		d.channels[a] = 0
		return
	}
	m, ok := oracle.Said(msg.Kind())
	if !ok {
		panic(fmt.Sprintf("core: no application says %v", msg))
	}
	switch msg.Kind() {
	case negotiation.MsgConnect:
		m.URI = portURI(1)
	case negotiation.MsgUnmapReply:
		m.Handle = d.segments[msg.Segment()]
	case negotiation.MsgUnbind:
		m.Handle = d.listener
	case negotiation.MsgDetach:
	default:
		m.Handle = d.handle(msg)
	}
	d.message(a, m)
}

// handle returns the handle of the session that a message names. If no application was told of that session, the
// handle names no object; it has the index of the slot if the slot has had a session.
func (d *coreDriver) handle(msg negotiation.Message) wire.Handle {
	if h, ok := d.sessions[[2]uint8{msg.Slot(), msg.Gen()}]; ok {
		return h
	}
	const generation = 1 << 32
	for back := range uint8(3) {
		if h, ok := d.sessions[[2]uint8{msg.Slot(), (msg.Gen() + 1 + back) & 3}]; ok {
			return h - generation*wire.Handle(1+back)
		}
	}
	return 1
}

// compare checks that an application was told exactly these messages.
func (d *coreDriver) compare(a int, want []negotiation.Message) error {
	said := slices.DeleteFunc(d.said[d.channels[a]], func(m wire.Message) bool {
		switch m.Type { // replies that the model leaves out
		case wire.AttachReply, wire.BindReply, wire.UnbindReply, wire.DetachReply,
			wire.DisconnectReply, wire.ResetReply:
			return true
		}
		return false
	})
	if len(said) != len(want) {
		return fmt.Errorf("%w: it was told %v, the model says %v", errRefinement, said, want)
	}
	want = slices.Clone(want)
	for i, m := range said {
		for j := i + 1; j < len(want) && ends(want[i]) && ends(want[j]) && !d.same(m, want[i]); j++ {
			want[i], want[j] = want[j], want[i] // the ends of sessions in one step come in any order
		}
		if !d.same(m, want[i]) {
			return fmt.Errorf("%w: it was told %v, the model says %v", errRefinement, m, want[i])
		}
	}
	return nil
}

// ends says whether a message ends a session.
func ends(m negotiation.Message) bool {
	return m.Kind() == negotiation.MsgClosed || m.Kind() == negotiation.MsgReset
}

// same says whether a message is the message want of the model. A handle that is named for the first time is
// recorded for the slot of the model.
func (d *coreDriver) same(m wire.Message, want negotiation.Message) bool {
	if word, ok := oracle.ToldWord(m); !ok || word != want.Kind() {
		return false
	}
	key := [2]uint8{want.Slot(), want.Gen()}
	switch want.Kind() {
	case negotiation.MsgMap:
		d.segments[want.Segment()] = m.Handle
	case negotiation.MsgUnmap:
		return m.Handle == d.segments[want.Segment()]
	case negotiation.MsgAccept:
		for other, h := range d.sessions {
			if h == m.Handle && other != key {
				return false // a handle names one session, ever
			}
		}
		d.sessions[key], d.reads[key] = m.Handle, m.Rx
		return m.Listener == d.listener && want.Number() == 1
	case negotiation.MsgConnected:
		return m.Handle == d.sessions[key] && m.Tx == d.reads[key] && m.Rx != m.Tx && want.Number() == 2
	case negotiation.MsgClosed, negotiation.MsgReset, negotiation.MsgFinished:
		return m.Handle == d.sessions[key]
	}
	return true
}

// portURI returns the URI of a port of this machine.
func portURI(port int) string { return fmt.Sprintf("tcp://127.0.0.1/%d", port) }
