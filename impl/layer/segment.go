package layer

import (
	"slices"

	"cutthrough/impl/layer/segments"
	"cutthrough/impl/wire"
	"cutthrough/shm"
	"cutthrough/shm/evq"
	"cutthrough/shm/fifo"
)

// segment is a piece of shared memory of a pair.
type segment struct {
	h       wire.Handle
	pair    wire.Handle
	base    wire.Location
	size    uint64
	state   segmentState
	blocks  *segments.Space
	waiting []wire.Handle // sessions that wait until it is created
	charged wire.Handle   // the application whose quota it counts against
	queues  [2]uint64
	// told: the side was told to map and has not acknowledged an unmap. The place is not
	// used again before both are false.
	announced [2]bool
	unmapping [2]bool
	failed    [2]bool // the side could not map it the last time it was told
}

type segmentState uint8

const (
	segCreating segmentState = iota
	segLive
	segClosing
)

var segmentStateText = [...]string{"creating", "live", "closing"}

func (s segmentState) String() string { return segmentStateText[s] }

// blockAlign is the alignment of fifos and queues in a segment; larger than a cache
// line, so that two sessions never share one.
const blockAlign = 256

// place finds memory for the fifos of s, in a segment that exists or in a new one.
func (l *Core) place(p *pair, s *session) {
	for _, h := range p.segments {
		g := l.segments.Get(h)
		if g.state == segLive && l.carve(p, g, s) {
			l.onPlaced(p, s)
			return
		}
		if g.state == segCreating && g.roomFor(s, len(g.waiting)+1) {
			g.waiting = append(g.waiting, s.h)
			return
		}
	}
	if status := l.grow(p, s); status != wire.OK {
		l.abandon(s, status)
	}
}

// abandon fails a connect that has not got as far as the server.
func (l *Core) abandon(s *session, status wire.Status) {
	l.failConnect(s, status)
	s.sides[server].done = true
	l.releaseIfDone(s)
}

// grow asks for a new segment for p that s fits in.
func (l *Core) grow(p *pair, s *session) wire.Status {
	c := l.apps.Get(p.apps[client])
	need := shm.SegmentHeader + blockAlign + 2*l.queueBytes() + s.bytes()
	size := max(l.cfg.SegmentSize<<min(len(p.segments), 6), need)
	if c.bytes+size > l.cfg.MaxBytes {
		size = need
	}
	size = (size + segments.Page - 1) &^ (segments.Page - 1)
	if c.bytes+size > l.cfg.MaxBytes {
		return wire.QuotaExceeded
	}
	base, ok := l.space.Alloc(size)
	if !ok {
		return wire.NoMemory
	}
	g := &segment{
		pair: p.h, base: base, size: size, charged: c.h, waiting: []wire.Handle{s.h},
		blocks: segments.NewSpace(blockAlign, wire.Location(size&^(blockAlign-1)), blockAlign, 0),
	}
	g.h = l.segments.Add(g)
	p.segments = append(p.segments, g.h)
	c.bytes += size
	l.out = append(l.out, Effect{Kind: EffectCreate, Segment: g.h, Size: size})
	return wire.OK
}

func (l *Core) queueBytes() uint64 {
	return (evq.Size(l.cfg.QueueSlots) + blockAlign - 1) &^ (blockAlign - 1)
}

// bytes returns what the fifos of s take in a segment.
func (s *session) bytes() uint64 {
	n := uint64(0)
	for _, size := range s.sizes {
		n += (fifo.Size(uint64(size)) + blockAlign - 1) &^ (blockAlign - 1)
	}
	return n
}

// roomFor says whether n sessions like s fit in a segment that is being created.
func (g *segment) roomFor(s *session, n int) bool {
	return uint64(n)*s.bytes() <= g.size/2
}

// onCreated goes on with the connects that wait for a segment.
func (l *Core) onCreated(h wire.Handle, err error) {
	g := l.segments.Get(h)
	if g == nil || g.state != segCreating {
		panic("impl: created " + h.String())
	}
	p := l.pairs.Get(g.pair)
	waiting := g.waiting
	g.waiting = nil
	if err != nil {
		l.dropSegment(p, g)
		l.resume(waiting, func(s *session) { l.abandon(s, wire.NoMemory) })
		l.dropPair(p)
		return
	}
	g.state = segLive
	l.resume(waiting, func(s *session) { l.place(p, s) })
	if p.sessions == 0 && g.state == segLive {
		l.onPairIdle(p) // those who waited have given up
	}
}

// resume calls f for those of the sessions that still wait.
func (l *Core) resume(waiting []wire.Handle, f func(*session)) {
	for _, h := range waiting {
		if s := l.sessions.Get(h); s != nil && s.state == stateAlloc {
			f(s)
		}
	}
}

