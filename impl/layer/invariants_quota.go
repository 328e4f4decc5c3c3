package layer

import (
	"maps"

	"cutthrough/impl/layer/segments"
	"cutthrough/impl/wire"
)

// checkQuotas: what is counted for applications, pairs, users and in total is what they have, each session and
// segment has one payer, and no count exceeds its quota (S17).
func (l *Core) checkQuotas(b *books, bad report) {
	held, inside, bytes, users := b.held, b.inside, b.bytes, b.users
	add := func(user uint32, n account) {
		a := users[user]
		users[user] = account{a.apps + n.apps, a.listeners + n.listeners, a.sessions + n.sessions, a.bytes + n.bytes}
	}
	count := func(of map[wire.Handle][2]int, h wire.Handle, r int) {
		n := of[h]
		n[r]++
		of[h] = n
	}
	l.sessions.Each(func(_ wire.Handle, s *session) {
		p := l.pairs.Get(s.pair)
		for r := range s.sides {
			if s.sides[r].done {
				continue
			}
			count(held, p.h, r)
			count(held, p.apps[r], r)
			count(inside, s.segment, r)
		}
		switch {
		case !s.sides[client].done:
			add(p.users[client], account{sessions: 1})
		case !s.sides[server].done:
			add(p.users[server], account{sessions: 1})
		}
	})
	l.segments.Each(func(g *segments.Segment) {
		p := l.pairs.Get(g.Owner)
		bytes[0] += g.Size
		bytes[p.h] += g.Size
		if h := p.apps[g.Payer]; h != 0 {
			bytes[h] += g.Size
		}
		add(p.users[g.Payer], account{bytes: g.Size})
		if g.Held != inside[g.Handle] {
			bad("S17", "%v counts %v sessions in use by side, has %v", g.Handle, g.Held, inside[g.Handle])
		}
		late := g.Held[client] == 0 && g.Held[server] > 0 || p.apps[client] == 0
		if p.apps[g.Payer] == 0 && p.apps != [2]wire.Handle{} || p.apps[server] != 0 && late != (g.Payer == int(server)) {
			bad("S17", "%v: the %v pays for it", g.Handle, role(g.Payer))
		}
	})
	l.pairs.Each(func(_ wire.Handle, p *pair) {
		if p.held != held[p.h] || p.bytes != bytes[p.h] || p.bytes > l.cfg.MaxPairBytes || p.held[server] > l.cfg.MaxPairSessions {
			bad("S17", "%v counts %v sessions in use by side and %d bytes, has %v and %d", p.h, p.held, p.bytes, held[p.h], bytes[p.h])
		}
	})
	l.apps.Each(func(_ wire.Handle, a *app) {
		add(a.user, account{apps: 1, listeners: len(a.listeners)})
		if a.held != held[a.h] || a.bytes != bytes[a.h] {
			bad("S17", "%v counts %v sessions in use by role and %d bytes, has %v and %d", a.h, a.held, a.bytes, held[a.h], bytes[a.h])
		}
		if max(a.held[client], a.held[server]) > l.cfg.MaxSessions {
			bad("S17", "%v has %v sessions, quota %d", a.h, a.held, l.cfg.MaxSessions)
		}
	})
	if l.bytes != bytes[0] || l.bytes > l.cfg.MaxTotalBytes || l.sessions.Len() > l.cfg.MaxTotalSessions {
		bad("S17", "%d bytes are counted, the segments have %d; %d sessions", l.bytes, bytes[0], l.sessions.Len())
	}
	l.checkUsers(users, bad)
}

// checkUsers: what is counted for users is what they have.
func (l *Core) checkUsers(users map[uint32]account, bad report) {
	if !maps.Equal(l.users, users) {
		bad("S17", "users count %v, have %v", l.users, users)
	}
	for u, a := range users { //tidy:unordered what is reported is sorted
		if a.apps > l.cfg.MaxUserApps || a.listeners > l.cfg.MaxUserListeners {
			bad("S17", "user %d has %+v", u, a)
		}
	}
}
