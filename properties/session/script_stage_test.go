package session

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"cutthrough/impl/layer"
	"cutthrough/impl/server"
	"cutthrough/impl/wire"
	"cutthrough/properties/oracle"
	"cutthrough/shm"
)

var nameScript = shm.NewName("script")

// scriptHost is the host of a session layer under a script: the script moves the clock and exhausts the memory, and
// waits until the layer has handled messages, ends of control channels, and memory.
type scriptHost struct {
	shm.Host
	mu    sync.Locker
	bell  shm.Doorbell // rung when the following three change
	conns []*scriptConn
	ended int // of conns
	busy  int // tasks of the layer that work on memory
	skew  time.Duration
	full  bool
}

// scriptConn is the session layer's end of a control channel. A call of Recv shows that the messages before are
// handled, and after a call of Close no message is.
type scriptConn struct {
	shm.Conn
	host   *scriptHost
	asked  int
	closed bool
}

// Recv implements [shm.Conn].
func (c *scriptConn) Recv(buf []byte, deadline time.Duration) (int, []shm.Desc, error) {
	c.host.mu.Lock()
	c.asked++
	c.host.mu.Unlock()
	_ = c.host.bell.Ring()
	return c.Conn.Recv(buf, deadline)
}

// Close implements [shm.Conn].
func (c *scriptConn) Close() error {
	c.host.mu.Lock()
	c.closed = true
	c.host.mu.Unlock()
	_ = c.host.bell.Ring()
	return c.Conn.Close()
}

type scriptListener struct {
	shm.Listener
	host *scriptHost
}

// Accept implements [shm.Listener].
func (l *scriptListener) Accept(deadline time.Duration) (shm.Conn, error) {
	conn, err := l.Listener.Accept(deadline)
	if err != nil {
		return nil, err
	}
	l.host.mu.Lock()
	defer l.host.mu.Unlock()
	c := &scriptConn{Conn: conn, host: l.host}
	l.host.conns = append(l.host.conns, c)
	return c, nil
}

func newScriptHost(h shm.Host) *scriptHost {
	return &scriptHost{Host: h, mu: h.NewLock(nameScript), bell: h.NewLocalDoorbell(nameScript)}
}

// Now implements [shm.Host].
func (h *scriptHost) Now() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.Host.Now() + h.skew
}

// CreateSegment implements [shm.Host].
func (h *scriptHost) CreateSegment(size uint64) (*shm.Segment, error) {
	h.mu.Lock()
	full := h.full
	h.mu.Unlock()
	if full {
		return nil, syscall.ENOMEM
	}
	return h.Host.CreateSegment(size)
}

// Go implements [shm.Host]. When the reader of a control channel has ended, everything that follows from the
// channel's end has been done. A task that works on memory ends when the core knows of all the work.
func (h *scriptHost) Go(task string, f func()) {
	h.mu.Lock()
	if task == "server-memory" {
		h.busy++
	}
	h.mu.Unlock()
	h.Host.Go(task, func() {
		f()
		h.mu.Lock()
		switch task {
		case "server-read":
			h.ended++
		case "server-memory":
			h.busy--
		}
		h.mu.Unlock()
		_ = h.bell.Ring()
	})
}

// Listen implements [shm.Host].
func (h *scriptHost) Listen(addr string) (shm.Listener, error) {
	l, err := h.Host.Listen(addr)
	if err != nil {
		return nil, err
	}
	return &scriptListener{l, h}, nil
}

// awaitEnded returns when n control channels have ended and the work on memory is done.
func (h *scriptHost) awaitEnded(n int) error {
	return h.await(func() bool { return h.ended >= n && h.busy == 0 })
}

// awaitRead returns when n messages of the i-th channel, or the channel's end, have been dealt with, and the work on
// memory is done.
func (h *scriptHost) awaitRead(i, n int) error {
	return h.await(func() bool {
		return i < len(h.conns) && (h.conns[i].asked > n || h.conns[i].closed) && h.busy == 0
	})
}

func (h *scriptHost) await(done func() bool) error {
	for {
		h.mu.Lock()
		ok := done()
		h.mu.Unlock()
		if ok {
			return nil
		}
		if err := h.bell.Wait(nil, h.Host.Now()+scriptPatience); err != nil {
			return fmt.Errorf("waiting for the session layer to notice: %w", err)
		}
	}
}