// carve gives s its fifos in g, and p its queues if it has none yet.
func (l *Core) carve(p *pair, g *segment, s *session) bool {
	var blocks []segments.Block
	first := p.queues == [2]wire.Location{}
	undo := func() bool {
		for _, b := range blocks {
			g.blocks.Release(wire.Location(b.Off), b.Bytes())
		}
		return false
	}
	add := func(b segments.Block) bool {
		at, ok := g.blocks.Alloc(b.Bytes())
		if ok {
			b.Off = uint64(at)
			blocks = append(blocks, b)
		}
		return ok
	}
	if first {
		for range 2 {
			if !add(segments.Block{Slots: l.cfg.QueueSlots}) {
				return undo()
			}
		}
	}
	for _, size := range s.sizes {
		if !add(segments.Block{Fifo: uint64(size)}) {
			return undo()
		}
	}
	if first {
		g.queues = [2]uint64{blocks[0].Off, blocks[1].Off}
		p.queues = [2]wire.Location{g.base + wire.Location(blocks[0].Off), g.base + wire.Location(blocks[1].Off)}
	}
	fifos := blocks[len(blocks)-2:]
	s.segment, s.fifos = g.h, [2]uint64{fifos[0].Off, fifos[1].Off}
	l.out = append(l.out, Effect{Kind: EffectFormat, Segment: g.h, Blocks: slices.Clone(blocks)})
	return true
}

// releaseFifos gives back the memory of s. It is zeroed for the next session of the pair, unless one side has
// left: then there is no next session, and that side may have been hung up in the middle of a read.
func (l *Core) releaseFifos(p *pair, s *session) {
	g := l.segments.Get(s.segment)
	if g == nil {
		return // it never had any
	}
	blocks := make([]segments.Block, len(s.sizes))
	for i, size := range s.sizes {
		blocks[i] = segments.Block{Off: s.fifos[i], Fifo: uint64(size)}
		g.blocks.Release(wire.Location(blocks[i].Off), blocks[i].Bytes())
	}
	if p.apps[client] != 0 && p.apps[server] != 0 {
		l.out = append(l.out, Effect{Kind: EffectZero, Segment: g.h, Blocks: blocks})
	}
}

// announceSegments tells side r to map what it needs for s: the segment of its fifos and that of the event
// queues.
func (l *Core) announceSegments(p *pair, s *session, r role) {
	for _, h := range p.segments {
		if g := l.segments.Get(h); h == s.segment || g.state == segLive && g.queues != [2]uint64{} {
			l.announce(p, g, r)
		}
	}
}

// announce tells side r to map g, once, or again if it could not map it.
func (l *Core) announce(p *pair, g *segment, r role) {
	if g.announced[r] {
		return
	}
	g.announced[r], g.failed[r] = true, false
	l.out = append(l.out, Effect{
		Kind: EffectSend, Channel: l.apps.Get(p.apps[r]).channel, Segment: g.h, Bell: p.apps[r.peer()],
		Msg: wire.Message{Type: wire.Map, Handle: g.h, Base: g.base, Size: g.size},
	})
}

// mapReply handles the answer to a map: one that failed needs no unmap.
func (l *Core) mapReply(a *app, m wire.Message) {
	if g, r := l.mapped(a, m.Handle); g != nil && m.Status != wire.OK {
		g.announced[r], g.unmapping[r], g.failed[r] = false, false, true
		l.destroyIfUnmapped(g)
	}
}

func (l *Core) unmapReply(a *app, m wire.Message) {
	if g, r := l.mapped(a, m.Handle); g != nil && g.unmapping[r] {
		g.announced[r], g.unmapping[r] = false, false
		l.destroyIfUnmapped(g)
	}
}

// mapped returns the segment that a was told to map and the side that a is.
func (l *Core) mapped(a *app, h wire.Handle) (*segment, role) {
	g := l.segments.Get(h)
	if g == nil {
		return nil, 0
	}
	p := l.pairs.Get(g.pair)
	for _, r := range [...]role{client, server} {
		if p.apps[r] == a.h && g.announced[r] {
			return g, r
		}
	}
	return nil, 0
}

// destroyIfUnmapped destroys a closing segment that neither side has mapped.
func (l *Core) destroyIfUnmapped(g *segment) {
	if g.state != segClosing || g.announced != [2]bool{} {
		return
	}
	p := l.pairs.Get(g.pair)
	l.out = append(l.out, Effect{Kind: EffectDestroy, Segment: g.h})
	l.dropSegment(p, g)
	l.dropPair(p)
}

// dropSegment forgets g and makes its place available.
func (l *Core) dropSegment(p *pair, g *segment) {
	if a := l.apps.Get(g.charged); a != nil {
		a.bytes -= g.size
	}
	l.space.Release(g.base, g.size)
	p.segments = slices.DeleteFunc(p.segments, func(h wire.Handle) bool { return h == g.h })
	l.segments.Remove(g.h)
}
