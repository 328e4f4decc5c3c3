// Package sessions puts sessions in the place of sockets. Command suites compiles it into the test binaries of others,
// whose package net calls Listen and Dial.
package sessions

import (
	"context"
	"net"

	"cutthrough/impl"
	"cutthrough/shm/oshost"
)

// Layer is the environment variable with the address of the session layer. Without it sockets are sockets.
const Layer = "CUTTHROUGH_SUITES_LAYER"

// An application cannot dial its own listeners, so the process has two.
var listens, dials *impl.App

// Attach attaches the process to the session layer at an address. It panics when that fails: a test that goes on
// without sessions would show nothing.
func Attach(layer string) {
	for _, app := range []**impl.App{&listens, &dials} {
		a, err := impl.Attach(oshost.New(), layer, impl.Options{})
		if err != nil {
			panic("sessions: " + err.Error())
		}
		*app = a
	}
}

// Listen is net.ListenConfig.Listen.
func Listen(ctx context.Context, network, address string) (net.Listener, error) {
	return impl.ListenConfig{App: listens}.Listen(ctx, network, address)
}

// Dial is d.DialContext.
func Dial(ctx context.Context, d *net.Dialer, network, address string) (net.Conn, error) {
	return impl.Dialer{App: dials, Timeout: d.Timeout, Deadline: d.Deadline}.DialContext(ctx, network, address)
}
