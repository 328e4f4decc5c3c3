package impl

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"cutthrough/internal/proctest"
	"cutthrough/shm"
	"cutthrough/shm/oshost"
)

// prompt bounds a call that must not wait for a session layer that is stopped, after its deadline. The figure of a quiet
// machine is a few milliseconds; this one is for a loaded machine.
const prompt = 2 * time.Second

// Frozen is what an application does while the session layer is stopped. The error says what did not return in time.
func (a *Agent) Frozen(uri string, _ *None) error {
	a.mu.Lock()
	kept, closing := a.conns[1], a.conns[2]
	a.mu.Unlock()
	var dials sync.WaitGroup
	late := make(chan error, 300)
	for range cap(late) {
		dials.Add(1)
		go func() {
			defer dials.Done()
			late <- inTime(time.Millisecond, context.DeadlineExceeded, func(ctx context.Context) error {
				_, err := a.app.Dial(ctx, uri)
				return err
			})
		}()
	}
	dials.Wait()
	errs := []error{
		inTime(time.Millisecond, context.DeadlineExceeded, func(ctx context.Context) error {
			_, err := a.app.ListenContext(ctx, "tcp://127.0.0.1/81")
			return err
		}),
		inTime(0, nil, func(context.Context) error { return closing.Close() }),
		inTime(defaultCloseWait, os.ErrDeadlineExceeded, func(context.Context) error { return a.listener.Close() }),
		inTime(time.Millisecond, context.DeadlineExceeded, func(ctx context.Context) error {
			_, err := AttachContext(ctx, a.host, a.addr, Options{})
			return err
		}),
	}
	for range cap(late) {
		errs = append(errs, <-late)
	}
	for range 100 {
		errs = append(errs, roundTrip(kept))
	}
	return errors.Join(errs...)
}

// Unlisten closes the listener.
func (a *Agent) Unlisten(None, *None) error { return a.listener.Close() }

// inTime calls f with a context that ends after d, and says if it does not return soon after that, with want.
func inTime(d time.Duration, want error, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), max(d, time.Millisecond))
	defer cancel()
	begin := time.Now()
	err := f(ctx)
	if took := time.Since(begin); took > d+prompt || !errors.Is(err, want) || want == nil && err != nil {
		return fmt.Errorf("%v after %v, want %v after %v", err, took, want, d)
	}
	return nil
}

// roundTrip sends a few bytes to an echo and awaits them.
func roundTrip(s *Session) error {
	if err := s.SetDeadline(time.Now().Add(liveness)); err != nil {
		return err
	}
	_, err := s.Write([]byte("hello"))
	if err == nil {
		_, err = s.Read(make([]byte, 5))
	}
	return errors.Join(err, s.SetDeadline(time.Time{}))
}

// TestProcessesLayerStopped: while the session layer is stopped, sessions go on, each call ends by its deadline, and
// closes return. They are delivered when it goes on.
func TestProcessesLayerStopped(t *testing.T) {
	r := newTrio(t)
	proctest.Call[int](r.client, "Dial", testURI)
	proctest.Call[int](r.client, "Dial", testURI)
	proctest.Call[None](r.client, "Listen", "tcp://127.0.0.1/82")
	r.layer.Stop()
	proctest.Call[None](r.client, "Frozen", testURI)
	r.layer.Resume()
	proctest.Call[None](r.client, "Listen", "tcp://127.0.0.1/82") // the close of the listener was delivered
	proctest.Call[None](r.client, "Unlisten", None{})
	proctest.Call[ConnReply](r.client, "Conn", ConnCall{ID: 1, Method: "Close"})
	r.checkIdle() // so were that of the session, and the ends of dials that the layer answered late
	r.layer.Stop()
	begin := time.Now()
	_, err := proctest.Try[None](r.client, "Detach", None{})
	if took := time.Since(begin); took > defaultCloseWait+prompt || err == nil {
		t.Errorf("application closed with the session layer stopped: %v after %v", err, took)
	}
	r.layer.Resume()
	r.startClient()
	r.checkIdle()
	r.end()
}

// TestListenAfterClose: the addresses of an application are free when its Close has returned.
func TestListenAfterClose(t *testing.T) {
	r := newTrio(t)
	for range 300 {
		proctest.Call[None](r.server, "Detach", None{})
		proctest.Call[None](r.client, "Listen", testURI)
		proctest.Call[None](r.client, "Detach", None{})
		r.attachServer()
		proctest.Call[None](r.client, "Attach", r.addr)
	}
	r.end()
}

// Limit bounds the descriptors of the process.
func (a *Agent) Limit(n uint64, _ *None) error {
	return unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: n, Max: n})
}

// Clients attaches n applications that dial uri once each, and closes them. It returns how many were served.
func (a *Agent) Clients(c StreamCall, served *int) error {
	var errs []error
	var apps []*App
	for range c.Sessions {
		app, err := Attach(a.host, a.addr, Options{})
		if err != nil {
			return err
		}
		apps = append(apps, app)
		ctx, cancel := context.WithTimeout(context.Background(), liveness)
		defer cancel()
		s, err := app.Dial(ctx, c.URI)
		switch {
		case errors.Is(err, syscall.ECONNREFUSED): // no descriptors
		case err != nil:
			errs = append(errs, err)
		default:
			*served++
			errs = append(errs, roundTrip(s))
		}
	}
	for _, app := range apps {
		errs = append(errs, app.Close())
	}
	return errors.Join(errs...)
}

// TestProcessesDescriptors: an application without descriptors refuses those that come, serves those that it has, and
// serves again when it has descriptors.
func TestProcessesDescriptors(t *testing.T) {
	r := newTrio(t)
	proctest.Call[None](r.server, "Limit", uint64(64))
	for range 3 {
		const clients = 40
		served := proctest.Call[int](r.client, "Clients", StreamCall{testURI, clients, 0})
		if served == 0 || served == clients {
			t.Errorf("%d of %d clients were served by an application with 64 descriptors", served, clients)
		}
		r.checkIdle()
	}
	r.end()
}

// TestAttachToFullBacklog: a session layer that does not accept, and has no room for a connection, keeps no attach from
// the end of its context.
func TestAttachToFullBacklog(t *testing.T) {
	h := oshost.New()
	l, err := h.Listen(t.TempDir() + "/layer")
	check(t, err)
	var conns []shm.Conn
	for err == nil {
		var c shm.Conn
		if c, err = h.Dial(l.Addr(), 0); err == nil {
			conns = append(conns, c)
		}
	}
	wantErr(t, "dial", err, shm.ErrDeadline)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	attach := result(func() error { _, err := AttachContext(ctx, h, l.Addr(), Options{}); return err })
	wantErr(t, "attach", attach(), context.DeadlineExceeded)
	for _, c := range conns {
		check(t, c.Close())
	}
	check(t, l.Close())
}
