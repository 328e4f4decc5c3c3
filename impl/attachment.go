package impl

import (
	"context"
	"errors"
	"net"
	"slices"
	"time"

	"cutthrough/impl/wire"
	"cutthrough/shm"
	"cutthrough/shm/fifo"
)

// attachment is an application at one session layer, from its attach until the last session is over. Handles and
// locations are those of that session layer and mean nothing to another. The lock of the application guards it.
type attachment struct {
	app    *App
	number int // of the attachments of the application, from 1
	conn   shm.Conn

	lastRequest uint64
	requests    []*request
	outgoing    []outgoing // messages that wait to be sent, the oldest first
	sending     bool       // a call or the writer is sending them
	encoded     []byte     // the one that is being sent
	table       segmentTable
	sessions    []*Session // by the index of their handle; nil where there is none
	live        int        // how many there are
	attached    bool       // the session layer has said so
	announced   bool       // and it was observed
	leaving     bool       // the session layer is about to end
	err         error      // why it has ended: it begins nothing any more
	hungUp      bool       // the control channel has ended: no reply comes any more
	doubt       shm.Doorbell
}

// attach makes a new attachment the current one.
func (a *App) attach(ctx context.Context) error {
	conn, err := a.dialLayer(ctx)
	if err != nil {
		return err
	}
	if a.opt.Trust != nil {
		var layer shm.Peer
		if layer, err = conn.Peer(); err == nil {
			if err = a.opt.Trust(layer); err != nil {
				err = distrust{err}
			}
		}
	}
	a.mu.Lock()
	if a.closed {
		err = net.ErrClosed
	}
	if err != nil {
		a.mu.Unlock()
		_ = conn.Close()
		return err
	}
	t := &attachment{app: a, number: 1, conn: conn, doubt: a.host.NewLocalDoorbell(nameDoubt), encoded: make([]byte, 0, wire.MaxSize)}
	if a.current != nil {
		t.number += a.current.number
	}
	a.current = t
	a.spawnLocked("app-control", t.runControl)
	a.mu.Unlock()
	err = a.ask(patient(ctx), a.newRequest(), a.opt.attach())
	if err != nil {
		a.mu.Lock()
		t.endLocked(err)
		a.mu.Unlock()
		_ = conn.Close()
	}
	return err
}

// distrust is an error of [Options.Trust].
type distrust struct{ error }

func (d distrust) Unwrap() error { return d.error }

// announceLocked tells that the application has attached and has bound what could be bound.
func (a *attachment) announceLocked() {
	if a.err == nil {
		a.announced = true
		a.observe(Observation{Kind: ObserveAttached})
	}
}

// endLocked makes every call that waits for the session layer return.
func (a *attachment) endLocked(why error) {
	if a.err != nil {
		return
	}
	a.err = why
	for _, r := range a.requests {
		_ = r.bell.Ring()
	}
	for _, l := range a.app.listeners {
		_ = l.bell.Ring()
	}
}

// hangUpLocked notes that the control channel has ended. Sessions need it no more.
func (a *attachment) hangUpLocked(why error) {
	a.endLocked(why)
	a.hungUp = true
	for _, r := range a.requests {
		_ = r.bell.Ring()
	}
	for _, l := range a.app.listeners {
		if l.at == a {
			l.at, l.waiting = nil, nil
		}
	}
	if a.announced && !a.app.closed {
		a.observe(Observation{Kind: ObserveLayerGone, Err: a.err})
	}
	if slices.ContainsFunc(a.sessions, (*Session).inDoubt) {
		a.app.spawnLocked("app-doubt", a.runDoubt)
	}
	a.app.past = append(a.app.past, a)
	a.releaseLocked()
	a.app.returnLocked()
}

// inDoubt says whether the dialler of a session may not know of it: the session layer tells the server first.
func (s *Session) inDoubt() bool {
	if s == nil || !s.serves {
		return false
	}
	state, err := s.rx.reader.Fifo.PeerState()
	return state == fifo.StateIdle && err == nil
}

// runDoubt waits until each dialler that can open its session has done so, and ends the others.
func (a *attachment) runDoubt() {
	_ = a.doubt.Wait(nil, a.app.host.Now()+openWait) // rung when all sessions are over
	a.app.mu.Lock()
	defer a.app.mu.Unlock()
	for _, s := range a.sessions {
		if s.inDoubt() {
			s.fail(a.err)
		}
	}
}

