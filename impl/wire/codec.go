package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"unicode"
	"unicode/utf8"
)

// Wire format: a message is 16 bytes of header and the fields of its kind, each of fixed
// size, little endian. Everything else is zero.
//
//	0  magic "CT"      2 bytes
//	2  version         1 byte
//	3  kind            1 byte
//	4  status          int32
//	8  context         uint64
//	16 fields in the order of the kind's list
//
// Decoding is strict: the length is that of the kind, strings are UTF-8 padded with
// zeros, enumerations have known values. So there is one encoding of a message,
// and what a peer sends is understood as a whole or refused by name.
const (
	Version      = 2
	HeaderSize   = 16
	MaxNamespace = 64
	// MaxSize is the length of the longest message in bytes.
	MaxSize = 512
)

// ErrMessage is what every error of [Decode] wraps.
var ErrMessage = errors.New("bad message")

// coder visits the fields of a message in the order of the wire: one writes, one
// reads, one measures.
type coder interface {
	u64(v *uint64)
	u32(v *uint32)
	u8(name string, v *uint8, top uint8)
	flag(name string, v *bool)
	text(name string, v *string, size int)
	endpoint(v *Endpoint)
	peer(v *Peer)
}

// fields visits the fields that messages of m's kind have.
func (m *Message) fields(c coder) {
	switch m.Type {
	case Attach:
		c.text("namespace", &m.Namespace, MaxNamespace)
		c.u64(&m.Secret)
		c.u8("scope", &m.Scope, ScopeLocal|ScopeGlobal)
	case Detach, DetachReply, Leaving:
	case Bind:
		c.text("uri", &m.URI, MaxURI)
		c.endpoint(&m.Endpoint)
	case BindReply:
		c.u64((*uint64)(&m.Handle))
		c.endpoint(&m.Endpoint)
	case Unbind:
		c.u64((*uint64)(&m.Handle))
		c.text("uri", &m.URI, MaxURI)
	case Connect:
		c.text("uri", &m.URI, MaxURI)
		c.endpoint(&m.Endpoint)
		c.u32(&m.RxSize)
		c.u32(&m.TxSize)
	case ConnectReply, Accept:
		c.u64((*uint64)(&m.Handle))
		c.u64((*uint64)(&m.Listener))
		c.u8("session kind", (*uint8)(&m.Session), uint8(LocalSession))
		for _, a := range []*Location{&m.Rx, &m.Tx, &m.PostQueue, &m.ReadQueue} {
			c.u64((*uint64)(a))
		}
		c.endpoint(&m.Endpoint)
		c.u64(&m.Serial)
		c.peer(&m.Peer)
	case Map:
		c.u64((*uint64)(&m.Handle))
		c.u64((*uint64)(&m.Base))
		c.u64(&m.Size)
		c.flag("doorbells", &m.Doorbells)
	case Disconnect:
		c.u64((*uint64)(&m.Handle))
		c.u8("how", (*uint8)(&m.CloseMode), uint8(CloseWrite))
	case Reset:
		c.u64((*uint64)(&m.Handle))
		c.flag("gone", &m.Gone)
	default: // the others are about an object and nothing else
		c.u64((*uint64)(&m.Handle))
	}
}

// measure counts the bytes of the fields.
type measure int

func (n *measure) u64(*uint64)                        { *n += 8 }
func (n *measure) u32(*uint32)                        { *n += 4 }
func (n *measure) u8(string, *uint8, uint8)           { *n++ }
func (n *measure) flag(string, *bool)                 { *n++ }
func (n *measure) text(_ string, _ *string, size int) { *n += measure(size) }
func (n *measure) endpoint(*Endpoint)                 { *n += endpointSize }
func (n *measure) peer(*Peer)                         { *n += 12 }

// Size returns the length of messages of type t in bytes.
func (t Type) Size() int {
	n := measure(HeaderSize)
	(&Message{Type: t}).fields(&n)
	return int(n)
}

// writer appends fields to b.
type writer struct{ b []byte }

func (w *writer) u64(v *uint64) { w.b = binary.LittleEndian.AppendUint64(w.b, *v) }
func (w *writer) u32(v *uint32) { w.b = binary.LittleEndian.AppendUint32(w.b, *v) }

func (w *writer) u8(_ string, v *uint8, _ uint8) { w.b = append(w.b, *v) }

func (w *writer) flag(_ string, v *bool) {
	b := uint8(0)
	if *v {
		b = 1
	}
	w.b = append(w.b, b)
}

func (w *writer) text(_ string, v *string, size int) {
	w.b = append(w.b, *v...)
	w.b = append(w.b, make([]byte, size-len(*v))...)
}

// endpointSize is protocol, family (0 none, 1 name, 4, 6), port and 108 bytes for the name or the address.
const endpointSize = 4 + maxName + 1

