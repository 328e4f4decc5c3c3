package sim

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"syscall"
	"time"

	"cutthrough/shm"
	"cutthrough/shm/access"
	"cutthrough/sim/exec"
	"cutthrough/sim/hb"
)

var (
	nameConn   = shm.NewName("host.conn")
	nameAccept = shm.NewName("host.listener")
)

// channelDepth is how many messages a control channel holds before Send blocks, unless the configuration says so.
const channelDepth = 8

// depth returns how many messages a channel of the world holds.
func (w *World) depth() int { return cmp.Or(w.cfg.ChannelDepth, channelDepth) }

// packet is a message in flight.
type packet struct {
	msg   []byte
	objs  []any
	clock hb.Clock
}

// drop closes the descriptors of a message that no process has received.
func (k packet) drop() {
	for _, o := range k.objs {
		unhold(o)
	}
}

// pipe is one direction of a control channel.
type pipe struct {
	id     Object
	queue  []packet
	late   int  // messages under way that were delayed; later ones wait for them
	closed bool // the writer is gone
	gone   bool // the reader is gone
	// sent and received count messages.
	sent, received uint32
}

func newPipe(from, to *Process) *pipe {
	name := ""
	if from.w.rec != nil {
		name = from.name + " to " + to.name
	}
	p := from.w.run.pipes.get()
	*p = pipe{id: from.w.object("channel", name), queue: p.queue[:0]}
	return p
}

// conn is one end of a control channel.
type conn struct {
	p       *Process
	in, out *pipe
	peer    *conn
	dialled bool // it receives descriptors and sends none; else the other way round
	closed  bool
	sends   connWait
	recvs   connWait
}

// connWait is what a blocked Send or Recv waits for.
type connWait struct {
	c    *conn
	send bool
}

func (x *connWait) signalled() bool {
	if x.c.closed {
		return true
	}
	if x.send {
		return x.c.out.gone || len(x.c.out.queue)+x.c.out.late < x.c.p.w.depth()
	}
	return len(x.c.in.queue) > 0 || x.c.in.closed && x.c.in.late == 0
}

// ConnPair returns the two ends of a control channel: one that was accepted, and one that was dialled. For setup
// functions.
func (w *World) ConnPair(a, b *Process) (shm.Conn, shm.Conn) {
	ca, cb := pair(a, b)
	return ca, cb
}

func pair(a, b *Process) (*conn, *conn) {
	x, y := newPipe(b, a), newPipe(a, b)
	ca, cb := a.w.run.conns.get(), a.w.run.conns.get()
	*ca = conn{p: a, in: x, out: y, peer: cb}
	*cb = conn{p: b, in: y, out: x, peer: ca, dialled: true}
	for _, c := range [...]*conn{ca, cb} {
		c.sends, c.recvs = connWait{c, true}, connWait{c, false}
	}
	a.acquire(ca)
	b.acquire(cb)
	return ca, cb
}

func (c *conn) String() string { return "control channel" }

// touch notes what the running step does with both directions.
func (c *conn) touch(how How) {
	w := c.p.w
	w.touch(c.in.id, how)
	w.touch(c.out.id, how)
	w.contingent()
}

// release closes both directions, as a kernel does.
func (c *conn) release() {
	c.touch(LetGo)
	c.closed = true
	c.out.closed, c.in.gone = true, true
	for _, k := range c.in.queue {
		k.drop()
	}
	c.in.queue = c.in.queue[:0]
	c.wakeBoth()
}

func (c *conn) wakeBoth() {
	w := c.p.w
	for _, x := range [...]*connWait{&c.sends, &c.recvs, &c.peer.sends, &c.peer.recvs} {
		w.wake(x)
	}
}

var sendFaults = []option{{kind: exec.Delay, arg: 1}, {kind: exec.Fail, id: int32(syscall.ENOMEM)}}

