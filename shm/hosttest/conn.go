package hosttest

import (
	"bytes"
	"io"
	"strings"
	"time"

	"cutthrough/shm"
)

// looped makes a test of one process that has both ends of a channel.
func looped(body func(e *env, h shm.Host, a, b shm.Conn)) func(e *env) {
	return func(e *env) {
		e.loop(func(h shm.Host, a, b shm.Conn) { body(e, h, a, b) })
	}
}

var connTests = []test{
	{"order-and-boundaries", connOrder},
	{"descriptors", connDescs},
	{"sender-keeps-descriptors", looped(func(e *env, h shm.Host, a, b shm.Conn) {
		s, err := h.CreateSegment(segSize)
		if !e.ok(err, "create") {
			return
		}
		d := s.Desc()
		e.send(b, "same twice", d, d)
		e.closeAll(e.recv(a, "same twice"))
		e.send(b, "again", d)
		e.closeAll(e.recv(a, "again"))
		e.ok(s.Close(), "close")
		e.want(b.Send([]byte("x"), []shm.Desc{d}, past), shm.ErrDesc, "send a closed descriptor")
		e.want(b.Send([]byte("x"), []shm.Desc{nil}, past), shm.ErrDesc, "send a nil descriptor")
		e.want(recvErr(a, past), shm.ErrDeadline, "recv what was refused")
	})},
	{"descriptors-go-one-way", looped(func(e *env, h shm.Host, a, b shm.Conn) {
		s, err := h.CreateSegment(segSize)
		if !e.ok(err, "create") {
			return
		}
		e.want(a.Send([]byte("x"), []shm.Desc{s.Desc()}, past), shm.ErrDesc, "send a descriptor to a listener")
		e.want(recvErr(b, past), shm.ErrDeadline, "recv what was refused")
		e.ok(s.Close(), "close")
	})},
	{"send-size", looped(func(e *env, h shm.Host, a, b shm.Conn) {
		e.want(a.Send(nil, nil, shm.Forever), shm.ErrSize, "send nothing")
		e.want(a.Send(make([]byte, shm.MaxMessage+1), nil, shm.Forever), shm.ErrSize, "send too much")
		e.want(a.Send([]byte("x"), make([]shm.Desc, shm.MaxDescs+1), shm.Forever), shm.ErrSize, "send too many descriptors")
		e.want(recvErr(b, past), shm.ErrDeadline, "recv what was refused")
	})},
	{"truncated", connTruncated},
	{"deadlines", looped(func(e *env, h shm.Host, a, b shm.Conn) {
		e.want(recvErr(b, past), shm.ErrDeadline, "recv with a past deadline")
		e.want(recvErr(b, -shm.Forever-1), shm.ErrDeadline, "recv until the beginning of time")
		until := h.Now() + brief
		e.want(recvErr(b, until), shm.ErrDeadline, "recv of nothing")
		e.check(h.Now() >= until, "deadline %v reported at %v", until, h.Now())
		e.ok(a.Send([]byte("x"), nil, past), "send with a past deadline into an empty channel")
		e.ok(recvErr(b, past), "recv with a past deadline from a channel that is not empty")
		e.send(b, "the other direction")
		e.recv(a, "the other direction")
	})},
	{"full", connFull},
	{"full-send-wakes", connFullSendWakes},
	{"eof-after-drain", looped(func(e *env, h shm.Host, a, b shm.Conn) {
		for _, msg := range []string{"1", "2", "3"} {
			e.send(a, msg)
		}
		e.send(b, "never read")
		e.ok(a.Close(), "close")
		for _, msg := range []string{"1", "2", "3"} {
			e.recv(b, msg)
		}
		for range 2 {
			e.check(recvErr(b, shm.Forever) == io.EOF, "recv from a closed peer is not io.EOF itself")
			e.check(recvErr(b, past) == io.EOF, "recv from a closed peer is not io.EOF itself")
		}
	})},
	{"send-to-closed-peer", looped(func(e *env, h shm.Host, a, b shm.Conn) {
		e.send(a, "never read")
		e.ok(b.Close(), "close")
		for range 3 {
			e.want(a.Send([]byte("x"), nil, shm.Forever), shm.ErrPeerClosed, "send to a closed peer")
			e.want(a.Send([]byte("x"), nil, past), shm.ErrPeerClosed, "send to a closed peer")
		}
	})},
	{"closed", looped(func(e *env, h shm.Host, a, b shm.Conn) {
		e.send(b, "unread")
		e.ok(a.Close(), "close")
		e.want(a.Close(), shm.ErrClosed, "second close")
		e.want(a.Send([]byte("x"), nil, shm.Forever), shm.ErrClosed, "send on a closed channel")
		e.want(recvErr(a, shm.Forever), shm.ErrClosed, "recv on a closed channel")
		_, err := a.Peer()
		e.want(err, shm.ErrClosed, "peer of a closed channel")
	})},
	{"close-wakes-recv", looped(func(e *env, h shm.Host, a, b shm.Conn) {
		recv := func() { e.want(recvErr(a, shm.Forever), shm.ErrClosed, "recv") }
		wait := e.start(h, recv, recv)
		e.ok(a.Close(), "close")
		wait()
	})},
	{"peer-close-wakes-recv", looped(func(e *env, h shm.Host, a, b shm.Conn) {
		recv := func() { e.check(recvErr(a, shm.Forever) == io.EOF, "recv is not io.EOF itself") }
		wait := e.start(h, recv, recv)
		e.ok(b.Close(), "close")
		wait()
	})},
	{"deadlines-of-many-tasks", looped(func(e *env, h shm.Host, a, b shm.Conn) {
		wait := e.start(h, func() { e.ok(recvErr(b, shm.Forever), "patient recv") })
		h.Sleep(h.Now() + brief) // most likely it waits then
		for _, deadline := range []time.Duration{past, -shm.Forever - 1} {
			e.want(recvErr(b, deadline), shm.ErrDeadline, "recv with a past deadline beside a patient one")
		}
		e.want(recvErr(b, h.Now()+brief), shm.ErrDeadline, "hasty recv beside a patient one")
		e.send(a, "for the patient")
		wait()
	})},
	{"peer", func(e *env) {
		body := func(h shm.Host, c shm.Conn) {
			peer, err := c.Peer()
			e.ok(err, "peer")
			self := h.Self()
			e.check(peer.PID > 0 && peer.UID == self.UID && peer.GID == self.GID, "peer is %+v, self %+v", peer, self)
			e.send(c, "still here")
			e.recv(c, "still here")
		}
		e.pair(body, body)
	}},
}

