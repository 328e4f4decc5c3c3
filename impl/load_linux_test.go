package impl

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"time"

	"cutthrough/internal/load"
)

// Progress returns when a stream of the load has exchanged so many messages more.
func (a *Agent) Progress(n int, _ *None) error {
	if !a.load.Await("stream", n, liveness) {
		return errors.New("the stream does not go on")
	}
	return nil
}

// Ended waits until no task of those names runs, and returns how tasks have ended since it was last called.
func (a *Agent) Ended(tasks []string, ended *[]load.Ended) error {
	*ended = a.load.Ended(tasks...)
	return nil
}

// Serve listens at uri and echoes what comes.
func (a *Agent) Serve(uri string, _ *None) error {
	l, err := a.app.Listen(uri)
	if err != nil {
		return err
	}
	a.load.Serve(l)
	return nil
}

// Load has sessions with the server at uri for ever.
func (a *Agent) Load(uri string, _ *None) error {
	return a.load.Load(func() (net.Conn, error) { return Dialer{App: a.app}.Dial("", uri) })
}

// Redial returns when the server at uri can be dialled again.
func (a *Agent) Redial(uri string, _ *None) error {
	return load.Redial(func() (net.Conn, error) { return Dialer{App: a.app}.Dial("", uri) }, liveness)
}

// Unload closes the sessions of the load. Its tasks end.
func (a *Agent) Unload(None, *None) error {
	a.load.Unload()
	return nil
}

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
			msg := load.Pattern[rng.IntN(1<<10):]
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
		return fmt.Errorf("%d of %d bytes, checksum %#x, want %#x: %w", n, total, received, sent, load.ErrWrongBytes)
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
	outcome[0] = kindOf(load.RoundTrip(s, []byte("hello")))
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
