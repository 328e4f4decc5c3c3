package layer

import (
	"slices"

	"cutthrough/impl/layer/segments"
	"cutthrough/impl/wire"
	"cutthrough/shm"
)

// place finds memory for the fifos of s, in a segment that exists or in a new one.
func (l *Core) place(p *pair, s *session) {
	for _, h := range p.segments {
		g := l.segments.Get(h)
		if g.State == segments.Live && l.carve(p, g, s) {
			l.onPlaced(p, s)
			return
		}
		if g.State == segments.Creating && roomFor(g, s, len(g.Waiting)+1) {
			g.Waiting = append(g.Waiting, s.h)
			return
		}
	}
	if status := l.grow(p, s); status != wire.OK && !l.awaitZeroed(p, s) {
		l.abandon(s, status)
	}
}

// awaitZeroed makes s wait for the memory of a session that is over, if there is any.
func (l *Core) awaitZeroed(p *pair, s *session) bool {
	for _, h := range p.segments {
		if g := l.segments.Get(h); g.State == segments.Live && g.Zeroing > 0 {
			g.Waiting = append(g.Waiting, s.h)
			return true
		}
	}
	return false
}

// abandon fails a connect that has not got as far as the server.
func (l *Core) abandon(s *session, status wire.Status) {
	l.failConnect(s, status)
	l.giveUp(s, server)
	l.releaseIfDone(s)
}

// grow asks for a new segment for p that s fits in.
func (l *Core) grow(p *pair, s *session) wire.Status {
	need := shm.SegmentHeader + segments.BlockAlign + 2*segments.Takes(l.queue()) + s.bytes()
	size := max(l.cfg.SegmentSize<<min(len(p.segments), 6), need)
	if !l.mayGrow(p, size) {
		size = need
	}
	size = (size + segments.Page - 1) &^ (segments.Page - 1)
	if !l.mayGrow(p, size) {
		return wire.QuotaExceeded
	}
	g, ok := l.segments.Place(p.h, size)
	if !ok {
		return wire.NoMemory
	}
	g.Waiting = []wire.Handle{s.h}
	p.segments = append(p.segments, g.Handle)
	l.charged(p, g)
	l.out = append(l.out, Effect{Kind: EffectCreate, Segment: g.Handle, Pair: p.h, Size: size})
	return wire.OK
}

// queue returns an event queue, without a place.
func (l *Core) queue() segments.Block { return segments.Block{Slots: l.cfg.QueueSlots} }

// bytes returns what the fifos of s take in a segment.
func (s *session) bytes() uint64 {
	n := uint64(0)
	for _, size := range s.sizes {
		n += segments.Takes(segments.Block{Fifo: uint64(size)})
	}
	return n
}

// roomFor says whether n sessions like s fit in a segment that is being created.
func roomFor(g *segments.Segment, s *session, n int) bool {
	return uint64(n)*s.bytes() <= g.Size/2
}

