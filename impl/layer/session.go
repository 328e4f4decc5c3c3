package layer

import "cutthrough/impl/wire"

// role is a side of a session or pair. The client connected, the server accepted.
type role int

const (
	client role = iota
	server
)

func (r role) peer() role { return 1 - r }

// String returns the role as charts print it.
func (r role) String() string { return [...]string{"client", "server"}[r] }

// state is where a session is in its life.
type state uint8

const (
	stateAlloc   state = iota // waits for a segment
	statePending              // the server has been asked
	stateReady                // established
	stateClosing              // the connect failed, or one side is done
)

var stateText = [...]string{"alloc", "pending", "ready", "closing"}

func (s state) String() string { return stateText[s] }

// session is a local session. It lives until both sides are done with it: until then
// its memory is not used for anything else.
type session struct {
	h         wire.Handle
	serial    uint64 // of all sessions of this session layer
	state     state
	pair      wire.Handle
	listener  wire.Handle
	endpoint  wire.Endpoint // where the client connected to
	requestID uint64        // of the connect
	replied   bool          // the connect has been answered
	sizes     [2]uint32
	segment   wire.Handle
	// fifos are the blocks, by the side that reads: sizes[client] is the capacity of the one that the
	// client reads. Offsets in segment.
	fifos      [2]uint64
	sides      [2]side
	timer      timerID
	prev, next wire.Handle // in the pair's list
}

// side is what the session layer knows of one side.
type side struct {
	notified bool // has been told of the session, so it uses it until it is done
	fin      bool // has closed its writing direction
	done     bool // closed, confirmed, rejected or gone: uses nothing of the session any more
	closing  bool // has been told that the peer is done
}

// connect handles a connect request of a.
func (l *Core) connect(a *app, m wire.Message) {
	e, ok := m.Target()
	if !ok {
		l.refuse(a, m, wire.Unsupported)
		return
	}
	li, status := l.lookup(a, e)
	if status != wire.OK {
		l.refuse(a, m, status)
		return
	}
	rx, tx := m.RxSize, m.TxSize
	if rx == 0 {
		rx = l.cfg.FifoSize
	}
	if tx == 0 {
		tx = l.cfg.FifoSize
	}
	sv := l.apps.Get(li.app)
	switch {
	case rx > wire.MaxFifo || tx > wire.MaxFifo:
		status = wire.Unsupported
	case sv == a:
		status = wire.SelfConnect
	default:
		status = l.mayConnect(a, sv)
	}
	if status != wire.OK {
		l.refuse(a, m, status)
		return
	}
	p := l.pairOf(a, sv)
	s := &session{pair: p.h, listener: li.h, endpoint: e, requestID: m.RequestID, sizes: [2]uint32{rx, tx}}
	s.h = l.sessions.Add(s)
	l.lastSerial++
	s.serial = l.lastSerial
	l.link(p, s)
	l.place(p, s)
}

func (l *Core) refuse(a *app, m wire.Message, status wire.Status) {
	l.send(a, wire.Message{Type: wire.ConnectReply, RequestID: m.RequestID, Status: status})
}

// onPlaced goes on with a connect whose session has its memory: the server is told of the segment, then of the
// session.
func (l *Core) onPlaced(p *pair, s *session) {
	s.state = statePending
	l.announceSegments(p, s, server)
	s.sides[server].notified = true
	m := l.describe(p, s, server)
	m.Type, m.Listener = wire.Accept, s.listener
	l.sendTo(p, server, m)
	l.timers.start(&s.timer, l.now+l.cfg.ConnectTimeout, s.h)
}

// describe returns the fields that describe s to one side: what it reads and writes. The client's fifos are the
// server's, swapped.
func (l *Core) describe(p *pair, s *session, r role) wire.Message {
	base := l.segments.Get(s.segment).Base
	return wire.Message{
		Handle: s.h, Session: wire.LocalSession, Endpoint: s.endpoint, Serial: s.serial, Peer: l.apps.Get(p.apps[r.peer()]).peer,
		Rx: base + wire.Location(s.fifos[r]), Tx: base + wire.Location(s.fifos[r.peer()]),
		ReadQueue: p.queues[r], PostQueue: p.queues[r.peer()],
	}
}

// side returns the session that m names and the side of it that a is, or nil.
func (l *Core) side(a *app, h wire.Handle) (*session, role) {
	s := l.sessions.Get(h)
	if s == nil {
		return nil, 0
	}
	p := l.pairs.Get(s.pair)
	for _, r := range [...]role{client, server} {
		if p.apps[r] == a.h && s.sides[r].notified && !s.sides[r].done {
			return s, r
		}
	}
	return nil, 0
}

