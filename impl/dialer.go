package impl

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"cutthrough/impl/wire"
)

// Dialer dials with an application, in the form of [net.Dialer]. Its DialContext is what http.Transport takes, its
// DialAddress what grpc.WithContextDialer takes. App must be set: an application has a lifetime, quotas and an identity,
// so a program says which one it means, and a process may have several. Safe for concurrent use.
type Dialer struct {
	App      *App
	Timeout  time.Duration // of a dial; 0: none but that of the context
	Deadline time.Time     // of all dials; the zero time: none
	// Bytes that can wait to be read here, and at the peer; 0 means Options.RxSize and Options.TxSize. At most
	// wire.MaxFifo. They cannot be changed after the dial.
	ReadBuffer, WriteBuffer int
}

// errNoApp is why a Dialer or ListenConfig without an application does nothing.
var errNoApp = fmt.Errorf("impl: no application: %w", wire.NotAttached)

// Dial is DialContext without a context.
func (d Dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

// DialAddress is DialContext without a network, which [Resolve] finds out.
func (d Dialer) DialAddress(ctx context.Context, address string) (net.Conn, error) {
	return d.DialContext(ctx, "", address)
}

// DialContext connects to the listener at an address, which [Resolve] explains, and returns a [*Session] when it has
// accepted, or nil. An error is a [*net.OpError] around the usual values: syscall.ECONNREFUSED, context.Canceled,
// context.DeadlineExceeded (which is also os.ErrDeadlineExceeded and a timeout), net.ErrClosed, a [wire.Status]. An
// application cannot dial its own listeners: wire.SelfConnect. The context has no effect on the session afterwards.
func (d Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	e, err := Resolve(network, address, false)
	if err == nil && d.App == nil {
		err = errNoApp
	}
	if err == nil && (min(d.ReadBuffer, d.WriteBuffer) < 0 || max(d.ReadBuffer, d.WriteBuffer) > wire.MaxFifo) {
		err = fmt.Errorf("buffers of %d and %d bytes: %w", d.ReadBuffer, d.WriteBuffer, wire.Unsupported)
	}
	if err == nil && e.Proto != wire.Unix && e.Addr.Port() == 0 {
		err = wire.Refused // as tcp does
	}
	if err != nil {
		return nil, addressError("dial", network, e, err)
	}
	ctx, cancel := d.bound(ctx)
	defer cancel()
	m := wire.Message{Type: wire.Connect, Endpoint: e, RxSize: uint32(d.App.opt.RxSize), TxSize: uint32(d.App.opt.TxSize)}
	if d.ReadBuffer > 0 {
		m.RxSize = uint32(d.ReadBuffer)
	}
	if d.WriteBuffer > 0 {
		m.TxSize = uint32(d.WriteBuffer)
	}
	s, err := d.App.connect(ctx, m)
	if err != nil {
		return nil, named(err, network)
	}
	return s, nil
}

// bound returns ctx with the limits of d.
func (d Dialer) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	cancel := func() {}
	if !d.Deadline.IsZero() {
		ctx, cancel = context.WithDeadline(ctx, d.Deadline)
	}
	if d.Timeout == 0 {
		return ctx, cancel
	}
	inner, stop := context.WithTimeout(ctx, d.Timeout)
	return inner, func() { stop(); cancel() }
}

// named returns err, of a dial or listen, with the network that the caller has named.
func named(err error, network string) error {
	var op *net.OpError
	if network != "" && errors.As(err, &op) {
		op.Net = network
	}
	return err
}