// recvErr receives one message without descriptors and returns the error.
func recvErr(c shm.Conn, deadline time.Duration) error {
	_, _, err := c.Recv(make([]byte, shm.MaxMessage), deadline)
	return err
}

// connOrder: messages of all sizes arrive whole and in order, both ways.
func connOrder(e *env) {
	var msgs []string
	for i, n := range []int{1, 2, 100, shm.MaxMessage - 1, shm.MaxMessage, 1} {
		msgs = append(msgs, strings.Repeat(string(rune('a'+i)), n-1)+"\x00")
	}
	body := func(h shm.Host, c shm.Conn) {
		for _, m := range msgs {
			e.send(c, m)
		}
		for _, m := range msgs {
			e.recv(c, m)
		}
	}
	e.pair(body, body)
}

// connDescs: the most descriptors a message may have arrive with it, in order.
func connDescs(e *env) {
	e.pair(func(h shm.Host, c shm.Conn) {
		e.send(c, "none")
		var segs []*shm.Segment
		var descs []shm.Desc
		for i := range uint32(shm.MaxDescs) {
			s, err := h.CreateSegment(segSize)
			if !e.ok(err, "create") {
				return
			}
			s.Uint32(shm.SegmentHeader, nameWord).Store(i)
			segs, descs = append(segs, s), append(descs, s.Desc())
		}
		e.send(c, "all", descs...)
		e.send(c, "none")
		for _, s := range segs {
			e.ok(s.Close(), "close")
		}
	}, func(h shm.Host, c shm.Conn) {
		e.check(len(e.recv(c, "none")) == 0, "descriptors out of nowhere")
		descs := e.recv(c, "all")
		e.check(len(descs) == shm.MaxDescs, "%d descriptors, want %d", len(descs), shm.MaxDescs)
		for i, d := range descs {
			s, err := h.MapSegment(d, segSize)
			if e.ok(err, "map descriptor %d", i) {
				got := s.Uint32(shm.SegmentHeader, nameWord).Load()
				e.check(got == uint32(i), "descriptor %d is number %d", i, got)
				e.ok(s.Close(), "close")
			}
		}
		e.check(len(e.recv(c, "none")) == 0, "descriptors out of nowhere")
	})
}