// scriptPatience bounds every wait, so that a session layer that hangs fails the script.
const scriptPatience = 20 * time.Second

// stage is where a script plays.
type stage struct {
	host   *scriptHost // of the session layer
	apps   shm.Host
	addr   string
	cfg    server.Config
	server *server.Server
	ran    shm.Doorbell // rung when the server's Run has returned
	runErr error
	broken error // the first broken invariant
	actors []*actor
	names  map[string]string // of addresses
	counts map[string]int    // of names, by kind
	out    strings.Builder
}

// actor is an application that does what the script says.
type actor struct {
	name    string
	number  int // of its control channel
	sent    int // messages
	conn    shm.Conn
	context uint64
	asked   map[uint64]wire.Type // requests without a reply
	manual  bool                 // answers maps and unmaps only when told to
	deaf    bool                 // reads nothing
	hasty   bool                 // and does not wait either
	gone    bool
}

func newStage(host, apps shm.Host, addr string) *stage {
	st := &stage{
		host: newScriptHost(host), apps: apps, addr: addr,
		ran: apps.NewLocalDoorbell(nameScript), names: map[string]string{}, counts: map[string]int{},
	}
	st.cfg.Layer = layer.Config{SegmentSize: 16 << 10, FifoSize: 1000, QueueSlots: 4, HandshakeTimeout: -1}
	st.cfg.Policy = server.AllowUsers(host.Self().UID)
	return st
}

// start runs the session layer.
func (st *stage) start() error {
	l, err := st.host.Listen(st.addr)
	if err != nil {
		return err
	}
	st.cfg.Core = oracle.NewWatchedCore(st.cfg.Layer, func(err error) { st.broken = errors.Join(st.broken, err) })
	st.server = server.New(st.host, l, st.cfg)
	st.host.Go("layer", func() {
		st.runErr = st.server.Run()
		_ = st.ran.Ring()
	})
	return nil
}

// end lets all applications leave, and then the session layer, which must hold nothing.
func (st *stage) end() error {
	if st.server == nil {
		return nil
	}
	for _, a := range st.actors {
		for _, k := range a.asked {
			if k != wire.Connect && !a.gone && !a.deaf {
				return fmt.Errorf("%s has no reply to its %v", a.name, k)
			}
		}
		st.close(a)
	}
	if err := st.drain(nil); err != nil {
		return err
	}
	if s := st.server.Stat(); len(s.Apps)+len(s.Listeners)+len(s.Sessions)+len(s.Segments) > 0 || s.Used > 0 {
		return fmt.Errorf("all applications have left, and the session layer has %+v", s)
	}
	if err := st.server.Close(); err != nil {
		return err
	}
	if err := st.ran.Wait(nil, st.apps.Now()+scriptPatience); err != nil {
		return err
	}
	return errors.Join(st.broken, st.runErr)
}

// output returns what was logged since the last call, with an empty line if there is something.
func (st *stage) output() string {
	defer st.out.Reset()
	return st.out.String()
}

func (st *stage) log(format string, args ...any) { fmt.Fprintf(&st.out, format+"\n", args...) }

var address = regexp.MustCompile(`\b(base|rx|tx|post|read)=0x[0-9a-f]+`)

// logMessage logs a message with names for addresses: a1… for places of segments, f1… for fifos, q1… for
// event queues, in the order in which they are first seen. The process at the other side is another one at each run.
func (st *stage) logMessage(a *actor, arrow string, m wire.Message, descs int) {
	m.Peer = wire.Peer{}
	text := address.ReplaceAllStringFunc(m.String(), func(s string) string {
		field, at, _ := strings.Cut(s, "=")
		kind := map[string]string{"base": "a", "rx": "f", "tx": "f", "post": "q", "read": "q"}[field]
		if st.names[kind+at] == "" {
			st.counts[kind]++
			st.names[kind+at] = fmt.Sprintf("%s%d", kind, st.counts[kind])
		}
		return field + "=" + st.names[kind+at]
	})
	if descs > 0 {
		text += fmt.Sprintf(" +%d descriptors", descs)
	}
	st.log("%s %s %s", a.name, arrow, text)
}

// open dials the session layer as a new application.
func (st *stage) open(name string) (*actor, error) {
	conn, err := st.apps.Dial(st.addr, shm.Forever)
	if err != nil {
		return nil, err
	}
	a := &actor{name: name, number: len(st.actors), conn: conn, asked: map[uint64]wire.Type{}}
	st.actors = append(st.actors, a)
	return a, nil
}

