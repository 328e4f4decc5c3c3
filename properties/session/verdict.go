package session

import (
	"errors"
	"io"
	"net"
	"syscall"

	"cutthrough/impl"
	"cutthrough/impl/wire"
	"cutthrough/properties/oracle"
	"cutthrough/shm"
	"cutthrough/sim"
)

// documented has the errors that a call may return after the peer, the session layer or the application itself has
// ended the object of the call.
var documented = []error{
	net.ErrClosed, io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNREFUSED,
	syscall.EADDRINUSE, wire.NoMemory, wire.SelfConnect, wire.QuotaExceeded, impl.ErrLayerGone,
	syscall.EMFILE, syscall.ENOMEM, syscall.ETIMEDOUT, shm.ErrRefused,
}

// checkError checks that a call has failed with a documented error; strict: that it may fail at all.
func checkError(w *sim.World, what string, err error, strict bool) {
	if strict {
		w.Fail(oracle.DocumentedErrors, "%s: %v, in a polite workload without faults", what, err)
	}
	for _, d := range documented {
		if errors.Is(err, d) {
			w.Sometimes("refused")
			return
		}
	}
	w.Fail(oracle.DocumentedErrors, "%s: %v", what, err)
}
