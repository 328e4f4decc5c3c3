package impl

import (
	"fmt"
	"net/netip"

	"cutthrough/impl/wire"
)

// Addr is the address of a listener, or of one side of a session. Two sessions that live at the same time have
// different ones at the client's side.
type Addr struct {
	Endpoint wire.Endpoint
	Handle   wire.Handle // of the session; 0 for a listener
}

// Network returns the protocol that the listener was named with: "tcp", "udp" or "unix".
func (a Addr) Network() string { return a.Endpoint.Proto.String() }

// String returns for example "127.0.0.1:80", "host:80" or "/run/service".
func (a Addr) String() string { return a.Endpoint.Address() }

// clientEndpoint returns the endpoint of the client in the session with a number, as tcp and unix sockets choose
// one: a port on the host of the server, or a name. Of ports 64,511 sessions in a row have different ones, none that of
// the server.
func clientEndpoint(server wire.Endpoint, serial uint64) wire.Endpoint {
	if server.Proto == wire.Unix {
		return wire.Endpoint{Proto: wire.Unix, Name: fmt.Sprintf("@%05x", serial)}
	}
	const low, first = 1024, 32768
	port := low + (serial+first-low)%(1<<16-low-1)
	if used := uint64(server.Addr.Port()); used >= low && port >= used {
		port++
	}
	host := server.Addr.Addr()
	if !host.IsValid() {
		host = loopback4()
	}
	return wire.Endpoint{Proto: server.Proto, Addr: netip.AddrPortFrom(host, uint16(port))}
}
