package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// kinds are all kinds of messages, with the length on the wire, in bytes, the number of descriptors and the
// fields: changing one is changing the protocol.
var kinds = []struct {
	kind         Type
	text         string
	bytes, descs int
	fields       string
}{
	{Attach, "attach", 89, 0, "namespace secret scope"}, {AttachReply, "attach-reply", 24, 0, "handle"},
	{Detach, "detach", 16, 0, ""}, {DetachReply, "detach-reply", 16, 0, ""},
	{Bind, "bind", 256, 0, "uri endpoint"}, {BindReply, "bind-reply", 136, 0, "handle endpoint"},
	{Unbind, "unbind", 152, 0, "handle uri"}, {UnbindReply, "unbind-reply", 24, 0, "handle"},
	{Connect, "connect", 264, 0, "uri endpoint rx-size tx-size"}, {ConnectReply, "connect-reply", 197, 0, "handle listener session rx tx post read endpoint serial peer"},
	{Map, "map", 41, 1, "handle base size doorbells"}, {MapReply, "map-reply", 24, 0, "handle"},
	{Unmap, "unmap", 24, 0, "handle"}, {UnmapReply, "unmap-reply", 24, 0, "handle"},
	{Accept, "accept", 197, 0, "handle listener session rx tx post read endpoint serial peer"}, {AcceptReply, "accept-reply", 24, 0, "handle"},
	{Disconnect, "disconnect", 25, 0, "handle close-mode"}, {DisconnectReply, "disconnect-reply", 24, 0, "handle"},
	{Reset, "reset", 25, 0, "handle gone"}, {ResetReply, "reset-reply", 24, 0, "handle"},
	{Leaving, "leaving", 16, 0, ""},
}

func TestKinds(t *testing.T) {
	if len(kinds) != int(NumTypes)-1 {
		t.Fatalf("%d kinds in the table, there are %d", len(kinds), NumTypes-1)
	}
	for i, k := range kinds {
		if int(k.kind) != i+1 || k.kind.String() != k.text {
			t.Errorf("kind %d is %v, want %d %s", k.kind, k.kind, i+1, k.text)
		}
		if n := len(Message{Type: k.kind}.Encode(nil)); n != k.bytes || k.kind.Size() != n || n > MaxSize {
			t.Errorf("%v: %d bytes, wireSize says %d, want %d", k.kind, n, k.kind.Size(), k.bytes)
		}
		if n := (&Message{Type: k.kind}).Descs(); n != k.descs {
			t.Errorf("%v: %d descriptors, want %d", k.kind, n, k.descs)
		}
		reply := k.kind.Reply()
		if reply != 0 && (reply.String() != k.text+"-reply" || !reply.IsReply() || k.kind.IsReply()) || reply == 0 && !k.kind.IsReply() && k.kind != Leaving {
			t.Errorf("%v is answered by %v", k.kind, reply)
		}
	}
	if n := (&Message{Type: Map, Doorbells: true}).Descs(); n != 3 {
		t.Errorf("a map with doorbells has %d descriptors, want 3", n)
	}
	if s := NumTypes.String(); s != "message 22" {
		t.Errorf("unknown kind prints as %s", s)
	}
}

