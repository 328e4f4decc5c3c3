package impl

import "cutthrough/impl/wire"

// Addr is the address of a session or listener.
type Addr struct {
	Endpoint wire.Endpoint
	Handle   wire.Handle // of the session; 0 for a listener
}

// Network returns the protocol that the listener was named with.
func (a Addr) Network() string { return a.Endpoint.Proto.String() }

// String returns for example "127.0.0.1:80".
func (a Addr) String() string { return a.Endpoint.Addr.String() }