// Send implements [shm.Conn].
func (c *conn) Send(msg []byte, descs []shm.Desc, deadline time.Duration) error {
	if len(msg) == 0 || len(msg) > shm.MaxMessage || len(descs) > shm.MaxDescs {
		return fmt.Errorf("sim: send %d bytes, %d descriptors: %w", len(msg), len(descs), shm.ErrSize)
	}
	w := c.p.w
	t := w.cur
	var e option
	if t != nil {
		e = w.atWait(Access{Object: c.out.id, Name: nameConn, Op: access.Send}, sendFaults, &c.sends, deadline)
		if w.rec != nil {
			w.rec.message(msg)
		}
	}
	if e.kind == exec.Fail {
		return fmt.Errorf("sim: send: %w (%w)", shm.ErrShortage, syscall.Errno(e.id))
	}
	k := packet{msg: w.run.copyOf(msg), clock: w.snapshot(t)}
	for _, d := range descs {
		sd, ok := c.p.owned(d)
		if !ok || c.dialled {
			return fmt.Errorf("sim: send: %w", shm.ErrDesc)
		}
		k.objs = append(k.objs, sd.obj)
	}
	for !c.sends.signalled() {
		w.doing.Seq, w.doing.Room = c.out.sent, uint32(w.depth())
		if deadline <= w.now {
			return shm.ErrDeadline
		}
		if w.block(t, &c.sends, nil, deadline) && !c.sends.signalled() {
			return shm.ErrDeadline
		}
	}
	w.doing.Seq, w.doing.Room = c.out.sent, uint32(w.depth())
	for _, o := range k.objs {
		w.touch(objectOf(o), Looked) // again, if it waited
	}
	switch {
	case c.closed:
		return shm.ErrClosed
	case c.out.gone:
		return shm.ErrPeerClosed
	}
	for _, o := range k.objs {
		hold(o)
	}
	c.out.sent++
	w.doing.Passed = true
	switch {
	case e.kind == exec.Delay || c.out.late > 0:
		c.out.late++
		later := k // so that k, which is not delayed most of the time, stays on the stack
		w.delay(func() { c.out.late--; c.deliver(later) })
	default:
		c.deliver(k)
	}
	return nil
}

func (c *conn) deliver(k packet) {
	if c.out.gone {
		k.drop() // it was delayed, and the reader went
		return
	}
	c.out.queue = append(c.out.queue, k)
	c.p.w.wake(&c.peer.recvs)
}

var recvFaults = []option{{kind: exec.Truncate}}

// Recv implements [shm.Conn].
func (c *conn) Recv(buf []byte, deadline time.Duration) (int, []shm.Desc, error) {
	w := c.p.w
	t := w.cur
	e := w.atWait(Access{Object: c.in.id, Name: nameConn, Op: access.Recv}, recvFaults, &c.recvs, deadline)
	for !c.recvs.signalled() {
		w.doing.Seq = c.in.received
		if deadline <= w.now {
			return 0, nil, shm.ErrDeadline
		}
		if w.block(t, &c.recvs, nil, deadline) && !c.recvs.signalled() {
			return 0, nil, shm.ErrDeadline
		}
	}
	w.doing.Seq = c.in.received
	if c.closed {
		return 0, nil, shm.ErrClosed
	}
	if len(c.in.queue) == 0 {
		return 0, nil, io.EOF
	}
	k := c.in.queue[0]
	c.in.queue = slices.Delete(c.in.queue, 0, 1)
	c.in.received++
	w.doing.Passed = true
	if w.order && k.clock != nil {
		w.hb.Join(t.id, k.clock)
	}
	if w.rec != nil {
		w.rec.message(k.msg)
	}
	w.wake(&c.peer.sends)
	if e.kind == exec.Truncate && len(k.objs) > 0 && len(k.msg) <= len(buf) {
		k.drop()
		return copy(buf, k.msg), nil, fmt.Errorf("sim: %d descriptors: %w", len(k.objs), shm.ErrShortage)
	}
	if len(k.msg) > len(buf) {
		k.drop()
		return 0, nil, fmt.Errorf("sim: message of %d bytes and %d descriptors: %w", len(k.msg), len(k.objs), shm.ErrTruncated)
	}
	var ds []shm.Desc
	for _, o := range k.objs {
		ds = append(ds, c.p.takeDesc(o))
	}
	return copy(buf, k.msg), ds, nil
}

// Peer implements [shm.Conn].
func (c *conn) Peer() (shm.Peer, error) {
	if c.closed {
		return shm.Peer{}, shm.ErrClosed
	}
	return c.peer.p.Self(), nil
}

// Close implements [shm.Conn].
func (c *conn) Close() error {
	if c.p.w.cur != nil {
		c.p.w.at(Access{Object: c.out.id, Name: nameClose, Op: access.Call}, nil)
	}
	if c.closed {
		c.touch(Looked)
		return shm.ErrClosed
	}
	c.p.drop(c)
	c.release()
	return nil
}
