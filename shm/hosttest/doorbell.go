package hosttest

import (
	"errors"
	"time"

	"cutthrough/shm"
)

// alone makes a test of one process with one doorbell: one that is rung at its waiting end, one that is rung at its
// ringing end, and a local one.
func alone(body func(e *env, h shm.Host, bell shm.Doorbell)) func(e *env) {
	return func(e *env) {
		e.ends(func(h shm.Host, wait shm.Doorbell, ring shm.RingCloser) {
			body(e, h, wait)
		})
		e.ends(func(h shm.Host, wait shm.Doorbell, ring shm.RingCloser) {
			body(e, h, bothEnds{wait, ring})
		})
		e.one(func(h shm.Host) {
			bell := h.NewLocalDoorbell(nameBell)
			body(e, h, bell)
			bell.Close()
		})
	}
}

// bothEnds is a doorbell that rings at its ringing end.
type bothEnds struct {
	shm.Doorbell
	ring shm.RingCloser
}

func (b bothEnds) Ring() error { return b.ring.Ring() }

func (b bothEnds) Close() error { return errors.Join(b.Doorbell.Close(), b.ring.Close()) }

// ends runs body as one process that has both ends of a doorbell.
func (e *env) ends(body func(h shm.Host, wait shm.Doorbell, ring shm.RingCloser)) {
	e.one(func(h shm.Host) {
		w, r, err := h.NewDoorbell()
		if !e.ok(err, "new doorbell") {
			return
		}
		wait, err1 := h.OpenWaiter(w, nameBell)
		ring, err2 := h.OpenRinger(r, nameBell)
		if e.ok(errors.Join(err1, err2), "open both ends") {
			body(h, wait, ring)
			wait.Close() // the body may have done so
			ring.Close()
		}
	})
}

var doorbellTests = []test{
	{"ring-before-wait", alone(func(e *env, h shm.Host, bell shm.Doorbell) {
		e.ok(bell.Ring(), "ring")
		e.ok(bell.Wait(nil, shm.Forever), "wait after ring")
	})},
	{"past-deadline-takes-a-ring", alone(func(e *env, h shm.Host, bell shm.Doorbell) {
		e.ok(bell.Ring(), "ring")
		e.ok(bell.Wait(nil, past), "wait after ring")
	})},
	{"rings-never-block-and-end", alone(func(e *env, h shm.Host, bell shm.Doorbell) {
		const rings = 100
		for range rings {
			e.ok(bell.Ring(), "ring")
		}
		e.ok(bell.Wait(nil, past), "wait after many rings")
		e.waitOut(bell, rings)
	})},
	{"deadline", alone(func(e *env, h shm.Host, bell shm.Doorbell) {
		for range 3 { // a deadline that passed does not spoil the next
			until := h.Now() + brief
			err := bell.Wait(nil, until)
			for err == nil { // spurious
				err = bell.Wait(nil, until)
			}
			e.want(err, shm.ErrDeadline, "wait without a ring")
			e.check(h.Now() >= until, "deadline %v reported at %v", until, h.Now())
		}
		e.ok(bell.Ring(), "ring")
		e.ok(bell.Wait(nil, shm.Forever), "wait after deadlines")
	})},
	{"past-deadline", alone(func(e *env, h shm.Host, bell shm.Doorbell) {
		e.waitOut(bell, 0)
		e.want(bell.Wait(func() bool { return false }, past), shm.ErrDeadline, "wait without a ring")
		e.want(bell.Wait(nil, -shm.Forever-1), shm.ErrDeadline, "wait until the beginning of time")
	})},
	{"ring-wakes-a-waiter", alone(func(e *env, h shm.Host, bell shm.Doorbell) {
		wait := e.start(h, func() { e.ok(bell.Ring(), "ring") })
		e.ok(bell.Wait(nil, shm.Forever), "wait")
		wait()
	})},
	{"close-wakes-a-waiter", alone(func(e *env, h shm.Host, bell shm.Doorbell) {
		wait := e.start(h, func() { e.ok(bell.Close(), "close") })
		err := bell.Wait(nil, shm.Forever)
		for err == nil { // spurious
			err = bell.Wait(nil, shm.Forever)
		}
		e.want(err, shm.ErrClosed, "wait")
		wait()
	})},
	{"close-wakes-a-waiter-with-deadline", alone(func(e *env, h shm.Host, bell shm.Doorbell) {
		wait := e.start(h, func() { e.ok(bell.Close(), "close") })
		err := bell.Wait(func() bool { return false }, shm.Forever-1)
		for err == nil { // spurious
			err = bell.Wait(nil, shm.Forever-1)
		}
		e.want(err, shm.ErrClosed, "wait")
		wait()
	})},
	{"closed", alone(func(e *env, h shm.Host, bell shm.Doorbell) {
		e.ok(bell.Ring(), "ring")
		e.ok(bell.Close(), "close")
		e.want(bell.Close(), shm.ErrClosed, "second close")
		e.want(bell.Ring(), shm.ErrClosed, "ring a closed doorbell")
		e.want(bell.Wait(nil, shm.Forever), shm.ErrClosed, "wait for a closed doorbell")
		e.want(bell.Wait(nil, past), shm.ErrClosed, "wait for a closed doorbell")
	})},
	{"many-ringers", doorbellManyRingers},
	{"peer-closed", doorbellPeerClosed},
	{"peer-closed-wakes", doorbellPeerClosedWakes},
	{"peer-closed-is-for-all-ringers", doorbellTwoRingers},
	{"ring-without-waiter", func(e *env) {
		e.ends(func(h shm.Host, wait shm.Doorbell, ring shm.RingCloser) {
			e.ok(wait.Close(), "close")
			for range 100 {
				e.ok(ring.Ring(), "ring that no process hears")
			}
			e.ok(ring.Close(), "close")
			e.want(ring.Close(), shm.ErrClosed, "second close")
			e.want(ring.Ring(), shm.ErrClosed, "ring a closed end")
		})
	}},
	{"passed-to-a-peer", doorbellPassed},
	{"ping-pong", doorbellPingPong},
}

