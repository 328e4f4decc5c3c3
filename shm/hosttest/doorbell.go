package hosttest

import (
	"errors"

	"cutthrough/shm"
)

// alone makes a test of one process with one doorbell, of either kind.
func alone(body func(e *env, h shm.Host, bell shm.Doorbell)) func(e *env) {
	return func(e *env) {
		e.one(func(h shm.Host) {
			bell, err := h.NewDoorbell(nameBell)
			if e.ok(err, "new doorbell") {
				body(e, h, bell)
				bell.Close() // the body may have done so
			}
		})
		e.one(func(h shm.Host) {
			bell := h.NewLocalDoorbell(nameBell)
			e.check(bell.Desc() == nil, "a local doorbell has a descriptor")
			body(e, h, bell)
			bell.Close()
		})
	}
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

// doorbellPassed: the peer's copy rings and is rung like the original, and each
// side closes its own.
func doorbellPassed(e *env) {
	e.pair(func(h shm.Host, c shm.Conn) {
		bell, err := h.NewDoorbell(nameBell)
		if !e.ok(err, "new doorbell") {
			return
		}
		e.send(c, "bell", bell.Desc())
		e.ok(bell.Wait(nil, shm.Forever), "wait for the peer's ring")
		e.send(c, "got it")
		e.ok(bell.Ring(), "ring a doorbell after sending it")
		e.ok(bell.Close(), "close")
		e.send(c, "closed")
		e.recv(c, "done")
	}, func(h shm.Host, c shm.Conn) {
		d := e.recvDesc(c, "bell")
		if d == nil {
			return
		}
		bell, err := h.OpenDoorbell(d, nameBell)
		if !e.ok(err, "open doorbell") {
			return
		}
		e.ok(bell.Ring(), "ring the peer's doorbell")
		e.recv(c, "got it")
		e.ok(bell.Wait(nil, shm.Forever), "wait for the ring of the owner")
		e.recv(c, "closed")
		e.ok(bell.Ring(), "ring when the owner has closed its end")
		e.ok(bell.Wait(nil, shm.Forever), "wait when the owner has closed its end")
		e.ok(bell.Close(), "close")
		e.want(bell.Close(), shm.ErrClosed, "second close")
		e.send(c, "done")
	})
}

// doorbellPingPong: a store and a ring against a check and a wait, both ways
// between two processes, with a ready function: no wake-up is lost.
func doorbellPingPong(e *env) {
	const rounds = 20
	// play counts word up in turns: the one moves on even values, the other on odd.
	play := func(s *shm.Segment, mine, theirs shm.Doorbell, turn uint32) {
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
		a, err1 := h.NewDoorbell(nameBell)
		b, err2 := h.NewDoorbell(nameBell)
		if !e.ok(errors.Join(err0, err1, err2), "set up") {
			return
		}
		e.send(c, "all", s.Desc(), a.Desc(), b.Desc())
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
		a, err1 := h.OpenDoorbell(d[1], nameBell)
		b, err2 := h.OpenDoorbell(d[2], nameBell)
		if !e.ok(errors.Join(err0, err1, err2), "set up") {
			return
		}
		play(s, b, a, 1)
		e.check(s.Uint32(shm.SegmentHeader, nameWord).Load() == rounds, "the count is not %d", rounds)
		e.send(c, "done")
		e.ok(errors.Join(s.Close(), a.Close(), b.Close()), "close")
	})
}
