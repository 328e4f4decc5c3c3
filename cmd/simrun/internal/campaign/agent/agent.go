// Package agent is what the processes of a campaign do: an honest server or client, or an attacker, which its parent directs
// over net/rpc on standard input and output.
package agent

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/rpc"
	"os"
	"runtime"
	"syscall"
	"time"

	"cutthrough/impl"
	"cutthrough/internal/load"
	"cutthrough/shm"
	"cutthrough/shm/fifo"
	"cutthrough/shm/oshost"
)

// None stands for no arguments or no result.
type None struct{}

// Agent is an honest application, or an attacker. Its methods are called over net/rpc, each with arguments and a place
// for the result.
type Agent struct {
	host   shm.Host
	app    *impl.App
	load   *load.Tasks
	attack *attack
}

// URI is where the honest server listens.
const URI = "tcp://127.0.0.1/80"

const (
	patience    = 30 * time.Second     // for what must happen at all, on a busy machine
	interval    = 2 * time.Millisecond // between attempts
	maxFailures = 10                   // of one measurement
)

// Duplex is a connection of two pipes.
type Duplex struct {
	io.Reader
	io.WriteCloser
}

// Serve serves the parent on standard input and output until the input ends.
func Serve() error {
	s := rpc.NewServer()
	a := &Agent{host: oshost.New(), load: load.New(kindOf)}
	if err := s.Register(a); err != nil {
		return err
	}
	s.ServeConn(Duplex{os.Stdin, os.Stdout})
	return nil
}

// Attach attaches to the session layer at a socket.
func (a *Agent) Attach(socket string, _ *None) (err error) {
	a.app, err = impl.Attach(a.host, socket, impl.Options{Spin: fifo.SpinDefault})
	return err
}

// Detach leaves it.
func (a *Agent) Detach(None, *None) error { return a.app.Close() }

// Goroutines returns how many goroutines there are.
func (a *Agent) Goroutines(_ None, n *int) error {
	*n = runtime.NumGoroutine()
	return nil
}

// kinds are the errors that sessions end with, by the names that they have between processes.
var kinds = []struct {
	name string
	err  error
}{
	{"peer gone", impl.ErrPeerGone}, {"EOF", io.EOF}, {"closed", net.ErrClosed}, {"corrupt", shm.ErrCorrupt}, {"deadline", os.ErrDeadlineExceeded},
	{"reset", syscall.ECONNRESET}, {"pipe", syscall.EPIPE}, {"refused", syscall.ECONNREFUSED}, {"layer gone", impl.ErrLayerGone},
	{"wrong bytes", load.ErrWrongBytes},
}

func kindOf(err error) string {
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			return k.name
		}
	}
	return fmt.Sprint(err)
}
