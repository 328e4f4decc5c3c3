package agent

import (
	"context"
	"net"
	"time"

	"cutthrough/impl"
	"cutthrough/internal/load"
)

// ServeCall names a session layer and where to listen.
type ServeCall struct{ Socket, URI string }

// Serve attaches and echoes what comes.
func (a *Agent) Serve(c ServeCall, _ *None) error {
	if err := a.Attach(c.Socket, nil); err != nil {
		return err
	}
	l, err := a.app.Listen(c.URI)
	if err != nil {
		return err
	}
	a.load.Serve(l)
	return nil
}

// ProgressCall asks for N more messages of a task.
type ProgressCall struct {
	Task  string
	N     int
	Limit time.Duration
}

// Progress returns whether a task exchanges N more messages in time.
func (a *Agent) Progress(c ProgressCall, ok *bool) error {
	*ok = a.load.Await(c.Task, c.N, c.Limit)
	return nil
}

// Ended waits until no task of those names runs, and returns how tasks have ended since it was last called.
func (a *Agent) Ended(names []string, ended *[]load.Ended) error {
	*ended = a.load.Ended(names...)
	return nil
}

// Load has sessions with the server for ever.
func (a *Agent) Load(None, *None) error {
	return a.load.Load(func() (net.Conn, error) { return a.dial() })
}

// Unload closes the sessions of the load. Its tasks end.
func (a *Agent) Unload(None, *None) error {
	a.load.Unload()
	return nil
}

// Redial returns when the server can be dialled again.
func (a *Agent) Redial(None, *None) error {
	return load.Redial(func() (net.Conn, error) { return a.dial() }, patience)
}

// dial dials the server.
func (a *Agent) dial() (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return impl.Dialer{App: a.app}.DialContext(ctx, "", URI)
}
