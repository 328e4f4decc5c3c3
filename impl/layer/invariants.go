package layer

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cutthrough/impl/layer/segments"
	"cutthrough/impl/wire"
)

// CheckInvariants returns nil or says which of the properties that must hold
// between any two steps does not. The names S1… are those of docs/PROTOCOL.md. It looks at
// everything and is for tests and simulation; like Step it must not run concurrently.
func (l *Core) CheckInvariants() error { return new(Checker).Check(l) }

// Checker checks the invariants of cores, as [Core.CheckInvariants] does, and keeps the memory that it needs: a simulation
// checks after each of millions of steps. Make one with new. Not safe for concurrent use.
type Checker struct{ books *books }

// Check is [Core.CheckInvariants] of l.
func (c *Checker) Check(l *Core) error {
	if c.books == nil {
		c.books = newBooks()
	}
	b := c.books
	b.clear()
	var errs []error
	bad := func(property, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: "+format, append([]any{property}, args...)...))
	}
	l.segments.Check(bad)
	l.checkSegments(b, bad)
	l.checkSessions(b, bad)
	l.checkApps(b, bad)
	l.checkQuotas(b, bad)
	l.checkTables(b, bad)
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) }) // as maps have no order
	return errors.Join(errs...)
}

// books are what a check counts itself, to compare it with what the core counts.
type books struct {
	inSegments map[wire.Handle]uint64 // bytes of sessions
	serials    map[uint64]bool
	sessions   map[wire.Handle]int    // of applications
	held       map[wire.Handle][2]int // sessions in use of pairs and applications
	inside     map[wire.Handle][2]int // and of segments
	bytes      map[wire.Handle]uint64 // of pairs and applications; at 0 of all
	users      map[uint32]account
	ports      map[portKey]int
}

func newBooks() *books {
	return &books{
		inSegments: map[wire.Handle]uint64{}, serials: map[uint64]bool{}, sessions: map[wire.Handle]int{},
		held: map[wire.Handle][2]int{}, inside: map[wire.Handle][2]int{}, bytes: map[wire.Handle]uint64{},
		users: map[uint32]account{}, ports: map[portKey]int{},
	}
}

func (b *books) clear() {
	clear(b.inSegments)
	clear(b.serials)
	clear(b.sessions)
	clear(b.held)
	clear(b.inside)
	clear(b.bytes)
	clear(b.users)
	clear(b.ports)
}

type report func(property, format string, args ...any)

// checkSegments: a segment belongs to a pair that knows it (S16), holds exactly the blocks of
// the pair's sessions (S20), is told only to applications that are there (S10), and is
// live while sessions use it (S8, S9).
func (l *Core) checkSegments(b *books, bad report) {
	inside := b.inSegments
	l.sessions.Each(func(_ wire.Handle, s *session) {
		if s.segment == 0 {
			return
		}
		g := l.segments.Get(s.segment)
		if g == nil || g.State != segments.Live || g.Owner != s.pair {
			bad("S9", "%v (%s) lies in %v, which is not a live segment of its pair", s.h, stateText[s.state], s.segment)
			return
		}
		for _, size := range s.sizes {
			inside[g.Handle] += segments.Takes(segments.Block{Fifo: uint64(size)})
		}
		l.checkTold(s, bad)
	})
	l.segments.Each(func(g *segments.Segment) {
		p := l.pairs.Get(g.Owner)
		if p == nil {
			bad("S19", "%v belongs to no pair", g.Handle)
			return
		}
		used := inside[g.Handle]
		if g.State == segments.Live && p.queues != [2]wire.Location{} && hasQueues(g) {
			used += 2 * segments.Takes(l.queue())
		}
		if g.State == segments.Live && g.Zeroing == 0 && used != g.InUse() || used > g.InUse() {
			bad("S20", "%v has %d bytes in use, its sessions %d", g.Handle, g.InUse(), used)
		}
		for r := range g.Announced {
			if g.Announced[r] && l.apps.Get(p.apps[r]) == nil || (g.Unmapping[r] || g.Mapped[r]) && !g.Announced[r] {
				bad("S10", "%v %v: told %v, mapped %v, unmapping %v, application %v", g.Handle, role(r), g.Announced[r], g.Mapped[r], g.Unmapping[r], p.apps[r])
			}
			if g.Unmapping[r] && g.State < segments.Closing {
				bad("S8", "%v is %v and was told to unmap", g.Handle, g.State)
			}
		}
		if g.State == segments.Closing && g.Announced == [2]bool{} && g.Zeroing == 0 {
			bad("S9", "%v is closing and no application has it", g.Handle)
		}
	})
}

