package impl

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"cutthrough/impl/wire"
	"cutthrough/shm"
)

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
func (a *attachment) postLocked(m wire.Message, r *request) {
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
func (a *attachment) tellLocked(m wire.Message) {
	a.lastRequest++
	m.RequestID = a.lastRequest
	a.postLocked(m, nil)
}

// withdrawLocked takes the message of r out of the queue. False: it is not there, or it is the first one, which is being
// sent.
func (a *attachment) withdrawLocked(r *request) bool {
	i := slices.IndexFunc(a.outgoing, func(o outgoing) bool { return o.request == r })
	if i <= 0 {
		return false
	}
	a.outgoing = slices.Delete(a.outgoing, i, i+1)
	return true
}

// flushLocked sends what the control channel takes at once, unless another call or the writer is sending: that one
// sends this too. It releases the lock meanwhile.
func (a *attachment) flushLocked() {
	if !a.sending {
		a.sending = true
		a.sendLocked(0)
	}
}

// runWriter sends what the control channel did not take at once.
func (a *attachment) runWriter() {
	a.app.mu.Lock()
	defer a.app.mu.Unlock()
	a.sendLocked(shm.Forever)
}

// sendLocked sends the messages of the queue in order. What is not sent by the deadline, or is more than a call should
// send for others, is left to the writer. It releases the lock while it sends.
func (a *attachment) sendLocked(deadline time.Duration) {
	for sent := 0; len(a.outgoing) > 0; sent++ {
		if deadline != shm.Forever && sent == maxBurst {
			a.app.spawnLocked("app-writer", a.runWriter)
			return
		}
		o := a.outgoing[0]
		a.encoded = o.msg.Encode(a.encoded[:0])
		a.app.mu.Unlock()
		err := a.conn.Send(a.encoded, nil, deadline)
		a.app.mu.Lock()
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
			a.app.spawnLocked("app-writer", a.runWriter)
			return
		default:
			a.app.mu.Unlock()
			a.app.host.Sleep(a.app.host.Now() + sendRetry)
			a.app.mu.Lock()
			continue
		}
		a.outgoing[0] = outgoing{}
		if len(a.outgoing) == 1 {
			a.outgoing = a.outgoing[:0] // the next message needs no new memory
			break
		}
		a.outgoing = a.outgoing[1:]
	}
	a.sending = false
}
