package layer

import (
	"errors"
	"fmt"
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
// checks after each of millions of steps. The zero Checker is ready. Not safe for concurrent use.
type Checker struct {
	// What the check counts itself, to compare it with what the core counts. The index is that of the handle; a handle that
	// names nothing counts nowhere.
	apps, pairs, segments []tally
	serials               []uint64
	users                 []userTally
	ports                 []portTally
}

// tally is what an application, a pair or a segment has.
type tally struct {
	sessions int
	held     [2]int // sessions in use by role
	bytes    uint64
}

type userTally struct {
	user uint32
	account
}

type portTally struct {
	key portKey
	n   int
}

// Check is [Core.CheckInvariants] of l.
func (c *Checker) Check(l *Core) error {
	c.apps, c.pairs, c.segments = zeros(c.apps, l.apps.Indices()), zeros(c.pairs, l.pairs.Indices()), zeros(c.segments, l.segments.Indices())
	c.serials, c.users, c.ports = c.serials[:0], c.users[:0], c.ports[:0]
	var errs []error
	bad := func(property, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: "+format, append([]any{property}, args...)...))
	}
	l.segments.Check(bad)
	c.checkSegments(l, bad)
	c.checkSessions(l, bad)
	c.checkApps(l, bad)
	c.checkQuotas(l, bad)
	c.checkTables(l, bad)
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) }) // as maps have no order
	return errors.Join(errs...)
}

// zeros returns n zero tallies, in the memory of s if that is large enough.
func zeros(s []tally, n int) []tally {
	s = slices.Grow(s[:0], n)[:n]
	clear(s)
	return s
}

type report func(property, format string, args ...any)

// checkSegments: a segment belongs to a pair that knows it (S16), holds exactly the blocks of
// the pair's sessions (S20), is told only to applications that are there (S10), and is
// live while sessions use it (S8, S9).
func (c *Checker) checkSegments(l *Core, bad report) {
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
			c.segments[g.Handle.Index()].bytes += segments.Takes(segments.Block{Fifo: uint64(size)})
		}
		l.checkTold(s, bad)
	})
	l.segments.Each(func(g *segments.Segment) {
		p := l.pairs.Get(g.Owner)
		if p == nil {
			bad("S19", "%v belongs to no pair", g.Handle)
			return
		}
		used := c.segments[g.Handle.Index()].bytes
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
func (c *Checker) checkSessions(l *Core, bad report) {
	l.sessions.Each(func(_ wire.Handle, s *session) {
		if s.serial == 0 || s.serial > l.lastSerial {
			bad("S13", "%v has serial %d, the last one is %d", s.h, s.serial, l.lastSerial)
		}
		c.serials = append(c.serials, s.serial)
		cl, v := s.sides[client], s.sides[server]
		ok := false
		switch s.state {
		case stateAlloc:
			ok = s.segment == 0 && !cl.notified && !v.notified && !s.replied && !cl.done && !v.done
		case statePending:
			ok = s.segment != 0 && !cl.notified && v.notified && !s.replied && !cl.done && !v.done
		case stateReady:
			ok = s.segment != 0 && cl.notified && v.notified && s.replied && !cl.done && !v.done
		case stateClosing:
			// One side is done, and the other, which uses the session, has been told.
			ok = cl.done != v.done && (cl.done || cl.notified && cl.closing) && (v.done || v.notified && v.closing)
		}
		if !ok {
			bad("S13", "%v is %s, replied %v, client %+v, server %+v", s.h, stateText[s.state], s.replied, cl, v)
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
	slices.Sort(c.serials)
	for i := 1; i < len(c.serials); i++ {
		if c.serials[i] == c.serials[i-1] {
			bad("S13", "two sessions have serial %d", c.serials[i])
		}
	}
}

// checkApps: counts and lists agree (S17).
func (c *Checker) checkApps(l *Core, bad report) {
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
			if l.apps.Get(h) != nil {
				c.apps[h.Index()].sessions += n
			}
		}
	})
	if len(l.byPair) != l.pairs.Len() {
		bad("S17", "%d pairs, %d are known by their applications", l.pairs.Len(), len(l.byPair))
	}
	for ch, x := range l.channels { //tidy:unordered what is reported is sorted
		if x.app != 0 && l.apps.Get(x.app) == nil {
			bad("S12", "channel %d belongs to %v, which is gone", ch, x.app)
		}
		if x.app != 0 && x.handshake != 0 {
			bad("S22", "channel %d has an application, and its time to attach runs", ch)
		}
	}
	attached := 0
	l.apps.Each(func(_ wire.Handle, a *app) {
		attached++
		if l.channels[a.channel].app != a.h {
			bad("S12", "%v has channel %d, which belongs to %v", a.h, a.channel, l.channels[a.channel].app)
		}
		if has := c.apps[a.h.Index()].sessions; a.sessions != has {
			bad("S17", "%v counts %d sessions, has %d", a.h, a.sessions, has)
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
func (c *Checker) checkTables(l *Core, bad report) {
	entries := 0
	l.listeners.Each(func(_ wire.Handle, li *listener) {
		if l.apps.Get(li.app) == nil {
			bad("S18", "%v listens for %v, which is gone", li.h, li.app)
		}
		for _, k := range li.keys {
			entries++
			c.countPort(portOf(k))
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
	same := len(c.ports) == len(l.ports)
	for _, p := range c.ports {
		same = same && l.ports[p.key] == p.n
	}
	if !same {
		bad("S18", "ports are counted as %v, listeners have %v", l.ports, c.ports)
	}
}

func (c *Checker) countPort(k portKey) {
	i := slices.IndexFunc(c.ports, func(p portTally) bool { return p.key == k })
	if i < 0 {
		i, c.ports = len(c.ports), append(c.ports, portTally{key: k})
	}
	c.ports[i].n++
}
