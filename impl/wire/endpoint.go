package wire

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Proto is a transport protocol. For local sessions it is only part of the name
// of a listener.
type Proto uint8

// The protocols.
const (
	TCP Proto = 1 + iota
	UDP
	Unix // endpoints are names, as the paths of unix sockets; no file has anything to do with them
)

// String returns the scheme of a URI.
func (p Proto) String() string {
	switch p {
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	case Unix:
		return "unix"
	}
	return fmt.Sprintf("proto %d", uint8(p))
}

// Endpoint is where a listener listens or a connect goes. With TCP and UDP it is a host and a port. The host is an IP
// address, of which the zero one is the wildcard of its family, or a name; then Addr has only the port. With Unix it
// is a name and nothing else. Port 0 lets a bind choose.
type Endpoint struct {
	Proto Proto
	Addr  netip.AddrPort
	Name  string
}

// maxName bounds the length of a name in an endpoint, in bytes: that of a path in the address of a unix socket.
const maxName = 107

// Check returns nil or what is wrong with e: it can neither be sent nor be written as a URI. Names of Unix are plain
// text. Names of hosts have letters in lower case, digits, "-", "_" and ".", and neither are nor look like addresses.
func (e Endpoint) Check() error {
	host, name := e.Addr.Addr(), e.Name
	switch {
	case e.Proto < TCP || e.Proto > Unix:
		return fmt.Errorf("protocol %d", e.Proto)
	case len(name) > maxName:
		return fmt.Errorf("name of %d bytes, at most %d", len(name), maxName)
	case e.Proto == Unix && (e.Addr != netip.AddrPort{} || name == ""):
		return fmt.Errorf("no name %q, or more", name)
	case e.Proto == Unix && (!utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl)):
		return fmt.Errorf("name %q is not plain text", name)
	case e.Proto != Unix && host.IsValid() == (name != ""):
		return fmt.Errorf("address %v and name %q: want one of them", host, name)
	case host.Zone() != "" || host.Is4In6():
		return fmt.Errorf("address %v has a zone or is IPv4 in IPv6 form", host)
	case e.Proto != Unix && name != "" && !isHost(name):
		return fmt.Errorf("no name of a host %q", name)
	}
	return nil
}

// isHost says whether name can be that of a host. The last part is no number, because old ways to write an IPv4
// address end in one, and "localhost" is an address.
func isHost(name string) bool {
	odd := func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.'
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	number := strings.Trim(last, "0123456789") == ""
	return name != "localhost" && !number && !strings.ContainsFunc(name, odd)
}

// String returns the endpoint as a URI, "tcp://127.0.0.1/80".
func (e Endpoint) String() string {
	switch {
	case e.Proto == Unix:
		return "unix://" + e.Name
	case e.Name != "":
		return fmt.Sprintf("%v://%v/%d", e.Proto, e.Name, e.Addr.Port())
	}
	return fmt.Sprintf("%v://%v/%d", e.Proto, e.Addr.Addr(), e.Addr.Port())
}

// Address returns the endpoint without its protocol, as package net writes addresses: "127.0.0.1:80", "host:80", "/path".
func (e Endpoint) Address() string {
	switch {
	case e.Proto == Unix:
		return e.Name
	case e.Name != "":
		return net.JoinHostPort(e.Name, strconv.Itoa(int(e.Addr.Port())))
	}
	return e.Addr.String()
}

// WithPort returns e with another port. It is for hosts.
func (e Endpoint) WithPort(port uint16) Endpoint {
	e.Addr = netip.AddrPortFrom(e.Addr.Addr(), port)
	return e
}

// MaxURI bounds the length of a URI in a message, in bytes.
const MaxURI = 128

// ParseURI returns the endpoint that text names, "tcp://127.0.0.1/80" or
// "udp://::1/53", as the ancestor's applications write it, or "tcp://host/80", or "unix://" and a name. Zones, user
// parts and queries are refused.
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
	case "unix":
		e := Endpoint{Proto: Unix, Name: rest}
		if err := e.Check(); err != nil {
			return bad(err.Error())
		}
		return e, nil
	default:
		return bad("unknown scheme " + strconv.Quote(scheme))
	}
	host, port, ok := strings.Cut(rest, "/")
	if !ok {
		return bad("no port")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return bad("not a port " + strconv.Quote(port))
	}
	e := Endpoint{Proto: proto, Name: host}
	if addr, err := netip.ParseAddr(host); err == nil {
		e = Endpoint{Proto: proto, Addr: netip.AddrPortFrom(addr.Unmap(), 0)}
	}
	if e.Check() != nil {
		return bad("not an address " + strconv.Quote(host))
	}
	return e.WithPort(uint16(n)), nil
}

// Target returns the endpoint that a bind, unbind or connect names, in words or in fields. False: none. Only a bind
// may leave the port open.
func (m *Message) Target() (Endpoint, bool) {
	e := m.Endpoint
	var err error
	if m.URI != "" {
		e, err = ParseURI(m.URI)
	}
	ok := err == nil && (m.URI == "" || m.Endpoint == Endpoint{}) && e.Check() == nil
	return e, ok && (e.Proto == Unix || e.Addr.Port() != 0 || m.Type == Bind)
}
