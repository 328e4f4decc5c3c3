package oracle

import (
	"cmp"
	"slices"

	"cutthrough/impl/layer"
	"cutthrough/impl/wire"
)

// Messages checks each message of the session layer against the messages before it, and fails the run with the
// property that is violated; properties.go lists them. It reads no state of the layer.
type Messages struct {
	fail Failer
	Setting
	channels []*channelState                   // in order of their numbers
	sessions []*sessionState                   // in order of their accepts
	owner    table[wire.Handle, layer.Channel] // of each handle of an application or listener, for ever
	channel  table[int, layer.Channel]         // by application
	left     table[int, bool]                  // applications that have gone; messages of theirs may still be under way
	peers    table[layer.Channel, wire.Peer]   // the processes of all channels, or empty
	last     takenMessage
}

// Setting describes the faults of a run that [Messages] cannot see in messages. The zero Setting is a run without
// such faults.
type Setting struct {
	// FailingCalls: calls of the host may fail, so the layer may hang up on any application.
	FailingCalls bool
	// UnreadChannel: an application does not read its channel, so the layer hangs up on it.
	UnreadChannel bool
	// Hostile is the application that does not use the library, or 0.
	Hostile int
	// Recorded: the messages were recorded by several processes, so what was under way at one time is not known.
	Recorded bool
	// DelayedSegments: segments are created later, so a connect may have to wait.
	DelayedSegments bool
}

// takenMessage is the message that the layer has taken last.
type takenMessage struct {
	ch      layer.Channel
	from    *channelState
	m       wire.Message
	accepts bool // a server was asked to accept since
}

type sessionState struct {
	accept         wire.Message
	listener       wire.Handle
	server, client layer.Channel
	established    bool
	unbound        bool            // its listener ended before it was established
	closeAsked     bool            // an application asked to close it
	closed         []layer.Channel // the sides that were told of a close
	resets         []layer.Channel // the sides that were told of a reset
	connector      layer.Channel   // the client of the connect, if it is known
	context        uint64          // request id of the connect
}

func (s *sessionState) closing(ch layer.Channel) bool { return slices.Contains(s.closed, ch) }
func (s *sessionState) reset(ch layer.Channel) bool   { return slices.Contains(s.resets, ch) }

// Failer ends a run that violates a property: it does not return. [cutthrough/sim.World.Fail] is one.
type Failer func(property, format string, args ...any)

// NewMessages returns a monitor that reports to fail.
func NewMessages(fail Failer, setting Setting) *Messages {
	return &Messages{fail: fail, Setting: setting}
}

// stateOf returns the state of a channel, nil before its first message.
func (o *Messages) stateOf(ch layer.Channel) *channelState {
	for _, c := range o.channels {
		if c.id == ch {
			return c
		}
	}
	return nil
}

// sessionOf returns the session that a handle has named, or nil.
func (o *Messages) sessionOf(h wire.Handle) *sessionState {
	for _, s := range o.sessions {
		if s.accept.Handle == h {
			return s
		}
	}
	return nil
}

func (o *Messages) wrong(property string, ch layer.Channel, m wire.Message, why string) {
	o.fail(property, "channel %d: %v: %s", ch, m, why)
}

// Opened records the process behind a channel: the applications that it gets sessions with must be told of it. It is
// called for every new channel, or for none.
func (o *Messages) Opened(ch layer.Channel, peer wire.Peer) { o.peers.set(ch, peer) }

// Observe is called for every message that the layer takes or makes.
func (o *Messages) Observe(ch layer.Channel, made bool, m wire.Message) {
	c := o.stateOf(ch)
	if c == nil {
		c = &channelState{id: ch}
		i, _ := slices.BinarySearchFunc(o.channels, ch, func(c *channelState, ch layer.Channel) int { return cmp.Compare(c.id, ch) })
		o.channels = slices.Insert(o.channels, i, c)
	}
	if made {
		c.made = append(c.made, m)
		c.told(m)
		o.checkMade(ch, c, m)
	} else {
		o.EndStep()
		o.last = takenMessage{ch: ch, from: c, m: m}
		if c.usesLibrary {
			o.checkLibrary(ch, c, m)
		}
		o.noteTaken(ch, c, m)
	}
}

