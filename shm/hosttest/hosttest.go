// Package hosttest is a test suite for implementations of [shm.Host]. [Run] tests each sentence of
// the contract of the interface. The suite runs on the real operating system and on a simulated
// one, so code that was tested under simulation may rely on the same behaviour in production.
//
// The processes of a test never spin, never read a wall clock and never end their goroutine. They
// wait in doorbells, channels and [shm.Host.Sleep], and report errors with t.Errorf. They wait with
// [shm.Forever] for an event that must happen, so that a lost wake-up is a deadlock, which a
// simulator can name.
package hosttest

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"cutthrough/shm"
)

// Runner runs processes.
type Runner interface {
	// Run runs each function as one process with a Host of its own, on one machine, and returns
	// when all processes and their tasks have ended. Open handles are a leak then; a Runner should
	// report them to t.
	Run(t *testing.T, procs ...func(h shm.Host))
}

// Run runs the suite on w, as subtests of t.
func Run(t *testing.T, w Runner) {
	for _, group := range []struct {
		name  string
		tests []test
	}{
		{"clock", clockTests}, {"lock", lockTests}, {"segment", segmentTests},
		{"doorbell", doorbellTests}, {"conn", connTests}, {"listener", listenerTests},
	} {
		for _, test := range group.tests {
			t.Run(group.name+"/"+test.name, func(t *testing.T) {
				test.run(&env{t, w, fmt.Sprintf("@%s.%d", t.Name(), os.Getpid())})
			})
		}
	}
}

type test struct {
	name string
	run  func(e *env)
}

// env is the environment of one test; addr is an address of its own.
type env struct {
	t    *testing.T
	w    Runner
	addr string
}

const (
	past  = time.Duration(0)     // a deadline that has passed
	brief = 5 * time.Millisecond // how long a test waits for an event that must not happen
)

var (
	nameBell = shm.NewName("hosttest.bell")
	nameDone = shm.NewName("hosttest.done")
	nameLock = shm.NewName("hosttest.lock")
	nameWord = shm.NewName("hosttest.word")
	nameData = shm.NewName("hosttest.data")
)

// ok reports err, if there is one.
func (e *env) ok(err error, what string, args ...any) bool {
	if err != nil {
		e.t.Errorf("%s: %v", fmt.Sprintf(what, args...), err)
	}
	return err == nil
}

// want reports an err that is not target.
func (e *env) want(err, target error, what string, args ...any) bool {
	if !errors.Is(err, target) {
		e.t.Errorf("%s: got %v, want %v", fmt.Sprintf(what, args...), err, target)
	}
	return errors.Is(err, target)
}

// check reports a condition that does not hold.
func (e *env) check(cond bool, what string, args ...any) {
	if !cond {
		e.t.Errorf(what, args...)
	}
}

// one runs body as the only process.
func (e *env) one(body func(h shm.Host)) { e.w.Run(e.t, body) }

// pair runs two processes with a channel between them, which ends with the body.
func (e *env) pair(server, client func(h shm.Host, c shm.Conn)) {
	e.w.Run(e.t,
		func(h shm.Host) {
			l, err := h.Listen(e.addr)
			if !e.ok(err, "listen") {
				return
			}
			c, err := l.Accept(shm.Forever)
			e.ok(l.Close(), "close listener")
			if e.ok(err, "accept") {
				server(h, c)
				e.ok(c.Close(), "close server end")
			}
		},
		func(h shm.Host) {
			if c := e.dial(h); c != nil {
				client(h, c)
				e.ok(c.Close(), "close client end")
			}
		})
}

// dial keeps trying until the other process listens.
func (e *env) dial(h shm.Host) shm.Conn {
	for range 10_000 {
		c, err := h.Dial(e.addr, shm.Forever)
		if err == nil {
			return c
		}
		if !e.want(err, shm.ErrRefused, "dial") {
			return nil
		}
		h.Sleep(h.Now() + time.Millisecond)
	}
	e.t.Errorf("no process listens at %s", e.addr)
	return nil
}

// loop runs body as one process that has both ends of a channel.
func (e *env) loop(body func(h shm.Host, a, b shm.Conn)) {
	e.one(func(h shm.Host) {
		l, err := h.Listen(e.addr)
		if !e.ok(err, "listen") {
			return
		}
		a, err := h.Dial(e.addr, shm.Forever)
		if e.ok(err, "dial") {
			b, err := l.Accept(past)
			if e.ok(err, "accept a connection that is there") {
				body(h, a, b)
				b.Close() // the body may have done so
			}
			a.Close()
		}
		e.ok(l.Close(), "close listener")
	})
}

// start runs fs as tasks of the process and returns a function that waits for
// them to end.
func (e *env) start(h shm.Host, fs ...func()) (wait func()) {
	done := h.NewLocalDoorbell(nameDone)
	lock, left := h.NewLock(nameLock), len(fs)
	for i, f := range fs {
		h.Go(fmt.Sprintf("task%d", i), func() {
			f()
			lock.Lock()
			defer lock.Unlock()
			left--
			e.ok(done.Ring(), "ring")
		})
	}
	ended := func() bool {
		lock.Lock()
		defer lock.Unlock()
		return left == 0
	}
	return func() {
		for !ended() {
			e.ok(done.Wait(nil, shm.Forever), "wait for tasks")
		}
		e.ok(done.Close(), "close doorbell")
	}
}

// send and recv move one message that must get through.
func (e *env) send(c shm.Conn, msg string, descs ...shm.Desc) {
	e.ok(c.Send([]byte(msg), descs, shm.Forever), "send %.20q", msg)
}

func (e *env) recv(c shm.Conn, want string) []shm.Desc {
	buf := make([]byte, shm.MaxMessage)
	n, descs, err := c.Recv(buf, shm.Forever)
	if e.ok(err, "recv %.20q", want) {
		e.check(string(buf[:n]) == want, "received %d bytes %.20q, want %d bytes %.20q", n, buf[:n], len(want), want)
	}
	return descs
}

// recvDesc receives want with one descriptor.
func (e *env) recvDesc(c shm.Conn, want string) shm.Desc {
	descs := e.recv(c, want)
	if len(descs) != 1 {
		e.t.Errorf("%q came with %d descriptors, want 1", want, len(descs))
		e.closeAll(descs)
		return nil
	}
	return descs[0]
}

func (e *env) closeAll(descs []shm.Desc) {
	for _, d := range descs {
		e.ok(d.Close(), "close descriptor")
	}
}