// TestWireBytes pins the bytes of messages in which every field is different.
func TestWireBytes(t *testing.T) {
	e := Endpoint{Proto: UDP, Addr: netip.MustParseAddrPort("1.2.3.4:515")}
	zeros := func(n int) string { return strings.Repeat("00", n) }
	uri := func(s string) string { return hex.EncodeToString([]byte(s)) + strings.Repeat("00", MaxURI-len(s)) }
	for _, tt := range []struct {
		m    Message
		want string
	}{
		{Message{Type: Attach, RequestID: 0x0102, Status: -3, Namespace: "rot", Secret: 0x55, Scope: ScopeGlobal},
			"43540201 fdffffff 0201000000000000" + "726f74" + strings.Repeat("00", 61) + "5500000000000000 02"},
		{Message{Type: Bind, URI: "tcp://::1/80"},
			"43540205 00000000 0000000000000000" + uri("tcp://::1/80") + zeros(112)},
		{Message{Type: Connect, Endpoint: Endpoint{Proto: TCP, Addr: netip.MustParseAddrPort("[fd00::1]:80")}, RxSize: 7, TxSize: 0x01020304},
			"43540209 00000000 0000000000000000" + uri("") + "01 06 5000 fd000000000000000000000000000001" + zeros(92) + "07000000 04030201"},
		{Message{Type: Bind, Endpoint: Endpoint{TCP, netip.AddrPortFrom(netip.Addr{}, 80), "host"}},
			"43540205 00000000 0000000000000000" + uri("") + "01 01 5000" + hex.EncodeToString([]byte("host")) + zeros(104)},
		{Message{Type: Bind, Endpoint: Endpoint{Proto: Unix, Name: "/p"}},
			"43540205 00000000 0000000000000000" + uri("") + "03 01 0000" + hex.EncodeToString([]byte("/p")) + zeros(106)},
		{Message{Type: Map, Handle: NewHandle(KindSegment, 3, 9), Base: 0x200001000, Size: 0x8000, Doorbells: true},
			"4354020b 00000000 0000000000000000 0900000003000050 0010000002000000 0080000000000000 01"},
		{Message{Type: Accept, Handle: NewHandle(KindSession, 1, 2), Listener: NewHandle(KindListener, 1, 0), Session: LocalSession, Rx: 1, Tx: 2, PostQueue: 3, ReadQueue: 4, Endpoint: e, Serial: 9, Peer: Peer{1, 2, 3}},
			"4354020f 00000000 0000000000000000 0200000001000030 0000000001000020 01" +
				"0100000000000000 0200000000000000 0300000000000000 0400000000000000 02 04 0302 01020304" + zeros(104) + "0900000000000000 01000000 02000000 03000000"},
		{Message{Type: Disconnect, RequestID: 5, Handle: NewHandle(KindSession, MaxGeneration, 0xffffffff), CloseMode: CloseWrite},
			"43540211 00000000 0500000000000000 ffffffffffffff3f 01"},
		{Message{Type: Reset, Handle: NewHandle(KindSession, 1, 2), Gone: true},
			"43540213 00000000 0000000000000000 0200000001000030 01"},
	} {
		want, err := hex.DecodeString(strings.ReplaceAll(tt.want, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(hex.Dump(want), hex.Dump(tt.m.Encode(nil))); diff != "" {
			t.Errorf("%v: -want +got\n%s", tt.m, diff)
		}
	}
}

// visitor is given the fields of a message.
type visitor interface {
	u64(v *uint64)
	u32(v *uint32)
	u8(name string, v *uint8, top uint8)
	flag(name string, v *bool)
	text(name string, v *string, size int)
	endpoint(v *Endpoint)
	peer(v *Peer)
}

// visit shows v the fields that m's kind has.
func visit(m *Message, v visitor) {
	words := map[string]*uint64{
		"secret": &m.Secret, "handle": (*uint64)(&m.Handle), "base": (*uint64)(&m.Base), "size": &m.Size, "listener": (*uint64)(&m.Listener),
		"rx": (*uint64)(&m.Rx), "tx": (*uint64)(&m.Tx), "post": (*uint64)(&m.PostQueue), "read": (*uint64)(&m.ReadQueue), "serial": &m.Serial,
	}
	for name := range strings.FieldsSeq(kinds[m.Type-1].fields) {
		switch name {
		case "namespace":
			v.text(name, &m.Namespace, MaxNamespace)
		case "uri":
			v.text(name, &m.URI, MaxURI)
		case "scope":
			v.u8(name, &m.Scope, ScopeLocal|ScopeGlobal)
		case "session":
			v.u8(name, (*uint8)(&m.Session), uint8(LocalSession))
		case "close-mode":
			v.u8(name, (*uint8)(&m.CloseMode), uint8(CloseWrite))
		case "doorbells":
			v.flag(name, &m.Doorbells)
		case "gone":
			v.flag(name, &m.Gone)
		case "rx-size":
			v.u32(&m.RxSize)
		case "tx-size":
			v.u32(&m.TxSize)
		case "endpoint":
			v.endpoint(&m.Endpoint)
		case "peer":
			v.peer(&m.Peer)
		default:
			v.u64(words[name])
		}
	}
}

// drawMessage draws a message with fields that its kind has and no others.
func drawMessage(t *rapid.T) Message {
	word := rapid.Uint64()
	m := Message{
		Type: Type(rapid.IntRange(1, int(NumTypes)-1).Draw(t, "kind")), RequestID: word.Draw(t, "context"),
		Status: Status(rapid.Int32().Draw(t, "status")),
	}
	visit(&m, drawer{t})
	return m
}

// drawer draws the fields that a message has.
type drawer struct{ t *rapid.T }

func (d drawer) u64(v *uint64) { *v = rapid.Uint64().Draw(d.t, "word") }
func (d drawer) u32(v *uint32) { *v = rapid.Uint32().Draw(d.t, "half") }
func (d drawer) u8(name string, v *uint8, top uint8) {
	*v = rapid.Uint8Range(0, top).Draw(d.t, name)
}
func (d drawer) flag(name string, v *bool) { *v = rapid.Bool().Draw(d.t, name) }
func (d drawer) text(name string, v *string, size int) {
	*v = rapid.StringOfN(rapid.RuneFrom([]rune("az09:/é世 ")), 0, -1, size).Draw(d.t, name)
}
func (d drawer) endpoint(e *Endpoint) {
	port := rapid.Uint16().Draw(d.t, "port")
	proto := rapid.SampledFrom([]Proto{TCP, UDP}).Draw(d.t, "protocol")
	switch bits := rapid.SampledFrom([]int{0, 1, 2, 4, 16}).Draw(d.t, "address bytes"); bits {
	case 0:
	case 1:
		*e = Endpoint{Proto: Unix, Name: rapid.StringOfN(rapid.RuneFrom([]rune("az09:/é世 @")), 1, -1, maxName).Draw(d.t, "name")}
	case 2:
		*e = Endpoint{proto, netip.AddrPortFrom(netip.Addr{}, port), rapid.StringMatching(`[a-z0-9._-]{0,106}[a-z]`).Draw(d.t, "host")}
	default:
		a, _ := netip.AddrFromSlice(rapid.SliceOfN(rapid.Byte(), bits, bits).Draw(d.t, "address"))
		if a.Is4In6() {
			a = netip.IPv6Loopback()
		}
		*e = Endpoint{Proto: proto, Addr: netip.AddrPortFrom(a, port)}
	}
}

func (d drawer) peer(p *Peer) {
	*p = Peer{rapid.Uint32().Draw(d.t, "uid"), rapid.Uint32().Draw(d.t, "gid"), rapid.Uint32Max(1<<31-1).Draw(d.t, "pid")}
}

// TestRoundTrip: what was sent is received, and nothing of what was in the buffer before.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMessage(t)
		b := m.Encode(nil)
		got, err := Decode(b)
		if diff := cmp.Diff(m, got, cmp.Comparer(func(a, b Endpoint) bool { return a == b })); err != nil || diff != "" {
			t.Fatalf("%v, -sent +received:\n%s", err, diff)
		}
		dirty := bytes.Repeat([]byte{0xff}, MaxSize)
		if again := m.Encode(dirty[:0]); !bytes.Equal(again, b) {
			t.Fatalf("%v in a used buffer:\n%x, want\n%x", m, again, b)
		}
	})
}

