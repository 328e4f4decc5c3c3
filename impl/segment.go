package impl

import (
	"slices"

	"cutthrough/shm"
	"cutthrough/shm/evq"
	"cutthrough/shm/fifo"
)

// segment is a piece of shared memory of a pair.
type segment struct {
	h       Handle
	pair    Handle
	base    Address
	size    uint64
	state   segmentState
	inside  *valloc
	waiting []Handle // sessions that wait until it is created
	charged Handle   // the application whose quota it counts against
	queues  [2]uint64
	// told: the side was told to map and has not acknowledged an unmap. The place is not
	// used again before both are false.
	told      [2]bool
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
func (l *Layer) place(p *pair, s *session) {
	for _, h := range p.segments {
		g := l.segments.get(h)
		if g.state == segLive && l.carve(p, g, s) {
			l.placed(p, s)
			return
		}
		if g.state == segCreating && g.roomFor(s, len(g.waiting)+1) {
			g.waiting = append(g.waiting, s.h)
			return
		}
	}
	if status := l.grow(p, s); status != OK {
		l.abandon(s, status)
	}
}

// abandon fails a connect that has not got as far as the server.
func (l *Layer) abandon(s *session, status Status) {
	l.failConnect(s, status)
	s.sides[server].done = true
	l.settle(s)
}

// grow asks for a new segment for p that s fits in.
func (l *Layer) grow(p *pair, s *session) Status {
	c := l.apps.get(p.apps[client])
	need := shm.SegmentHeader + blockAlign + 2*l.queueBytes() + s.bytes()
	size := max(l.cfg.SegmentSize<<min(len(p.segments), 6), need)
	if c.bytes+size > l.cfg.MaxBytes {
		size = need
	}
	size = (size + Page - 1) &^ (Page - 1)
	if c.bytes+size > l.cfg.MaxBytes {
		return QuotaExceeded
	}
	base, ok := l.space.alloc(size)
	if !ok {
		return NoMemory
	}
	g := &segment{
		pair: p.h, base: base, size: size, charged: c.h, waiting: []Handle{s.h},
		inside: newValloc(blockAlign, Address(size&^(blockAlign-1)), blockAlign, 0),
	}
	g.h = l.segments.add(g)
	p.segments = append(p.segments, g.h)
	c.bytes += size
	l.out = append(l.out, Effect{Kind: FxCreate, Segment: g.h, Size: size})
	return OK
}

func (l *Layer) queueBytes() uint64 {
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

// created goes on with the connects that wait for a segment.
func (l *Layer) created(h Handle, err error) {
	g := l.segments.get(h)
	if g == nil || g.state != segCreating {
		panic("impl: created " + h.String())
	}
	p := l.pairs.get(g.pair)
	waiting := g.waiting
	g.waiting = nil
	if err != nil {
		l.dropSegment(p, g)
		l.resume(waiting, func(s *session) { l.abandon(s, NoMemory) })
		l.dropPair(p)
		return
	}
	g.state = segLive
	l.resume(waiting, func(s *session) { l.place(p, s) })
	if p.sessions == 0 && g.state == segLive {
		l.idle(p) // those who waited have given up
	}
}

// resume calls f for those of the sessions that still wait.
func (l *Layer) resume(waiting []Handle, f func(*session)) {
	for _, h := range waiting {
		if s := l.sessions.get(h); s != nil && s.state == stateAlloc {
			f(s)
		}
	}
}

// carve gives s its fifos in g, and p its queues if it has none yet.
func (l *Layer) carve(p *pair, g *segment, s *session) bool {
	var blocks []Block
	first := p.queues == [2]Address{}
	undo := func() bool {
		for _, b := range blocks {
			g.inside.release(Address(b.Off), b.bytes())
		}
		return false
	}
	add := func(b Block) bool {
		at, ok := g.inside.alloc(b.bytes())
		if ok {
			b.Off = uint64(at)
			blocks = append(blocks, b)
		}
		return ok
	}
	if first {
		for range 2 {
			if !add(Block{Slots: l.cfg.QueueSlots}) {
				return undo()
			}
		}
	}
	for _, size := range s.sizes {
		if !add(Block{Fifo: uint64(size)}) {
			return undo()
		}
	}
	if first {
		g.queues = [2]uint64{blocks[0].Off, blocks[1].Off}
		p.queues = [2]Address{g.base + Address(blocks[0].Off), g.base + Address(blocks[1].Off)}
	}
	fifos := blocks[len(blocks)-2:]
	s.segment, s.fifos = g.h, [2]uint64{fifos[0].Off, fifos[1].Off}
	l.out = append(l.out, Effect{Kind: FxFormat, Segment: g.h, Blocks: slices.Clone(blocks)})
	return true
}

func (b Block) bytes() uint64 {
	if b.Slots > 0 {
		return evq.Size(b.Slots)
	}
	return fifo.Size(b.Fifo)
}

// unplace gives back the memory of s. It is scrubbed for the next session of the pair; there is
// none when one side has left, who may have been hung up in the middle of a read.
func (l *Layer) unplace(p *pair, s *session) {
	g := l.segments.get(s.segment)
	if g == nil {
		return // it never had any
	}
	blocks := make([]Block, len(s.sizes))
	for i, size := range s.sizes {
		blocks[i] = Block{Off: s.fifos[i], Fifo: uint64(size)}
		g.inside.release(Address(blocks[i].Off), blocks[i].bytes())
	}
	if p.apps[client] != 0 && p.apps[server] != 0 {
		l.out = append(l.out, Effect{Kind: FxScrub, Segment: g.h, Blocks: blocks})
	}
}

// tellMaps tells side r of what it needs for s: the segment of its fifos, and that of the
// event queues.
func (l *Layer) tellMaps(p *pair, s *session, r role) {
	for _, h := range p.segments {
		if g := l.segments.get(h); h == s.segment || g.state == segLive && g.queues != [2]uint64{} {
			l.tellMap(p, g, r)
		}
	}
}

// tellMap tells side r of g, once, or again if it could not map it.
func (l *Layer) tellMap(p *pair, g *segment, r role) {
	if g.told[r] {
		return
	}
	g.told[r], g.failed[r] = true, false
	l.out = append(l.out, Effect{
		Kind: FxSend, Channel: l.apps.get(p.apps[r]).channel, Segment: g.h, Bell: p.apps[r.peer()],
		Msg: Message{Kind: MsgMap, Handle: g.h, Base: g.base, Size: g.size},
	})
}

// mapReply handles the answer to a map: one that failed needs no unmap.
func (l *Layer) mapReply(a *app, m Message) {
	if g, r := l.mapped(a, m.Handle); g != nil && m.Status != OK {
		g.told[r], g.unmapping[r], g.failed[r] = false, false, true
		l.collect(g)
	}
}

func (l *Layer) unmapReply(a *app, m Message) {
	if g, r := l.mapped(a, m.Handle); g != nil && g.unmapping[r] {
		g.told[r], g.unmapping[r] = false, false
		l.collect(g)
	}
}

// mapped returns the segment that a was told to map and the side that a is.
func (l *Layer) mapped(a *app, h Handle) (*segment, role) {
	g := l.segments.get(h)
	if g == nil {
		return nil, 0
	}
	p := l.pairs.get(g.pair)
	for _, r := range [...]role{client, server} {
		if p.apps[r] == a.h && g.told[r] {
			return g, r
		}
	}
	return nil, 0
}

// collect destroys a closing segment that nobody has mapped any more.
func (l *Layer) collect(g *segment) {
	if g.state != segClosing || g.told != [2]bool{} {
		return
	}
	p := l.pairs.get(g.pair)
	l.out = append(l.out, Effect{Kind: FxDestroy, Segment: g.h})
	l.dropSegment(p, g)
	l.dropPair(p)
}

// dropSegment forgets g and makes its place available.
func (l *Layer) dropSegment(p *pair, g *segment) {
	if a := l.apps.get(g.charged); a != nil {
		a.bytes -= g.size
	}
	l.space.release(g.base, g.size)
	p.segments = slices.DeleteFunc(p.segments, func(h Handle) bool { return h == g.h })
	l.segments.remove(g.h)
}
