package impl

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"cutthrough/shm/oshost"
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
	} {
		e, err := ParseURI(tt.text)
		if want := (Endpoint{tt.proto, netip.MustParseAddrPort(tt.addr)}); err != nil || e != want {
			t.Errorf("%s: %v, %v, want %v", tt.text, e, err, want)
		}
		if (e.String() == tt.text) != tt.same {
			t.Errorf("%s prints as %s", tt.text, e)
		}
		if e.Proto.String() != e.String()[:3] || e.hostPort() != tt.addr {
			t.Errorf("%s: protocol %v, address %s, want %s", tt.text, e.Proto, e.hostPort(), tt.addr)
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
		{"tcp:///80", `not an IP address ""`},
		{"tcp://localhost/80", `not an IP address "localhost"`},
		{"tcp://127.0.0.1:80/80", `not an IP address "127.0.0.1:80"`},
		{"tcp://127.0.0.256/80", `not an IP address "127.0.0.256"`},
		{"tcp://127.0.0.01/80", `not an IP address "127.0.0.01"`},
		{"tcp://127.1/80", `not an IP address "127.1"`},
		{"tcp://[::1]/80", `not an IP address "[::1]"`},
		{"tcp://fe80::1%eth0/80", `not an IP address "fe80::1%eth0"`},
		{"tcp://me@127.0.0.1/80", `not an IP address "me@127.0.0.1"`},
		{"tcp:// 127.0.0.1/80", `not an IP address " 127.0.0.1"`},
		{"tcp://127.0.0.1/", `not a port ""`},
		{"tcp://127.0.0.1/0", `not a port "0"`},
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
	long := "tcp://127.0.0.1/" + strings.Repeat("0", maxURI)
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
		m := Message{Kind: MsgBind, Endpoint: e}
		if got, err := Decode(m.Encode(nil)); err != nil || got != m {
			t.Errorf("%q is %v, which is received as %v, %v", text, e, got.Endpoint, err)
		}
	})
}

// TestDialEndpoint: an endpoint that did not come from a URI is what it means, or an error of that one call.
func TestDialEndpoint(t *testing.T) {
	addr := startLayer(t, ServerConfig{})
	server, client := attach(t, addr), attach(t, addr)
	l, err := server.Listen("tcp://127.0.0.1/80")
	check(t, err)
	for _, e := range []Endpoint{
		{}, {Proto: TCP}, {TCP, netip.MustParseAddrPort("127.0.0.1:0")}, {9, netip.MustParseAddrPort("127.0.0.1:80")},
		{TCP, netip.MustParseAddrPort("[fe80::1%eth0]:80")},
	} {
		if _, err := client.DialEndpoint(context.Background(), e); !errors.Is(err, Unsupported) {
			t.Errorf("dial %v: %v, want %v", e, err, Unsupported)
		}
	}
	// As package net has IPv4 addresses.
	c, err := client.DialEndpoint(context.Background(), Endpoint{TCP, netip.MustParseAddrPort("[::ffff:127.0.0.1]:80")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.AcceptSession()
	check(t, err)
	check(t, c.Close())
}

// TestOptions: options that cannot be sent are an error of Attach.
func TestOptions(t *testing.T) {
	addr := startLayer(t, ServerConfig{})
	for _, o := range []Options{
		{Namespace: strings.Repeat("x", maxNamespace+1)}, {Namespace: "a\x00b"}, {Namespace: "\xff"},
		{Scope: 4}, {RxSize: -1}, {TxSize: -1}, {RxSize: maxFifo + 1}, {TxSize: maxFifo + 1},
	} {
		if _, err := Attach(oshost.New(), addr, o); !errors.Is(err, Unsupported) {
			t.Errorf("%+v: %v, want %v", o, err, Unsupported)
		}
	}
}
