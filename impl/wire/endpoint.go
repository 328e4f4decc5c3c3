package wire

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Proto is a transport protocol. For local sessions it is only part of the name
// of a listener.
type Proto uint8

// The protocols.
const (
	TCP Proto = 1 + iota
	UDP
)

// String returns the scheme of a URI.
func (p Proto) String() string {
	switch p {
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	}
	return fmt.Sprintf("proto %d", uint8(p))
}

// Endpoint is where a listener listens or a connect goes: protocol, IP address and
// port. The zero address is the wildcard of its family.
type Endpoint struct {
	Proto Proto
	Addr  netip.AddrPort
}

// String returns the endpoint as a URI, "tcp://127.0.0.1/80".
func (e Endpoint) String() string {
	return fmt.Sprintf("%v://%v/%d", e.Proto, e.Addr.Addr(), e.Addr.Port())
}

// MaxURI bounds the length of a URI in a message, in bytes.
const MaxURI = 128

// ParseURI returns the endpoint that text names, "tcp://127.0.0.1/80" or
// "udp://::1/53", as the ancestor's applications write it. Hosts are IP addresses;
// names, zones, user parts and queries are refused.
func ParseURI(text string) (Endpoint, error) {
	bad := func(what string) (Endpoint, error) {
		return Endpoint{}, fmt.Errorf("impl: uri %q: %s (want tcp://ADDRESS/PORT)", text, what)
	}
	if len(text) > MaxURI {
		return Endpoint{}, fmt.Errorf("impl: uri of %d bytes, at most %d", len(text), MaxURI)
	}
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return bad("no scheme")
	}
	proto := TCP
	switch scheme {
	case "tcp":
	case "udp":
		proto = UDP
	default:
		return bad("unknown scheme " + strconv.Quote(scheme))
	}
	host, port, ok := strings.Cut(rest, "/")
	if !ok {
		return bad("no port")
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Zone() != "" {
		return bad("not an IP address " + strconv.Quote(host))
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return bad("not a port " + strconv.Quote(port))
	}
	return Endpoint{proto, netip.AddrPortFrom(addr.Unmap(), uint16(n))}, nil
}

// Target returns the endpoint that a bind, unbind or connect names, in words or in fields. False: none.
func (m *Message) Target() (Endpoint, bool) {
	if m.URI == "" {
		return m.Endpoint, m.Endpoint.Addr.IsValid() && m.Endpoint.Addr.Port() != 0
	}
	e, err := ParseURI(m.URI)
	return e, err == nil && m.Endpoint == Endpoint{}
}
