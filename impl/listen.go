package impl

import (
	"context"
	"net"
)

// ListenConfig listens with an application, in the form of [net.ListenConfig]. App must be set, as in [Dialer].
type ListenConfig struct{ App *App }

// Listen is ListenConfig.Listen without a context.
func Listen(a *App, network, address string) (net.Listener, error) {
	return ListenConfig{App: a}.Listen(context.Background(), network, address)
}

// Listen listens at an address, which [Resolve] explains, and returns a [*Listener], or nil. The session layer replaces
// port 0 by a free one, and Addr says which. An error is a [*net.OpError] around the usual values: syscall.EADDRINUSE,
// syscall.EADDRNOTAVAIL, the end of the context, net.ErrClosed, a [wire.Status]. The context has no effect on the
// listener afterwards. The application stays attached when the listener closes, for the sessions that it has accepted.
func (c ListenConfig) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	e, err := Resolve(network, address, true)
	if err == nil && c.App == nil {
		err = errNoApp
	}
	if err != nil {
		return nil, addressError("listen", network, e, err)
	}
	l, err := c.App.listen(ctx, e)
	if err != nil {
		return nil, named(err, network)
	}
	return l, nil
}