// TestUnusedBytes: what a message does not say is zero (H-22: the ancestor sent what the memory had held before).
func TestUnusedBytes(t *testing.T) {
	for _, k := range kinds {
		b := Message{Type: k.kind}.Encode(bytes.Repeat([]byte{0xff}, MaxSize)[:0])
		if !bytes.Equal(b[4:], make([]byte, k.bytes-4)) {
			t.Errorf("an empty %v has bytes that are not zero: %x", k.kind, b)
		}
	}
}

// TestEveryBit: there is one encoding of a message. Whichever bit of one is changed, it is another
// message, or none.
func TestEveryBit(t *testing.T) {
	refused := 0
	for _, k := range kinds {
		m := Message{Type: k.kind}
		visit(&m, filler{})
		good := m.Encode(nil)
		for i := range len(good) * 8 {
			b := bytes.Clone(good)
			b[i/8] ^= 1 << (i % 8)
			got, err := Decode(b)
			switch {
			case err != nil:
				refused++
				if !errors.Is(err, ErrMessage) {
					t.Errorf("%v with bit %d changed: %v is not ErrMessage", k.kind, i, err)
				}
			case got == m:
				t.Errorf("%v with bit %d changed is the same message", k.kind, i)
			case !bytes.Equal(got.Encode(nil), b):
				t.Errorf("%v with bit %d changed: decodes as %v, which is encoded differently", k.kind, i, got)
			}
		}
	}
	if refused < 1000 {
		t.Errorf("only %d changes were refused", refused)
	}
}