// onCreated goes on with the connects that wait for a segment.
func (l *Core) onCreated(h wire.Handle, err error) {
	g := l.segments.Get(h)
	if g == nil || g.State != segments.Creating {
		panic("impl: created " + h.String())
	}
	p := l.pairs.Get(g.Owner)
	waiting := g.Waiting
	g.Waiting = nil
	if err != nil {
		l.dropSegment(p, g)
		l.resume(waiting, func(s *session) { l.abandon(s, wire.NoMemory) })
		l.dropPair(p)
		return
	}
	g.State = segments.Live
	l.resume(waiting, func(s *session) { l.place(p, s) })
	if p.sessions == 0 && g.State == segments.Live {
		l.onPairIdle(p) // the connects that waited have given up
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
func (l *Core) carve(p *pair, g *segments.Segment, s *session) bool {
	var blocks []segments.Block
	first := p.queues == [2]wire.Location{}
	if first {
		blocks = append(blocks, l.queue(), l.queue())
	}
	for _, size := range s.sizes {
		blocks = append(blocks, segments.Block{Fifo: uint64(size)})
	}
	if !g.Alloc(blocks) {
		return false
	}
	if first {
		g.Queues = [2]uint64{blocks[0].Off, blocks[1].Off}
		p.queues = [2]wire.Location{g.Base + wire.Location(blocks[0].Off), g.Base + wire.Location(blocks[1].Off)}
	}
	fifos := blocks[len(blocks)-2:]
	s.segment, s.fifos = g.Handle, [2]uint64{fifos[0].Off, fifos[1].Off}
	g.Held[client]++
	g.Held[server]++
	l.bill(p, g)
	l.out = append(l.out, Effect{Kind: EffectFormat, Segment: g.Handle, Blocks: blocks})
	return true
}

// releaseFifos gives back the memory of s. It is zeroed before the next session of the pair gets it, unless there
// is no next session: the pair retires, or one side has left, which may have been hung up in the middle of a read.
func (l *Core) releaseFifos(p *pair, s *session) {
	g := l.segments.Get(s.segment)
	if g == nil {
		return // it never had any
	}
	blocks := make([]segments.Block, len(s.sizes))
	for i, size := range s.sizes {
		blocks[i] = segments.Block{Off: s.fifos[i], Fifo: uint64(size)}
	}
	if p.apps[client] == 0 || p.apps[server] == 0 || p.sessions == 0 && l.cfg.Linger == 0 {
		g.Free(blocks)
		return
	}
	g.Zeroing += len(blocks)
	l.out = append(l.out, Effect{Kind: EffectZero, Segment: g.Handle, Pair: p.h, Blocks: blocks})
}

// onZeroed makes the memory of fifos available that the driver has zeroed.
func (l *Core) onZeroed(h wire.Handle, blocks []segments.Block) {
	g := l.segments.Get(h)
	if g == nil || g.Zeroing < len(blocks) {
		panic("impl: zeroed " + h.String())
	}
	p := l.pairs.Get(g.Owner)
	g.Free(blocks)
	g.Zeroing -= len(blocks)
	waiting := g.Waiting
	g.Waiting = nil
	l.resume(waiting, func(s *session) { l.place(p, s) })
	l.destroyIfUnmapped(g)
}

// announceSegments tells side r to map what it needs for s: the segment of its fifos and that of the event
// queues.
func (l *Core) announceSegments(p *pair, s *session, r role) {
	for _, h := range p.segments {
		if g := l.segments.Get(h); h == s.segment || g.State == segments.Live && hasQueues(g) {
			l.announce(p, g, r)
		}
	}
}

// announce tells side r to map g, once, or again if it could not map it.
func (l *Core) announce(p *pair, g *segments.Segment, r role) {
	if g.Announced[r] {
		return
	}
	g.Announced[r], g.Failed[r] = true, false
	l.out = append(l.out, Effect{
		Kind: EffectSend, Channel: l.apps.Get(p.apps[r]).channel, Segment: g.Handle, Side: int(r),
		Msg: wire.Message{Type: wire.Map, Handle: g.Handle, Base: g.Base, Size: g.Size, Doorbells: hasQueues(g)},
	})
}

// hasQueues says whether the event queues of a pair are in g. Then the doorbells of the pair come with it.
func hasQueues(g *segments.Segment) bool { return g.Queues != [2]uint64{} }

// forgetBells closes the session layer's copies of the doorbells that were for one side, unless they were closed with
// the segment.
func (l *Core) forgetBells(g *segments.Segment, r role) {
	if hasQueues(g) && g.State != segments.Releasing {
		l.out = append(l.out, Effect{Kind: EffectForget, Segment: g.Handle, Side: int(r)})
	}
}

// mapReply handles the answer to a map, which counts once. One that failed needs no unmap, and is sent again with the
// same doorbells when the side needs the segment again.
func (l *Core) mapReply(a *app, m wire.Message) {
	g, r := l.mapped(a, m.Handle)
	switch {
	case g == nil || g.Mapped[r]:
	case m.Status == wire.OK:
		g.Mapped[r] = true
		l.forgetBells(g, r)
	default:
		g.Announced[r], g.Unmapping[r], g.Failed[r] = false, false, true
		l.destroyIfUnmapped(g)
	}
}

func (l *Core) unmapReply(a *app, m wire.Message) {
	if g, r := l.mapped(a, m.Handle); g != nil && g.Unmapping[r] {
		g.Announced[r], g.Mapped[r], g.Unmapping[r] = false, false, false
		l.destroyIfUnmapped(g)
	}
}

// mapped returns the segment that a was told to map and the side that a is.
func (l *Core) mapped(a *app, h wire.Handle) (*segments.Segment, role) {
	g := l.segments.Get(h)
	if g == nil {
		return nil, 0
	}
	p := l.pairs.Get(g.Owner)
	for _, r := range [...]role{client, server} {
		if p.apps[r] == a.h && g.Announced[r] {
			return g, r
		}
	}
	return nil, 0
}

// destroyIfUnmapped destroys a closing segment that neither side has mapped and that is not being zeroed.
func (l *Core) destroyIfUnmapped(g *segments.Segment) {
	if g.State != segments.Closing || g.Announced != [2]bool{} || g.Zeroing > 0 {
		return
	}
	g.State = segments.Releasing
	l.out = append(l.out, Effect{Kind: EffectDestroy, Segment: g.Handle, Pair: g.Owner})
}

// onReleased forgets a segment whose memory is free.
func (l *Core) onReleased(h wire.Handle) {
	g := l.segments.Get(h)
	if g == nil || g.State != segments.Releasing {
		panic("impl: released " + h.String())
	}
	p := l.pairs.Get(g.Owner)
	l.dropSegment(p, g)
	l.dropPair(p)
}

// dropSegment forgets g and makes its place available.
func (l *Core) dropSegment(p *pair, g *segments.Segment) {
	l.refunded(p, g)
	p.segments = slices.DeleteFunc(p.segments, func(h wire.Handle) bool { return h == g.Handle })
	l.segments.Remove(g)
}
