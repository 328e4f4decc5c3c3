package oracle

import (
	"slices"

	"cutthrough/impl/layer"
	"cutthrough/impl/wire"
)

// channelState is the state of one channel, as its messages show it.
type channelState struct {
	id       layer.Channel
	attached bool
	pending  []request                // each as often as it waits for a reply
	live     table[wire.Handle, bool] // listeners and sessions that it was told of: true until they end
	segments []*segmentState          // that it was ever told to map
	made     []wire.Message           // and not received so far
	inflight wire.Handle              // the segment of the last map that it has received and not answered
	blind    wire.Handle              // the segment of its last answer to a map that it had not received
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

// settle records that a map or unmap was answered.
func (c *channelState) settle(segment wire.Handle) {
	if c.inflight != segment {
		c.blind = segment
	} else {
		c.inflight = 0
	}
}

// libraryState is what the monitor knows of the library of one application.
type libraryState struct {
	usesLibrary bool
	owes        []owedReply                   // replies to notifications
	requestIDs  table[uint64, bool]           // used by requests so far
	closed      table[wire.Handle, wire.Type] // the message that closed each session
}

// owedReply identifies the reply to a notification.
type owedReply struct {
	kind wire.Type
	h    wire.Handle
}

// told records the reply that the application owes for a notification.
func (c *libraryState) told(m wire.Message) {
	switch m.Type {
	case wire.Map, wire.Unmap, wire.Accept:
		c.owes = append(c.owes, owedReply{m.Type.Reply(), m.Handle})
	}
}
