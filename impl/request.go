package impl

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"time"

	"cutthrough/impl/wire"
	"cutthrough/shm"
)

// request is a request that waits for its reply. The lock of the application guards it.
type request struct {
	id       uint64
	asked    wire.Type
	bell     shm.Doorbell
	status   wire.Status // of the reply
	err      error       // it could not be sent
	session  *Session    // made by the reply of a connect
	listener *Listener   // known from the reply of a bind on
	done     bool
	dropped  bool // no call waits any more
}

func (a *App) newRequest() *request {
	return &request{bell: a.host.NewLocalDoorbell(nameRequest)}
}

// fail ends a request that could not be sent.
func (r *request) fail(err error) {
	r.err, r.done = err, true
	_ = r.bell.Ring()
}

// patience is how long a call waits for a reply: until the end of a context, and until a time of the host.
type patience struct {
	ctx   context.Context
	until time.Duration
}

// patient returns the patience of a call with a context.
func patient(ctx context.Context) patience { return patience{ctx, shm.Forever} }

// brief returns the patience of a close without a context.
func (a *App) brief() patience {
	return patience{context.Background(), a.host.Now() + a.opt.CloseWait}
}

// ask sends a request to the newest session layer and waits for its reply, the end of the caller's patience, of that
// session layer or of the application. A status other than OK is an error. A request that was not sent when the patience
// ends is never sent.
func (a *App) ask(p patience, r *request, m wire.Message) error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.current
	switch {
	case a.closed:
		return net.ErrClosed
	case t.err != nil:
		return t.err
	case !t.attached && m.Type != wire.Attach || t.leaving:
		return ErrLayerGone // the one before it has ended, or this one is about to
	}
	t.requestLocked(r, m, r)
	err := t.awaitLocked(p, r, func() bool { return t.err != nil })
	if r.dropped && t.withdrawLocked(r) {
		t.forgetLocked(r)
	}
	return err
}

// requestLocked sends a request. Before it is sent, it can be withdrawn as the message of w, if that is not nil.
func (a *attachment) requestLocked(r *request, m wire.Message, w *request) {
	a.lastRequest++
	m.RequestID, r.id, r.asked = a.lastRequest, a.lastRequest, m.Type
	a.requests = append(a.requests, r)
	a.postLocked(m, w)
	a.flushLocked()
}

// awaitLocked waits until r has its reply, ended says that none is to come, or the caller's patience ends. Then the reply
// may still come, and make a session or a listener.
func (a *attachment) awaitLocked(p patience, r *request, ended func() bool) error {
	if p.ctx.Done() != nil {
		stop := context.AfterFunc(p.ctx, func() { _ = r.bell.Ring() })
		defer stop()
	}
	late := false
	for !r.done && !ended() && p.ctx.Err() == nil && !late {
		late = waitUnlocked(a.app.mu, r.bell, nil, p.until) != nil
	}
	switch {
	case r.err != nil:
		a.forgetLocked(r)
		return r.err
	case r.done:
		return r.status.Err()
	case ended():
		a.forgetLocked(r)
		a.withdrawLocked(r)
		return a.err
	}
	r.dropped = true
	if err := p.ctx.Err(); err != nil {
		return err
	}
	return os.ErrDeadlineExceeded
}

func (a *attachment) forgetLocked(r *request) {
	a.requests = slices.DeleteFunc(a.requests, func(o *request) bool { return o == r })
}

// replyLocked hands a reply to the call that made the request. A session or listener that no call waits for any more is
// closed. A reply of another type than that of the request is an error.
func (a *attachment) replyLocked(m wire.Message) error {
	i := slices.IndexFunc(a.requests, func(r *request) bool { return r.id == m.RequestID })
	if i < 0 || !m.Type.IsReply() {
		return nil // of a close, which no call waits for
	}
	r := a.requests[i]
	if m.Type != r.asked.Reply() {
		return fmt.Errorf("impl: %w: %v in reply to %v", wire.ErrMessage, m, r.asked)
	}
	a.forgetLocked(r)
	if m.Type == wire.ConnectReply && m.Status == wire.OK {
		s, err := a.newSessionLocked(m, false)
		if err != nil {
			m.Status = wire.NoMemory
			a.tellLocked(wire.Message{Type: wire.Reset, Handle: m.Handle})
		} else if r.dropped || a.err != nil { // App.Close has closed the sessions that there were
			s.abandonLocked()
			r.err = a.err
		}
		r.session = s
	}
	if m.Type == wire.BindReply && m.Status == wire.OK {
		a.boundLocked(r, m)
	}
	a.attached = a.attached || m.Type == wire.AttachReply && m.Status == wire.OK
	r.status, r.done = m.Status, true
	_ = r.bell.Ring()
	return nil
}
