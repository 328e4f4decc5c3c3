// Package load is what honest processes do while others are killed, stopped and hostile: a server echoes, and a client has
// sessions that never send, exchange messages, and come and go. Tests of impl and the campaigns of simrun direct such
// processes; this package knows connections and listeners only.
package load

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Tasks are what a process does in the background, by name, and how it ended. Safe for concurrent use.
type Tasks struct {
	kindOf func(error) string

	mu      sync.Mutex
	changed sync.Cond
	done    map[string]int // messages exchanged, by task
	running map[string]int
	ended   []Ended
	conns   map[net.Conn]bool // of Load
	ending  bool              // Unload was called
}

// New returns no tasks. kindOf says how errors are called between processes.
func New(kindOf func(error) string) *Tasks {
	t := &Tasks{kindOf: kindOf, done: map[string]int{}, running: map[string]int{}, conns: map[net.Conn]bool{}}
	t.changed.L = &t.mu
	return t
}

// Ended says how and when a task has ended.
type Ended struct {
	Task, Kind string
	At         time.Duration // of Now
}

// Now returns the time of the clock that all processes of the machine have.
func Now() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(err)
	}
	return time.Duration(ts.Nano())
}

// run runs f, which ends with an error, in a task.
func (t *Tasks) run(task string, f func() error) {
	t.mu.Lock()
	t.running[task]++
	t.mu.Unlock()
	go func() {
		err := f()
		at := Now()
		t.mu.Lock()
		defer t.mu.Unlock()
		t.running[task]--
		t.ended = append(t.ended, Ended{task, t.kindOf(err), at})
		t.changed.Broadcast()
	}()
}

// Await waits until a task has exchanged n more messages. It returns false if that takes longer than limit, or no task of
// that name runs any more.
func (t *Tasks) Await(task string, n int, limit time.Duration) bool {
	over := false
	timer := time.AfterFunc(limit, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		over = true
		t.changed.Broadcast()
	})
	defer timer.Stop()
	t.mu.Lock()
	defer t.mu.Unlock()
	for goal := t.done[task] + n; t.done[task] < goal; {
		if over || t.running[task] == 0 {
			return false
		}
		t.changed.Wait()
	}
	return true
}

// Ended waits until no task of those names runs, and returns how tasks have ended since it was last called.
func (t *Tasks) Ended(names ...string) []Ended {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.awaitLocked(names)
	ended := t.ended
	t.ended = nil
	return ended
}

func (t *Tasks) awaitLocked(names []string) {
	for _, name := range names {
		for t.running[name] > 0 {
			t.changed.Wait()
		}
	}
}

// Serve accepts and echoes, in tasks "accept" and "echo", until l fails.
func (t *Tasks) Serve(l net.Listener) {
	t.run("accept", func() error {
		for {
			c, err := l.Accept()
			if err != nil {
				return err
			}
			t.run("echo", func() error { return echo(c) })
		}
	})
}

// echo echoes until the peer has closed its side, and closes then.
func echo(c net.Conn) error {
	defer c.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := c.Read(buf)
		if err == nil {
			_, err = c.Write(buf[:n])
		}
		if err != nil {
			return err
		}
	}
}

// Load has connections with an echo for ever, in tasks that never send ("idle"), exchange messages ("stream") and make new
// connections ("churn"). It returns once the first two are connected.
func (t *Tasks) Load(dial func() (net.Conn, error)) error {
	t.mu.Lock()
	t.ending = false
	t.mu.Unlock()
	idle, err := t.dial(dial)
	if err != nil {
		return err
	}
	stream, err := t.dial(dial)
	if err != nil {
		return errors.Join(err, t.hangUp(idle))
	}
	t.run("idle", func() error {
		_, err := idle.Read(make([]byte, 1))
		_ = t.hangUp(idle)
		return err
	})
	t.run("stream", func() error { return t.exchange("stream", stream, -1) })
	t.run("churn", func() error {
		for {
			c, err := t.dial(dial)
			if err == nil {
				err = t.exchange("churn", c, 1)
			}
			if err != nil {
				return err
			}
		}
	})
	return nil
}

// Unload closes the connections of Load, and returns when its tasks have ended.
func (t *Tasks) Unload() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ending = true
	for c := range t.conns {
		_ = c.Close()
	}
	t.awaitLocked([]string{"idle", "stream", "churn"})
}

func (t *Tasks) dial(dial func() (net.Conn, error)) (net.Conn, error) {
	c, err := dial()
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ending {
		return nil, errors.Join(net.ErrClosed, c.Close())
	}
	t.conns[c] = true
	return c, nil
}

func (t *Tasks) hangUp(c net.Conn) error {
	t.mu.Lock()
	delete(t.conns, c)
	t.mu.Unlock()
	return c.Close()
}

// exchange sends messages to the echo, for ever if n is negative, and closes c.
func (t *Tasks) exchange(task string, c net.Conn, n int) error {
	rng := rand.New(rand.NewPCG(uint64(Now()), 1))
	for ; n != 0; n-- {
		msg := Pattern[rng.IntN(1<<10):]
		if err := RoundTrip(c, msg[:1+rng.IntN(20_000)]); err != nil {
			_ = t.hangUp(c)
			return err
		}
		t.mu.Lock()
		t.done[task]++
		t.changed.Broadcast()
		t.mu.Unlock()
	}
	return t.hangUp(c)
}

// Redial dials until that succeeds, at most for limit, and closes the connection. It polls: only the application that
// dials knows when it has attached again.
func Redial(dial func() (net.Conn, error), limit time.Duration) error {
	for end := Now() + limit; ; time.Sleep(time.Millisecond) {
		c, err := dial()
		if err == nil {
			return c.Close()
		}
		if Now() > end {
			return err
		}
	}
}

// ErrWrongBytes says that other bytes have come back than were sent.
var ErrWrongBytes = errors.New("wrong bytes")

// RoundTrip sends msg to an echo and wants it back.
func RoundTrip(c net.Conn, msg []byte) error {
	got := make([]byte, len(msg))
	_, err := c.Write(msg)
	if err == nil {
		_, err = io.ReadFull(c, got)
	}
	if err == nil && !bytes.Equal(got, msg) {
		err = ErrWrongBytes
	}
	return err
}

// Pattern is what is sent; its length is prime, so that bytes in a wrong place are wrong bytes. It is not to be changed.
var Pattern = func() []byte {
	b := make([]byte, 131071)
	_, _ = rand.NewChaCha8([32]byte{3}).Read(b)
	return b
}()
