package impl

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"cutthrough/impl/wire"
)

// ErrLayerGone is what calls return that need the session layer, when it has ended, until the application has attached to
// another one. It is a [net.Error], and no timeout. A session returns it only if it was being made when the session
// layer ended.
var ErrLayerGone error = layerGone{}

// ErrPeerGone is what calls of a session return when the application at the other side has left without closing it, or
// has died. It is syscall.ECONNRESET. Read returns it after all that was written.
var ErrPeerGone error = fmt.Errorf("the peer is gone: %w", syscall.ECONNRESET)

type layerGone struct{}

// Error implements [net.Error].
func (layerGone) Error() string { return "impl: the session layer is gone" }

// Timeout implements [net.Error].
func (layerGone) Timeout() bool { return false }

// Temporary implements [net.Error].
func (layerGone) Temporary() bool { return false }

// contextError is the end of a context, with the text and the kind that package net gives it.
type contextError struct{ err error }

// Error implements [net.Error].
func (e contextError) Error() string {
	if e.Timeout() {
		return "i/o timeout"
	}
	return "operation was canceled"
}

// Timeout implements [net.Error].
func (e contextError) Timeout() bool { return e.err == context.DeadlineExceeded }

// Temporary implements [net.Error].
func (e contextError) Temporary() bool { return e.Timeout() }

// Is makes the end of a context match as what it is and, if it is a timeout, as any deadline.
func (e contextError) Is(target error) bool {
	return target == e.err || e.Timeout() && target == os.ErrDeadlineExceeded
}

// sysError returns err as package net has it inside a net.OpError: what means an error of the operating system with the
// name of the system call that would have returned it, and the end of a context with its usual text.
func sysError(call string, err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return contextError{context.DeadlineExceeded}
	}
	if errors.Is(err, context.Canceled) {
		return contextError{context.Canceled}
	}
	var errno syscall.Errno
	switch err.(type) {
	case syscall.Errno, wire.Status:
		if errors.As(err, &errno) {
			return os.NewSyscallError(call, err)
		}
	}
	return err
}

// addressError is the error of a dial or listen that was not tried.
func addressError(op, network string, e wire.Endpoint, err error) error {
	out := &net.OpError{Op: op, Net: network, Err: err}
	if e.Proto != 0 {
		out.Addr = Addr{e, 0}
		if network == "" {
			out.Net = e.Proto.String()
		}
	}
	return out
}