// checkTold: a side that was told of a session was told to map the segments that it needs for
// it, those of its fifos and of the event queues (S7).
func (l *Core) checkTold(s *session, bad report) {
	p := l.pairs.Get(s.pair)
	for _, h := range p.segments {
		g := l.segments.Get(h)
		if h != s.segment && (g.State != segments.Live || !hasQueues(g)) {
			continue
		}
		for r := range s.sides {
			if d := s.sides[r]; d.notified && !d.done && p.apps[r] != 0 && !g.Announced[r] && !g.Failed[r] {
				bad("S7", "%v %v uses %v and was not told to map it", s.h, role(r), g.Handle)
			}
		}
	}
}

// checkSessions: the state agrees with what the sides were told (S11, S13, S14).
func (l *Core) checkSessions(b *books, bad report) {
	serials := b.serials
	l.sessions.Each(func(_ wire.Handle, s *session) {
		if serials[s.serial] || s.serial == 0 || s.serial > l.lastSerial {
			bad("S13", "%v has serial %d, the last one is %d", s.h, s.serial, l.lastSerial)
		}
		serials[s.serial] = true
		c, v := s.sides[client], s.sides[server]
		ok := false
		switch s.state {
		case stateAlloc:
			ok = s.segment == 0 && !c.notified && !v.notified && !s.replied && !c.done && !v.done
		case statePending:
			ok = s.segment != 0 && !c.notified && v.notified && !s.replied && !c.done && !v.done
		case stateReady:
			ok = s.segment != 0 && c.notified && v.notified && s.replied && !c.done && !v.done
		case stateClosing:
			// One side is done, and the other, which uses the session, has been told.
			ok = c.done != v.done && (c.done || c.notified && c.closing) && (v.done || v.notified && v.closing)
		}
		if !ok {
			bad("S13", "%v is %s, replied %v, client %+v, server %+v", s.h, stateText[s.state], s.replied, c, v)
		}
		p := l.pairs.Get(s.pair)
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
func (l *Core) checkApps(b *books, bad report) {
	sessions := b.sessions
	l.pairs.Each(func(_ wire.Handle, p *pair) {
		if l.byPair[p.key] != p.h {
			bad("S17", "%v is not known by its applications", p.h)
		}
		n, prev := 0, wire.Handle(0)
		for s := l.sessions.Get(p.first); s != nil; s = l.sessions.Get(s.next) {
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
	if len(l.byPair) != l.pairs.Len() {
		bad("S17", "%d pairs, %d are known by their applications", l.pairs.Len(), len(l.byPair))
	}
	for ch, c := range l.channels { //tidy:unordered what is reported is sorted
		if c.app != 0 && l.apps.Get(c.app) == nil {
			bad("S12", "channel %d belongs to %v, which is gone", ch, c.app)
		}
		if c.app != 0 && c.handshake != 0 {
			bad("S22", "channel %d has an application, and its time to attach runs", ch)
		}
	}
	attached := 0
	l.apps.Each(func(_ wire.Handle, a *app) {
		attached++
		if l.channels[a.channel].app != a.h {
			bad("S12", "%v has channel %d, which belongs to %v", a.h, a.channel, l.channels[a.channel].app)
		}
		if a.sessions != sessions[a.h] {
			bad("S17", "%v counts %d sessions, has %d", a.h, a.sessions, sessions[a.h])
		}
		for _, h := range a.pairs {
			if p := l.pairs.Get(h); p == nil || p.apps[client] != a.h && p.apps[server] != a.h {
				bad("S17", "%v is in %v, which does not know it", a.h, h)
			}
		}
	})
	if attached == 0 && (l.sessions.Len() > 0 || l.segments.Len() > 0 || l.pairs.Len() > 0 || l.segments.InUse() > 0) {
		busy := false // the driver has still to report
		l.segments.Each(func(g *segments.Segment) {
			busy = busy || g.State == segments.Creating || g.State == segments.Releasing || g.Zeroing > 0
		})
		if busy {
			return
		}
		bad("S19", "no application is attached and %d sessions, %d segments, %d pairs are left", l.sessions.Len(), l.segments.Len(), l.pairs.Len())
	}
}

// checkTables: an entry refers to a live listener of a live application, and every listener
// has its entries (S18).
func (l *Core) checkTables(b *books, bad report) {
	entries, ports := 0, b.ports
	l.listeners.Each(func(_ wire.Handle, li *listener) {
		if l.apps.Get(li.app) == nil {
			bad("S18", "%v listens for %v, which is gone", li.h, li.app)
		}
		for _, k := range li.keys {
			entries++
			ports[portOf(k)]++
			if k.endpoint.Proto != wire.Unix && k.endpoint.Addr.Port() == 0 {
				bad("S18", "%v listens at no port", li.h)
			}
			if l.directory[k] != li.h {
				bad("S18", "%v has no entry for %v", li.h, k.endpoint)
			}
		}
	})
	if entries != len(l.directory) {
		bad("S18", "%d entries in the tables, listeners have %d", len(l.directory), entries)
	}
	if !maps.Equal(ports, l.ports) {
		bad("S18", "ports are counted as %v, listeners have %v", l.ports, ports)
	}
}
