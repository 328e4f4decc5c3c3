package impl

import (
	"context"
	"net"
	"net/netip"

	"cutthrough/impl/wire"
)

// Dial connects to the listener at uri ("tcp://127.0.0.1/80") and returns when it
// has accepted. Errors are in a [*net.OpError]: the end of ctx, a [wire.Status] such as Refused, which is also
// syscall.ECONNREFUSED, or net.ErrClosed. [Dialer] has the form of package net.
func (a *App) Dial(ctx context.Context, uri string) (*Session, error) {
	e, err := wire.ParseURI(uri)
	if err != nil {
		return nil, addressError("dial", "", e, err)
	}
	return a.DialEndpoint(ctx, e)
}

// DialEndpoint is Dial with an endpoint in fields; Unsupported when it is none.
func (a *App) DialEndpoint(ctx context.Context, e wire.Endpoint) (*Session, error) {
	e.Addr = netip.AddrPortFrom(e.Addr.Addr().Unmap(), e.Addr.Port()) // as package net has IPv4 addresses
	return a.connect(ctx, wire.Message{Type: wire.Connect, Endpoint: e, RxSize: uint32(a.opt.RxSize), TxSize: uint32(a.opt.TxSize)})
}

// connect asks for a session.
func (a *App) connect(ctx context.Context, m wire.Message) (*Session, error) {
	r := a.newRequest()
	err := m.Validate()
	if err == nil {
		err = a.ask(patient(ctx), r, m)
	}
	if err != nil {
		e := m.Endpoint
		return nil, &net.OpError{Op: "dial", Net: e.Proto.String(), Addr: Addr{e, 0}, Err: sysError("connect", err)}
	}
	return r.session, nil
}
