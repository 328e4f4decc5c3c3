package oracle

import (
	"slices"

	"cutthrough/impl/layer"
	"cutthrough/impl/wire"
)

// This file has the checks of [Messages] on the applications that use the library: each notification is
// answered once and each session is closed once.

// checkLibrary checks a message of an application that uses the library.
func (o *Messages) checkLibrary(ch layer.Channel, c *channelState, m wire.Message) {
	switch m.Type {
	case wire.MapReply, wire.UnmapReply, wire.AcceptReply:
		i := slices.Index(c.owes, owedReply{m.Type, m.Handle})
		if i < 0 || m.RequestID != 0 {
			o.wrong(AppFollowsProtocol, ch, m, "the answer is to no notification")
		}
		c.owes = slices.Delete(c.owes, i, i+1)
		return
	case wire.Disconnect, wire.Reset:
		if c.closed.get(m.Handle) != 0 || m.Handle.Kind() != wire.KindSession {
			o.wrong(AppFollowsProtocol, ch, m, "the object is closed already, or is no session")
		}
		if m.CloseMode != wire.CloseWrite {
			c.closed.set(m.Handle, m.Type)
		}
	}
	if c.requestIDs.get(m.RequestID) {
		o.wrong(AppFollowsProtocol, ch, m, "the request id was used before")
	}
	c.requestIDs.set(m.RequestID, true)
}

// Close is a close of a session by an application.
type Close struct {
	App    int
	Handle wire.Handle
}

// CloseReported says whether the session layer has taken the close, or had told the application that the session is over.
func (o *Messages) CloseReported(t Close) bool {
	ch := o.channel.get(t.App)
	c, s := o.stateOf(ch), o.sessionOf(t.Handle)
	return s == nil || s.closing(ch) || c.closed.get(t.Handle) != 0
}

// ResetReported says whether the application of a close that discards unread bytes has sent a reset to the session layer. It is also true
// if the application heard of a reset by its peer first: then it need not report its own.
func (o *Messages) ResetReported(t Close) bool {
	ch := o.channel.get(t.App)
	c, s := o.stateOf(ch), o.sessionOf(t.Handle)
	return s == nil || s.reset(ch) || c.closed.get(t.Handle) == wire.Reset
}
