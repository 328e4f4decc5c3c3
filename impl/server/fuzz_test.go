package server

import (
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"cutthrough/impl/layer"
	"cutthrough/impl/layer/layertest"
	"cutthrough/impl/wire"
	"cutthrough/shm"
	"cutthrough/shm/oshost"
)

// fuzzHost is a host without an operating system: tasks run when the fuzzer lets them,
// and everything that is opened is counted until it is closed.
type fuzzHost struct {
	shm.Host
	now   time.Duration
	tasks []func()
	open  int
	// No doorbell can be made.
	noBells bool
}

// fuzzDesc is a descriptor: of a segment or of an end of a doorbell.
type fuzzDesc struct {
	host   *fuzzHost
	closed bool
}

func (h *fuzzHost) newDesc() *fuzzDesc {
	h.open++
	return &fuzzDesc{host: h}
}

func (d *fuzzDesc) Close() error {
	if d.closed {
		panic("closed twice")
	}
	d.closed = true
	d.host.open--
	return nil
}

func (h *fuzzHost) Now() time.Duration    { return h.now }
func (h *fuzzHost) Go(_ string, f func()) { h.tasks = append(h.tasks, f) }
func (h *fuzzHost) runTask()              { f := h.tasks[0]; h.tasks = h.tasks[1:]; f() }
func (h *fuzzHost) runTasks() {
	for len(h.tasks) > 0 {
		h.runTask()
	}
}
func (h *fuzzHost) CreateSegment(size uint64) (*shm.Segment, error) {
	return shm.FormatSegment(make([]byte, size), 1, nil, h.newDesc(), nil)
}

func (h *fuzzHost) NewDoorbell() (wait, ring shm.Desc, err error) {
	if h.noBells {
		return nil, nil, errNoBells
	}
	return h.newDesc(), h.newDesc(), nil
}

var errNoBells = errors.New("no descriptor left")

// fuzzConn is the session layer's end of the control channel of an application that keeps
// the handles it sees, and may stop reading.
type fuzzConn struct {
	shm.Conn
	t       *testing.T
	host    *fuzzHost
	handles []uint64
	full    bool
	closed  bool
}

func (c *fuzzConn) Send(b []byte, descs []shm.Desc, deadline time.Duration) error {
	if c.closed {
		return shm.ErrClosed
	}
	if c.full && deadline != shm.Forever {
		return shm.ErrDeadline
	}
	m, err := wire.Decode(b)
	short := m.Doorbells && c.host.noBells && len(descs) == 0
	if err != nil || len(descs) != m.Descs() && !short {
		c.t.Fatalf("sent %v with %d descriptors, %v", m, len(descs), err)
	}
	for _, d := range descs {
		if d.(*fuzzDesc).closed {
			return shm.ErrDesc // as the operating system's does
		}
	}
	c.handles = append(c.handles, uint64(m.Handle))
	return nil
}

func (c *fuzzConn) Peer() (shm.Peer, error) { return shm.Peer{}, nil }

func (c *fuzzConn) Close() error {
	c.closed = true
	return nil
}

// fuzzServer is a server whose applications do what bytes say.
type fuzzServer struct {
	t     *testing.T
	host  *fuzzHost
	s     *Server
	conns []*fuzzConn
	in    []byte
}

func newFuzzServer(t *testing.T, cfg layer.Config) *fuzzServer {
	h := &fuzzHost{Host: oshost.New()}
	s := New(h, nil, Config{Backlog: 4, Core: layertest.Core{Core: layer.New(cfg), Broken: func(err error) { t.Fatal(err) }}})
	return &fuzzServer{t: t, host: h, s: s, conns: make([]*fuzzConn, 3)}
}

// end hangs up all channels, and expects that nothing is left.
func (f *fuzzServer) end() {
	for id := range layer.Channel(len(f.conns)) {
		if c := f.s.channels[id+1]; c != nil {
			f.s.hangup(c, io.EOF)
		}
	}
	f.host.runTasks()
	if st := f.s.Stat(); f.host.open > 0 || st.Used > 0 || len(f.s.segments)+len(f.s.bells) > 0 || len(st.Listeners) > 0 {
		f.t.Errorf("left: %d descriptors, %+v", f.host.open, st)
	}
}

func (f *fuzzServer) take() int {
	if len(f.in) == 0 {
		return 0
	}
	b := f.in[0]
	f.in = f.in[1:]
	return int(b)
}

// channel returns the n-th channel, open and usually attached.
func (f *fuzzServer) channel(n int) (*channel, *fuzzConn) {
	c := f.s.channels[layer.Channel(n+1)]
	if c == nil {
		f.conns[n] = &fuzzConn{t: f.t, host: f.host}
		c = &channel{id: layer.Channel(n + 1), conn: f.conns[n]}
		f.s.channels[c.id] = c
		f.s.stepLocked(layer.Event{Kind: layer.EventOpen, Channel: c.id})
		if f.take()%8 < 7 {
			f.receive(c, wire.Message{Type: wire.Attach, Scope: wire.ScopeLocal}.Encode(nil))
		}
	}
	return c, f.conns[n]
}