// filler gives all fields values that are neither zero nor the largest.
type filler struct{}

func (filler) u64(v *uint64)                      { *v = 0x1122334455667788 }
func (filler) u32(v *uint32)                      { *v = 0x99aabbcc }
func (filler) u8(_ string, v *uint8, _ uint8)     { *v = 1 }
func (filler) flag(_ string, v *bool)             { *v = true }
func (filler) text(name string, v *string, _ int) { *v = name }
func (filler) endpoint(v *Endpoint) {
	*v = Endpoint{Proto: TCP, Addr: netip.MustParseAddrPort("127.0.0.1:80")}
}
func (filler) peer(v *Peer) { *v = Peer{1, 2, 3} }

// TestDecodeRefuses: what is no message is refused with what is wrong with it.
func TestDecodeRefuses(t *testing.T) {
	at := func(k Type, i int, put ...byte) []byte {
		b := Message{Type: k}.Encode(nil)
		copy(b[i:], put)
		return b
	}
	const uriAt, endpointAt = 16, 16 + MaxURI
	for _, tt := range []struct {
		b    []byte
		want string
	}{
		{nil, "impl: bad message: 0 bytes, a header has 16"},
		{make([]byte, 15), "impl: bad message: 15 bytes, a header has 16"},
		{make([]byte, 16), "impl: bad message: magic 0x0000"},
		{at(Detach, 1, 'X'), "impl: bad message: magic 0x4358"},
		{at(Detach, 2, 1), "impl: bad message: version 1, this is version 2"},
		{at(Detach, 2, 0), "impl: bad message: version 0, this is version 2"},
		{at(Detach, 3, 0), "impl: bad message: unknown kind 0"},
		{at(Detach, 3, byte(NumTypes)), "impl: bad message: unknown kind 22"},
		{at(Detach, 3, 255), "impl: bad message: unknown kind 255"},
		{at(Detach, 3, byte(Reset)), "impl: bad message: reset has 16 bytes, want 25"},
		{append(at(Reset, 0), 0), "impl: bad message: reset has 26 bytes, want 25"},
		{at(Attach, 16, 'a', 0, 'b'), "impl: bad message: attach: namespace is not plain text"},
		{at(Attach, 16, 'a', '\n'), "impl: bad message: attach: namespace is not plain text"},
		{at(Attach, 16, 0xff), "impl: bad message: attach: namespace is not plain text"},
		{at(Attach, 88, 4), "impl: bad message: attach: scope is 4, at most 3"},
		{at(Bind, uriAt, 0xc3), "impl: bad message: bind: uri is not plain text"},
		{at(Bind, endpointAt, 1), "impl: bad message: bind: endpoint without a family is not zero"},
		{at(Bind, endpointAt+2, 80), "impl: bad message: bind: endpoint without a family is not zero"},
		{at(Bind, endpointAt+19, 1), "impl: bad message: bind: endpoint without a family is not zero"},
		{at(Bind, endpointAt, 1, 5), "impl: bad message: bind: address family 5"},
		{at(Bind, endpointAt, 0, 4), "impl: bad message: bind: endpoint: protocol 0"},
		{at(Bind, endpointAt, 4, 4), "impl: bad message: bind: endpoint: protocol 4"},
		{at(Bind, endpointAt, 3, 4), `impl: bad message: bind: endpoint: no name "", or more`},
		{at(Bind, endpointAt, 3, 1), `impl: bad message: bind: endpoint: no name "", or more`},
		{at(Bind, endpointAt, 3, 1, 80, 0, 'a'), `impl: bad message: bind: endpoint: no name "a", or more`},
		{at(Bind, endpointAt, 3, 1, 0, 0, 'a', 0, 'b'), `impl: bad message: bind: endpoint: name "a\x00b" is not plain text`},
		{at(Bind, endpointAt, 3, 1, 0, 0, 0xff), `impl: bad message: bind: endpoint: name "\xff" is not plain text`},
		{at(Bind, endpointAt, append([]byte{3, 1, 0, 0}, strings.Repeat("x", 108)...)...), "impl: bad message: bind: endpoint: name of 108 bytes, at most 107"},
		{at(Bind, endpointAt, 1, 1), `impl: bad message: bind: endpoint: address invalid IP and name "": want one of them`},
		{at(Bind, endpointAt, 1, 1, 0, 0, 'A'), `impl: bad message: bind: endpoint: no name of a host "A"`},
		{at(Bind, endpointAt, 1, 1, 0, 0, '1', '.', '2'), `impl: bad message: bind: endpoint: no name of a host "1.2"`},
		{at(Bind, endpointAt, 1, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), "impl: bad message: bind: bytes after the address"},
		{at(Accept, 196, 0x80), "impl: bad message: accept: pid is 2147483648"},
		{at(Connect, endpointAt, 1, 4, 80, 0, 127, 0, 0, 1, 9), "impl: bad message: connect: bytes after the address"},
		{at(Connect, endpointAt, 1, 6, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1), "impl: bad message: connect: endpoint: address ::ffff:127.0.0.1 has a zone or is IPv4 in IPv6 form"},
		{at(Accept, 32, 2), "impl: bad message: accept: session kind is 2, at most 1"},
		{at(Disconnect, 24, 2), "impl: bad message: disconnect: how is 2, at most 1"},
		{at(Attach, 16, append([]byte{0xff}, bytes.Repeat([]byte{0}, 71)...)...), "impl: bad message: attach: namespace is not plain text"},
	} {
		_, err := Decode(tt.b)
		if err == nil || err.Error() != tt.want || !errors.Is(err, ErrMessage) {
			t.Errorf("%.32x…: %v, want %s", tt.b, err, tt.want)
		}
	}
}