// waitOut takes what is left of at most n rings: each wait may be for one of them or
// for no reason, but not without end.
func (e *env) waitOut(bell shm.Doorbell, n int) {
	var err error
	for range n + 100 {
		if err = bell.Wait(nil, past); err != nil {
			break
		}
	}
	e.want(err, shm.ErrDeadline, "wait without a ring")
}

// doorbellManyRingers: no ring is lost when rings coalesce, if the waiter looks
// again after each wait.
func doorbellManyRingers(e *env) {
	const rounds = 5
	alone(func(e *env, h shm.Host, bell shm.Doorbell) {
		lock, n := h.NewLock(nameLock), 0
		ringer := func() {
			for range rounds {
				lock.Lock()
				n++
				lock.Unlock()
				e.ok(bell.Ring(), "ring")
			}
		}
		wait := e.start(h, ringer, ringer, ringer)
		seen := 0
		for seen < 3*rounds {
			e.ok(bell.Wait(nil, shm.Forever), "wait")
			lock.Lock()
			seen = n
			lock.Unlock()
		}
		wait()
	})(e)
}

// doorbellPeerClosed: rings that were made before the last ringing end was closed come first, also by a task of this
// process; then the waiter is told, each time.
func doorbellPeerClosed(e *env) {
	e.ends(func(h shm.Host, wait shm.Doorbell, ring shm.RingCloser) {
		e.ok(ring.Ring(), "ring")
		e.ok(ring.Close(), "close")
		e.ok(wait.Wait(nil, shm.Forever), "wait for a ring of a peer that closed")
		e.deserted(wait, shm.Forever)
		e.deserted(wait, past)
		e.ok(wait.Ring(), "own ring")
		e.ok(wait.Wait(nil, shm.Forever), "wait for an own ring without a peer")
		e.deserted(wait, h.Now()+brief)
	})
}

// deserted waits until there is no ring left, and wants ErrPeerClosed.
func (e *env) deserted(wait shm.Doorbell, until time.Duration) {
	err := wait.Wait(nil, until)
	for n := 0; err == nil && n < 100; n++ { // spurious
		err = wait.Wait(nil, until)
	}
	e.want(err, shm.ErrPeerClosed, "wait without a peer")
}

// doorbellPeerClosedWakes: a task that waits is told when the last ringing end is closed.
func doorbellPeerClosedWakes(e *env) {
	e.ends(func(h shm.Host, wait shm.Doorbell, ring shm.RingCloser) {
		done := e.start(h, func() { e.ok(ring.Close(), "close") })
		e.deserted(wait, shm.Forever)
		done()
	})
}