func (w *writer) endpoint(e *Endpoint) {
	var b [endpointSize]byte
	if *e != (Endpoint{}) {
		b[0], b[1] = byte(e.Proto), 6
		if e.Addr.Addr().Is4() {
			b[1] = 4
		}
		if e.Name != "" {
			b[1] = 1
		}
		binary.LittleEndian.PutUint16(b[2:], e.Addr.Port())
		copy(b[4:], e.Name)
		copy(b[4:], e.Addr.Addr().AsSlice())
	}
	w.b = append(w.b, b[:]...)
}

func (w *writer) peer(p *Peer) {
	for _, v := range []*uint32{&p.UID, &p.GID, &p.PID} {
		w.u32(v)
	}
}

// reader takes fields from b, which is long enough, and keeps the first error.
type reader struct {
	b   []byte
	err error
}

func (r *reader) take(n int) []byte {
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

func (r *reader) u64(v *uint64) { *v = binary.LittleEndian.Uint64(r.take(8)) }
func (r *reader) u32(v *uint32) { *v = binary.LittleEndian.Uint32(r.take(4)) }

func (r *reader) u8(name string, v *uint8, top uint8) {
	if *v = r.take(1)[0]; *v > top {
		r.fail("%s is %d, at most %d", name, *v, top)
	}
}

func (r *reader) flag(name string, v *bool) {
	var b uint8
	r.u8(name, &b, 1)
	*v = b == 1
}

func (r *reader) text(name string, v *string, size int) {
	b := bytes.TrimRight(r.take(size), "\x00")
	if bytes.ContainsFunc(b, unicode.IsControl) || !utf8.Valid(b) {
		r.fail("%s is not plain text", name)
	}
	*v = string(b)
}

func (r *reader) endpoint(e *Endpoint) {
	b := r.take(endpointSize)
	zero := func(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }
	var host netip.Addr
	name, rest := "", b[4:]
	switch b[1] {
	case 0:
		if !zero(b) {
			r.fail("endpoint without a family is not zero")
		}
		return
	case 1:
		name, rest = string(bytes.TrimRight(rest, "\x00")), nil
	case 4:
		host, rest = netip.AddrFrom4([4]byte(rest)), rest[4:]
	case 6:
		host, rest = netip.AddrFrom16([16]byte(rest)), rest[16:]
	default:
		r.fail("address family %d", b[1])
	}
	if !zero(rest) {
		r.fail("bytes after the address")
	}
	*e = Endpoint{Proto(b[0]), netip.AddrPortFrom(host, binary.LittleEndian.Uint16(b[2:])), name}
	if err := e.Check(); err != nil {
		r.fail("endpoint: %w", err)
	}
}

func (r *reader) peer(p *Peer) {
	for _, v := range []*uint32{&p.UID, &p.GID, &p.PID} {
		r.u32(v)
	}
	if p.PID >= 1<<31 {
		r.fail("pid is %d", p.PID)
	}
}

// Encode appends the wire form of m to b. It panics when m does not fit its kind:
// our own messages do.
func (m Message) Encode(b []byte) []byte {
	if m.Type == 0 || m.Type >= NumTypes || len(m.URI) > MaxURI || len(m.Namespace) > MaxNamespace || len(m.Endpoint.Name) > maxName {
		panic(fmt.Sprintf("impl: encode %v", m))
	}
	w := writer{append(b, 'C', 'T', Version, byte(m.Type))}
	status := uint32(m.Status)
	w.u32(&status)
	w.u64(&m.RequestID)
	m.fields(&w)
	return w.b
}

// Validate returns an error that wraps [Unsupported] when [Decode] would not give m back: some field is out of
// range, or not of its type.
func (m Message) Validate() error {
	if len(m.Namespace) <= MaxNamespace && len(m.Endpoint.Name) <= maxName {
		if got, err := Decode(m.Encode(nil)); err == nil && got == m {
			return nil
		}
	}
	return fmt.Errorf("%w: %v", Unsupported, m)
}

// Decode returns the message in b, which a peer sent. Errors wrap [ErrMessage]
// and say what is wrong.
func Decode(b []byte) (Message, error) {
	var m Message
	if len(b) < HeaderSize {
		return m, fmt.Errorf("impl: %w: %d bytes, a header has %d", ErrMessage, len(b), HeaderSize)
	}
	if b[0] != 'C' || b[1] != 'T' {
		return m, fmt.Errorf("impl: %w: magic %#x", ErrMessage, b[:2])
	}
	if b[2] != Version {
		return m, fmt.Errorf("impl: %w: version %d, this is version %d", ErrMessage, b[2], Version)
	}
	m.Type = Type(b[3])
	if m.Type == 0 || m.Type >= NumTypes {
		return m, fmt.Errorf("impl: %w: unknown kind %d", ErrMessage, b[3])
	}
	if len(b) != m.Type.Size() {
		return m, fmt.Errorf("impl: %w: %v has %d bytes, want %d", ErrMessage, m.Type, len(b), m.Type.Size())
	}
	r := reader{b: b[4:]}
	var status uint32
	r.u32(&status)
	r.u64(&m.RequestID)
	m.Status = Status(int32(status))
	m.fields(&r)
	if r.err != nil {
		return m, fmt.Errorf("impl: %w: %v: %w", ErrMessage, m.Type, r.err)
	}
	return m, nil
}
