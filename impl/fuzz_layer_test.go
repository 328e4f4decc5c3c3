package impl

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"cutthrough/impl/wire"
	"cutthrough/shm"
	"cutthrough/shm/evq"
	"cutthrough/shm/fifo"
	"cutthrough/shm/oshost"
)

// hostileHost is a host whose session layer does what bytes say. It counts what is open.
type hostileHost struct {
	shm.Host
	t    *testing.T
	in   []byte
	open atomic.Int64
	// What the application has asked for last, by type, and what was told to it.
	asked   [wire.NumTypes]uint64
	handles []wire.Handle
	replies chan wire.Message // requests that the layer has not seen
}

// hostileDesc is a descriptor of a hostile layer, or an end of a doorbell made of one.
type hostileDesc struct {
	host   *hostileHost
	closed atomic.Bool
	shm.Doorbell
}

func (h *hostileHost) newDesc() *hostileDesc {
	h.open.Add(1)
	return &hostileDesc{host: h}
}

func (d *hostileDesc) Close() error {
	if d.closed.Swap(true) {
		return shm.ErrClosed
	}
	d.host.open.Add(-1)
	if d.Doorbell != nil {
		return d.Doorbell.Close()
	}
	return nil
}

func (h *hostileHost) Dial(string, time.Duration) (shm.Conn, error) {
	h.open.Add(1)
	return &hostileConn{host: h}, nil
}

// Where a segment of a hostile layer has what a session needs.
const (
	hostileSegment = 64 << 10
	hostileFifo    = 4 << 10
	hostileRx      = 4 << 10
	hostileTx      = 16 << 10
	hostilePost    = 32 << 10
	hostileRead    = 40 << 10
)

func (h *hostileHost) MapSegment(d shm.Desc, size uint64) (*shm.Segment, error) {
	if size != hostileSegment {
		return nil, errors.Join(shm.ErrSize, d.Close())
	}
	s, err := shm.FormatSegment(shm.HeapBytes(size), 1, nil, d, nil)
	if err == nil {
		err = errors.Join(fifo.Init(s, hostileRx, hostileFifo, 0), fifo.Init(s, hostileTx, hostileFifo, 0),
			evq.Init(s, hostilePost, 16), evq.Init(s, hostileRead, 16))
	}
	return s, err
}

func (h *hostileHost) bell(d shm.Desc, name shm.Name) (*hostileDesc, error) {
	b := d.(*hostileDesc)
	b.Doorbell = h.NewLocalDoorbell(name)
	return b, nil
}

func (h *hostileHost) OpenWaiter(d shm.Desc, name shm.Name) (shm.Doorbell, error) {
	return h.bell(d, name)
}
func (h *hostileHost) OpenRinger(d shm.Desc, name shm.Name) (shm.RingCloser, error) {
	return h.bell(d, name)
}

// hostileConn is the application's end of its control channel.
type hostileConn struct {
	shm.Conn
	host   *hostileHost
	closed atomic.Bool
}

func (c *hostileConn) Send(b []byte, _ []shm.Desc, _ time.Duration) error {
	m, err := wire.Decode(b)
	if err != nil {
		c.host.t.Errorf("the application sends %x: %v", b, err)
	}
	if c.closed.Load() {
		return shm.ErrClosed
	}
	select {
	case c.host.replies <- m:
	default: // the layer has enough
	}
	return nil
}

func (c *hostileConn) Close() error {
	if c.closed.Swap(true) {
		return shm.ErrClosed
	}
	c.host.open.Add(-1)
	return nil
}

// Recv returns the next message of the layer. There are as many as there are bytes, and then it is gone.
func (c *hostileConn) Recv(buf []byte, _ time.Duration) (int, []shm.Desc, error) {
	h := c.host
	if c.closed.Load() {
		return 0, nil, shm.ErrClosed
	}
	h.hear()
	if len(h.in) == 0 {
		return 0, nil, io.EOF
	}
	b, descs := h.message()
	return copy(buf, b), descs, nil
}

// hear notes what the application has asked for. Until it has asked something there is nothing to answer.
func (h *hostileHost) hear() {
	select {
	case m := <-h.replies:
		h.asked[m.Type] = m.RequestID
	case <-time.After(time.Millisecond):
	}
	for {
		select {
		case m := <-h.replies:
			h.asked[m.Type] = m.RequestID
		default:
			return
		}
	}
}

func (h *hostileHost) take() byte {
	if len(h.in) == 0 {
		return 0
	}
	b := h.in[0]
	h.in = h.in[1:]
	return b
}