// EndStep checks that the layer has answered the message that it took last. Only the reply to a connect may come
// later, when the server has answered.
func (o *Messages) EndStep() {
	t := o.last
	waits := t.m.Type == wire.Connect && (t.accepts || o.DelayedSegments)
	if t.from != nil && !waits && slices.Contains(t.from.pending, requestOf(t.m)) {
		o.wrong(ExactlyOneReply, t.ch, t.m, "the request was not answered before the next message was taken")
	}
	for _, c := range o.channels {
		for _, g := range c.segments {
			if g.unused {
				o.wrong(MapBeforeUse, c.id, g.told, "the map was not followed by a session in that segment")
			}
		}
	}
}

// noteTaken records a message of an application.
func (o *Messages) noteTaken(ch layer.Channel, c *channelState, m wire.Message) {
	s := o.sessionOf(m.Handle)
	switch m.Type {
	case wire.Attach, wire.Detach, wire.Bind, wire.Unbind, wire.Connect, wire.Disconnect, wire.Reset:
		c.pending = append(c.pending, requestOf(m))
		if s != nil && c.live.get(m.Handle) {
			s.closeAsked = true
		}
		if m.Type == wire.Detach { // it gives up all that it has
			c.gone = true
			c.pending = slices.DeleteFunc(c.pending, func(r request) bool { return r.kind == wire.Connect })
			c.live = c.live[:0]
			for _, g := range c.segments {
				g.mapped, g.held = false, false
			}
			c.inflight = 0
		}
		if app := int(m.RequestID >> 32); m.Type == wire.Attach && app > 0 {
			o.channel.set(app, ch)
			c.gone = o.left.get(app) // it may never read the reply
		}
	case wire.MapReply:
		c.settle(m.Handle)
		if g := c.segment(m.Handle); g != nil {
			if m.Status != wire.OK && !g.answered {
				g.mapped, g.held = false, false
			}
			g.answered = g.answered || g.held // the first answer counts
		}
	case wire.UnmapReply:
		c.settle(m.Handle)
		if g := c.segment(m.Handle); g != nil && g.unmapped {
			g.held = false
		}
	case wire.AcceptReply:
		if s != nil && s.server == ch && m.Status != wire.OK && (!s.established || s.closing(ch)) {
			c.live.set(m.Handle, false)
		}
	case wire.DisconnectReply, wire.ResetReply:
		if s != nil && s.closing(ch) {
			c.live.set(m.Handle, false)
		}
	}
}

// checkMade checks a message of the layer.
func (o *Messages) checkMade(ch layer.Channel, c *channelState, m wire.Message) {
	if kind := names[m.Type]; kind != 0 && m.Status == wire.OK && m.Handle.Kind() != kind {
		o.wrong(UniqueHandles, ch, m, "the handle is of the wrong kind")
	}
	switch m.Type {
	case wire.Map:
		g := c.segment(m.Handle)
		if g != nil && (g.mapped || g.unmapped) {
			o.wrong(MapUnmapPairs, ch, m, "the application was told to map this segment before")
		}
		o.checkPlaces(ch, m)
		if g == nil {
			g = new(segmentState)
			c.segments = append(c.segments, g)
		}
		*g = segmentState{told: m, mapped: true, held: true, unused: true}
	case wire.Unmap:
		g := c.segment(m.Handle)
		if g == nil || !g.mapped {
			o.wrong(MapUnmapPairs, ch, m, "the application was not told to map this segment")
		}
		for _, s := range o.sessions {
			if c.live.get(s.accept.Handle) && s.within(g.told) {
				o.wrong(UnmapAfterUse, ch, m, "the application still uses a session in this segment")
			}
		}
		g.mapped, g.unmapped = false, true
	case wire.Accept:
		if o.sessionOf(m.Handle) != nil {
			o.wrong(UniqueHandles, ch, m, "the handle has named another session")
		}
		o.checkAccept(ch, c, m)
		s := &sessionState{accept: m, listener: m.Listener, server: ch, connector: o.last.ch, context: o.last.m.RequestID}
		o.sessions = append(o.sessions, s)
		o.checkMapped(ch, c, m)
	case wire.Disconnect, wire.Reset:
		o.checkClose(ch, c, m)
	default:
		o.checkReply(ch, c, m)
	}
}

