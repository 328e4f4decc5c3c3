package impl

import (
	"context"
	"errors"
	"slices"

	"cutthrough/impl/wire"
	"cutthrough/shm"
)

// request is a request that waits for its reply.
type request struct {
	id       uint64
	bell     shm.Doorbell
	reply    wire.Message
	session  *Session  // made by the reply of a connect
	listener *Listener // known from the reply of a bind on
	done     bool
	dropped  bool // no call waits any more
}

func (a *App) newRequest() *request {
	return &request{bell: a.host.NewLocalDoorbell(nameRequest)}
}

// ask sends a request and waits for its reply, the end of ctx or of the
// application. A status other than OK is an error.
func (a *App) ask(ctx context.Context, r *request, m wire.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = r.bell.Ring() })
	defer stop()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return a.err
	}
	a.lastRequest++
	m.RequestID, r.id = a.lastRequest, a.lastRequest
	a.requests = append(a.requests, r)
	a.mu.Unlock()
	err := a.conn.Send(m.Encode(nil), nil, shm.Forever)
	a.mu.Lock()
	for err == nil && !r.done && a.err == nil && ctx.Err() == nil {
		err = waitUnlocked(a.mu, r.bell, nil, shm.Forever)
	}
	switch {
	case r.done:
		return r.reply.Status.Err()
	case ctx.Err() != nil:
		r.dropped = true // the reply may still come and make a session
		return ctx.Err()
	}
	a.forgetLocked(r)
	if err == nil || errors.Is(err, shm.ErrClosed) || errors.Is(err, shm.ErrPeerClosed) {
		err = a.err
	}
	if err == nil {
		err = ErrLayerGone
	}
	return err
}

func (a *App) forgetLocked(r *request) {
	a.requests = slices.DeleteFunc(a.requests, func(o *request) bool { return o == r })
}

// replyLocked hands a reply to the call that made the request. A session that no call waits for any more is
// closed.
func (a *App) replyLocked(m wire.Message) error {
	i := slices.IndexFunc(a.requests, func(r *request) bool { return r.id == m.RequestID })
	if i < 0 || !m.Type.IsReply() {
		return nil // of a close, which no call waits for
	}
	r := a.requests[i]
	a.forgetLocked(r)
	var failed error
	if m.Type == wire.ConnectReply && m.Status == wire.OK {
		s, err := a.newSessionLocked(m, false)
		if err != nil {
			m.Status = wire.NoMemory
			failed = a.tellLocked(wire.Message{Type: wire.Reset, Handle: m.Handle})
		} else if r.dropped {
			s.abandonLocked()
		}
		r.session = s
	}
	if m.Type == wire.BindReply && m.Status == wire.OK {
		r.listener.handle = m.Handle
		r.listener.addr.Endpoint = m.Endpoint // with the port that was chosen
		a.listeners = append(a.listeners, r.listener)
	}
	r.reply, r.done = m, true
	_ = r.bell.Ring()
	return failed
}

// tellLocked sends a request whose reply no call waits for.
func (a *App) tellLocked(m wire.Message) error {
	a.lastRequest++
	m.RequestID = a.lastRequest
	return a.conn.Send(m.Encode(nil), nil, shm.Forever)
}