// receive gives b to the server as its reader does.
func (f *fuzzServer) receive(c *channel, b []byte) {
	m, err := wire.Decode(b)
	if err == nil {
		f.s.message(c, m)
	} else if !errors.Is(err, wire.ErrMessage) {
		f.t.Fatal(err)
	}
	if err != nil {
		f.s.hangup(c, err)
	}
}

// act has an application do something.
func (f *fuzzServer) act() {
	op, n := f.take(), f.take()%len(f.conns)
	c, conn := f.channel(n)
	switch {
	case op == 0:
		f.s.hangup(c, io.EOF)
	case op < 20:
		conn.full = !conn.full
	case op < 30:
		if len(f.host.tasks) > 0 {
			f.host.runTask()
		}
	case op == 30:
		f.host.now += time.Duration(f.take()) * time.Second
		f.s.stepLocked(layer.Event{Kind: layer.EventTick})
	case op == 32:
		f.host.noBells = !f.host.noBells
	case op == 31:
		size := min(f.take(), len(f.in))
		raw := f.in[:size]
		f.in = f.in[size:]
		f.receive(c, raw)
	default:
		k := fuzzKinds[op%len(fuzzKinds)]
		if op == 255 {
			k = wire.Type(1 + f.take()%int(wire.NumTypes-1))
		}
		b := make([]byte, k.Size())
		copy(b, []byte{'C', 'T', wire.Version, byte(k), byte(f.take()%4) / 3})
		f.body(k, conn, b[wire.HeaderSize:])
		f.receive(c, b)
	}
	if conn.closed && f.s.channels[c.id] != nil {
		f.s.hangup(c, shm.ErrClosed) // as its reader does
	}
}

var fuzzURIs = []string{"tcp://127.0.0.1/1", "tcp://127.0.0.1/1", "tcp://127.0.0.1/1", "tcp://0.0.0.0/1", "tcp://127.0.0.1/2", "nonsense"}

// fuzzKinds are the kinds that applications send, the more interesting ones more often.
var fuzzKinds = []wire.Type{
	wire.Attach, wire.Detach, wire.Bind, wire.Bind, wire.Unbind, wire.Connect, wire.Connect, wire.Connect, wire.MapReply,
	wire.AcceptReply, wire.AcceptReply, wire.AcceptReply, wire.AcceptReply, wire.UnmapReply, wire.UnmapReply, wire.Disconnect,
	wire.Reset, wire.DisconnectReply, wire.ResetReply,
}

// body fills in the fields of a message of kind k with what makes sense more often
// than bytes would.
func (f *fuzzServer) body(k wire.Type, conn *fuzzConn, b []byte) {
	switch k {
	case wire.Attach:
		b[len(b)-1] = byte(f.take()) % 4
	case wire.Bind, wire.Connect:
		copy(b, fuzzURIs[f.take()%len(fuzzURIs)])
	default:
		from := f.conns[f.take()%len(f.conns)]
		h := uint64(f.take())
		if h >= 192 { // they can be guessed
			h = uint64(wire.NewHandle(wire.Kind(1+h%5), 1+uint32(h>>3)%4, uint32(h>>5)%2))
		} else if from != nil && len(from.handles) > 0 {
			h = from.handles[len(from.handles)-1-int(h)%len(from.handles)]
		}
		if len(b) >= 8 {
			binary.LittleEndian.PutUint64(b, h)
		}
		if k == wire.Disconnect {
			b[8] = byte(f.take()) % 2
		}
	}
}

// FuzzServer has applications send what they like, when they like, read or not, and
// leave. The server holds its invariants, lets go of everything and does not panic.
func FuzzServer(f *testing.F) {
	for seed := range byte(200) {
		in := make([]byte, 600)
		_, _ = rand.NewChaCha8([32]byte{seed}).Read(in)
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		f := newFuzzServer(t, layer.Config{
			SegmentSize: 16 << 10, FifoSize: 1000, QueueSlots: 4, MaxSessions: 20, Linger: time.Duration(len(in) % 2),
		})
		f.in = in
		for acts := 0; acts < 100 && len(f.in) > 0; acts++ {
			f.act()
		}
		f.end()
	})
}

// TestForgedAnswers: an application that answers that it cannot map what it was not told yet, because
// it does not read, is not told.
func TestForgedAnswers(t *testing.T) {
	f := newFuzzServer(t, layer.Config{})
	peer, _ := f.channel(0)
	hostile, conn := f.channel(1)
	f.receive(hostile, wire.Message{Type: wire.Bind, URI: testURI}.Encode(nil))
	conn.full = true
	f.receive(peer, wire.Message{Type: wire.Connect, URI: testURI}.Encode(nil))
	f.receive(hostile, wire.Message{Type: wire.MapReply, Status: wire.Invalid, Handle: wire.NewHandle(wire.KindSegment, 1, 0)}.Encode(nil))
	f.receive(hostile, wire.Message{Type: wire.Reset, Handle: wire.NewHandle(wire.KindSession, 1, 0)}.Encode(nil))
	if len(f.s.segments) > 0 {
		t.Error("the segment is kept, so this tests nothing")
	}
	f.host.runTasks()
	f.end()
}