// doorbellTwoRingers: a ringing end that was sent to another process counts, also while it is under way, and so does
// its descriptor. The death of that process closes it.
func doorbellTwoRingers(e *env) {
	e.pair(func(h shm.Host, c shm.Conn) {
		w, r, err := h.NewDoorbell()
		if !e.ok(err, "new doorbell") {
			return
		}
		wait, err := h.OpenWaiter(w, nameBell)
		if !e.ok(err, "open waiter") {
			return
		}
		e.send(c, "ring", r)
		e.ok(r.Close(), "close")
		e.waitOut(wait, 0)
		e.send(c, "go on")
		e.ok(wait.Wait(nil, shm.Forever), "wait for the peer")
		e.deserted(wait, shm.Forever)
		e.ok(wait.Close(), "close")
	}, func(h shm.Host, c shm.Conn) {
		d := e.recvDesc(c, "ring")
		e.recv(c, "go on")
		if d == nil {
			return
		}
		if ring, err := h.OpenRinger(d, nameBell); e.ok(err, "open ringer") {
			e.ok(ring.Ring(), "ring")
			e.ok(ring.Close(), "close")
		}
	})
}

// doorbellPassed: a process gives each of its ends away, and both work where they arrive.
func doorbellPassed(e *env) {
	e.pair(func(h shm.Host, c shm.Conn) {
		w1, r1, err1 := h.NewDoorbell()
		w2, r2, err2 := h.NewDoorbell()
		if !e.ok(errors.Join(err1, err2), "new doorbells") {
			return
		}
		e.send(c, "ends", w1, r2)
		e.closeAll([]shm.Desc{w1, r2})
		ring, err1 := h.OpenRinger(r1, nameBell)
		wait, err2 := h.OpenWaiter(w2, nameBell)
		if e.ok(errors.Join(err1, err2), "open the other ends") {
			e.ok(ring.Ring(), "ring the peer")
			e.ok(wait.Wait(nil, shm.Forever), "wait for the peer's ring")
			e.recv(c, "done")
			e.ok(errors.Join(ring.Close(), wait.Close()), "close")
		}
	}, func(h shm.Host, c shm.Conn) {
		d := e.recv(c, "ends")
		if len(d) != 2 {
			e.t.Errorf("%d descriptors, want 2", len(d))
			return
		}
		wait, err1 := h.OpenWaiter(d[0], nameBell)
		ring, err2 := h.OpenRinger(d[1], nameBell)
		if e.ok(errors.Join(err1, err2), "open doorbell") {
			e.ok(wait.Wait(nil, shm.Forever), "wait for the ring of the maker")
			e.ok(ring.Ring(), "ring the maker")
			e.send(c, "done")
			e.ok(errors.Join(wait.Close(), ring.Close()), "close")
			e.want(wait.Close(), shm.ErrClosed, "second close")
		}
	})
}

// doorbellPingPong: a store and a ring against a check and a wait, both ways
// between two processes, with a ready function: no wake-up is lost.
func doorbellPingPong(e *env) {
	const rounds = 20
	// play counts word up in turns: the one moves on even values, the other on odd.
	play := func(s *shm.Segment, mine shm.Waiter, theirs shm.Ringer, turn uint32) {
		word := s.Uint32(shm.SegmentHeader, nameWord)
		for v := turn; v < rounds; v += 2 {
			for word.Load() != v {
				err := mine.Wait(func() bool { return word.Load() == v }, shm.Forever)
				if !e.ok(err, "wait for %d", v) {
					return
				}
			}
			word.Store(v + 1)
			e.ok(theirs.Ring(), "ring")
		}
	}
	e.pair(func(h shm.Host, c shm.Conn) {
		s, err0 := h.CreateSegment(segSize)
		aw, ar, err1 := h.NewDoorbell()
		bw, br, err2 := h.NewDoorbell()
		if !e.ok(errors.Join(err0, err1, err2), "set up") {
			return
		}
		e.send(c, "all", s.Desc(), bw, ar)
		e.closeAll([]shm.Desc{bw, ar})
		a, err1 := h.OpenWaiter(aw, nameBell)
		b, err2 := h.OpenRinger(br, nameBell)
		if !e.ok(errors.Join(err1, err2), "open") {
			return
		}
		play(s, a, b, 0)
		e.recv(c, "done")
		e.ok(errors.Join(s.Close(), a.Close(), b.Close()), "close")
	}, func(h shm.Host, c shm.Conn) {
		d := e.recv(c, "all")
		if len(d) != 3 {
			e.t.Errorf("%d descriptors, want 3", len(d))
			return
		}
		s, err0 := h.MapSegment(d[0], segSize)
		b, err1 := h.OpenWaiter(d[1], nameBell)
		a, err2 := h.OpenRinger(d[2], nameBell)
		if !e.ok(errors.Join(err0, err1, err2), "set up") {
			return
		}
		play(s, b, a, 1)
		e.check(s.Uint32(shm.SegmentHeader, nameWord).Load() == rounds, "the count is not %d", rounds)
		e.send(c, "done")
		e.ok(errors.Join(s.Close(), a.Close(), b.Close()), "close")
	})
}
