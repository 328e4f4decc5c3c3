package impl

import (
	"fmt"
	"strings"
)

// Kind says what a message is. Requests go from an application to the session
// layer, which answers each with exactly one reply; notifications go the other
// way, and some are answered by the application.
type Kind uint8

// The messages.
const (
	MsgAttach          Kind = 1 + iota // request: namespace, secret, scope; one descriptor, the doorbell
	MsgAttachReply                     // status, the application's handle
	MsgDetach                          // request: everything is closed and unmapped
	MsgDetachReply                     //
	MsgBind                            // request: an endpoint, in words (URI) or in fields
	MsgBindReply                       // status, the listener's handle
	MsgUnbind                          // request: the listener by handle, or by URI
	MsgUnbindReply                     //
	MsgConnect                         // request: as MsgBind
	MsgConnectReply                    // status; the session, addresses of its fifos and queues
	MsgMap                             // notification: segment, its place and size; its descriptor and the peer's doorbell
	MsgMapReply                        // answer: status
	MsgUnmap                           // notification: segment
	MsgUnmapReply                      // answer: nobody in this process uses the segment any more
	MsgAccept                          // notification: as MsgConnectReply, and the listener
	MsgAcceptReply                     // answer: OK accepts, anything else rejects
	MsgDisconnect                      // request: close, or close for writing; notification: the peer did
	MsgDisconnectReply                 // reply, and answer
	MsgReset                           // request: close and throw away; notification: the peer did, or is gone
	MsgResetReply                      // reply, and answer
	numMsgs
)

var msgText = [numMsgs]string{
	"?", "attach", "attach-reply", "detach", "detach-reply", "bind", "bind-reply", "unbind", "unbind-reply",
	"connect", "connect-reply", "map", "map-reply", "unmap", "unmap-reply", "accept", "accept-reply",
	"disconnect", "disconnect-reply", "reset", "reset-reply",
}

// String returns the kind as logs and charts print it.
func (k Kind) String() string {
	if k < numMsgs {
		return msgText[k]
	}
	return fmt.Sprintf("message %d", uint8(k))
}

// SessionKind says what carries a session. It is explicit, so that nobody infers
// it from which fields are set (H-22).
type SessionKind uint8

// The session kinds.
const (
	NoSession SessionKind = iota
	LocalSession
)

// Scope flags of an attach.
const (
	ScopeLocal  uint8 = 1 << iota // listeners and connects on this machine, inside the namespace
	ScopeGlobal                   // and across namespaces
)

// How says which direction a disconnect closes.
type How uint8

// The directions.
const (
	CloseBoth How = iota
	CloseWrite
)

// Message is any message: each kind uses some of the fields (see codec), and
// the others are zero. Addresses are of the session layer's address space.
type Message struct {
	Kind    Kind
	Context uint64 // chosen by who asks, echoed by who answers
	Status  Status
	Handle  Handle // of the object the message is about

	// Attach.
	Namespace string
	Secret    uint64
	Scope     uint8

	// Bind, unbind and connect: the endpoint in words or, when URI is empty, in fields.
	URI      string
	Endpoint Endpoint
	// Connect: capacities in bytes, 0 for the default.
	RxSize, TxSize uint32

	// Map.
	Base Address
	Size uint64

	// Accept and connect-reply. Rx is the fifo that the receiver of the message
	// reads, Tx the one it writes. A local session has two event queues: the one to
	// post to, and the one to read from.
	Session   SessionKind
	Listener  Handle
	Rx, Tx    Address
	PostQueue Address
	ReadQueue Address

	// Disconnect.
	How How
}

// String returns the message on one line, without its zero fields.
func (m Message) String() string {
	var b strings.Builder
	b.WriteString(m.Kind.String())
	field := func(name string, set bool, v any) {
		if set {
			fmt.Fprintf(&b, " %s=%v", name, v)
		}
	}
	field("ctx", m.Context != 0, m.Context)
	if m.Kind.reply() || m.Status != OK {
		fmt.Fprintf(&b, " %q", m.Status.String())
	}
	field("handle", m.Handle != 0, "("+m.Handle.String()+")")
	field("namespace", m.Namespace != "", m.Namespace)
	field("scope", m.Scope != 0, m.Scope)
	field("uri", m.URI != "", m.URI)
	field("endpoint", m.Endpoint != Endpoint{}, m.Endpoint)
	field("rx-size", m.RxSize != 0, m.RxSize)
	field("tx-size", m.TxSize != 0, m.TxSize)
	field("base", m.Base != 0, fmt.Sprintf("%#x", uint64(m.Base)))
	field("size", m.Size != 0, m.Size)
	field("listener", m.Listener != 0, "("+m.Listener.String()+")")
	field("rx", m.Rx != 0, fmt.Sprintf("%#x", uint64(m.Rx)))
	field("tx", m.Tx != 0, fmt.Sprintf("%#x", uint64(m.Tx)))
	field("post", m.PostQueue != 0, fmt.Sprintf("%#x", uint64(m.PostQueue)))
	field("read", m.ReadQueue != 0, fmt.Sprintf("%#x", uint64(m.ReadQueue)))
	if m.How == CloseWrite {
		b.WriteString(" write-side")
	}
	return b.String()
}

// reply says whether messages of the kind answer another one.
func (k Kind) reply() bool {
	return strings.HasSuffix(k.String(), "-reply")
}
