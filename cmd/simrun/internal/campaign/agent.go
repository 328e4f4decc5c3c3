package campaign

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

	"cutthrough/impl"
	"cutthrough/shm"
	"cutthrough/shm/fifo"
	"cutthrough/shm/oshost"
)

// None stands for no arguments or no result.
type None struct{}

// Agent is what an agent does for the campaign: its methods are called over net/rpc. It is an honest application or an
// attacker.
type Agent struct {
	host   shm.Host
	app    *impl.App
	tasks  tasks
	attack *attack

	mu    sync.Mutex
	conns map[io.Closer]bool // of the load
}

// serveAgent serves the campaign on standard input and output until the input ends.
func serveAgent() error {
	s := rpc.NewServer()
	a := &Agent{host: oshost.New(), conns: map[io.Closer]bool{}}
	a.tasks.init()
	if err := s.Register(a); err != nil {
		return err
	}
	s.ServeConn(duplex{os.Stdin, os.Stdout})
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
	s, err := a.app.Dial(ctx, uri)
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
