package negotiation

import (
	"math/bits"
	"slices"
)

// segmentFor returns the first live segment of the client's with room, or one that is free,
// or -1.
func (m *Model) segmentFor(s *State, c uint8) int {
	unused, room := -1, int(m.Each)
	if m.has(segmentOverfull) {
		room++
	}
	for i := range int(m.Segments) {
		g := &s.segments[i]
		if g.state == free && unused < 0 {
			unused = i
		}
		left := g.left != 0 && !m.has(orphanUsed)
		if g.state == live && !left && (g.client == c || m.has(segmentShared)) && m.inside(s, uint8(i)) < room {
			return i
		}
	}
	return unused
}

// inside returns how many sessions lie in a segment.
func (m *Model) inside(s *State, g uint8) (n int) {
	for i := range s.sessions {
		if x := &s.sessions[i]; x.state != free && x.segment == g {
			n++
		}
	}
	return n
}

// freePlace returns the first place where nothing is. There are as many as slots for segments.
func (m *Model) freePlace(s *State) uint8 {
	var taken uint8
	for i := range s.segments {
		g := &s.segments[i]
		if g.state == live || g.state == retiring && !m.has(reuseBeforeAnswer) {
			taken |= 1 << g.place
		}
	}
	return uint8(bits.TrailingZeros8(^taken))
}

// tellMap tells a side of the segment of a session, once.
func (m *Model) tellMap(s *State, x *session, r int) {
	g := &s.segments[x.segment]
	if g.told&(1<<r) != 0 {
		return
	}
	g.told |= 1 << r
	s.tell(x.application(r), about(MsgMap, 0, 0).in(x.segment, g.place))
}

// part gives the segments of a client and the server a number of their own when one of the two leaves. Sessions in them may
// go on for a while, and the two may be a pair again meanwhile.
func (s *State) part(c uint8) {
	number := uint8(1)
	for i := range s.segments {
		if g := &s.segments[i]; g.state == live && g.client == c {
			number = max(number, g.left+1)
		}
	}
	for i := range s.segments {
		if g := &s.segments[i]; g.state == live && g.client == c && g.left == 0 {
			g.left = number
		}
	}
}

// idle says whether the pair of a client and the server, or one that was parted, has no session, and segments.
func (m *Model) idle(s *State, c, left uint8) bool {
	for i := range s.sessions {
		x := &s.sessions[i]
		if x.state != free && x.client == c && s.segments[x.segment].left == left && !(left == 0 && m.has(lingerNotStopped)) {
			return false
		}
	}
	return slices.ContainsFunc(s.segments[:], func(g segment) bool { return g.state == live && g.client == c && g.left == left })
}

// retireAll lets the segments of a pair that has no sessions go.
func (m *Model) retireAll(s *State, c, left uint8) {
	if !m.idle(s, c, left) {
		return
	}
	for i := range s.segments {
		if g := &s.segments[i]; g.state == live && g.client == c && g.left == left {
			m.retire(s, uint8(i))
		}
	}
}

// retire tells the sides that were told to map a segment to unmap it.
func (m *Model) retire(s *State, i uint8) {
	g := &s.segments[i]
	g.state, g.left = retiring, 0
	for r, a := range [...]uint8{client: g.client, server: 0} {
		if g.told&(1<<r) == 0 && !m.has(unmapWithoutMap) {
			continue
		}
		g.unmapping |= 1 << r
		if !m.has(unmapForgotten) {
			s.tell(a, about(MsgUnmap, 0, 0).in(i, 0))
		}
	}
	if m.has(unmapNotAwaited) {
		g.told = 0
	}
	m.collect(g)
}

// unmapped takes the answer to an unmap. One that was not asked for is none.
func (m *Model) unmapped(s *State, a int, i uint8) {
	g := &s.segments[i]
	asked := g.unmapping
	if m.has(unaskedUnmapAnswer) {
		asked = g.told
	}
	if r := m.side(g.client, a); r >= 0 && asked&(1<<r) != 0 {
		g.told &^= 1 << r
		g.unmapping &^= 1 << r
		m.collect(g)
	}
}

// collect frees a segment that is not mapped any more.
func (m *Model) collect(g *segment) {
	if g.state == retiring && g.told == 0 {
		*g = segment{}
	}
}

// side returns which side of the sessions of a client an application is, or -1.
func (m *Model) side(c uint8, a int) int {
	switch a {
	case 0:
		return server
	case int(c):
		return client
	}
	if m.has(senderNotChecked) {
		return client
	}
	return -1
}
