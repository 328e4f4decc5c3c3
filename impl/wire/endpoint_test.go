package wire

import (
	"net/netip"
	"strings"
	"testing"
)

func TestParseURI(t *testing.T) {
	for _, tt := range []struct {
		text  string
		proto Proto
		addr  string
		same  bool // String gives the text back
	}{
		{"tcp://127.0.0.1/80", TCP, "127.0.0.1:80", true},
		{"udp://0.0.0.0/1", UDP, "0.0.0.0:1", true},
		{"tcp://::/65535", TCP, "[::]:65535", true},
		{"tcp://::1/80", TCP, "[::1]:80", true},
		{"udp://2001:db8::1/53", UDP, "[2001:db8::1]:53", true},
		{"tcp://2001:DB8:0::1/53", TCP, "[2001:db8::1]:53", false},
		{"tcp://::ffff:10.0.0.1/80", TCP, "10.0.0.1:80", false},
		{"tcp://127.0.0.1/0080", TCP, "127.0.0.1:80", false},
		{"tcp://127.0.0.1/0", TCP, "127.0.0.1:0", true},
	} {
		e, err := ParseURI(tt.text)
		if want := (Endpoint{Proto: tt.proto, Addr: netip.MustParseAddrPort(tt.addr)}); err != nil || e != want {
			t.Errorf("%s: %v, %v, want %v", tt.text, e, err, want)
		}
		if (e.String() == tt.text) != tt.same {
			t.Errorf("%s prints as %s", tt.text, e)
		}
		if e.Proto.String() != e.String()[:3] || e.Address() != tt.addr {
			t.Errorf("%s: protocol %v, address %s, want %s", tt.text, e.Proto, e.Address(), tt.addr)
		}
	}
}

func TestParseURIRefuses(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", "no scheme"},
		{"127.0.0.1/80", "no scheme"},
		{"tcp:/127.0.0.1/80", "no scheme"},
		{"://127.0.0.1/80", `unknown scheme ""`},
		{"TCP://127.0.0.1/80", `unknown scheme "TCP"`},
		{"sctp://127.0.0.1/80", `unknown scheme "sctp"`},
		{"tcp ://127.0.0.1/80", `unknown scheme "tcp "`},
		{"tcp://127.0.0.1", "no port"},
		{"tcp://127.0.0.1:80", "no port"},
		{"tcp:///80", `not an address ""`},
		{"tcp://localhost/80", `not an address "localhost"`},
		{"tcp://127.0.0.1:80/80", `not an address "127.0.0.1:80"`},
		{"tcp://127.0.0.256/80", `not an address "127.0.0.256"`},
		{"tcp://127.0.0.01/80", `not an address "127.0.0.01"`},
		{"tcp://127.1/80", `not an address "127.1"`},
		{"tcp://[::1]/80", `not an address "[::1]"`},
		{"tcp://fe80::1%eth0/80", `not an address "fe80::1%eth0"`},
		{"tcp://me@127.0.0.1/80", `not an address "me@127.0.0.1"`},
		{"tcp:// 127.0.0.1/80", `not an address " 127.0.0.1"`},
		{"tcp://127.0.0.1/", `not a port ""`},
		{"tcp://127.0.0.1/65536", `not a port "65536"`},
		{"tcp://127.0.0.1/-1", `not a port "-1"`},
		{"tcp://127.0.0.1/+80", `not a port "+80"`},
		{"tcp://127.0.0.1/0x50", `not a port "0x50"`},
		{"tcp://127.0.0.1/8_0", `not a port "8_0"`},
		{"tcp://127.0.0.1/80/", `not a port "80/"`},
		{"tcp://127.0.0.1/80?x=1", `not a port "80?x=1"`},
		{"tcp://127.0.0.1/http", `not a port "http"`},
	} {
		e, err := ParseURI(tt.text)
		if err == nil || !strings.Contains(err.Error(), ": "+tt.want+" (want tcp://ADDRESS/PORT)") || e != (Endpoint{}) {
			t.Errorf("%q: %v, %v, want %s", tt.text, e, err, tt.want)
		}
	}
	long := "tcp://127.0.0.1/" + strings.Repeat("0", MaxURI)
	if _, err := ParseURI(long); err == nil || !strings.Contains(err.Error(), "uri of 144 bytes, at most 128") {
		t.Errorf("uri of %d bytes: %v", len(long), err)
	}
}

// FuzzParseURI: what is understood can be written down so that it is understood in the same way, and be sent.
func FuzzParseURI(f *testing.F) {
	for _, s := range []string{"tcp://127.0.0.1/80", "udp://::1/53", "tcp://::ffff:1.2.3.4/1", "tcp://fe80::1%1/80", "tcp://1/2/3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := ParseURI(text)
		if err != nil {
			return
		}
		if again, err := ParseURI(e.String()); err != nil || again != e {
			t.Errorf("%q is %v, which is %v, %v", text, e, again, err)
		}
		m := Message{Type: Bind, Endpoint: e}
		if got, err := Decode(m.Encode(nil)); err != nil || got != m {
			t.Errorf("%q is %v, which is received as %v, %v", text, e, got.Endpoint, err)
		}
	})
}

func TestNames(t *testing.T) {
	for _, tt := range []struct{ text, address string }{
		{"unix:///run/x.sock", "/run/x.sock"},
		{"unix://@a b", "@a b"},
		{"tcp://host.example/80", "host.example:80"},
		{"udp://a-b_c/0", "a-b_c:0"},
	} {
		e, err := ParseURI(tt.text)
		if err != nil || e.String() != tt.text || e.Address() != tt.address || e.Check() != nil {
			t.Errorf("%s: %v, %v, address %q, %v", tt.text, e, err, e.Address(), e.Check())
		}
		if got := e.WithPort(9); e.Proto != Unix && (got.Addr.Port() != 9 || got.Name != e.Name) {
			t.Errorf("%v with port 9: %v", e, got)
		}
	}
}

// TestTarget: only a bind may leave the port open, and an endpoint is given once.
func TestTarget(t *testing.T) {
	open := Endpoint{Proto: TCP, Addr: netip.MustParseAddrPort("127.0.0.1:0")}
	name := Endpoint{Proto: Unix, Name: "x"}
	for _, tt := range []struct {
		m  Message
		ok bool
	}{
		{Message{Type: Bind, Endpoint: open}, true},
		{Message{Type: Connect, Endpoint: open}, false},
		{Message{Type: Bind, URI: "tcp://127.0.0.1/0"}, true},
		{Message{Type: Unbind, URI: "tcp://127.0.0.1/0"}, false},
		{Message{Type: Connect, Endpoint: name}, true},
		{Message{Type: Connect, Endpoint: name, URI: "unix://x"}, false},
		{Message{Type: Bind}, false},
	} {
		if e, ok := tt.m.Target(); ok != tt.ok {
			t.Errorf("%v: %v, %v", tt.m, e, ok)
		}
	}
}
