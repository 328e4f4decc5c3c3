package layer

import (
	"slices"

	"cutthrough/impl/layer/segments"
	"cutthrough/impl/wire"
)

// A pair is a client and a server application that have sessions together. Its
// segments belong to it alone and are recycled among its sessions, so a connect to a
// warm pair creates nothing.
type pair struct {
	h        wire.Handle
	key      pairKey
	apps     [2]wire.Handle // by role; 0 when gone
	users    [2]uint32      // of the applications
	segments []wire.Handle
	queues   [2]wire.Location // event queues by the side that reads; in the first segment
	sessions int
	held     [2]int      // of them, those that the side has not given up
	bytes    uint64      // of segments
	first    wire.Handle // list of sessions
	timer    timerID
}

type pairKey struct{ client, server wire.Handle }

func (l *Core) pairOf(c, s *app) *pair {
	key := pairKey{c.h, s.h}
	if p := l.pairs.Get(l.byPair[key]); p != nil {
		return p
	}
	p := &pair{key: key, apps: [2]wire.Handle{c.h, s.h}, users: [2]uint32{c.user, s.user}}
	p.h = l.pairs.Add(p)
	l.byPair[key] = p.h
	c.pairs = append(c.pairs, p.h)
	s.pairs = append(s.pairs, p.h)
	return p
}

// sendTo sends m to one side of p, if it is there.
func (l *Core) sendTo(p *pair, r role, m wire.Message) {
	if a := l.apps.Get(p.apps[r]); a != nil {
		l.send(a, m)
	}
}

// link makes s one of the sessions of p.
func (l *Core) link(p *pair, s *session) {
	if f := l.sessions.Get(p.first); f != nil {
		f.prev = s.h
		s.next = p.first
	}
	p.first = s.h
	p.sessions++
	l.hold(p)
	l.timers.stop(&p.timer)
	for _, h := range p.apps {
		a := l.apps.Get(h)
		a.sessions++
		a.backlogCredit = max(a.backlogCredit, a.sessions)
	}
}

func (l *Core) unlink(p *pair, s *session) {
	if n := l.sessions.Get(s.next); n != nil {
		n.prev = s.prev
	}
	if q := l.sessions.Get(s.prev); q != nil {
		q.next = s.next
	} else {
		p.first = s.next
	}
	p.sessions--
	for _, h := range p.apps {
		if a := l.apps.Get(h); a != nil {
			a.sessions--
		}
	}
}

// eachSession calls f for the sessions of a, newest first in each pair. f must not
// free sessions.
func (l *Core) eachSession(a *app, f func(s *session)) {
	for _, h := range a.pairs {
		for s := l.sessions.Get(l.pairs.Get(h).first); s != nil; s = l.sessions.Get(s.next) {
			f(s)
		}
	}
}

// onPairIdle starts the linger of a pair whose last session is over. A pair without segments has nothing that
// is worth keeping.
func (l *Core) onPairIdle(p *pair) {
	if p.apps[client] == 0 || p.apps[server] == 0 || l.cfg.Linger == 0 || len(p.segments) == 0 {
		l.retire(p)
		return
	}
	l.timers.start(&p.timer, l.now+l.cfg.Linger, p.h)
}

// retire lets the segments of an idle pair go: every side that was told to map is told
// to unmap, and the memory goes when all have acknowledged.
func (l *Core) retire(p *pair) {
	p.queues = [2]wire.Location{}
	for _, h := range slices.Clone(p.segments) {
		g := l.segments.Get(h)
		if g.State != segments.Live {
			continue
		}
		g.State = segments.Closing
		for _, r := range [...]role{client, server} {
			if g.Announced[r] {
				g.Unmapping[r] = true
				l.sendTo(p, r, wire.Message{Type: wire.Unmap, Handle: g.Handle})
			}
		}
		l.destroyIfUnmapped(g)
	}
	l.dropPair(p)
}

// dropPair forgets a pair that has nothing left.
func (l *Core) dropPair(p *pair) {
	if p.sessions > 0 || len(p.segments) > 0 || l.pairs.Get(p.h) == nil {
		return
	}
	l.timers.stop(&p.timer)
	for _, h := range p.apps {
		if a := l.apps.Get(h); a != nil {
			a.pairs = slices.DeleteFunc(a.pairs, func(q wire.Handle) bool { return q == p.h })
		}
	}
	if l.byPair[p.key] == p.h {
		delete(l.byPair, p.key)
	}
	l.pairs.Remove(p.h)
}

// leavePair removes an application that left from a pair: its sessions are over for it,
// and it has no mapping any more.
func (l *Core) leavePair(a *app, p *pair) {
	r := client
	if p.apps[server] == a.h {
		r = server
	}
	p.apps[r] = 0
	a.pairs = slices.DeleteFunc(a.pairs, func(h wire.Handle) bool { return h == p.h })
	for _, h := range slices.Clone(p.segments) {
		g := l.segments.Get(h)
		if !g.Mapped[r] {
			l.forgetBells(g, r)
		}
		g.Announced[r], g.Mapped[r], g.Unmapping[r] = false, false, false
		l.bill(p, g)
		l.destroyIfUnmapped(g)
	}
	var mine []*session
	for s := l.sessions.Get(p.first); s != nil; s = l.sessions.Get(s.next) {
		mine = append(mine, s)
	}
	for _, s := range mine {
		l.onPeerGone(s, r)
	}
	if l.pairs.Get(p.h) != nil && p.sessions == 0 {
		l.retire(p)
	}
}
