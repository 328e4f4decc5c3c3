package impl

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"cutthrough/impl/wire"
	"cutthrough/shm"
)

// runControl handles the messages of the session layer, in order.
func (a *App) runControl() {
	buf := make([]byte, wire.MaxSize)
	for {
		n, descs, err := a.conn.Recv(buf, shm.Forever)
		if err == nil || errors.Is(err, shm.ErrShortage) {
			err = a.control(buf[:n], descs)
		}
		if err != nil {
			switch {
			case errors.Is(err, io.EOF) || errors.Is(err, shm.ErrPeerClosed):
				err = ErrLayerGone
			case !errors.Is(err, shm.ErrClosed): // by this application
				err = fmt.Errorf("%w: %w", ErrLayerGone, err)
			}
			a.mu.Lock()
			a.hangUpLocked(err)
			a.mu.Unlock()
			_ = a.conn.Close()
			return
		}
	}
}

// hangUpLocked notes that the control channel has ended.
func (a *App) hangUpLocked(why error) {
	a.hungUp = true
	a.endLocked(why)
	for _, r := range a.requests {
		_ = r.bell.Ring()
	}
}

// control handles one message.
func (a *App) control(b []byte, descs []shm.Desc) error {
	m, err := wire.Decode(b)
	if err == nil && len(descs) != m.Descs() && !(m.Type == wire.Map && len(descs) == 0) {
		err = fmt.Errorf("impl: %w: %v with %d descriptors", wire.ErrMessage, m.Type, len(descs))
	}
	if err != nil {
		closeDescs(descs)
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.observe(ObserveReceived, m)
	switch m.Type {
	case wire.Map:
		a.postLocked(wire.Message{Type: wire.MapReply, Handle: m.Handle, Status: a.mapSegmentLocked(m, descs)}, nil)
	case wire.Unmap:
		status := wire.OK
		if a.unmapLocked(m.Handle) != nil {
			status = wire.Invalid
		}
		a.postLocked(wire.Message{Type: wire.UnmapReply, Handle: m.Handle, Status: status}, nil)
	case wire.Accept:
		a.acceptLocked(m)
	case wire.Disconnect, wire.Reset:
		if s := a.sessionLocked(m.Handle.Index()); s != nil && s.handle == m.Handle {
			s.peerDidLocked(m)
		} else {
			a.withdrawnLocked(m.Handle)
		}
	default:
		if err := a.replyLocked(m); err != nil {
			return err
		}
	}
	a.flushLocked()
	return nil
}

// mapSegmentLocked maps a segment and opens the doorbells that came with it. Without descriptors, for which this process had
// no room, it has failed: the answer takes none.
func (a *App) mapSegmentLocked(m wire.Message, descs []shm.Desc) wire.Status {
	if len(descs) == 0 {
		return wire.NoMemory
	}
	if a.err != nil {
		closeDescs(descs)
		return wire.Invalid // it would never be unmapped
	}
	seg, err := a.host.MapSegment(descs[0], m.Size)
	if err != nil {
		closeDescs(descs[1:])
		return wire.NoMemory
	}
	var p *peer
	if m.Doorbells {
		if p, err = a.newPeer(descs[1], descs[2]); err != nil {
			_ = seg.Close()
			return wire.NoMemory
		}
	}
	if err := a.table.add(&mapping{m.Handle, m.Base, seg, p}); err != nil {
		_ = errors.Join(seg.Close(), p.close())
		return wire.Invalid
	}
	a.observe(ObserveMapped, m)
	return wire.OK
}

// unmapLocked forgets a segment and its peer. Sessions in it are over by then.
func (a *App) unmapLocked(h wire.Handle) error {
	m := a.table.remove(h)
	if m == nil {
		return fmt.Errorf("impl: unmap %v: %w", h, ErrUnresolved)
	}
	a.observe(ObserveUnmapped, wire.Message{Type: wire.Map, Handle: h, Base: m.base, Size: m.seg.Size()})
	return errors.Join(m.seg.Close(), m.peer.close())
}

func closeDescs(descs []shm.Desc) {
	for _, d := range descs {
		_ = d.Close()
	}
}

// Messages go to the session layer through a queue. The call that appends one sends what the control channel takes at
// once. When the channel is full, because the session layer is stopped or slow, a task sends the rest: the writer. No
// call waits for the channel, and no lock is held while a message is sent. One call or task sends at a time, so that
// messages stay in order.

// outgoing is a message that waits to be sent. A message without a request is sent in any case: the session layer
// depends on it.
type outgoing struct {
	msg     wire.Message
	request *request
}

const (
	// maxOutgoing bounds the queue. Callers that wait and live sessions, which are closed once, do not reach it. A session
	// layer reaches it that sends notifications and does not read the answers.
	maxOutgoing = 1 << 17
	// maxBurst is how many messages a call sends itself.
	maxBurst = 64
	// sendRetry is the pause of the writer after the operating system had no memory for a message.
	sendRetry = 10 * time.Millisecond
)

var errNotReading = fmt.Errorf("%w: it does not read", ErrLayerGone)

// postLocked appends a message to the queue, unless the control channel has ended.
func (a *App) postLocked(m wire.Message, r *request) {
	if a.hungUp {
		return
	}
	if len(a.outgoing) >= maxOutgoing {
		a.endLocked(errNotReading)
		_ = a.conn.Close()
	}
	a.outgoing = append(a.outgoing, outgoing{m, r})
}

// tellLocked posts a request whose reply no call waits for.
func (a *App) tellLocked(m wire.Message) {
	a.lastRequest++
	m.RequestID = a.lastRequest
	a.postLocked(m, nil)
}

// withdrawLocked takes the message of r out of the queue. False: it is not there, or it is the first one, which is being
// sent.
func (a *App) withdrawLocked(r *request) bool {
	i := slices.IndexFunc(a.outgoing, func(o outgoing) bool { return o.request == r })
	if i <= 0 {
		return false
	}
	a.outgoing = slices.Delete(a.outgoing, i, i+1)
	return true
}

// flushLocked sends what the control channel takes at once, unless another call or the writer is sending: that one
// sends this too. It releases the lock meanwhile.
func (a *App) flushLocked() {
	if !a.sending {
		a.sending = true
		a.sendLocked(0)
	}
}

// runWriter sends what the control channel did not take at once.
func (a *App) runWriter() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sendLocked(shm.Forever)
}

