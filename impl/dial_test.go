package impl

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"cutthrough/impl/server"
	"cutthrough/impl/wire"
	"cutthrough/shm/oshost"
)

// TestDialEndpoint: an endpoint that did not come from a URI is what it means, or an error of that one call.
func TestDialEndpoint(t *testing.T) {
	addr := startLayer(t, server.Config{})
	server, client := attach(t, addr), attach(t, addr)
	l, err := server.Listen("tcp://127.0.0.1/80")
	check(t, err)
	for _, e := range []wire.Endpoint{
		{}, {Proto: wire.TCP}, {Proto: wire.TCP, Addr: netip.MustParseAddrPort("127.0.0.1:0")}, {Proto: 9, Addr: netip.MustParseAddrPort("127.0.0.1:80")},
		{Proto: wire.TCP, Addr: netip.MustParseAddrPort("[fe80::1%eth0]:80")},
	} {
		if _, err := client.DialEndpoint(context.Background(), e); !errors.Is(err, wire.Unsupported) {
			t.Errorf("dial %v: %v, want %v", e, err, wire.Unsupported)
		}
	}
	// As package net has IPv4 addresses.
	c, err := client.DialEndpoint(context.Background(), wire.Endpoint{Proto: wire.TCP, Addr: netip.MustParseAddrPort("[::ffff:127.0.0.1]:80")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.AcceptSession()
	check(t, err)
	check(t, c.Close())
}

// TestOptions: options that cannot be sent are an error of Attach.
func TestOptions(t *testing.T) {
	addr := startLayer(t, server.Config{})
	for _, o := range []Options{
		{Namespace: strings.Repeat("x", wire.MaxNamespace+1)}, {Namespace: "a\x00b"}, {Namespace: "\xff"},
		{Scope: 4}, {RxSize: -1}, {TxSize: -1}, {RxSize: wire.MaxFifo + 1}, {TxSize: wire.MaxFifo + 1},
	} {
		if _, err := Attach(oshost.New(), addr, o); !errors.Is(err, wire.Unsupported) {
			t.Errorf("%+v: %v, want %v", o, err, wire.Unsupported)
		}
	}
}

// TestDialBurst: a listener whose application does not accept yet takes a burst of dials.
func TestDialBurst(t *testing.T) {
	addr := startLayer(t, server.Config{})
	l := listen(t, attach(t, addr), testURI)
	client := attach(t, addr)
	for range 1000 {
		_, err := client.Dial(context.Background(), testURI)
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 1000 {
		_, err := l.AcceptSession()
		check(t, err)
	}
}
