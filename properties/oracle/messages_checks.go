package oracle

import (
	"fmt"

	"cutthrough/impl/layer"
	"cutthrough/impl/wire"
)

// This file has the checks of [Messages] on the content of messages, rather than on their order.

// names has the kind of the handle in each message with status OK, 0 where there is no rule.
var names = [wire.NumTypes]wire.Kind{
	wire.AttachReply: wire.KindApp, wire.BindReply: wire.KindListener, wire.UnbindReply: wire.KindListener,
	wire.Accept: wire.KindSession, wire.ConnectReply: wire.KindSession,
	wire.Map: wire.KindSegment, wire.Unmap: wire.KindSegment,
}

// checkRefusal checks a negative reply. A close fails only with two statuses. A connect that a server was asked to
// accept fails because of that server, or by timeout.
func (o *Messages) checkRefusal(ch layer.Channel, m wire.Message) {
	switch m.Type {
	case wire.DisconnectReply, wire.ResetReply:
		if m.Status != wire.Invalid && m.Status != wire.NotAttached {
			o.wrong(DocumentedErrors, ch, m, "no close fails with this status")
		}
	case wire.ConnectReply:
		for _, s := range o.sessions {
			h := s.accept.Handle
			if s.connector != ch || s.context != m.RequestID || o.DelayedSegments {
				continue
			}
			t := o.last
			did := t.ch == s.server && (t.m.Handle == h || t.m.Type == wire.Unbind && (t.m.Handle == 0 || t.m.Handle == s.listener))
			if m.Status != wire.TimedOut && (m.Status != wire.Refused || !did && !o.stateOf(s.server).gone && !o.FailingCalls && !o.UnreadChannel) {
				o.wrong(RefusalHasCause, ch, m, "the server that was asked to accept has not refused")
			}
		}
	}
}

// checkPlaces checks that a segment is mapped at a place where no application has another segment.
func (o *Messages) checkPlaces(ch layer.Channel, m wire.Message) {
	if o.FailingCalls || o.UnreadChannel {
		return // the set of channels that were hung up is not known
	}
	for _, c := range o.channels {
		for _, x := range c.segments {
			if c.gone || !x.held {
				continue
			}
			g, h := x.told, x.told.Handle
			if h == m.Handle && (g.Base != m.Base || g.Size != m.Size) {
				o.wrong(BothSidesAgree, ch, m, "another application was told to map this segment at another place or size")
			}
			if h != m.Handle && m.Base < g.Base+wire.Location(g.Size) && g.Base < m.Base+wire.Location(m.Size) {
				o.fail(NoOverlap, "(%v) at %s for channel %d overlaps (%v) at %s, which channel %d has mapped",
					m.Handle, span(m), ch, h, span(g), c.id)
			}
		}
	}
}

// span prints the range at which a segment is to be mapped.
func span(m wire.Message) string {
	return fmt.Sprintf("[%#x, %#x)", uint64(m.Base), uint64(m.Base)+m.Size)
}

// within says whether a fifo or queue of the session lies in the segment of the map message g.
func (s *sessionState) within(g wire.Message) bool {
	for _, at := range addressesOf(s.accept) {
		if covers(g, at) {
			return true
		}
	}
	return false
}

func addressesOf(m wire.Message) [4]wire.Location {
	return [4]wire.Location{m.Rx, m.Tx, m.ReadQueue, m.PostQueue}
}

// checkAccept checks an accept notification: it is for a listener of the server and for the connect that the layer
// took last, and no live session uses its fifos.
func (o *Messages) checkAccept(ch layer.Channel, c *channelState, m wire.Message) {
	o.last.accepts = true
	asked, err := o.last.m.Endpoint, error(nil)
	if o.last.m.URI != "" {
		asked, err = wire.ParseURI(o.last.m.URI)
	}
	switch {
	case m.Listener.Kind() != wire.KindListener || !c.live.get(m.Listener):
		o.wrong(AcceptMatchesConnect, ch, m, "the application has no such listener")
	case !o.DelayedSegments && (o.last.m.Type != wire.Connect || err != nil || m.Endpoint != asked):
		o.wrong(AcceptMatchesConnect, ch, m, "no connect to this endpoint is under way")
	case m.Session != wire.LocalSession || m.Rx == m.Tx || m.ReadQueue == m.PostQueue:
		o.wrong(BothSidesAgree, ch, m, "the two directions share a fifo or a queue, or the session is not local")
	}
	for _, s := range o.sessions {
		h := s.accept.Handle
		if s.accept.Serial == m.Serial && h != m.Handle {
			o.wrong(BothSidesAgree, ch, m, "another session has the serial")
		}
		if x := s.accept; (o.uses(s.server, h) || o.uses(s.client, h)) && (m.Rx == x.Rx || m.Rx == x.Tx || m.Tx == x.Rx || m.Tx == x.Tx) {
			o.fail(NoOverlap, "session (%v) of channel %d gets the fifos at %#x and %#x; session (%v) of channels %d and %d, which is in use, has those at %#x and %#x",
				m.Handle, ch, m.Rx, m.Tx, h, s.server, s.client, x.Rx, x.Tx)
		}
	}
}

