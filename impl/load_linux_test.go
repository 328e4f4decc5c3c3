package impl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"time"
)

// load is what an agent does in the background, in tasks with names.
type load struct {
	mu      sync.Mutex
	changed sync.Cond
	ops     int            // messages echoed, sessions closed
	running map[string]int // tasks
	ended   map[string]int // tasks and the kinds of their errors
}

func newLoad() *load {
	l := &load{running: map[string]int{}, ended: map[string]int{}}
	l.changed.L = &l.mu
	return l
}

// run runs f, which ends with an error, in a task.
func (l *load) run(task string, f func() error) {
	l.mu.Lock()
	l.running[task]++
	l.mu.Unlock()
	go func() {
		err := f()
		l.mu.Lock()
		defer l.mu.Unlock()
		l.running[task]--
		l.ended[task+": "+kindOf(err)]++
		l.changed.Broadcast()
	}()
}

func (l *load) did() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ops++
	l.changed.Broadcast()
}

// Progress returns when the agent has done so many operations more.
func (a *Agent) Progress(n int, _ *None) error {
	l := a.load
	l.mu.Lock()
	defer l.mu.Unlock()
	for goal := l.ops + n; l.ops < goal; {
		l.changed.Wait()
	}
	return nil
}

// Ended waits until no task of those names runs, and returns how tasks have ended
// since it was last called.
func (a *Agent) Ended(tasks []string, ended *map[string]int) error {
	l := a.load
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range tasks {
		for l.running[t] > 0 {
			l.changed.Wait()
		}
	}
	*ended, l.ended = l.ended, map[string]int{}
	return nil
}

// Serve listens at uri and echoes what comes, in tasks "accept" and "echo".
func (a *Agent) Serve(uri string, _ *None) error {
	l, err := a.app.Listen(uri)
	if err != nil {
		return err
	}
	a.load.run("accept", func() error {
		for {
			s, err := l.Accept()
			if err != nil {
				return err
			}
			a.load.run("echo", func() error { return echo(s) })
		}
	})
	return nil
}

// echo echoes until the peer has closed its side, and closes then.
func echo(s net.Conn) error {
	buf := make([]byte, 64<<10)
	for {
		n, err := s.Read(buf)
		if err == nil {
			_, err = s.Write(buf[:n])
		}
		if err != nil {
			_ = s.Close()
			return err
		}
	}
}

// Load has sessions with the server at uri for ever, in tasks that never say anything
// ("idle"), exchange messages ("stream") and make new sessions ("churn").
func (a *Agent) Load(uri string, _ *None) error {
	dial := func() (*Session, error) { return a.app.Dial(context.Background(), uri) }
	idle, err := dial()
	if err != nil {
		return err
	}
	stream, err := dial()
	if err != nil {
		return err
	}
	a.load.run("idle", func() error {
		err := idle.read()
		_ = idle.Close()
		return err
	})
	a.load.run("stream", func() error { return a.echoes(stream, -1) })
	a.load.run("churn", func() error {
		for {
			s, err := dial()
			if err == nil {
				err = a.echoes(s, 1)
			}
			if err != nil {
				return err
			}
		}
	})
	return nil
}

var errWrongBytes = errors.New("wrong bytes")

// echoes sends messages to an echo, or goes on for ever if n is negative, and closes s.
func (a *Agent) echoes(s *Session, n int) error {
	rng := rand.New(rand.NewPCG(uint64(s.handle), 1))
	for ; n != 0; n-- {
		msg := testPattern[rng.IntN(1<<10):]
		msg = msg[:1+rng.IntN(20_000)]
		got := make([]byte, len(msg))
		_, err := s.Write(msg)
		if err == nil {
			_, err = io.ReadFull(s, got)
		}
		if err == nil && !bytes.Equal(got, msg) {
			err = errWrongBytes
		}
		if err != nil {
			_ = s.Close()
			return err
		}
		a.load.did()
	}
	return s.Close()
}

