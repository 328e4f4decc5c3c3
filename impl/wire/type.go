package wire

import (
	"fmt"
	"strings"
)

// Descs returns how many descriptors a message of kind k carries, neither more nor
// less: an attach the application's doorbell, a map the segment and the peer's
// doorbell.
func (k Type) Descs() int {
	switch k {
	case Attach:
		return 1
	case Map:
		return 2
	}
	return 0
}

// wireSize returns the length of messages of kind k in bytes.
func (k Type) Size() int {
	n := measure(HeaderSize)
	(&Message{Type: k}).fields(&n)
	return int(n)
}

// replyTo returns the kind of the reply to a request.
func ReplyTo(k Type) (Type, bool) {
	switch k {
	case Attach, Detach, Bind, Unbind, Connect, Disconnect, Reset:
		return k + 1, true
	}
	return 0, false
}

// Kind says what a message is. Requests go from an application to the session
// layer, which answers each with exactly one reply; notifications go the other
// way, and some are answered by the application.
type Type uint8

// The messages.
const (
	Attach          Type = 1 + iota // request: namespace, secret, scope; one descriptor, the doorbell
	AttachReply                     // status, the application's handle
	Detach                          // request: everything is closed and unmapped
	DetachReply                     //
	Bind                            // request: an endpoint, in words (URI) or in fields
	BindReply                       // status, the listener's handle
	Unbind                          // request: the listener by handle, or by URI
	UnbindReply                     //
	Connect                         // request: as Bind
	ConnectReply                    // status; the session, addresses of its fifos and queues
	Map                             // notification: segment, its place and size; its descriptor and the peer's doorbell
	MapReply                        // answer: status
	Unmap                           // notification: segment
	UnmapReply                      // answer: nobody in this process uses the segment any more
	Accept                          // notification: as ConnectReply, and the listener
	AcceptReply                     // answer: OK accepts, anything else rejects
	Disconnect                      // request: close, or close for writing; notification: the peer did
	DisconnectReply                 // reply, and answer
	Reset                           // request: close and throw away; notification: the peer did, or is gone
	ResetReply                      // reply, and answer
	NumTypes
)

var typeText = [NumTypes]string{
	"?", "attach", "attach-reply", "detach", "detach-reply", "bind", "bind-reply", "unbind", "unbind-reply",
	"connect", "connect-reply", "map", "map-reply", "unmap", "unmap-reply", "accept", "accept-reply",
	"disconnect", "disconnect-reply", "reset", "reset-reply",
}

// String returns the kind as logs and charts print it.
func (k Type) String() string {
	if k < NumTypes {
		return typeText[k]
	}
	return fmt.Sprintf("message %d", uint8(k))
}

// reply says whether messages of the kind answer another one.
func (k Type) IsReply() bool {
	return strings.HasSuffix(k.String(), "-reply")
}
