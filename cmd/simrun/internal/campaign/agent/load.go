package agent

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"cutthrough/impl"
)

// tasks are what an agent does in the background, by name, and how it ended.
type tasks struct {
	mu      sync.Mutex
	changed sync.Cond
	done    map[string]int // operations, by task
	running map[string]int
	ended   []Ended
}

// Ended says how and when a task has ended.
type Ended struct {
	Task, Kind string
	At         time.Duration // of the clock of the machine
}

func (t *tasks) init() {
	t.changed.L = &t.mu
	t.done, t.running = map[string]int{}, map[string]int{}
}

// Now returns the time of the clock that all processes have.
func Now() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(err)
	}
	return time.Duration(ts.Nano())
}

// run runs f, which ends with an error, in a task.
func (t *tasks) run(task string, f func() error) {
	t.mu.Lock()
	t.running[task]++
	t.mu.Unlock()
	go func() {
		err := f()
		at := Now()
		t.mu.Lock()
		defer t.mu.Unlock()
		t.running[task]--
		t.ended = append(t.ended, Ended{task, kindOf(err), at})
		t.changed.Broadcast()
	}()
}

func (t *tasks) did(task string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done[task]++
	t.changed.Broadcast()
}

// await waits until so much more was done by a task, and returns false if time is over or tasks have ended first.
func (t *tasks) await(task string, n int, limit time.Duration) bool {
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

// ProgressCall asks for N more operations of a task.
type ProgressCall struct {
	Task  string
	N     int
	Limit time.Duration
}

// Progress returns whether a task makes N more operations in time.
func (a *Agent) Progress(c ProgressCall, ok *bool) error {
	*ok = a.tasks.await(c.Task, c.N, c.Limit)
	return nil
}

// Ended waits until no task of those names runs, and returns how tasks have ended since it was last called.
func (a *Agent) Ended(names []string, ended *[]Ended) error {
	t := &a.tasks
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range names {
		for t.running[name] > 0 {
			t.changed.Wait()
		}
	}
	*ended, t.ended = t.ended, nil
	return nil
}

// Load has sessions with the server for ever, in tasks that never send ("idle"), exchange messages ("stream") and make new
// sessions ("churn").
func (a *Agent) Load(None, *None) error {
	idle, err := a.dial()
	if err != nil {
		return err
	}
	stream, err := a.dial()
	if err != nil {
		return err
	}
	a.tasks.run("idle", func() error {
		_, err := idle.Read(make([]byte, 1))
		_ = a.hangup(idle)
		return err
	})
	a.tasks.run("stream", func() error { return a.exchange("stream", stream, -1) })
	a.tasks.run("churn", func() error {
		for {
			s, err := a.dial()
			if err == nil {
				err = a.exchange("churn", s, 1)
			}
			if err != nil {
				return err
			}
		}
	})
	return nil
}

// Unload closes the sessions of the load. Its tasks end.
func (a *Agent) Unload(None, *None) error {
	for _, task := range []string{"churn", "stream", "idle"} {
		for !a.quiet(task) {
			a.mu.Lock()
			for s := range a.conns {
				_ = s.Close()
			}
			clear(a.conns)
			a.mu.Unlock()
			time.Sleep(interval) // churn may be dialling
		}
	}
	return nil
}

func (a *Agent) quiet(task string) bool {
	a.tasks.mu.Lock()
	defer a.tasks.mu.Unlock()
	return a.tasks.running[task] == 0
}

var errWrongBytes = errors.New("wrong bytes")

// exchange sends messages to the echo, for ever if n is negative, and closes s.
func (a *Agent) exchange(task string, s *impl.Session, n int) error {
	rng := rand.New(rand.NewPCG(uint64(Now()), 1))
	for ; n != 0; n-- {
		msg := pattern[rng.IntN(1<<10):]
		if err := roundTrip(s, msg[:1+rng.IntN(20_000)]); err != nil {
			_ = a.hangup(s)
			return err
		}
		a.tasks.did(task)
	}
	return a.hangup(s)
}

// roundTrip sends msg and wants it back.
func roundTrip(s *impl.Session, msg []byte) error {
	got := make([]byte, len(msg))
	_, err := s.Write(msg)
	if err == nil {
		_, err = io.ReadFull(s, got)
	}
	if err == nil && !bytes.Equal(got, msg) {
		err = errWrongBytes
	}
	return err
}

// pattern is what is sent; its length is prime, so that bytes in a wrong place are wrong bytes.
var pattern = func() []byte {
	b := make([]byte, 131071)
	_, _ = rand.NewChaCha8([32]byte{3}).Read(b)
	return b
}()