// uses says whether the application of a channel is known to be there and to use a session.
func (o *Messages) uses(ch layer.Channel, h wire.Handle) bool {
	c := o.stateOf(ch)
	return c != nil && c.live.get(h) && !c.gone && !o.FailingCalls && !o.UnreadChannel
}

// checkAgreement checks that the client is told of the session that the server has accepted, with the two
// directions exchanged, and each of the process at the other side.
func (o *Messages) checkAgreement(ch layer.Channel, m wire.Message, s *sessionState) {
	accept, peer := s.accept, m.Peer
	if len(o.peers) > 0 {
		peer = o.peers.get(s.server)
		if accept.Peer != o.peers.get(ch) {
			o.wrong(BothSidesAgree, s.server, accept, "the client is another process")
		}
	}
	want := wire.Message{
		Type: wire.ConnectReply, RequestID: m.RequestID, Handle: accept.Handle, Session: accept.Session, Endpoint: accept.Endpoint,
		Rx: accept.Tx, Tx: accept.Rx, ReadQueue: accept.PostQueue, PostQueue: accept.ReadQueue, Serial: accept.Serial, Peer: peer,
	}
	if m != want {
		o.wrong(BothSidesAgree, ch, m, "the server was told of another session, or is another process")
	}
}

// checkAttached checks that an application without attachment gets NotAttached, and that it attaches once.
func (o *Messages) checkAttached(ch layer.Channel, c *channelState, m wire.Message) {
	want := wire.NotAttached
	if m.Type == wire.AttachReply {
		want = wire.AlreadyAttached
	}
	if (m.Status == want) != (c.attached == (m.Type == wire.AttachReply)) {
		o.wrong(AttachFirst, ch, m, "the status does not fit an application that has attached, or has not")
	}
	switch {
	case m.Type == wire.AttachReply && m.Status == wire.OK:
		c.attached = true
	case m.Type == wire.DetachReply:
		c.attached = false
	}
}

// CheckLiveness checks the state after all timeouts have passed: connects are answered, a side that was told to
// close and has not is reset, and no application has a segment of a pair without sessions. It returns whether
// a live session was reset.
func (o *Messages) CheckLiveness() (wasReset bool) {
	for _, c := range o.channels {
		if c.gone {
			continue
		}
		for _, r := range c.pending {
			o.fail(BoundedLiveness, "channel %d: %v %#x has no answer", c.id, r.kind, r.context)
		}
		for _, s := range o.sessions {
			h := s.accept.Handle
			if c.live.get(h) && s.closing(c.id) && !s.reset(c.id) {
				o.fail(BoundedLiveness, "channel %d was told to close (%v), long ago, and nothing since", c.id, h)
			}
			wasReset = wasReset || c.live.get(h) && s.reset(c.id)
		}
		for _, g := range c.segments {
			if g.mapped && !o.DelayedSegments && !o.inUse(g.told) {
				o.fail(BoundedLiveness, "channel %d has (%v), and its pair has no session", c.id, g.told.Handle)
			}
		}
	}
	return wasReset
}

// inUse says whether the pair of a segment has a session that an application uses.
func (o *Messages) inUse(g wire.Message) bool {
	for _, s := range o.sessions {
		if !s.within(g) {
			continue
		}
		for _, x := range o.sessions {
			h := x.accept.Handle
			if x.server == s.server && x.connector == s.connector && (o.uses(x.server, h) || o.uses(x.client, h)) {
				return true
			}
		}
	}
	return false
}
