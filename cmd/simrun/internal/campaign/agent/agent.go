// Package agent is what the processes of a campaign do: an honest server or client, or an attacker, which its parent directs
// over net/rpc on standard input and output.
package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/rpc"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"cutthrough/impl"
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
	tasks  tasks
	attack *attack

	mu    sync.Mutex
	conns map[io.Closer]bool // of the load
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
	a := &Agent{host: oshost.New(), conns: map[io.Closer]bool{}}
	a.tasks.init()
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

// ServeCall names a session layer and where to listen.
type ServeCall struct{ Socket, URI string }

// Serve attaches and echoes what comes, in tasks "accept" and "echo".
func (a *Agent) Serve(c ServeCall, _ *None) error {
	if err := a.Attach(c.Socket, nil); err != nil {
		return err
	}
	l, err := a.app.Listen(c.URI)
	if err != nil {
		return err
	}
	a.tasks.run("accept", func() error {
		for {
			s, err := l.Accept()
			if err != nil {
				return err
			}
			a.tasks.run("echo", func() error { return echo(s) })
		}
	})
	return nil
}

// echo echoes until the peer has closed its side, and closes then.
func echo(s net.Conn) error {
	defer s.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := s.Read(buf)
		if err == nil {
			_, err = s.Write(buf[:n])
		}
		if err != nil {
			return err
		}
	}
}

// dial dials the server for the load.
func (a *Agent) dial() (*impl.Session, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s, err := a.app.Dial(ctx, URI)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.conns[s] = true
	return s, nil
}

func (a *Agent) hangup(s *impl.Session) error {
	a.mu.Lock()
	delete(a.conns, s)
	a.mu.Unlock()
	return s.Close()
}

// kinds are the errors that sessions end with, by the names that they have between processes.
var kinds = []struct {
	name string
	err  error
}{
	{"EOF", io.EOF}, {"closed", net.ErrClosed}, {"corrupt", shm.ErrCorrupt}, {"deadline", os.ErrDeadlineExceeded},
	{"reset", syscall.ECONNRESET}, {"pipe", syscall.EPIPE}, {"refused", syscall.ECONNREFUSED}, {"layer gone", impl.ErrLayerGone},
	{"wrong bytes", errWrongBytes},
}

func kindOf(err error) string {
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			return k.name
		}
	}
	return fmt.Sprint(err)
}