// connTruncated: a message that does not fit is lost with its descriptors, the
// next one is whole.
func connTruncated(e *env) {
	looped(func(e *env, h shm.Host, a, b shm.Conn) {
		s, err := h.CreateSegment(segSize)
		if !e.ok(err, "create") {
			return
		}
		for _, size := range []int{0, 1, 9} {
			e.send(b, "ten bytes.", s.Desc())
			e.send(b, "next")
			n, descs, err := a.Recv(make([]byte, size), shm.Forever)
			e.want(err, shm.ErrTruncated, "recv into %d bytes", size)
			e.check(n == 0 && len(descs) == 0, "a lost message gave %d bytes, %d descriptors", n, len(descs))
			e.recv(a, "next")
		}
		for _, c := range [][2]shm.Conn{{a, b}, {b, a}} {
			e.send(c[0], "x")
			_, _, err = c[1].Recv(nil, shm.Forever)
			e.want(err, shm.ErrTruncated, "recv of one byte into none")
			e.want(recvErr(c[1], past), shm.ErrDeadline, "recv of what was lost")
		}
		e.ok(s.Close(), "close")
	})(e)
}

// fill sends big messages until the channel is full, and returns how many.
func (e *env) fill(c shm.Conn) int {
	const most = 100_000
	big := bytes.Repeat([]byte("."), shm.MaxMessage)
	for n := range most {
		if err := c.Send(big, nil, past); err != nil {
			e.want(err, shm.ErrDeadline, "send into a full channel")
			e.check(n > 0, "an empty channel is full")
			return n
		}
	}
	e.t.Errorf("a channel took %d messages and was not full", most)
	return most
}

// drain receives n messages.
func (e *env) drain(c shm.Conn, n int) {
	for i := range n {
		if !e.ok(recvErr(c, shm.Forever), "recv message %d", i) {
			return
		}
	}
}

// connFull: a full channel refuses, keeps what it has, and recovers.
func connFull(e *env) {
	looped(func(e *env, h shm.Host, a, b shm.Conn) {
		for range 2 {
			n := e.fill(a)
			until := h.Now() + brief
			e.want(a.Send(make([]byte, shm.MaxMessage), nil, until), shm.ErrDeadline, "send into a full channel")
			e.check(h.Now() >= until, "deadline %v reported at %v", until, h.Now())
			e.send(b, "the other direction is free")
			e.recv(a, "the other direction is free")
			e.drain(b, n)
			e.want(recvErr(b, past), shm.ErrDeadline, "recv after everything")
		}
	})(e)
}

// connFullSendWakes: a blocked Send ends when there is room, when the peer closes,
// and when its own end closes; tasks with other deadlines do not disturb it.
func connFullSendWakes(e *env) {
	msg := make([]byte, shm.MaxMessage)
	looped(func(e *env, h shm.Host, a, b shm.Conn) {
		n := e.fill(a)
		wait := e.start(h, func() { e.ok(a.Send(msg, nil, shm.Forever), "patient send") })
		h.Sleep(h.Now() + brief) // most likely it waits then
		e.want(a.Send(msg, nil, h.Now()+brief), shm.ErrDeadline, "hasty send beside a patient one")
		e.drain(b, n+1)
		wait()
		e.fill(a)
		wait = e.start(h, func() {
			e.want(a.Send(msg, nil, shm.Forever), shm.ErrPeerClosed, "send while the peer closes")
		})
		e.ok(b.Close(), "close")
		wait()
	})(e)
	looped(func(e *env, h shm.Host, a, b shm.Conn) {
		e.fill(a)
		send := func() { e.want(a.Send(msg, nil, shm.Forever), shm.ErrClosed, "send while its end closes") }
		wait := e.start(h, send, send)
		e.ok(a.Close(), "close")
		wait()
	})(e)
}