// handle returns one that was told before, or a new one.
func (h *hostileHost) handle(kind wire.Kind) wire.Handle {
	n := int(h.take())
	if n < 160 && len(h.handles) > 0 {
		return h.handles[n%len(h.handles)]
	}
	x := wire.NewHandle(kind, 1+uint32(n%2), uint32(n>>1)%4)
	h.handles = append(h.handles, x)
	return x
}

// message returns a message that makes sense more often than bytes would, with as many descriptors as it should have, most
// of the time.
func (h *hostileHost) message() ([]byte, []shm.Desc) {
	how := h.take()
	m := wire.Message{Type: wire.Type(1 + int(how>>2)%int(wire.NumTypes-1))}
	if how == 255 { // anything
		n := min(int(h.take()), len(h.in))
		b := append([]byte{'C', 'T', wire.Version}, h.in[:n]...)
		h.in = h.in[n:]
		return b, nil
	}
	for t := range wire.NumTypes {
		if t.Reply() == m.Type {
			m.RequestID = h.asked[t] + uint64(how&3)/3
		}
	}
	base := wire.Location(uint64(1+h.take()%3) << 20)
	switch m.Type {
	case wire.AttachReply, wire.BindReply:
		m.Handle = h.handle(wire.KindListener)
	case wire.Map:
		m.Handle, m.Base, m.Size, m.Doorbells = h.handle(wire.KindSegment), base, hostileSegment, how&3 != 3
	case wire.Accept, wire.ConnectReply:
		m.Handle, m.Session, m.Listener = h.handle(wire.KindSession), wire.LocalSession, h.handle(wire.KindListener)
		m.Rx, m.Tx, m.PostQueue, m.ReadQueue = base+hostileRx, base+hostileTx, base+hostilePost, base+hostileRead
		if how&3 == 3 {
			m.Rx += wire.Location(int8(h.take()))
			m.ReadQueue += wire.Location(int8(h.take())) << 3
		}
	default:
		m.Handle = h.handle(wire.KindSession)
	}
	if m.Validate() != nil {
		return nil, nil
	}
	descs := make([]shm.Desc, m.Descs())
	for i := range descs {
		descs[i] = h.newDesc()
	}
	b := m.Encode(nil)
	if h.take() == 0 && len(b) > wire.HeaderSize {
		binary.LittleEndian.PutUint64(b[len(b)-8:], uint64(h.take())<<h.take())
	}
	return b, descs
}

// live uses a session, and closes it.
func live(s *Session) {
	_ = s.SetDeadline(time.Now().Add(time.Millisecond))
	_, _ = s.Write([]byte("hello"))
	_, _ = s.Read(make([]byte, 8))
	_ = s.CloseWrite()
	_ = s.Close()
}

// FuzzHostileLayer has an application attach to a session layer that sends what it likes, listen, accept and dial. Every call
// returns, nothing is left open, and the application sends only messages of the protocol.
func FuzzHostileLayer(f *testing.F) {
	reply := func(t wire.Type) byte { return byte(t-1) << 2 }
	f.Add([]byte{reply(wire.AttachReply), 0, 161, 1, reply(wire.BindReply), 0, 163, 1, reply(wire.Map), 0, 165, 1, reply(wire.Accept), 0, 161, 1, 1})
	f.Add([]byte{reply(wire.AttachReply), 0, 161, 1, reply(wire.Map), 0, 165, 1, reply(wire.ConnectReply), 0, 161, 161, 1, reply(wire.Reset), 0, 0, 1, reply(wire.Unmap), 0, 1, 1})
	f.Add([]byte{255, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Fuzz(func(t *testing.T, in []byte) {
		in = in[:min(len(in), 256)]
		h := &hostileHost{Host: oshost.New(), t: t, in: in, replies: make(chan wire.Message, 64)}
		app, err := Attach(h, "anywhere", Options{NoReturn: true})
		if err == nil {
			use(t, app)
			check(t, result(app.Close)())
		}
		if n := h.open.Load(); n != 0 {
			t.Errorf("%d descriptors are left open", n)
		}
	})
}

// use has an application listen, accept and dial until the session layer is gone.
func use(t *testing.T, app *App) {
	served := result(func() error {
		l, err := app.Listen(testURI)
		for err == nil {
			var s *Session
			if s, err = l.AcceptSession(); err == nil {
				live(s)
			}
		}
		return nil
	})
	dialled := result(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
		defer cancel()
		if s, err := app.Dial(ctx, "tcp://127.0.0.1/81"); err == nil {
			live(s)
		}
		return nil
	})
	check(t, served())
	check(t, dialled())
}
