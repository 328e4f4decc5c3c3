package layer

import (
	"cutthrough/impl/layer/segments"
	"cutthrough/impl/wire"
)

// account is what one user has of the session layer. A user without any of it has no account.
type account struct {
	apps      int
	listeners int
	sessions  int // that its applications pay for
	bytes     uint64
}

// charge adds n to what a user has, or takes it away.
func (l *Core) charge(user uint32, n account) {
	a := l.users[user]
	a.apps += n.apps
	a.listeners += n.listeners
	a.sessions += n.sessions
	a.bytes += n.bytes
	if a == (account{}) {
		delete(l.users, user)
		return
	}
	l.users[user] = a
}

// mayConnect returns OK or the status of the refusal of one more session between c and sv. A session
// counts for each application until it has given it up, and for the user of the client until the client
// has: from then on the server is late, and the session counts for the server's user.
func (l *Core) mayConnect(c, sv *app) wire.Status {
	share, peers := 0, 0
	if p := l.pairs.Get(l.byPair[pairKey{c.h, sv.h}]); p != nil {
		share = p.held[server]
	} else {
		peers = max(len(c.pairs), len(sv.pairs)) + 1
	}
	switch {
	case l.sessions.Len() >= l.cfg.MaxTotalSessions,
		c.held[client] >= l.cfg.MaxSessions, sv.held[server] >= l.cfg.MaxSessions,
		l.users[c.user].sessions >= l.cfg.MaxUserSessions, l.users[sv.user].sessions >= l.cfg.MaxUserSessions,
		peers > l.cfg.MaxPairs:
		return wire.QuotaExceeded
	case share >= min(l.cfg.MaxPairSessions, l.cfg.MaxSessions-sv.held[server]):
		return wire.QuotaExceeded // else one client could take all sessions of the server
	}
	return wire.OK
}

// mayGrow says whether p may have a new segment of size bytes. The client pays for it first, but the server
// may come to: so it must fit in the quotas of both.
func (l *Core) mayGrow(p *pair, size uint64) bool {
	for r, h := range p.apps {
		if l.apps.Get(h).bytes+size > l.cfg.MaxBytes || l.users[p.users[r]].bytes+size > l.cfg.MaxUserBytes {
			return false
		}
	}
	return p.bytes+size <= l.cfg.MaxPairBytes && l.bytes+size <= l.cfg.MaxTotalBytes
}

// charged counts a new segment: its client pays.
func (l *Core) charged(p *pair, g *segments.Segment) {
	l.bytes += g.Size
	p.bytes += g.Size
	g.Payer = int(client)
	l.pay(p, g.Payer, g.Size)
}

// refunded undoes charged, for the side that pays now.
func (l *Core) refunded(p *pair, g *segments.Segment) {
	l.bytes -= g.Size
	p.bytes -= g.Size
	l.pay(p, g.Payer, -g.Size)
}

// pay adds n bytes, or the complement of a number that is taken away, to what one side of p pays for.
func (l *Core) pay(p *pair, r int, n uint64) {
	if a := l.apps.Get(p.apps[r]); a != nil {
		a.bytes += n
	}
	l.charge(p.users[r], account{bytes: n})
}

// bill decides which side of p pays for g: the client, unless it has given up all its sessions in g and the
// server has not, or one of the two has left. So a server that never confirms cannot use up the quota of a client.
func (l *Core) bill(p *pair, g *segments.Segment) {
	r := client
	if p.apps[client] == 0 || p.apps[server] != 0 && g.Held[client] == 0 && g.Held[server] > 0 {
		r = server
	}
	if p.apps[r] == 0 || int(r) == g.Payer {
		return // both have left: the last payer pays until the memory is released
	}
	l.pay(p, g.Payer, -g.Size)
	g.Payer = int(r)
	l.pay(p, g.Payer, g.Size)
}

// hold counts a session for both sides of p.
func (l *Core) hold(p *pair) {
	for r, h := range p.apps {
		l.apps.Get(h).held[r]++
		p.held[r]++
	}
	l.charge(p.users[client], account{sessions: 1})
}

// giveUp makes side r of s done: from now on it uses nothing of the session, which no longer counts for it.
func (l *Core) giveUp(s *session, r role) {
	if s.sides[r].done {
		return
	}
	s.sides[r].done = true
	p := l.pairs.Get(s.pair)
	p.held[r]--
	if a := l.apps.Get(p.apps[r]); a != nil {
		a.held[r]--
	}
	if r == client || s.sides[client].done { // it has paid so far
		l.charge(p.users[r], account{sessions: -1})
	}
	if r == client && !s.sides[server].done {
		l.charge(p.users[server], account{sessions: 1})
	}
	if g := l.segments.Get(s.segment); g != nil {
		g.Held[r]--
		l.bill(p, g)
	}
}
