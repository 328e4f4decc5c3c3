package session

import (
	"errors"
	"io"
	"math"
	"net"
	"os"
	"syscall"
	"time"

	"cutthrough/impl"
	"cutthrough/impl/wire"
	"cutthrough/properties/oracle"
	"cutthrough/shm"
	"cutthrough/sim"
)

// closeWait is how long the close of a listener or application may wait for the session layer, by default.
const closeWait = 500 * time.Millisecond

// checkPrompt checks that a close has not taken more time than it may, although the session layer is stopped.
func checkPrompt(w *sim.World, op any, took time.Duration) {
	bound := time.Duration(math.MaxInt64)
	switch op.(type) {
	case shut, closeAll, reset:
		bound = 0
	case unlisten, detach:
		bound = closeWait
	}
	if took > bound {
		w.Fail(oracle.Prompt, "%T has taken %v, and may take %v", op, took, bound)
	}
}

// documented has the errors that a call may return after the peer, the session layer or the application itself has
// ended the object of the call.
var documented = []error{
	net.ErrClosed, io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNREFUSED,
	syscall.EADDRINUSE, wire.NoMemory, wire.SelfConnect, wire.QuotaExceeded, impl.ErrLayerGone,
	syscall.EMFILE, syscall.ENOMEM, syscall.ETIMEDOUT, os.ErrDeadlineExceeded, shm.ErrRefused,
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
