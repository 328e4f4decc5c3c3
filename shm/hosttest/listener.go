package hosttest

import (
	"io"

	"cutthrough/shm"
)

// listening makes a test of one process with one listener.
func listening(body func(e *env, h shm.Host, l shm.Listener)) func(e *env) {
	return func(e *env) {
		e.one(func(h shm.Host) {
			l, err := h.Listen(e.addr)
			if e.ok(err, "listen") {
				body(e, h, l)
				l.Close() // the body may have done so
			}
		})
	}
}

var listenerTests = []test{
	{"no-listener", func(e *env) {
		e.one(func(h shm.Host) {
			_, err := h.Dial(e.addr, shm.Forever)
			e.want(err, shm.ErrRefused, "dial without a listener")
		})
	}},
	{"addr", listening(func(e *env, h shm.Host, l shm.Listener) {
		e.check(l.Addr() == e.addr, "address is %q, want %q", l.Addr(), e.addr)
	})},
	{"address-in-use", listening(func(e *env, h shm.Host, l shm.Listener) {
		_, err := h.Listen(e.addr)
		e.want(err, shm.ErrAddrInUse, "listen at a taken address")
		e.connect(h, l) // the first one is not disturbed
	})},
	{"address-in-use-by-another-process", func(e *env) {
		e.pair(func(h shm.Host, c shm.Conn) {
			l, err := h.Listen(e.addr) // the first listener is closed when the pair is connected
			if e.ok(err, "listen again") {
				e.send(c, "try")
				e.recv(c, "tried")
				e.ok(l.Close(), "close")
			}
		}, func(h shm.Host, c shm.Conn) {
			e.recv(c, "try")
			_, err := h.Listen(e.addr)
			e.want(err, shm.ErrAddrInUse, "listen where another process does")
			e.send(c, "tried")
		})
	}},
	{"close-frees-the-address", listening(func(e *env, h shm.Host, l shm.Listener) {
		for range 3 {
			e.connect(h, l)
			e.ok(l.Close(), "close")
			_, err := h.Dial(e.addr, shm.Forever)
			e.want(err, shm.ErrRefused, "dial a closed listener")
			if l, err = h.Listen(e.addr); !e.ok(err, "listen again") {
				return
			}
		}
		e.ok(l.Close(), "close")
	})},
	{"deadline", listening(func(e *env, h shm.Host, l shm.Listener) {
		_, err := l.Accept(past)
		e.want(err, shm.ErrDeadline, "accept with a past deadline")
		until := h.Now() + brief
		_, err = l.Accept(until)
		e.want(err, shm.ErrDeadline, "accept without a dialer")
		e.check(h.Now() >= until, "deadline %v reported at %v", until, h.Now())
		e.connect(h, l)
	})},
	{"closed", listening(func(e *env, h shm.Host, l shm.Listener) {
		e.ok(l.Close(), "close")
		e.want(l.Close(), shm.ErrClosed, "second close")
		_, err := l.Accept(shm.Forever)
		e.want(err, shm.ErrClosed, "accept on a closed listener")
		_, err = l.Accept(past)
		e.want(err, shm.ErrClosed, "accept on a closed listener")
		e.check(l.Addr() == e.addr, "a closed listener lost its address")
	})},
	{"close-wakes-accept", listening(func(e *env, h shm.Host, l shm.Listener) {
		accept := func() {
			_, err := l.Accept(shm.Forever)
			e.want(err, shm.ErrClosed, "accept")
		}
		wait := e.start(h, accept, accept)
		e.ok(l.Close(), "close")
		wait()
	})},
	{"close-drops-the-backlog", listening(func(e *env, h shm.Host, l shm.Listener) {
		c, err := h.Dial(e.addr, shm.Forever)
		if e.ok(err, "dial") {
			e.send(c, "never read")
			e.ok(l.Close(), "close")
			e.check(recvErr(c, shm.Forever) == io.EOF, "a channel that was not accepted does not end with io.EOF")
			e.ok(c.Close(), "close")
		}
	})},
	{"connections-outlive-their-listener", listening(func(e *env, h shm.Host, l shm.Listener) {
		a, err := h.Dial(e.addr, shm.Forever)
		if !e.ok(err, "dial") {
			return
		}
		b, err := l.Accept(shm.Forever)
		if e.ok(err, "accept") {
			e.ok(l.Close(), "close")
			e.send(a, "still here")
			e.recv(b, "still here")
			e.ok(b.Close(), "close")
		}
		e.ok(a.Close(), "close")
	})},
	{"backlog-in-order", listening(func(e *env, h shm.Host, l shm.Listener) {
		var dialed []shm.Conn
		for _, name := range []string{"1", "2", "3"} {
			if c, err := h.Dial(e.addr, shm.Forever); e.ok(err, "dial") {
				e.send(c, name) // before the other side accepts
				dialed = append(dialed, c)
			}
		}
		for i := range dialed {
			c, err := l.Accept(past)
			if e.ok(err, "accept") {
				e.recv(c, string(rune('1'+i)))
				e.ok(c.Close(), "close")
			}
		}
		for _, c := range dialed {
			e.ok(c.Close(), "close")
		}
	})},
	{"full-backlog", listening(func(e *env, h shm.Host, l shm.Listener) {
		dialled := e.fillBacklog(h)
		until := h.Now() + brief
		_, err := h.Dial(e.addr, until)
		e.want(err, shm.ErrDeadline, "dial a full listener")
		e.check(h.Now() >= until, "deadline %v reported at %v", until, h.Now())
		wait := e.start(h, func() {
			if c, err := h.Dial(e.addr, shm.Forever); e.ok(err, "patient dial") {
				e.ok(c.Close(), "close")
			}
		})
		h.Sleep(h.Now() + brief) // most likely it waits then
		for range len(dialled) + 1 {
			if c, err := l.Accept(shm.Forever); e.ok(err, "accept") {
				e.ok(c.Close(), "close")
			}
		}
		wait()
		for _, c := range dialled {
			e.ok(c.Close(), "close")
		}
	})},
	{"close-refuses-waiting-dials", listening(func(e *env, h shm.Host, l shm.Listener) {
		dialled := e.fillBacklog(h)
		dial := func() {
			_, err := h.Dial(e.addr, shm.Forever)
			e.want(err, shm.ErrRefused, "dial while the listener closes")
		}
		wait := e.start(h, dial, dial)
		h.Sleep(h.Now() + brief) // most likely they wait then
		e.ok(l.Close(), "close")
		wait()
		for _, c := range dialled {
			e.ok(c.Close(), "close")
		}
	})},
	{"many-acceptors", listening(func(e *env, h shm.Host, l shm.Listener) {
		accept := func() {
			if c, err := l.Accept(shm.Forever); e.ok(err, "accept") {
				e.send(c, "welcome")
				e.ok(c.Close(), "close")
			}
		}
		dial := func() {
			if c, err := h.Dial(e.addr, shm.Forever); e.ok(err, "dial") {
				e.recv(c, "welcome")
				e.ok(c.Close(), "close")
			}
		}
		e.start(h, accept, accept, accept, dial, dial, dial)()
	})},
}

// connect makes one connection and closes it.
func (e *env) connect(h shm.Host, l shm.Listener) {
	a, err := h.Dial(e.addr, shm.Forever)
	if !e.ok(err, "dial") {
		return
	}
	b, err := l.Accept(shm.Forever)
	if e.ok(err, "accept") {
		e.send(a, "hello")
		e.recv(b, "hello")
		e.ok(b.Close(), "close")
	}
	e.ok(a.Close(), "close")
}

// fillBacklog dials until the listener has no room, and returns the connections.
func (e *env) fillBacklog(h shm.Host) (dialled []shm.Conn) {
	const most = 1000
	for len(dialled) < most {
		c, err := h.Dial(e.addr, past)
		if err != nil {
			e.want(err, shm.ErrDeadline, "dial a full listener with a past deadline")
			e.check(len(dialled) > 0, "a new listener is full")
			return dialled
		}
		dialled = append(dialled, c)
	}
	e.t.Errorf("a listener took %d connections and was not full", most)
	return dialled
}
