package wire

import (
	"fmt"
	"strings"
)

// SessionKind says what carries a session. It is explicit: which fields are set says nothing about it (H-22).
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

// CloseMode says which direction a disconnect closes.
type CloseMode uint8

// The directions.
const (
	CloseBoth CloseMode = iota
	CloseWrite
)

// Peer says which process is at the other side of a session, as the kernel told the session layer when that process
// attached. PID is in the session layer's namespace of processes, 0 if the process is in none of it.
type Peer struct {
	UID, GID uint32
	PID      uint32 // below 1<<31
}

// String returns for example "uid=1000 gid=1000 pid=4711".
func (p Peer) String() string { return fmt.Sprintf("uid=%d gid=%d pid=%d", p.UID, p.GID, p.PID) }

// Message is any message: each type uses some of the fields, and the others are zero. Locations are in the
// session layer's address space.
type Message struct {
	Type      Type
	RequestID uint64 // chosen by the sender of a request, echoed in the reply
	Status    Status
	Handle    Handle // of the object the message is about

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
	Base      Location
	Size      uint64
	Doorbells bool // it comes with those of the pair

	// Accept and connect-reply. Rx is the fifo that the receiver of the message
	// reads, Tx the one it writes. A local session has two event queues: the one to
	// post to, and the one to read from.
	Session   SessionKind
	Listener  Handle
	Rx, Tx    Location
	PostQueue Location
	ReadQueue Location
	Serial    uint64 // of the session: the session layer gives no other one the same
	Peer      Peer   // the application at the other side

	// Disconnect.
	CloseMode CloseMode
	// Reset: the other application has left or died. What it has written is there, and nothing follows.
	Gone bool
}

// String returns the message on one line, without its zero fields.
func (m Message) String() string {
	var b strings.Builder
	b.WriteString(m.Type.String())
	field := func(name string, set bool, v any) {
		if set {
			fmt.Fprintf(&b, " %s=%v", name, v)
		}
	}
	field("request", m.RequestID != 0, m.RequestID)
	if m.Type.IsReply() || m.Status != OK {
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
	field("doorbells", m.Doorbells, true)
	field("listener", m.Listener != 0, "("+m.Listener.String()+")")
	field("rx", m.Rx != 0, fmt.Sprintf("%#x", uint64(m.Rx)))
	field("tx", m.Tx != 0, fmt.Sprintf("%#x", uint64(m.Tx)))
	field("post", m.PostQueue != 0, fmt.Sprintf("%#x", uint64(m.PostQueue)))
	field("read", m.ReadQueue != 0, fmt.Sprintf("%#x", uint64(m.ReadQueue)))
	field("serial", m.Serial != 0, m.Serial)
	field("peer", m.Peer != Peer{}, m.Peer)
	field("gone", m.Gone, true)
	if m.CloseMode == CloseWrite {
		b.WriteString(" write-side")
	}
	return b.String()
}

// Descs returns how many descriptors m carries, neither more nor less. A map carries the segment; with doorbells also
// the waiting end of the one that the receiver's peer rings, and the ringing end of the one that the peer waits on.
func (m *Message) Descs() int {
	switch {
	case m.Type != Map:
		return 0
	case m.Doorbells:
		return 3
	}
	return 1
}

// MaxFifo bounds the capacity that a connect may ask for, in bytes.
const MaxFifo = 1 << 28
