package wire

import "fmt"

// Type says what a message is. Requests go from an application to the session layer, which answers each with
// exactly one reply. Notifications go the other way, and the application answers each but [Leaving]. A disconnect or reset
// is either, depending on the sender.
type Type uint8

// The types. NumTypes is one more than the last.
const (
	Attach          Type = 1 + iota // request: namespace, secret, scope
	AttachReply                     // status, the application's handle
	Detach                          // request: everything is closed and unmapped
	DetachReply                     //
	Bind                            // request: an endpoint, in words (URI) or in fields
	BindReply                       // status, the listener's handle
	Unbind                          // request: the listener by handle, or by URI
	UnbindReply                     //
	Connect                         // request: as Bind
	ConnectReply                    // status; the session, locations of its fifos and queues
	Map                             // notification: segment, its place and size; its descriptor, perhaps with those of doorbells
	MapReply                        // answer: status
	Unmap                           // notification: segment
	UnmapReply                      // answer: this process has unmapped the segment
	Accept                          // notification: as ConnectReply, and the listener
	AcceptReply                     // answer: OK accepts, anything else rejects
	Disconnect                      // request: close, or close for writing; notification: the peer did
	DisconnectReply                 // reply, and answer
	Reset                           // request: close and throw away; notification: the peer did, or is gone
	ResetReply                      // reply, and answer
	Leaving                         // notification without an answer: the session layer ends, ask for nothing more
	NumTypes
)

// typeInfo is what is known of a type besides its fields, which [Message.fields] has.
type typeInfo struct {
	size    int // of a message in bytes
	text    string
	reply   Type // to a request or notification
	request bool
	isReply bool
}

var types = [NumTypes]typeInfo{
	Attach:          {size: 89, text: "attach", reply: AttachReply, request: true},
	AttachReply:     {size: 24, text: "attach-reply", isReply: true},
	Detach:          {size: 16, text: "detach", reply: DetachReply, request: true},
	DetachReply:     {size: 16, text: "detach-reply", isReply: true},
	Bind:            {size: 256, text: "bind", reply: BindReply, request: true},
	BindReply:       {size: 136, text: "bind-reply", isReply: true},
	Unbind:          {size: 152, text: "unbind", reply: UnbindReply, request: true},
	UnbindReply:     {size: 24, text: "unbind-reply", isReply: true},
	Connect:         {size: 264, text: "connect", reply: ConnectReply, request: true},
	ConnectReply:    {size: 197, text: "connect-reply", isReply: true},
	Map:             {size: 41, text: "map", reply: MapReply},
	MapReply:        {size: 24, text: "map-reply", isReply: true},
	Unmap:           {size: 24, text: "unmap", reply: UnmapReply},
	UnmapReply:      {size: 24, text: "unmap-reply", isReply: true},
	Accept:          {size: 197, text: "accept", reply: AcceptReply},
	AcceptReply:     {size: 24, text: "accept-reply", isReply: true},
	Disconnect:      {size: 25, text: "disconnect", reply: DisconnectReply, request: true},
	DisconnectReply: {size: 24, text: "disconnect-reply", isReply: true},
	Reset:           {size: 25, text: "reset", reply: ResetReply, request: true},
	ResetReply:      {size: 24, text: "reset-reply", isReply: true},
	Leaving:         {size: 16, text: "leaving"},
}

// info is the zero value for a type that does not exist.
func (t Type) info() typeInfo {
	if t < NumTypes {
		return types[t]
	}
	return typeInfo{}
}

// String returns the type as logs and charts print it.
func (t Type) String() string {
	if text := t.info().text; text != "" {
		return text
	}
	return fmt.Sprintf("message %d", uint8(t))
}

// Size returns the length of messages of type t in bytes, 0 for a type that does not exist.
func (t Type) Size() int { return t.info().size }

// Reply returns the type of the message that answers one of type t, or 0.
func (t Type) Reply() Type { return t.info().reply }

// IsRequest says whether applications send messages of type t to ask for something.
func (t Type) IsRequest() bool { return t.info().request }

// IsReply says whether messages of type t answer another one.
func (t Type) IsReply() bool { return t.info().isReply }
