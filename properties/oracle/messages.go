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
	channels map[layer.Channel]*channelState
	all      []*channelState // in order of their numbers
	sessions map[wire.Handle]*sessionState
	accepted []*sessionState               // the same, in order
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
	id       layer.Channel
	attached bool
	pending  []request            // each as often as it waits for a reply
	live     map[wire.Handle]bool // listeners and sessions that it was told of: true until they end
	segments []*segmentState      // that it was ever told to map
	made     []wire.Message       // and not received so far
	inflight wire.Handle          // the segment of the last map that it has received and not answered
	gone     bool
	libraryState
}

// segmentState is what one application knows of a segment.
type segmentState struct {
	told     wire.Message // the last map
	mapped   bool         // it was told to, and not to unmap it
	answered bool         // it has said that it has mapped it
	unmapped bool         // it was told to unmap it
	held     bool         // mapped, or not yet unmapped
	unused   bool         // mapped, but not used by a session so far
}

// segment returns what the application knows of a segment, nil if it was never told of it.
func (c *channelState) segment(h wire.Handle) *segmentState {
	for _, g := range c.segments {
		if g.told.Handle == h {
			return g
		}
	}
	return nil
}

// covers says whether the place of a map message contains a location.
func covers(g wire.Message, at wire.Location) bool {
	return at >= g.Base && at < g.Base+wire.Location(g.Size)
}

// answer removes one request, and says whether it was there.
func (c *channelState) answer(r request) bool {
	i := slices.Index(c.pending, r)
	if i >= 0 {
		c.pending = slices.Delete(c.pending, i, i+1)
	}
	return i >= 0
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
		c = &channelState{id: ch, live: map[wire.Handle]bool{}, libraryState: newLibraryState()}
		o.channels[ch] = c
		i, _ := slices.BinarySearchFunc(o.all, ch, func(c *channelState, ch layer.Channel) int { return cmp.Compare(c.id, ch) })
		o.all = slices.Insert(o.all, i, c)
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
	for _, c := range o.all {
		for _, g := range c.segments {
			if g.unused {
				o.wrong(MapBeforeUse, c.id, g.told, "the map was not followed by a session in that segment")
			}
		}
	}
}

// noteTaken records a message of an application.
func (o *Messages) noteTaken(ch layer.Channel, c *channelState, m wire.Message) {
	s := o.sessions[m.Handle]
	switch m.Type {
	case wire.Attach, wire.Detach, wire.Bind, wire.Unbind, wire.Connect, wire.Disconnect, wire.Reset:
		c.pending = append(c.pending, requestOf(m))
		if s != nil && c.live[m.Handle] {
			s.closeAsked = true
		}
		if m.Type == wire.Detach { // it gives up all that it has
			c.gone = true
			c.pending = slices.DeleteFunc(c.pending, func(r request) bool { return r.kind == wire.Connect })
			clear(c.live)
			for _, g := range c.segments {
				g.mapped, g.held = false, false
			}
			c.inflight = 0
		}
		if app := int(m.RequestID >> 32); m.Type == wire.Attach && app > 0 {
			o.channel[app], c.gone = ch, o.left[app] // it may never read the reply
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
			c.live[m.Handle] = false
		}
	case wire.DisconnectReply, wire.ResetReply:
		if s != nil && s.closing(ch) {
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
		for _, s := range o.accepted {
			if c.live[s.accept.Handle] && s.within(g.told) {
				o.wrong(UnmapAfterUse, ch, m, "the application still uses a session in this segment")
			}
		}
		g.mapped, g.unmapped = false, true
	case wire.Accept:
		if o.sessions[m.Handle] != nil {
			o.wrong(UniqueHandles, ch, m, "the handle has named another session")
		}
		o.checkAccept(ch, c, m)
		s := &sessionState{accept: m, listener: m.Listener, server: ch, connector: o.last.ch, context: o.last.m.RequestID}
		o.sessions[m.Handle], o.accepted = s, append(o.accepted, s)
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
		for _, s := range o.accepted {
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
		c.made = slices.Delete(c.made, 0, 1)
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