// sessionLocked returns the live session with the index, or nil.
func (a *attachment) sessionLocked(index uint32) *Session {
	if int(index) >= len(a.sessions) {
		return nil
	}
	return a.sessions[index]
}

// sessionsLocked returns the live sessions.
func (a *attachment) sessionsLocked() []*Session {
	return slices.DeleteFunc(slices.Clone(a.sessions), func(s *Session) bool { return s == nil })
}

// forgetSessionLocked notes that a session is over.
func (a *attachment) forgetSessionLocked(s *Session) {
	if a.sessionLocked(s.handle.Index()) != s {
		return
	}
	a.sessions[s.handle.Index()] = nil
	a.live--
	for _, m := range s.memory {
		m.users--
	}
	a.releaseLocked()
}

// releaseLocked unmaps what sessions have used, if the session layer has ended, which asked for that else.
func (a *attachment) releaseLocked() {
	if a.hungUp && a.live == 0 {
		_ = a.unmapAllLocked()
		_ = a.doubt.Ring() // there is none any more
		a.app.past = slices.DeleteFunc(a.app.past, func(o *attachment) bool { return o == a })
	}
}

func (a *attachment) unmapAllLocked() error {
	var errs []error
	for len(a.table.byBase) > 0 {
		errs = append(errs, a.unmapLocked(a.table.byBase[0].h))
	}
	return errors.Join(errs...)
}

// leaveLocked waits until the sessions are over, which are being closed, and leaves the session layer.
func (a *attachment) leaveLocked(p patience) error {
	mu := a.app.mu
	for a.live > 0 {
		_ = waitUnlocked(mu, a.app.ended, nil, shm.Forever)
	}
	// Unmap before the session layer can learn that we are gone: it gives the places to others then.
	err := errors.Join(a.unmapAllLocked(), a.detachLocked(p))
	mu.Unlock()
	_ = a.conn.Close()
	mu.Lock()
	return err
}

// detachLocked leaves the session layer and waits for its reply. A session layer that is gone has forgotten the
// application by itself.
func (a *attachment) detachLocked(p patience) error {
	if !a.attached || a.hungUp {
		return nil
	}
	r := a.app.newRequest()
	a.requestLocked(r, wire.Message{Type: wire.Detach}, nil)
	err := a.awaitLocked(p, r, func() bool { return a.hungUp })
	if a.hungUp {
		return nil
	}
	return err
}

// The pauses between two tries to attach again double from the first to the last.
const (
	firstPause = 10 * time.Millisecond
	lastPause  = time.Second
)

// returnLocked has a task attach again, if the session layer has ended and none does so.
func (a *App) returnLocked() {
	if a.attaching || a.closed || a.opt.NoReturn || !a.current.hungUp {
		return
	}
	a.attaching = true
	a.spawnLocked("app-return", a.runReturn)
}

// runReturn attaches, and binds the listeners, until it has succeeded or the application closes.
func (a *App) runReturn() {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := a.comeBack()
		a.mu.Lock()
		a.attaching = !a.closed && (err != nil || a.current.hungUp)
		again := a.attaching
		a.mu.Unlock()
		if !again {
			return
		}
		_ = a.again.Wait(nil, a.host.Now()+pause)
	}
}

// notAttached tells that a session layer, or the application's own Trust, has refused the attachment. That there is no
// session layer is no news.
func (a *App) notAttached(err error) {
	var status wire.Status
	var d distrust
	if errors.As(err, &status) || errors.As(err, &d) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.current.observe(Observation{Kind: ObserveNotAttached, Err: err})
	}
}

// comeBack attaches, unless an earlier try did, and binds the listeners that are bound nowhere.
func (a *App) comeBack() error {
	a.mu.Lock()
	gone := a.current.err != nil
	a.mu.Unlock()
	if gone {
		if err := a.attach(context.Background()); err != nil {
			a.notAttached(err)
			return err
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.current
	var errs []error
	for _, l := range slices.Clone(a.listeners) {
		if l.at == t || l.closed {
			continue
		}
		a.mu.Unlock()
		err := a.bind(context.Background(), l)
		a.mu.Lock()
		if err != nil {
			t.observe(Observation{Kind: ObserveNotBound, Err: err, Msg: wire.Message{Type: wire.Bind, Endpoint: l.addr.Endpoint}})
		}
		errs = append(errs, err)
	}
	if gone {
		t.announceLocked()
	}
	return errors.Join(errs...)
}
