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
	text    string
	reply   Type // to a request or notification
	request bool
	isReply bool
}

var types = [NumTypes]typeInfo{
	Attach:          {text: "attach", reply: AttachReply, request: true},
	AttachReply:     {text: "attach-reply", isReply: true},
	Detach:          {text: "detach", reply: DetachReply, request: true},
	DetachReply:     {text: "detach-reply", isReply: true},
	Bind:            {text: "bind", reply: BindReply, request: true},
	BindReply:       {text: "bind-reply", isReply: true},
	Unbind:          {text: "unbind", reply: UnbindReply, request: true},
	UnbindReply:     {text: "unbind-reply", isReply: true},
	Connect:         {text: "connect", reply: ConnectReply, request: true},
	ConnectReply:    {text: "connect-reply", isReply: true},
	Map:             {text: "map", reply: MapReply},
	MapReply:        {text: "map-reply", isReply: true},
	Unmap:           {text: "unmap", reply: UnmapReply},
	UnmapReply:      {text: "unmap-reply", isReply: true},
	Accept:          {text: "accept", reply: AcceptReply},
	AcceptReply:     {text: "accept-reply", isReply: true},
	Disconnect:      {text: "disconnect", reply: DisconnectReply, request: true},
	DisconnectReply: {text: "disconnect-reply", isReply: true},
	Reset:           {text: "reset", reply: ResetReply, request: true},
	ResetReply:      {text: "reset-reply", isReply: true},
	Leaving:         {text: "leaving"},
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

// Reply returns the type of the message that answers one of type t, or 0.
func (t Type) Reply() Type { return t.info().reply }

// IsRequest says whether applications send messages of type t to ask for something.
func (t Type) IsRequest() bool { return t.info().request }

// IsReply says whether messages of type t answer another one.
func (t Type) IsReply() bool { return t.info().isReply }
