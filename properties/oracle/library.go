package oracle

import (
	"cutthrough/impl/layer"
	"cutthrough/impl/wire"
)

// This file is what [Messages] checks of what applications say that use the library, which
// keeps to the rules: it answers what it was told, once, and closes what it has, once.

// libraryState is what an application has been told and has said.
type libraryState struct {
	polite   bool // it uses the library
	owes     map[owedReply]int
	contexts map[uint64]bool
	closed   map[wire.Handle]wire.Type // how it closed its sessions
}

// owedReply is an answer to a notification.
type owedReply struct {
	kind wire.Type
	h    wire.Handle
}

func newLibraryState() libraryState {
	return libraryState{owes: map[owedReply]int{}, contexts: map[uint64]bool{}, closed: map[wire.Handle]wire.Type{}}
}

// told notes what an application is told.
func (c *libraryState) told(m wire.Message) {
	switch m.Type {
	case wire.Map, wire.Unmap, wire.Accept:
		c.owes[owedReply{m.Type.Reply(), m.Handle}]++
	}
}

// checkLibrary checks what an application says.
func (o *Messages) checkLibrary(ch layer.Channel, c *channelState, m wire.Message) {
	switch m.Type {
	case wire.MapReply, wire.UnmapReply, wire.AcceptReply:
		if c.owes[owedReply{m.Type, m.Handle}] == 0 || m.RequestID != 0 {
			o.wrong(AppFollowsProtocol, ch, m, "the answer is to no notification")
		}
		c.owes[owedReply{m.Type, m.Handle}]--
		return
	case wire.Disconnect, wire.Reset:
		if c.closed[m.Handle] != 0 || m.Handle.Kind() != wire.KindSession {
			o.wrong(AppFollowsProtocol, ch, m, "the object is closed already, or is no session")
		}
		if m.CloseMode != wire.CloseWrite {
			c.closed[m.Handle] = m.Type
		}
	}
	if c.contexts[m.RequestID] {
		o.wrong(AppFollowsProtocol, ch, m, "the request id was used before")
	}
	c.contexts[m.RequestID] = true
}

// Discard is a close that throws away bytes.
type Discard struct {
	App    int
	Handle wire.Handle
}

// ResetReported checks that the session layer was told of bytes that were thrown away, unless by who was
// told the same first.
func (o *Messages) ResetReported(t Discard) bool {
	ch := o.channel[t.App]
	c, s := o.channels[ch], o.sessions[t.Handle]
	return s == nil || s.reset[ch] || c.closed[t.Handle] == wire.Reset
}
