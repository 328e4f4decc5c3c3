package impl

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
	h        Handle
	state    state
	pair     Handle
	listener Handle
	endpoint Endpoint // where the client connected to
	context  uint64   // of the connect
	replied  bool     // the connect has been answered
	sizes    [2]uint32
	segment  Handle
	// fifos are the blocks, by the side that reads: sizes[client] is the capacity of the one that the
	// client reads. Offsets in segment.
	fifos      [2]uint64
	sides      [2]side
	timer      timerID
	prev, next Handle // in the pair's list
}

// side is what the session layer knows of one side.
type side struct {
	told    bool // has been told of the session, so it uses it until it is done
	fin     bool // has closed its writing direction
	done    bool // closed, confirmed, rejected or gone: uses nothing of the session any more
	closing bool // has been told that the peer is done
}

// connect handles a connect request of a.
func (l *Layer) connect(a *app, m Message) {
	e, ok := m.endpoint()
	if !ok {
		l.refuse(a, m, Unsupported)
		return
	}
	li, status := l.lookup(a, e)
	if status != OK {
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
	sv := l.apps.get(li.app)
	switch {
	case rx > maxFifo || tx > maxFifo:
		status = Unsupported
	case sv == a:
		status = SelfConnect
	case a.sessions >= l.cfg.MaxSessions || sv.sessions >= l.cfg.MaxSessions:
		status = QuotaExceeded
	}
	if status != OK {
		l.refuse(a, m, status)
		return
	}
	p := l.pairOf(a, sv)
	s := &session{pair: p.h, listener: li.h, endpoint: e, context: m.Context, sizes: [2]uint32{rx, tx}}
	s.h = l.sessions.add(s)
	l.link(p, s)
	l.place(p, s)
}

func (l *Layer) refuse(a *app, m Message, status Status) {
	l.send(a, Message{Kind: MsgConnectReply, Context: m.Context, Status: status})
}

// placed goes on with a connect whose session has its memory: the server is told
// of the segment, then of the session.
func (l *Layer) placed(p *pair, s *session) {
	s.state = statePending
	l.tellMaps(p, s, server)
	s.sides[server].told = true
	m := l.described(p, s, server)
	m.Kind, m.Listener = MsgAccept, s.listener
	l.sendTo(p, server, m)
	l.timers.start(&s.timer, l.now+l.cfg.ConnectTimeout, s.h)
}

// described returns the fields that describe s to one side: what it reads and
// writes. The client's fifos are the server's, swapped.
func (l *Layer) described(p *pair, s *session, r role) Message {
	base := l.segments.get(s.segment).base
	return Message{
		Handle: s.h, Session: LocalSession, Endpoint: s.endpoint,
		Rx: base + Address(s.fifos[r]), Tx: base + Address(s.fifos[r.peer()]),
		ReadQueue: p.queues[r], PostQueue: p.queues[r.peer()],
	}
}

// side returns the session that m names and the side of it that a is, or nil.
func (l *Layer) side(a *app, h Handle) (*session, role) {
	s := l.sessions.get(h)
	if s == nil {
		return nil, 0
	}
	p := l.pairs.get(s.pair)
	for _, r := range [...]role{client, server} {
		if p.apps[r] == a.h && s.sides[r].told && !s.sides[r].done {
			return s, r
		}
	}
	return nil, 0
}

// acceptReply handles the server's answer. It is legal once, while the session is
// pending (H-20); later it only says that a rejecting server is done.
func (l *Layer) acceptReply(a *app, m Message) {
	s, r := l.side(a, m.Handle)
	if s == nil || r != server {
		return
	}
	switch {
	case m.Status != OK && s.state != stateReady:
		s.sides[server].done = true
		l.failConnect(s, Refused)
		l.settle(s)
	case s.state == statePending:
		p := l.pairs.get(s.pair)
		l.timers.stop(&s.timer)
		s.state = stateReady
		l.tellMaps(p, s, client)
		s.sides[client].told = true
		reply := l.described(p, s, client)
		reply.Kind, reply.Context = MsgConnectReply, s.context
		s.replied = true
		l.sendTo(p, client, reply)
	}
}

// failConnect answers the connect of a session that will not be: exactly once.
func (l *Layer) failConnect(s *session, status Status) {
	if s.state == stateReady {
		return
	}
	s.state = stateClosing
	l.timers.stop(&s.timer)
	if !s.replied && !s.sides[client].done {
		s.replied = true
		p := l.pairs.get(s.pair)
		l.sendTo(p, client, Message{Kind: MsgConnectReply, Context: s.context, Status: status})
	}
	s.sides[client].done = true
}

// closeRequest handles a disconnect or reset request. Whoever asks for more than
// closing its writing direction has stopped using the session.
func (l *Layer) closeRequest(a *app, m Message, kind Kind) {
	reply := Message{Kind: kind, Context: m.Context, Handle: m.Handle}
	s, r := l.side(a, m.Handle)
	if s == nil || m.How == CloseWrite && (s.state != stateReady || s.sides[r].fin) {
		reply.Status = Invalid
		l.send(a, reply)
		return
	}
	l.send(a, reply)
	if m.How == CloseWrite {
		s.sides[r].fin = true
		l.notify(s, r.peer(), Message{Kind: MsgDisconnect, How: CloseWrite})
		return
	}
	l.finish(s, r, m.Kind, Refused)
}

// closeAnswer handles the confirmation of a disconnect or reset that a was told
// of. The status does not matter: a negative confirmation is one (H-24).
func (l *Layer) closeAnswer(a *app, m Message) {
	if s, r := l.side(a, m.Handle); s != nil && s.sides[r].closing {
		s.sides[r].done = true
		l.settle(s)
	}
}

// finish makes side r done and tells the other with a message of kind, unless
// it has been told. A connect that was not answered fails with status.
func (l *Layer) finish(s *session, r role, kind Kind, status Status) {
	s.sides[r].done = true
	l.failConnect(s, status)
	s.state = stateClosing
	o := &s.sides[r.peer()]
	switch {
	case !o.told:
		o.done = true
	case !o.done && !o.closing:
		l.notify(s, r.peer(), Message{Kind: kind})
	}
	l.settle(s)
}

// notify tells side r of s, if it uses the session.
func (l *Layer) notify(s *session, r role, m Message) {
	d := &s.sides[r]
	if !d.told || d.done {
		return
	}
	if m.How != CloseWrite {
		d.closing = true
		if m.Kind == MsgDisconnect {
			l.timers.start(&s.timer, l.now+l.cfg.CloseTimeout, s.h)
		}
	}
	m.Handle = s.h
	l.sendTo(l.pairs.get(s.pair), r, m)
}

// overdue handles a silent peer: a connect that is not answered fails, a close that is
// not confirmed becomes a reset. Its memory waits until it answers or dies: a
// stopped process is not dead.
func (l *Layer) overdue(s *session) {
	if s.state == statePending {
		l.failConnect(s, TimedOut)
		l.notify(s, server, Message{Kind: MsgDisconnect})
		l.settle(s)
		return
	}
	for _, r := range [...]role{client, server} {
		l.notify(s, r, Message{Kind: MsgReset})
	}
}

// settle frees s when both sides are done.
func (l *Layer) settle(s *session) {
	if !s.sides[client].done || !s.sides[server].done {
		return
	}
	l.timers.stop(&s.timer)
	p := l.pairs.get(s.pair)
	l.unplace(p, s)
	l.unlink(p, s)
	l.sessions.remove(s.h)
	if p.sessions == 0 {
		l.idle(p)
	}
}

// gone makes side r of s done because its application left. What it has written
// may be incomplete, so the peer is reset.
func (l *Layer) gone(s *session, r role) {
	if s.sides[r].done {
		return
	}
	l.finish(s, r, MsgReset, Refused)
}