// testPattern is what is sent; its length is prime, so that bytes in a wrong place are
// wrong bytes.
var testPattern = func() []byte {
	b := make([]byte, 131071)
	_, _ = rand.NewChaCha8([32]byte{3}).Read(b)
	return b
}()

// StreamCall asks for Sessions sessions at once with an echo at URI, which send Bytes each.
type StreamCall struct {
	URI      string
	Sessions int
	Bytes    uint64
}

// Stream does that, and returns when everything has come back as it was.
func (a *Agent) Stream(c StreamCall, _ *None) error {
	errs := make(chan error)
	for i := range c.Sessions {
		go func() { errs <- a.stream(c.URI, c.Bytes, uint64(i)) }()
	}
	var all []error
	for range c.Sessions {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}

func (a *Agent) stream(uri string, total, seed uint64) error {
	s, err := a.app.Dial(context.Background(), uri)
	if err != nil {
		return err
	}
	var sent, received [1]uint32
	wrote := make(chan error, 1)
	go func() {
		rng := rand.New(rand.NewPCG(seed, 2))
		for left := total; left > 0; {
			msg := testPattern[rng.IntN(1<<10):]
			msg = msg[:min(left, 1+rng.Uint64N(100_000))]
			if _, err := s.Write(msg); err != nil {
				wrote <- err
				return
			}
			sent[0] = crc32.Update(sent[0], castagnoli, msg)
			left -= uint64(len(msg))
		}
		wrote <- s.CloseWrite()
	}()
	n, err := io.Copy(crc{&received[0]}, struct{ io.Reader }{s})
	if err := errors.Join(err, <-wrote, s.Close()); err != nil {
		return err
	}
	if uint64(n) != total || sent != received {
		return fmt.Errorf("%d of %d bytes, checksum %#x, want %#x: %w", n, total, received, sent, errWrongBytes)
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// crc is a writer to a checksum.
type crc struct{ sum *uint32 }

func (c crc) Write(b []byte) (int, error) {
	*c.sum = crc32.Update(*c.sum, castagnoli, b)
	return len(b), nil
}

// Crowd opens n sessions with the echo at uri, uses all, and closes them.
func (a *Agent) Crowd(c StreamCall, _ *None) error {
	var all []*Session
	for range c.Sessions {
		s, err := a.app.Dial(context.Background(), c.URI)
		if err != nil {
			return err
		}
		all = append(all, s)
	}
	for _, s := range all {
		if _, err := s.Write([]byte("x")); err != nil {
			return err
		}
	}
	for _, s := range all {
		if err := errors.Join(s.read(), s.Close()); err != nil {
			return err
		}
	}
	return nil
}

// PatienceCall asks to use a session with the echo at URI for so long.
type PatienceCall struct {
	URI  string
	Time time.Duration
}

// Patience returns how a session fares: whether messages come back, and what a dial says.
func (a *Agent) Patience(c PatienceCall, outcome *[2]string) error {
	a.mu.Lock()
	s := a.conns[1]
	a.mu.Unlock()
	if err := s.SetDeadline(time.Now().Add(c.Time)); err != nil {
		return err
	}
	got := make([]byte, 5)
	_, err := s.Write([]byte("hello"))
	if err == nil {
		_, err = io.ReadFull(s, got)
	}
	if err == nil && string(got) != "hello" {
		err = errWrongBytes
	}
	outcome[0] = kindOf(err)
	ctx, cancel := context.WithTimeout(context.Background(), c.Time)
	defer cancel()
	d, err := a.app.Dial(ctx, c.URI)
	if errors.Is(err, context.DeadlineExceeded) {
		err = os.ErrDeadlineExceeded
	}
	outcome[1] = kindOf(err)
	if err == nil {
		if err := d.Close(); err != nil {
			return err
		}
	}
	return s.SetDeadline(time.Time{})
}
