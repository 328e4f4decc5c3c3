package layer

import (
	"slices"

	"cutthrough/impl/layer/segments"
	"cutthrough/impl/wire"
)

// checkQuotas: what is counted for applications, pairs, users and in total is what they have, each session and
// segment has one payer, and no count exceeds its quota (S17).
func (c *Checker) checkQuotas(l *Core, bad report) {
	l.sessions.Each(func(_ wire.Handle, s *session) {
		p := l.pairs.Get(s.pair)
		for r := range s.sides {
			if s.sides[r].done {
				continue
			}
			c.pairs[p.h.Index()].held[r]++
			if l.apps.Get(p.apps[r]) != nil {
				c.apps[p.apps[r].Index()].held[r]++
			}
			if l.segments.Get(s.segment) != nil {
				c.segments[s.segment.Index()].held[r]++
			}
		}
		switch {
		case !s.sides[client].done:
			c.charge(p.users[client], account{sessions: 1})
		case !s.sides[server].done:
			c.charge(p.users[server], account{sessions: 1})
		}
	})
	total := uint64(0)
	l.segments.Each(func(g *segments.Segment) {
		p := l.pairs.Get(g.Owner)
		total += g.Size
		c.pairs[p.h.Index()].bytes += g.Size
		if h := p.apps[g.Payer]; l.apps.Get(h) != nil {
			c.apps[h.Index()].bytes += g.Size
		}
		c.charge(p.users[g.Payer], account{bytes: g.Size})
		if held := c.segments[g.Handle.Index()].held; g.Held != held {
			bad("S17", "%v counts %v sessions in use by side, has %v", g.Handle, g.Held, held)
		}
		late := g.Held[client] == 0 && g.Held[server] > 0 || p.apps[client] == 0
		if p.apps[g.Payer] == 0 && p.apps != [2]wire.Handle{} || p.apps[server] != 0 && late != (g.Payer == int(server)) {
			bad("S17", "%v: the %v pays for it", g.Handle, role(g.Payer))
		}
	})
	l.pairs.Each(func(_ wire.Handle, p *pair) {
		has := c.pairs[p.h.Index()]
		if p.held != has.held || p.bytes != has.bytes || p.bytes > l.cfg.MaxPairBytes || p.held[server] > l.cfg.MaxPairSessions {
			bad("S17", "%v counts %v sessions in use by side and %d bytes, has %v and %d", p.h, p.held, p.bytes, has.held, has.bytes)
		}
	})
	l.apps.Each(func(_ wire.Handle, a *app) {
		has := c.apps[a.h.Index()]
		c.charge(a.user, account{apps: 1, listeners: len(a.listeners)})
		if a.held != has.held || a.bytes != has.bytes {
			bad("S17", "%v counts %v sessions in use by role and %d bytes, has %v and %d", a.h, a.held, a.bytes, has.held, has.bytes)
		}
		if max(a.held[client], a.held[server]) > l.cfg.MaxSessions {
			bad("S17", "%v has %v sessions, quota %d", a.h, a.held, l.cfg.MaxSessions)
		}
	})
	if l.bytes != total || l.bytes > l.cfg.MaxTotalBytes || l.sessions.Len() > l.cfg.MaxTotalSessions {
		bad("S17", "%d bytes are counted, the segments have %d; %d sessions", l.bytes, total, l.sessions.Len())
	}
	c.checkUsers(l, bad)
}

// charge adds n to what a user has.
func (c *Checker) charge(user uint32, n account) {
	i := slices.IndexFunc(c.users, func(u userTally) bool { return u.user == user })
	if i < 0 {
		i, c.users = len(c.users), append(c.users, userTally{user: user})
	}
	a := &c.users[i].account
	*a = account{a.apps + n.apps, a.listeners + n.listeners, a.sessions + n.sessions, a.bytes + n.bytes}
}

// checkUsers: what is counted for users is what they have.
func (c *Checker) checkUsers(l *Core, bad report) {
	same := len(c.users) == len(l.users)
	for _, u := range c.users {
		same = same && l.users[u.user] == u.account
		if u.apps > l.cfg.MaxUserApps || u.listeners > l.cfg.MaxUserListeners {
			bad("S17", "user %d has %+v", u.user, u.account)
		}
	}
	if !same {
		bad("S17", "users count %v, have %v", l.users, c.users)
	}
}
