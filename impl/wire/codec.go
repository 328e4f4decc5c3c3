package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
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

// codec visits the fields of a message in the order of the wire. It takes them from b, which is long enough, and keeps the
// first error; or it appends them to b.
type codec struct {
	b     []byte
	reads bool
	err   error
}

// fields visits the fields that messages of m's kind have.
func (m *Message) fields(c *codec) {
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
		for _, a := range [...]*Location{&m.Rx, &m.Tx, &m.PostQueue, &m.ReadQueue} {
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

func (c *codec) take(n int) []byte {
	b := c.b[:n]
	c.b = c.b[n:]
	return b
}

func (c *codec) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

func (c *codec) u64(v *uint64) {
	if c.reads {
		*v = binary.LittleEndian.Uint64(c.take(8))
		return
	}
	c.b = binary.LittleEndian.AppendUint64(c.b, *v)
}

func (c *codec) u32(v *uint32) {
	if c.reads {
		*v = binary.LittleEndian.Uint32(c.take(4))
		return
	}
	c.b = binary.LittleEndian.AppendUint32(c.b, *v)
}

func (c *codec) u8(name string, v *uint8, top uint8) {
	if !c.reads {
		c.b = append(c.b, *v)
		return
	}
	if *v = c.take(1)[0]; *v > top {
		c.fail("%s is %d, at most %d", name, *v, top)
	}
}

func (c *codec) flag(name string, v *bool) {
	b := uint8(0)
	if *v {
		b = 1
	}
	c.u8(name, &b, 1)
	*v = b == 1
}

func (c *codec) text(name string, v *string, size int) {
	if !c.reads {
		var padding [MaxURI]byte
		c.b = append(append(c.b, *v...), padding[:size-len(*v)]...)
		return
	}
	b := bytes.TrimRight(c.take(size), "\x00")
	if bytes.ContainsFunc(b, unicode.IsControl) || !utf8.Valid(b) {
		c.fail("%s is not plain text", name)
	}
	*v = string(b)
}

func (c *codec) peer(p *Peer) {
	for _, v := range [...]*uint32{&p.UID, &p.GID, &p.PID} {
		c.u32(v)
	}
	if c.reads && p.PID >= 1<<31 {
		c.fail("pid is %d", p.PID)
	}
}

// endpointSize is protocol, family (0 none, 1 name, 4, 6), port and 108 bytes for the name or the address.
const endpointSize = 4 + maxName + 1

func (c *codec) endpoint(e *Endpoint) {
	if c.reads {
		c.readEndpoint(e)
		return
	}
	var b [endpointSize]byte
	if *e != (Endpoint{}) {
		b[0] = byte(e.Proto)
		binary.LittleEndian.PutUint16(b[2:], e.Addr.Port())
		switch addr := e.Addr.Addr(); {
		case e.Name != "":
			b[1] = 1
			copy(b[4:], e.Name)
		case addr.Is4():
			b[1] = 4
			*(*[4]byte)(b[4:]) = addr.As4()
		default:
			b[1] = 6
			*(*[16]byte)(b[4:]) = addr.As16()
		}
	}
	c.b = append(c.b, b[:]...)
}

func (c *codec) readEndpoint(e *Endpoint) {
	b := c.take(endpointSize)
	zero := func(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }
	var host netip.Addr
	name, rest := "", b[4:]
	switch b[1] {
	case 0:
		if !zero(b) {
			c.fail("endpoint without a family is not zero")
		}
		return
	case 1:
		name, rest = string(bytes.TrimRight(rest, "\x00")), nil
	case 4:
		host, rest = netip.AddrFrom4([4]byte(rest)), rest[4:]
	case 6:
		host, rest = netip.AddrFrom16([16]byte(rest)), rest[16:]
	default:
		c.fail("address family %d", b[1])
	}
	if !zero(rest) {
		c.fail("bytes after the address")
	}
	*e = Endpoint{Proto(b[0]), netip.AddrPortFrom(host, binary.LittleEndian.Uint16(b[2:])), name}
	if err := e.Check(); err != nil {
		c.fail("endpoint: %w", err)
	}
}

// Encode appends the wire form of m to b. It panics when m does not fit its kind:
// our own messages do.
func (m Message) Encode(b []byte) []byte {
	if m.Type == 0 || m.Type >= NumTypes || len(m.URI) > MaxURI || len(m.Namespace) > MaxNamespace || len(m.Endpoint.Name) > maxName {
		panic(fmt.Sprintf("impl: encode %v", m))
	}
	c := codec{b: append(slices.Grow(b, m.Type.Size()), 'C', 'T', Version, byte(m.Type))}
	status := uint32(m.Status)
	c.u32(&status)
	c.u64(&m.RequestID)
	m.fields(&c)
	return c.b
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
	c := codec{b: b[4:], reads: true}
	var status uint32
	c.u32(&status)
	c.u64(&m.RequestID)
	m.Status = Status(int32(status))
	m.fields(&c)
	if c.err != nil {
		return m, fmt.Errorf("impl: %w: %v: %w", ErrMessage, m.Type, c.err)
	}
	return m, nil
}
