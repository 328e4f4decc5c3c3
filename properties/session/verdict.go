package session

import (
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"syscall"
	"time"

	"cutthrough/impl"
	"cutthrough/impl/wire"
	"cutthrough/properties/oracle"
	"cutthrough/sim"
)

// closeWait is how long the close of a listener or application may wait for the session layer, by default.
const closeWait = 500 * time.Millisecond

// checkPrompt checks that a close has not taken more time than it may, although the session layer is stopped.
func checkPrompt(w *sim.World, verb string, took time.Duration) {
	bound, ok := map[string]time.Duration{"shut": 0, "close": 0, "reset": 0, "unlisten": closeWait, "detach": closeWait}[verb]
	if ok && took > bound {
		w.Fail(oracle.Prompt, "%s has taken %v, and may take %v", verb, took, bound)
	}
}

// documented has the errors that a call may return after the peer, the session layer or the application itself has
// ended the object of the call.
var documented = []error{
	net.ErrClosed, io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNREFUSED,
	syscall.EADDRINUSE, wire.NoMemory, wire.SelfConnect, wire.QuotaExceeded, impl.ErrLayerGone,
	syscall.EMFILE, syscall.ENOMEM, syscall.ETIMEDOUT, os.ErrDeadlineExceeded,
}

// checkError checks that a call has failed with a documented error; strict: that it may fail at all.
func checkError(w *sim.World, what string, err error, strict bool) {
	if strict && slices.Contains([]string{"listen", "accept", "dial", "read", "write", "close", "leave"}, what) {
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
