package impl

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// CheckInvariants returns nil or says which of the properties that must hold
// between any two steps does not. The names S1… are those of docs/PROTOCOL.md. It looks at
// everything and is for tests and simulation; like Step it must not run concurrently.
func (l *Layer) CheckInvariants() error {
	var errs []error
	bad := func(property, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: "+format, append([]any{property}, args...)...))
	}
	l.checkSpace(bad)
	l.checkSegments(bad)
	l.checkSessions(bad)
	l.checkApps(bad)
	l.checkTables(bad)
	return errors.Join(errs...)
}

type report func(property, format string, args ...any)

// checkSpace: live segments are disjoint and their places are the used part of the
// address space (S1, S9).
func (l *Layer) checkSpace(bad report) {
	var all []*segment
	used := uint64(0)
	l.segments.each(func(_ Handle, g *segment) {
		for _, o := range all {
			if g.base < o.base+Address(o.size) && o.base < g.base+Address(g.size) {
				bad("S1", "%v [%#x, +%d) overlaps %v [%#x, +%d)", g.h, g.base, g.size, o.h, o.base, o.size)
			}
		}
		all = append(all, g)
		used += l.space.size(g.size)
	})
	if used != l.space.inUse() {
		bad("S19", "%d bytes of address space are used, the segments have %d", l.space.inUse(), used)
	}
	if err := l.space.check(); err != nil {
		bad("S19", "the address space: %v", err)
	}
	l.segments.each(func(_ Handle, g *segment) {
		if err := g.inside.check(); err != nil {
			bad("S20", "%v: %v", g.h, err)
		}
	})
}

// check returns what is wrong with the books of a valloc by themselves: what is not used is free,
// in spans in order that do not touch.
func (v *valloc) check() error {
	n, last := v.used, Address(0)
	for _, f := range v.free {
		if n += f.n; f.n == 0 || f.at < v.base || f.end() > v.end || last != 0 && f.at <= last {
			return fmt.Errorf("[%#x, +%d) is free, after what ends at %#x", f.at, f.n, last)
		}
		last = f.end()
	}
	if n != uint64(v.end-v.base) {
		return fmt.Errorf("%d bytes are used or free, of %d", n, v.end-v.base)
	}
	return nil
}

// checkSegments: a segment belongs to a pair that knows it (S16), holds exactly the blocks of
// the pair's sessions (S20), is told only to applications that are there (S10), and is
// live while sessions use it (S8, S9).
func (l *Layer) checkSegments(bad report) {
	inside := map[Handle]uint64{}
	l.sessions.each(func(_ Handle, s *session) {
		if s.segment == 0 {
			return
		}
		g := l.segments.get(s.segment)
		if g == nil || g.state != segLive || g.pair != s.pair {
			bad("S9", "%v (%s) lies in %v, which is not a live segment of its pair", s.h, stateText[s.state], s.segment)
			return
		}
		for _, size := range s.sizes {
			inside[g.h] += g.inside.size(Block{Fifo: uint64(size)}.bytes())
		}
		l.checkTold(s, bad)
	})
	l.segments.each(func(_ Handle, g *segment) {
		p := l.pairs.get(g.pair)
		if p == nil {
			bad("S19", "%v belongs to no pair", g.h)
			return
		}
		used := inside[g.h]
		if g.state == segLive && p.queues != [2]Address{} && g.queues != [2]uint64{} {
			used += 2 * g.inside.size(Block{Slots: l.cfg.QueueSlots}.bytes())
		}
		if g.state == segLive && used != g.inside.inUse() {
			bad("S20", "%v has %d bytes in use, its sessions %d", g.h, g.inside.inUse(), used)
		}
		for r := range g.told {
			if g.told[r] && l.apps.get(p.apps[r]) == nil || g.unmapping[r] && !g.told[r] {
				bad("S10", "%v %v: told %v, unmapping %v, application %v", g.h, role(r), g.told[r], g.unmapping[r], p.apps[r])
			}
			if g.unmapping[r] && g.state != segClosing {
				bad("S8", "%v is %v and was told to unmap", g.h, g.state)
			}
		}
		if g.state == segClosing && g.told == [2]bool{} {
			bad("S9", "%v is closing and nobody has it", g.h)
		}
	})
}

// checkTold: who was told of a session was told to map the segments that it needs for it,
// those of its fifos and of the event queues (S7).
func (l *Layer) checkTold(s *session, bad report) {
	p := l.pairs.get(s.pair)
	for _, h := range p.segments {
		g := l.segments.get(h)
		if h != s.segment && (g.state != segLive || g.queues == [2]uint64{}) {
			continue
		}
		for r := range s.sides {
			if d := s.sides[r]; d.told && !d.done && p.apps[r] != 0 && !g.told[r] && !g.failed[r] {
				bad("S7", "%v %v uses %v and was not told to map it", s.h, role(r), g.h)
			}
		}
	}
}

