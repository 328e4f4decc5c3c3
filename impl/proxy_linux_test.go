package impl

import (
	"net"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"cutthrough/impl/server"
	"cutthrough/internal/proctest"
)

// proxy is a session of an agent as a net.Conn of this process.
type proxy struct {
	net.Conn // addresses
	t        *testing.T
	p        *proctest.Process
	id       int
}

// ConnCall is a call of a method of session ID.
type ConnCall struct {
	ID     int
	Method string
	Data   []byte // to write; to read, as many
	Time   time.Time
}

// ConnReply is its result.
type ConnReply struct {
	Data []byte // that was read
	N    int
	Err  string // its kind
}

// Conn does a call of a method of a session.
func (a *Agent) Conn(c ConnCall, r *ConnReply) error {
	s := a.conn(c.ID)
	var err error
	switch c.Method {
	case "Read":
		r.N, err = s.Read(c.Data)
		r.Data = c.Data[:r.N]
	case "Write":
		r.N, err = s.Write(c.Data)
	case "Close":
		err = s.Close()
	case "SetDeadline":
		err = s.SetDeadline(c.Time)
	case "SetReadDeadline":
		err = s.SetReadDeadline(c.Time)
	case "SetWriteDeadline":
		err = s.SetWriteDeadline(c.Time)
	}
	r.Err = kindOf(err)
	return nil
}

func (c proxy) do(method string, data []byte, when time.Time) (ConnReply, error) {
	r, err := proctest.Try[ConnReply](c.p, "Conn", ConnCall{c.id, method, data, when})
	if err != nil {
		c.t.Error(err)
		return r, err
	}
	return r, errorOf(r.Err)
}

func (c proxy) Read(b []byte) (int, error) {
	r, err := c.do("Read", make([]byte, len(b)), time.Time{})
	return copy(b, r.Data), err
}

func (c proxy) Write(b []byte) (int, error) {
	r, err := c.do("Write", b, time.Time{})
	return r.N, err
}

func (c proxy) set(method string, t time.Time) error {
	_, err := c.do(method, nil, t)
	return err
}

func (c proxy) Close() error                       { return c.set("Close", time.Time{}) }
func (c proxy) SetDeadline(t time.Time) error      { return c.set("SetDeadline", t) }
func (c proxy) SetReadDeadline(t time.Time) error  { return c.set("SetReadDeadline", t) }
func (c proxy) SetWriteDeadline(t time.Time) error { return c.set("SetWriteDeadline", t) }

// TestConnOfProcess is TestConn with the peer, that accepts, in another process.
func TestConnOfProcess(t *testing.T) {
	addr := startLayer(t, server.Config{})
	client, p := attach(t, addr), proctest.Start(t)
	proctest.Call[None](p, "Attach", addr)
	proctest.Call[None](p, "Listen", testURI)
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		c, err := client.Dial(t.Context(), testURI)
		if err != nil {
			return nil, nil, nil, err
		}
		s := proxy{c, t, p, proctest.Call[int](p, "Accept", None{})}
		return c, s, func() { _ = c.Close(); _ = s.Close() }, nil
	})
	proctest.Call[None](p, "Detach", None{})
	p.End()
}
