package oracle

import (
	"maps"

	"cutthrough/impl/layer"
	"cutthrough/impl/wire"
)

// Messages checks each message of the session layer against the messages before it, and fails the run with the
// property that is violated; properties.go lists them. It reads no state of the layer.
type Messages struct {
	fail Failer
	Setting
	channels map[layer.Channel]*channelState
	sessions map[wire.Handle]*sessionState
	owner    map[wire.Handle]layer.Channel // of each handle of an application or listener, for ever
	channel  map[int]layer.Channel         // by application
	left     map[int]bool                  // applications that have gone; messages of theirs may still be under way
	peers    map[layer.Channel]wire.Peer   // the processes of all channels, or empty
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

// channelState is the state of one channel, as its messages show it.
type channelState struct {
	attached bool
	pending  map[request]int
	live     map[wire.Handle]bool // listeners and sessions that it was told of: true until they end
	mapped   map[wire.Handle]wire.Message
	answered map[wire.Handle]bool // it has said that it has mapped it
	unmapped map[wire.Handle]bool
	held     map[wire.Handle]wire.Message // mapped, or not yet unmapped
	unused   map[wire.Handle]wire.Message // mapped, but not used by a session so far
	made     []wire.Message               // and not received so far
	inflight wire.Handle                  // the segment of the last map that it has received and not answered
	gone     bool
	libraryState
}

// request identifies the requests that a reply may answer.
type request struct {
	kind    wire.Type
	context uint64
	half    bool // a close of the writing direction
}

func requestOf(m wire.Message) request {
	return request{m.Type, m.RequestID, m.CloseMode == wire.CloseWrite}
}

type sessionState struct {
	accept         wire.Message
	listener       wire.Handle
	server, client layer.Channel
	established    bool
	unbound        bool                   // its listener ended before it was established
	closeAsked     bool                   // an application asked to close it
	closing        map[layer.Channel]bool // the sides that were told of a close
	reset          map[layer.Channel]bool // the sides that were told of a reset
	connector      layer.Channel          // the client of the connect, if it is known
	context        uint64                 // request id of the connect
}

// Failer ends a run that violates a property: it does not return. [cutthrough/sim.World.Fail] is one.
type Failer func(property, format string, args ...any)

// NewMessages returns a monitor that reports to fail.
func NewMessages(fail Failer, setting Setting) *Messages {
	return &Messages{
		fail: fail, Setting: setting, channels: map[layer.Channel]*channelState{}, sessions: map[wire.Handle]*sessionState{},
		owner: map[wire.Handle]layer.Channel{}, channel: map[int]layer.Channel{},
		left: map[int]bool{}, peers: map[layer.Channel]wire.Peer{},
	}
}

func (o *Messages) wrong(property string, ch layer.Channel, m wire.Message, why string) {
	o.fail(property, "channel %d: %v: %s", ch, m, why)
}

// Opened records the process behind a channel: the applications that it gets sessions with must be told of it. It is
// called for every new channel, or for none.
func (o *Messages) Opened(ch layer.Channel, peer wire.Peer) { o.peers[ch] = peer }

// Observe is called for every message that the layer takes or makes.
func (o *Messages) Observe(ch layer.Channel, made bool, m wire.Message) {
	c := o.channels[ch]
	if c == nil {
		c = &channelState{
			pending: map[request]int{}, live: map[wire.Handle]bool{},
			mapped: map[wire.Handle]wire.Message{}, answered: map[wire.Handle]bool{}, unmapped: map[wire.Handle]bool{}, held: map[wire.Handle]wire.Message{},
			unused: map[wire.Handle]wire.Message{}, libraryState: newLibraryState(),
		}
		o.channels[ch] = c
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
	if t.from != nil && !waits && t.from.pending[requestOf(t.m)] > 0 {
		o.wrong(ExactlyOneReply, t.ch, t.m, "the request was not answered before the next message was taken")
	}
	for ch, c := range o.channels {
		for _, m := range c.unused {
			o.wrong(MapBeforeUse, ch, m, "the map was not followed by a session in that segment")
		}
	}
}

// noteTaken records a message of an application.
func (o *Messages) noteTaken(ch layer.Channel, c *channelState, m wire.Message) {
	s := o.sessions[m.Handle]
	switch m.Type {
	case wire.Attach, wire.Detach, wire.Bind, wire.Unbind, wire.Connect, wire.Disconnect, wire.Reset:
		c.pending[requestOf(m)]++
		if s != nil && c.live[m.Handle] {
			s.closeAsked = true
		}
		if m.Type == wire.Detach { // it gives up all that it has
			c.gone = true
			maps.DeleteFunc(c.pending, func(r request, _ int) bool { return r.kind == wire.Connect })
			clear(c.live)
			clear(c.mapped)
			clear(c.held)
			c.inflight = 0
		}
		if app := int(m.RequestID >> 32); m.Type == wire.Attach && app > 0 {
			o.channel[app], c.gone = ch, o.left[app] // it may never read the reply
		}
	case wire.MapReply:
		c.settle(m.Handle)
		if m.Status != wire.OK && !c.answered[m.Handle] {
			delete(c.mapped, m.Handle)
			delete(c.held, m.Handle)
		}
		if _, ok := c.held[m.Handle]; ok {
			c.answered[m.Handle] = true // the first answer counts
		}
	case wire.UnmapReply:
		c.settle(m.Handle)
		if c.unmapped[m.Handle] {
			delete(c.held, m.Handle)
		}
	case wire.AcceptReply:
		if s != nil && s.server == ch && m.Status != wire.OK && (!s.established || s.closing[ch]) {
			c.live[m.Handle] = false
		}
	case wire.DisconnectReply, wire.ResetReply:
		if s != nil && s.closing[ch] {
			c.live[m.Handle] = false
		}
	}
}

// settle records that a map or unmap was answered.
func (c *channelState) settle(segment wire.Handle) {
	if c.inflight == segment {
		c.inflight = 0
	}
}

// checkMade checks a message of the layer.
func (o *Messages) checkMade(ch layer.Channel, c *channelState, m wire.Message) {
	if kind, ok := names[m.Type]; ok && m.Status == wire.OK && m.Handle.Kind() != kind {
		o.wrong(UniqueHandles, ch, m, "the handle is of the wrong kind")
	}
	switch m.Type {
	case wire.Map:
		if _, ok := c.mapped[m.Handle]; ok || c.unmapped[m.Handle] {
			o.wrong(MapUnmapPairs, ch, m, "the application was told to map this segment before")
		}
		o.checkPlaces(ch, m)
		c.mapped[m.Handle], c.held[m.Handle], c.unused[m.Handle] = m, m, m
		delete(c.answered, m.Handle)
	case wire.Unmap:
		if _, ok := c.mapped[m.Handle]; !ok {
			o.wrong(MapUnmapPairs, ch, m, "the application was not told to map this segment")
		}
		for h, s := range o.sessions {
			if c.live[h] && s.within(c.mapped[m.Handle]) {
				o.wrong(UnmapAfterUse, ch, m, "the application still uses a session in this segment")
			}
		}
		delete(c.mapped, m.Handle)
		c.unmapped[m.Handle] = true
	case wire.Accept:
		if o.sessions[m.Handle] != nil {
			o.wrong(UniqueHandles, ch, m, "the handle has named another session")
		}
		o.checkAccept(ch, c, m)
		o.sessions[m.Handle] = &sessionState{
			accept: m, listener: m.Listener, server: ch, connector: o.last.ch, context: o.last.m.RequestID,
			closing: map[layer.Channel]bool{}, reset: map[layer.Channel]bool{},
		}
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
	if c.pending[full] == 0 {
		r = half
	}
	if c.pending[r] == 0 {
		o.wrong(ExactlyOneReply, ch, m, "the application has no such request without an answer")
	}
	c.pending[r]--
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
		if o.owner[m.Handle] != 0 {
			o.wrong(UniqueHandles, ch, m, "the handle has named something else")
		}
		o.owner[m.Handle], c.live[m.Handle] = ch, true
	case wire.ConnectReply:
		s := o.sessions[m.Handle]
		if s == nil || s.established || s.unbound {
			o.wrong(ConnectedAfterAccept, ch, m, "the session is not accepted, is established already, or its listener has ended")
		}
		o.checkAgreement(ch, m, s)
		s.established, s.client = true, ch
		o.checkMapped(ch, c, m)
	case wire.DisconnectReply, wire.ResetReply, wire.UnbindReply:
		if !c.live[m.Handle] || (m.Type == wire.UnbindReply) != (m.Handle.Kind() == wire.KindListener) {
			o.wrong(OnlyOwnObjects, ch, m, "the application has no such object")
		}
		c.live[m.Handle] = r.half
		for _, s := range o.sessions {
			s.unbound = s.unbound || s.listener == m.Handle && !s.established
		}
	}
}

// checkMapped checks that the application that is told of a session was told to map the memory of it.
func (o *Messages) checkMapped(ch layer.Channel, c *channelState, m wire.Message) {
	for _, at := range [...]wire.Location{m.Rx, m.Tx, m.ReadQueue, m.PostQueue} {
		found := false
		for h, g := range c.mapped {
			if at >= g.Base && at < g.Base+wire.Location(g.Size) {
				delete(c.unused, h)
				found = true
			}
		}
		if !found {
			o.wrong(MapBeforeUse, ch, m, "the application was not told to map the memory of this session")
		}
	}
	c.live[m.Handle] = true
}

// checkClose checks the notification that the peer has closed or reset a session.
func (o *Messages) checkClose(ch layer.Channel, c *channelState, m wire.Message) {
	s := o.sessions[m.Handle]
	switch {
	case s == nil || !c.live[m.Handle]:
		o.wrong(OnlyOwnObjects, ch, m, "the application has no such session")
	case s.established && !s.closeAsked && !o.FailingCalls && !o.channels[s.server].gone && !o.channels[s.client].gone:
		o.wrong(CloseHasCause, ch, m, "no side has closed the session or has gone")
	}
	s.closing[ch] = s.closing[ch] || m.CloseMode != wire.CloseWrite
	s.reset[ch] = s.reset[ch] || m.Type == wire.Reset
}

// Received checks that messages arrive in the order in which the layer sent them. Messages about a segment that
// the layer has given up may be missing.
func (o *Messages) Received(app int, m wire.Message) {
	if m.Type == wire.Leaving {
		return // of the server, not of the core
	}
	if m.Type == wire.AttachReply && m.Status == wire.OK {
		o.channel[app] = o.owner[m.Handle]
	}
	c := o.channels[o.channel[app]]
	if c == nil {
		return // the application could not attach
	}
	c.usesLibrary = app != o.Hostile
	if m.Type == wire.Map {
		if c.inflight != 0 && !o.Recorded {
			o.wrong(OneMapInFlight, o.channel[app], m, "the application has not answered the map before it")
		}
		c.inflight = m.Handle
	}
	for len(c.made) > 0 {
		next := c.made[0]
		c.made = c.made[1:]
		if next == m {
			return
		}
	}
	o.wrong(MessageOrder, o.channel[app], m, "received, but never sent, or received after a message that was sent later")
}

// Gone records that an application has left or died.
func (o *Messages) Gone(app int) {
	o.left[app] = true
	if c := o.channels[o.channel[app]]; c != nil {
		c.gone = true
	}
}