// acceptReply handles the server's answer. It is legal once, while the session is
// pending (H-20); later it only says that a rejecting server is done.
func (l *Core) acceptReply(a *app, m wire.Message) {
	s, r := l.side(a, m.Handle)
	if s == nil || r != server {
		return
	}
	switch {
	case m.Status != wire.OK && s.state != stateReady:
		l.giveUp(s, server)
		l.failConnect(s, wire.Refused)
		l.releaseIfDone(s)
	case s.state == statePending:
		p := l.pairs.Get(s.pair)
		l.timers.stop(&s.timer)
		s.state = stateReady
		l.announceSegments(p, s, client)
		s.sides[client].notified = true
		reply := l.describe(p, s, client)
		reply.Type, reply.RequestID = wire.ConnectReply, s.requestID
		s.replied = true
		l.sendTo(p, client, reply)
	}
}

// failConnect answers the connect of a session that will not be: exactly once.
func (l *Core) failConnect(s *session, status wire.Status) {
	if s.state == stateReady {
		return
	}
	s.state = stateClosing
	l.timers.stop(&s.timer)
	if !s.replied && !s.sides[client].done {
		s.replied = true
		p := l.pairs.Get(s.pair)
		l.sendTo(p, client, wire.Message{Type: wire.ConnectReply, RequestID: s.requestID, Status: status})
	}
	l.giveUp(s, client)
}

// closeRequest handles a disconnect or reset request. A side that closes more than its writing direction has
// stopped using the session.
func (l *Core) closeRequest(a *app, m wire.Message, kind wire.Type) {
	reply := wire.Message{Type: kind, RequestID: m.RequestID, Handle: m.Handle}
	s, r := l.side(a, m.Handle)
	if s == nil || m.CloseMode == wire.CloseWrite && (s.state != stateReady || s.sides[r].fin) {
		reply.Status = wire.Invalid
		l.send(a, reply)
		return
	}
	l.send(a, reply)
	if m.CloseMode == wire.CloseWrite {
		s.sides[r].fin = true
		l.notify(s, r.peer(), wire.Message{Type: wire.Disconnect, CloseMode: wire.CloseWrite})
		return
	}
	l.finish(s, r, wire.Message{Type: m.Type}, wire.Refused)
}

// closeAnswer handles the confirmation of a disconnect or reset that a was told
// of. The status does not matter: a negative confirmation is one (H-24).
func (l *Core) closeAnswer(a *app, m wire.Message) {
	if s, r := l.side(a, m.Handle); s != nil && s.sides[r].closing {
		l.giveUp(s, r)
		l.releaseIfDone(s)
	}
}

// finish makes side r done and tells the other with m, unless
// it has been told. A connect that was not answered fails with status.
func (l *Core) finish(s *session, r role, m wire.Message, status wire.Status) {
	l.giveUp(s, r)
	l.failConnect(s, status)
	s.state = stateClosing
	o := &s.sides[r.peer()]
	switch {
	case !o.notified:
		l.giveUp(s, r.peer())
	case !o.done && !o.closing:
		l.notify(s, r.peer(), m)
	}
	l.releaseIfDone(s)
}

// notify tells side r of s, if it uses the session.
func (l *Core) notify(s *session, r role, m wire.Message) {
	d := &s.sides[r]
	if !d.notified || d.done {
		return
	}
	if m.CloseMode != wire.CloseWrite {
		d.closing = true
		if m.Type == wire.Disconnect {
			l.timers.start(&s.timer, l.now+l.cfg.CloseTimeout, s.h)
		}
	}
	m.Handle = s.h
	l.sendTo(l.pairs.Get(s.pair), r, m)
}

// onTimeout handles a silent peer: a connect that is not answered fails, a close that is not confirmed becomes
// a reset. The memory waits until the peer answers or dies: a stopped process is not dead.
func (l *Core) onTimeout(s *session) {
	if s.state == statePending {
		l.failConnect(s, wire.TimedOut)
		l.notify(s, server, wire.Message{Type: wire.Disconnect})
		l.releaseIfDone(s)
		return
	}
	for _, r := range [...]role{client, server} {
		l.notify(s, r, wire.Message{Type: wire.Reset})
	}
}

// releaseIfDone frees s when both sides are done.
func (l *Core) releaseIfDone(s *session) {
	if !s.sides[client].done || !s.sides[server].done {
		return
	}
	l.timers.stop(&s.timer)
	p := l.pairs.Get(s.pair)
	l.unlink(p, s)
	l.releaseFifos(p, s)
	l.sessions.Remove(s.h)
	if p.sessions == 0 {
		l.onPairIdle(p)
	}
}

// onPeerGone makes side r of s done because its application left. What that side has written may be incomplete,
// so the other side is reset, and told why: what is there can be read.
func (l *Core) onPeerGone(s *session, r role) {
	if s.sides[r].done {
		return
	}
	l.finish(s, r, wire.Message{Type: wire.Reset, Gone: true}, wire.Refused)
}