// checkReply checks a reply: it answers a request, and it creates or ends only objects of the application.
func (o *Messages) checkReply(ch layer.Channel, c *channelState, m wire.Message) {
	full, half := request{m.Type - 1, m.RequestID, false}, request{m.Type - 1, m.RequestID, true}
	r := full
	if !slices.Contains(c.pending, full) {
		r = half
	}
	if !c.answer(r) {
		o.wrong(ExactlyOneReply, ch, m, "the application has no such request without an answer")
	}
	o.checkAttached(ch, c, m)
	if t := o.last; t.ch == ch && requestOf(t.m) == r && t.m.Handle != 0 && t.m.Handle != m.Handle {
		o.wrong(ExactlyOneReply, ch, m, "the request was about another object")
	}
	if m.Status != wire.OK {
		o.checkRefusal(ch, m)
		return
	}
	switch m.Type {
	case wire.AttachReply, wire.BindReply:
		if o.owner.get(m.Handle) != 0 {
			o.wrong(UniqueHandles, ch, m, "the handle has named something else")
		}
		o.owner.set(m.Handle, ch)
		c.live.set(m.Handle, true)
	case wire.ConnectReply:
		s := o.sessionOf(m.Handle)
		if s == nil || s.established || s.unbound {
			o.wrong(ConnectedAfterAccept, ch, m, "the session is not accepted, is established already, or its listener has ended")
		}
		o.checkAgreement(ch, m, s)
		s.established, s.client = true, ch
		o.checkMapped(ch, c, m)
	case wire.DisconnectReply, wire.ResetReply, wire.UnbindReply:
		if !c.live.get(m.Handle) || (m.Type == wire.UnbindReply) != (m.Handle.Kind() == wire.KindListener) {
			o.wrong(OnlyOwnObjects, ch, m, "the application has no such object")
		}
		c.live.set(m.Handle, r.half)
		for _, s := range o.sessions {
			s.unbound = s.unbound || s.listener == m.Handle && !s.established
		}
	}
}

// checkMapped checks that the application that is told of a session was told to map the memory of it.
func (o *Messages) checkMapped(ch layer.Channel, c *channelState, m wire.Message) {
	for _, at := range [...]wire.Location{m.Rx, m.Tx, m.ReadQueue, m.PostQueue} {
		found := false
		for _, g := range c.segments {
			if g.mapped && covers(g.told, at) {
				g.unused, found = false, true
			}
		}
		if !found {
			o.wrong(MapBeforeUse, ch, m, "the application was not told to map the memory of this session")
		}
	}
	c.live.set(m.Handle, true)
}

// checkClose checks the notification that the peer has closed or reset a session.
func (o *Messages) checkClose(ch layer.Channel, c *channelState, m wire.Message) {
	s := o.sessionOf(m.Handle)
	switch {
	case s == nil || !c.live.get(m.Handle):
		o.wrong(OnlyOwnObjects, ch, m, "the application has no such session")
	case s.established && !s.closeAsked && !o.FailingCalls && !o.stateOf(s.server).gone && !o.stateOf(s.client).gone:
		o.wrong(CloseHasCause, ch, m, "no side has closed the session or has gone")
	}
	if m.CloseMode != wire.CloseWrite && !s.closing(ch) {
		s.closed = append(s.closed, ch)
	}
	if m.Type == wire.Reset && !s.reset(ch) {
		s.resets = append(s.resets, ch)
	}
}

// Received checks that messages arrive in the order in which the layer sent them. Messages about a segment that
// the layer has given up may be missing.
func (o *Messages) Received(app int, m wire.Message) {
	if m.Type == wire.Leaving {
		return // of the server, not of the core
	}
	if m.Type == wire.AttachReply && m.Status == wire.OK {
		o.channel.set(app, o.owner.get(m.Handle))
	}
	c := o.stateOf(o.channel.get(app))
	if c == nil {
		return // the application could not attach
	}
	c.usesLibrary = app != o.Hostile
	if m.Type == wire.Map {
		if c.inflight != 0 && !o.Recorded {
			o.wrong(OneMapInFlight, o.channel.get(app), m, "the application has not answered the map before it")
		}
		if c.blind != m.Handle { // the session layer cannot know that an answer was a guess
			c.inflight = m.Handle
		}
	}
	for len(c.made) > 0 {
		next := c.made[0]
		c.made = slices.Delete(c.made, 0, 1)
		if next == m {
			return
		}
	}
	o.wrong(MessageOrder, o.channel.get(app), m, "received, but never sent, or received after a message that was sent later")
}

// Gone records that an application has left or died.
func (o *Messages) Gone(app int) {
	o.left.set(app, true)
	if c := o.stateOf(o.channel.get(app)); c != nil {
		c.gone = true
	}
}
