package impl

import "slices"

// A pair is a client and a server application that have sessions together. Its
// segments belong to it alone and are recycled among its sessions, so a connect to a
// warm pair creates nothing.
type pair struct {
	h        Handle
	key      pairKey
	apps     [2]Handle // by role; 0 when gone
	segments []Handle
	queues   [2]Address // event queues by the side that reads; in the first segment
	sessions int
	first    Handle // list of sessions
	timer    timerID
}

type pairKey struct{ client, server Handle }

func (l *Layer) pairOf(c, s *app) *pair {
	key := pairKey{c.h, s.h}
	if p := l.pairs.get(l.byPair[key]); p != nil {
		return p
	}
	p := &pair{key: key, apps: [2]Handle{c.h, s.h}}
	p.h = l.pairs.add(p)
	l.byPair[key] = p.h
	c.pairs = append(c.pairs, p.h)
	s.pairs = append(s.pairs, p.h)
	return p
}

// sendTo sends m to one side of p, if it is there.
func (l *Layer) sendTo(p *pair, r role, m Message) {
	if a := l.apps.get(p.apps[r]); a != nil {
		l.send(a, m)
	}
}

// link makes s one of the sessions of p.
func (l *Layer) link(p *pair, s *session) {
	if f := l.sessions.get(p.first); f != nil {
		f.prev = s.h
		s.next = p.first
	}
	p.first = s.h
	p.sessions++
	l.timers.stop(&p.timer)
	for _, h := range p.apps {
		a := l.apps.get(h)
		a.sessions++
		a.peak = max(a.peak, a.sessions)
	}
}

func (l *Layer) unlink(p *pair, s *session) {
	if n := l.sessions.get(s.next); n != nil {
		n.prev = s.prev
	}
	if q := l.sessions.get(s.prev); q != nil {
		q.next = s.next
	} else {
		p.first = s.next
	}
	p.sessions--
	for _, h := range p.apps {
		if a := l.apps.get(h); a != nil {
			a.sessions--
		}
	}
}

// eachSession calls f for the sessions of a, newest first in each pair. f must not
// free sessions.
func (l *Layer) eachSession(a *app, f func(s *session)) {
	for _, h := range a.pairs {
		for s := l.sessions.get(l.pairs.get(h).first); s != nil; s = l.sessions.get(s.next) {
			f(s)
		}
	}
}

// idle starts the linger of a pair whose last session is over. A pair that has got no segment has
// nothing that is worth keeping.
func (l *Layer) idle(p *pair) {
	if p.apps[client] == 0 || p.apps[server] == 0 || l.cfg.Linger == 0 || len(p.segments) == 0 {
		l.retire(p)
		return
	}
	l.timers.start(&p.timer, l.now+l.cfg.Linger, p.h)
}

// retire lets the segments of an idle pair go: every side that was told to map is told
// to unmap, and the memory goes when all have acknowledged.
func (l *Layer) retire(p *pair) {
	p.queues = [2]Address{}
	for _, h := range slices.Clone(p.segments) {
		g := l.segments.get(h)
		if g.state != segLive {
			continue
		}
		g.state = segClosing
		for _, r := range [...]role{client, server} {
			if g.told[r] {
				g.unmapping[r] = true
				l.sendTo(p, r, Message{Kind: MsgUnmap, Handle: g.h})
			}
		}
		l.collect(g)
	}
	l.dropPair(p)
}

// dropPair forgets a pair that has nothing left.
func (l *Layer) dropPair(p *pair) {
	if p.sessions > 0 || len(p.segments) > 0 || l.pairs.get(p.h) == nil {
		return
	}
	l.timers.stop(&p.timer)
	for _, h := range p.apps {
		if a := l.apps.get(h); a != nil {
			a.pairs = slices.DeleteFunc(a.pairs, func(q Handle) bool { return q == p.h })
		}
	}
	if l.byPair[p.key] == p.h {
		delete(l.byPair, p.key)
	}
	l.pairs.remove(p.h)
}

// leavePair removes an application that left from a pair: its sessions are over for it,
// and it has no mapping any more.
func (l *Layer) leavePair(a *app, p *pair) {
	r := client
	if p.apps[server] == a.h {
		r = server
	}
	p.apps[r] = 0
	a.pairs = slices.DeleteFunc(a.pairs, func(h Handle) bool { return h == p.h })
	for _, h := range slices.Clone(p.segments) {
		g := l.segments.get(h)
		g.told[r], g.unmapping[r] = false, false
		l.collect(g)
	}
	var mine []*session
	for s := l.sessions.get(p.first); s != nil; s = l.sessions.get(s.next) {
		mine = append(mine, s)
	}
	for _, s := range mine {
		l.gone(s, r)
	}
	if l.pairs.get(p.h) != nil && p.sessions == 0 {
		l.retire(p)
	}
}