// close ends the control channel of a, as its death does.
func (st *stage) close(a *actor) {
	if !a.gone {
		a.gone = true
		_ = a.conn.Close()
	}
}

// send sends a message of a and lets everything happen that follows from it.
func (st *stage) send(a *actor, m wire.Message) error {
	if err := st.post(a, m); err != nil || a.hasty {
		return err
	}
	return st.drain(a)
}

// post sends a message of a. A request gets a context, and will have a reply.
func (st *stage) post(a *actor, m wire.Message) error {
	if isRequest(m.Type) {
		a.context++
		m.RequestID = a.context
		a.asked[m.RequestID] = m.Type
	}
	st.logMessage(a, "->", m, 0)
	return st.transmit(a, m.Encode(nil))
}

// transmit sends bytes that may or may not be a message.
func (st *stage) transmit(a *actor, b []byte, descs ...shm.Desc) error {
	a.sent++
	return a.conn.Send(b, descs, st.apps.Now()+scriptPatience)
}

func isRequest(k wire.Type) bool {
	return slices.Contains([]wire.Type{
		wire.Attach, wire.Detach, wire.Bind, wire.Unbind, wire.Connect, wire.Disconnect, wire.Reset,
	}, k)
}

// drain returns when no message is under way: first from the actor first, if not nil, then from all. Actors that
// answer by themselves have answered.
func (st *stage) drain(first *actor) error {
	gone := 0
	for _, a := range st.actors {
		if a.gone {
			gone++
		}
	}
	if err := st.host.awaitEnded(gone); err != nil {
		return err
	}
	if first != nil {
		if err := st.hear(first); err != nil {
			return err
		}
	}
	for _, a := range st.actors {
		if err := st.hear(a); err != nil {
			return err
		}
	}
	return nil
}

// fence marks the request that has no effect and shows, by its reply, that everything that was
// sent before it has been dealt with.
const fence = 1 << 40

// flooding marks the requests of flood.
const flooding = fence + 1

// hear logs what the session layer has sent to a so far.
func (st *stage) hear(a *actor) error {
	if a.gone {
		return nil
	}
	if err := st.host.awaitRead(a.number, a.sent); err != nil || a.deaf {
		return err
	}
	err := st.transmit(a, wire.Message{Type: wire.Unbind, RequestID: fence}.Encode(nil))
	if err != nil && !errors.Is(err, shm.ErrPeerClosed) {
		return err
	}
	var answers []wire.Message
	for {
		m, descs, err := st.receive(a)
		if errors.Is(err, io.EOF) {
			st.log("%s is hung up", a.name)
			st.close(a)
			return st.drain(nil)
		}
		if err != nil {
			return err
		}
		if m.RequestID == fence {
			break
		}
		if m.RequestID == flooding {
			continue
		}
		st.logMessage(a, "<-", m, descs)
		if err := a.heard(m); err != nil {
			return err
		}
		if !a.manual && (m.Type == wire.Map || m.Type == wire.Unmap) {
			answers = append(answers, wire.Message{Type: m.Type.Reply(), Handle: m.Handle})
		}
	}
	for _, m := range answers {
		if err := st.post(a, m); err != nil {
			return err
		}
	}
	if len(answers) > 0 {
		return st.drain(a)
	}
	return nil
}

// receive receives one message, and throws its descriptors away.
func (st *stage) receive(a *actor) (m wire.Message, descs int, err error) {
	buf := make([]byte, wire.MaxSize)
	n, ds, err := a.conn.Recv(buf, st.apps.Now()+scriptPatience)
	if err != nil {
		return m, 0, err
	}
	for _, d := range ds {
		_ = d.Close()
	}
	m, err = wire.Decode(buf[:n])
	if err == nil && len(ds) != m.Descs() {
		err = fmt.Errorf("%v with %d descriptors", m, len(ds))
	}
	return m, len(ds), err
}

// heard checks that a reply is one: to a request of that kind, and the only one.
func (a *actor) heard(m wire.Message) error {
	if m.RequestID == 0 {
		return nil // a notification
	}
	k, ok := a.asked[m.RequestID]
	if !ok || m.Type != k+1 {
		return fmt.Errorf("%v answers nothing", m)
	}
	delete(a.asked, m.RequestID)
	return nil
}