// checkSessions: the state agrees with what the sides were told (S11, S13, S14).
func (l *Layer) checkSessions(bad report) {
	l.sessions.each(func(_ Handle, s *session) {
		c, v := s.sides[client], s.sides[server]
		ok := false
		switch s.state {
		case stateAlloc:
			ok = s.segment == 0 && !c.told && !v.told && !s.replied && !c.done && !v.done
		case statePending:
			ok = s.segment != 0 && !c.told && v.told && !s.replied && !c.done && !v.done
		case stateReady:
			ok = s.segment != 0 && c.told && v.told && s.replied && !c.done && !v.done
		case stateClosing:
			// One side is done, and the other, which uses the session, has been told.
			ok = c.done != v.done && (c.done || c.told && c.closing) && (v.done || v.told && v.closing)
		}
		if !ok {
			bad("S13", "%v is %s, replied %v, client %+v, server %+v", s.h, stateText[s.state], s.replied, c, v)
		}
		p := l.pairs.get(s.pair)
		if p == nil {
			bad("S14", "%v belongs to no pair", s.h)
			return
		}
		for r := range s.sides {
			if p.apps[r] == 0 && !s.sides[r].done {
				bad("S19", "%v %v is gone and not done", s.h, role(r))
			}
		}
	})
}

// checkApps: counts and lists agree (S17).
func (l *Layer) checkApps(bad report) {
	sessions, bytes := map[Handle]int{}, map[Handle]uint64{}
	l.pairs.each(func(_ Handle, p *pair) {
		if l.byPair[p.key] != p.h {
			bad("S17", "%v is not known by its applications", p.h)
		}
		n, prev := 0, Handle(0)
		for s := l.sessions.get(p.first); s != nil; s = l.sessions.get(s.next) {
			if s.pair != p.h || s.prev != prev {
				bad("S17", "%v is in the list of %v, its pair is %v", s.h, p.h, s.pair)
			}
			prev = s.h
			n++
		}
		if n != p.sessions || n == 0 && len(p.segments) == 0 {
			bad("S17", "%v has %d sessions, counts %d, %d segments", p.h, n, p.sessions, len(p.segments))
		}
		for _, h := range p.apps {
			sessions[h] += n
		}
	})
	if len(l.byPair) != l.pairs.count() {
		bad("S17", "%d pairs, %d are known by their applications", l.pairs.count(), len(l.byPair))
	}
	l.segments.each(func(_ Handle, g *segment) { bytes[g.charged] += g.size })
	for _, ch := range slices.Sorted(maps.Keys(l.channels)) {
		if h := l.channels[ch]; h != 0 && l.apps.get(h) == nil {
			bad("S12", "channel %d belongs to %v, which is gone", ch, h)
		}
	}
	attached := 0
	l.apps.each(func(_ Handle, a *app) {
		attached++
		if l.channels[a.channel] != a.h {
			bad("S12", "%v has channel %d, which belongs to %v", a.h, a.channel, l.channels[a.channel])
		}
		if a.sessions != sessions[a.h] || a.bytes != bytes[a.h] {
			bad("S17", "%v counts %d sessions and %d bytes, has %d and %d", a.h, a.sessions, a.bytes, sessions[a.h], bytes[a.h])
		}
		for _, h := range a.pairs {
			if p := l.pairs.get(h); p == nil || p.apps[client] != a.h && p.apps[server] != a.h {
				bad("S17", "%v is in %v, which does not know it", a.h, h)
			}
		}
	})
	if attached == 0 && (l.sessions.count() > 0 || l.segments.count() > 0 || l.pairs.count() > 0 || l.space.inUse() > 0) {
		creating := false // and still to be reported
		l.segments.each(func(_ Handle, g *segment) { creating = creating || g.state == segCreating })
		if creating {
			return
		}
		bad("S19", "nobody is attached and %d sessions, %d segments, %d pairs are left", l.sessions.count(), l.segments.count(), l.pairs.count())
	}
}

// checkTables: an entry refers to a live listener of a live application, and every listener
// has its entries (S18).
func (l *Layer) checkTables(bad report) {
	entries := 0
	l.listeners.each(func(_ Handle, li *listener) {
		if l.apps.get(li.app) == nil {
			bad("S18", "%v listens for %v, which is gone", li.h, li.app)
		}
		for _, k := range li.keys {
			entries++
			if l.table[k] != li.h {
				bad("S18", "%v has no entry for %v", li.h, k.endpoint)
			}
		}
	})
	if entries != len(l.table) {
		bad("S18", "%d entries in the tables, listeners have %d", len(l.table), entries)
	}
}