// TestEncodeRefuses: a message that does not fit its kind is a bug of ours.
func TestEncodeRefuses(t *testing.T) {
	for _, m := range []Message{
		{}, {Type: NumTypes}, {Type: Bind, URI: strings.Repeat("x", MaxURI+1)}, {Type: Attach, Namespace: strings.Repeat("x", MaxNamespace+1)},
		{Type: Bind, Endpoint: Endpoint{Proto: Unix, Name: strings.Repeat("x", maxName+1)}},
	} {
		if why := panics(func() { m.Encode(nil) }); !strings.HasPrefix(why, "impl: encode") {
			t.Errorf("%v: %q, want a panic", m, why)
		}
	}
	full := Message{Type: Bind, URI: strings.Repeat("x", MaxURI)}
	if got, err := Decode(full.Encode(nil)); err != nil || got != full {
		t.Errorf("the longest URI: %v, %v", got, err)
	}
}

// panics returns what f panics with, or "".
func panics(f func()) (why string) {
	defer func() {
		if r := recover(); r != nil {
			why, _ = r.(string)
		}
	}()
	f()
	return ""
}

// TestCodecAllocates: to encode a message into a buffer of MaxSize, or to decode one without text, allocates nothing.
func TestCodecAllocates(t *testing.T) {
	buf := make([]byte, 0, MaxSize)
	for _, k := range kinds {
		m := Message{Type: k.kind}
		if n := testing.AllocsPerRun(10, func() {
			if got, err := Decode(m.Encode(buf)); err != nil || got != m {
				t.Error(got, err)
			}
		}); n > 0 {
			t.Errorf("%v: %v allocations", k.kind, n)
		}
	}
}