// sendLocked sends the messages of the queue in order. What is not sent by the deadline, or is more than a call should
// send for others, is left to the writer. It releases the lock while it sends.
func (a *App) sendLocked(deadline time.Duration) {
	for sent := 0; len(a.outgoing) > 0; sent++ {
		if deadline != shm.Forever && sent == maxBurst {
			a.spawnLocked("app-writer", a.runWriter)
			return
		}
		o := a.outgoing[0]
		a.mu.Unlock()
		err := a.conn.Send(o.msg.Encode(nil), nil, deadline)
		a.mu.Lock()
		full := errors.Is(err, shm.ErrDeadline)
		switch {
		case err == nil:
		case a.hungUp || errors.Is(err, shm.ErrClosed) || errors.Is(err, shm.ErrPeerClosed):
			a.outgoing = nil // the control task ends all calls
			continue
		case o.request != nil && o.request.dropped:
			a.forgetLocked(o.request)
		case o.request != nil && !full:
			o.request.fail(err)
		case deadline != shm.Forever:
			a.spawnLocked("app-writer", a.runWriter)
			return
		default:
			a.mu.Unlock()
			a.host.Sleep(a.host.Now() + sendRetry)
			a.mu.Lock()
			continue
		}
		a.outgoing[0] = outgoing{}
		a.outgoing = a.outgoing[1:]
	}
	a.sending = false
}
