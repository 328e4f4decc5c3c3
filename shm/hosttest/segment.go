package hosttest

import (
	"bytes"
	"errors"

	"cutthrough/shm"
)

const segSize = 2 * shm.MinSegment

var segmentTests = []test{
	{"create", func(e *env) {
		e.one(func(h shm.Host) {
			for _, size := range []uint64{shm.MinSegment, shm.MinSegment + 8, 1 << 20} {
				s, err := h.CreateSegment(size)
				if !e.ok(err, "create %d bytes", size) {
					continue
				}
				e.check(s.Size() == size, "segment of %d bytes has %d", size, s.Size())
				e.check(s.Generation() != 0, "generation 0")
				e.check(s.Desc() != nil, "no descriptor")
				got := make([]byte, size-shm.SegmentHeader)
				s.Range(shm.SegmentHeader, uint64(len(got)), nameData).CopyOut(got, 0)
				e.check(!bytes.ContainsFunc(got, func(r rune) bool { return r != 0 }), "new memory is not zero")
				e.ok(s.Close(), "close")
				e.ok(s.Close(), "second close")
			}
		})
	}},
	{"create-bad-size", func(e *env) {
		e.one(func(h shm.Host) {
			for _, size := range []uint64{0, 1, shm.MinSegment - 8, shm.MinSegment + 1, shm.MaxSegment + 8, 1 << 63, ^uint64(0)} {
				_, err := h.CreateSegment(size)
				e.want(err, shm.ErrSize, "create %d bytes", size)
			}
		})
	}},
	{"shared", segmentShared},
	{"outlives-its-creator", func(e *env) {
		e.pair(func(h shm.Host, c shm.Conn) {
			if s := e.share(h, c); s != nil {
				s.Uint64(segSize-8, nameWord).Store(7)
				e.ok(s.Close(), "close")
			}
			e.send(c, "closed")
		}, func(h shm.Host, c shm.Conn) {
			s := e.mapShared(h, c)
			e.recv(c, "closed")
			if s != nil {
				e.check(s.Uint64(segSize-8, nameWord).Load() == 7, "the memory went with its creator")
				e.ok(s.Close(), "close")
			}
		})
	}},
	{"map-wrong-size", func(e *env) {
		e.badMap(shm.ErrSize, segSize+8, func(*shm.Segment) {})
		e.badMap(shm.ErrSize, shm.MinSegment, func(*shm.Segment) {})
		e.badMap(shm.ErrSize, 0, func(*shm.Segment) {})
		e.badMap(shm.ErrSize, ^uint64(0), func(*shm.Segment) {})
	}},
	{"map-wrong-header", func(e *env) {
		e.badMap(shm.ErrCorrupt, segSize, func(s *shm.Segment) { s.Uint64(0, nameWord).Add(1) })
		e.badMap(shm.ErrVersion, segSize, func(s *shm.Segment) { s.Uint64(8, nameWord).Add(1) })
		e.badMap(shm.ErrCorrupt, segSize, func(s *shm.Segment) { s.Uint64(16, nameWord).Add(8) })
		e.badMap(shm.ErrCorrupt, segSize, func(s *shm.Segment) { s.Uint64(24, nameWord).Store(0) })
	}},
	{"map-wrong-kind", segmentWrongKind},
}

// share creates a segment and sends it with its size.
func (e *env) share(h shm.Host, c shm.Conn) *shm.Segment {
	s, err := h.CreateSegment(segSize)
	if !e.ok(err, "create") {
		return nil
	}
	e.send(c, "segment", s.Desc())
	return s
}

// mapShared maps what share sent.
func (e *env) mapShared(h shm.Host, c shm.Conn) *shm.Segment {
	d := e.recvDesc(c, "segment")
	if d == nil {
		return nil
	}
	s, err := h.MapSegment(d, segSize)
	if !e.ok(err, "map") {
		return nil
	}
	return s
}

// segmentShared: each of two processes sees what the other wrote, words and bytes.
func segmentShared(e *env) {
	const word, data = shm.SegmentHeader, shm.SegmentHeader + 64
	e.pair(func(h shm.Host, c shm.Conn) {
		s := e.share(h, c)
		if s == nil {
			return
		}
		s.Uint64(word, nameWord).Store(s.Generation())
		s.Range(data, 5, nameData).CopyIn(0, []byte("hello"))
		e.send(c, "wrote")
		e.recv(c, "wrote back")
		e.check(s.Uint32(segSize-4, nameWord).Load() == 42, "the creator does not see the word of the mapper")
		e.ok(s.Close(), "close")
	}, func(h shm.Host, c shm.Conn) {
		s := e.mapShared(h, c)
		if s == nil {
			return
		}
		e.recv(c, "wrote")
		e.check(s.Size() == segSize, "mapped %d bytes, want %d", s.Size(), segSize)
		e.check(s.Uint64(word, nameWord).Load() == s.Generation(), "generations or words differ")
		got := make([]byte, 5)
		s.Range(data, 5, nameData).CopyOut(got, 0)
		e.check(string(got) == "hello", "the mapper read %q", got)
		s.Uint32(segSize-4, nameWord).Store(42)
		e.send(c, "wrote back")
		e.ok(s.Close(), "close")
	})
}

// badMap maps a segment that was spoilt, with an announced size, and wants err.
// The descriptor is gone afterwards all the same.
func (e *env) badMap(want error, announced uint64, spoil func(*shm.Segment)) {
	e.pair(func(h shm.Host, c shm.Conn) {
		s, err := h.CreateSegment(segSize)
		if e.ok(err, "create") {
			spoil(s)
			e.send(c, "segment", s.Desc())
			e.ok(s.Close(), "close")
		}
	}, func(h shm.Host, c shm.Conn) {
		if d := e.recvDesc(c, "segment"); d != nil {
			_, err := h.MapSegment(d, announced)
			e.want(err, want, "map with %d bytes announced", announced)
			e.want(d.Close(), shm.ErrClosed, "close a descriptor that MapSegment took")
		}
	})
}

// segmentWrongKind: a descriptor of something else is refused and closed.
func segmentWrongKind(e *env) {
	e.pair(func(h shm.Host, c shm.Conn) {
		if wait, ring, err := h.NewDoorbell(); e.ok(err, "new doorbell") {
			e.send(c, "doorbell", wait, ring)
			e.closeAll([]shm.Desc{wait, ring})
		}
		if s := e.share(h, c); s != nil {
			e.ok(s.Close(), "close")
		}
	}, func(h shm.Host, c shm.Conn) {
		for _, d := range e.recv(c, "doorbell") {
			_, err := h.MapSegment(d, segSize)
			e.want(err, shm.ErrDesc, "map an end of a doorbell")
			e.want(d.Close(), shm.ErrClosed, "close a descriptor that MapSegment took")
		}
		if d := e.recvDesc(c, "segment"); d != nil {
			_, err := h.OpenWaiter(d, nameBell)
			e.want(err, shm.ErrDesc, "open a segment as a doorbell")
			e.want(d.Close(), shm.ErrClosed, "close a descriptor that OpenWaiter took")
			_, err = h.OpenRinger(d, nameBell)
			e.want(err, shm.ErrDesc, "open a closed descriptor")
			_, err = h.MapSegment(d, segSize)
			e.check(errors.Is(err, shm.ErrDesc), "map a closed descriptor: %v", err)
		}
		_, err := h.MapSegment(nil, segSize)
		e.want(err, shm.ErrDesc, "map nothing")
		_, err = h.OpenWaiter(nil, nameBell)
		e.want(err, shm.ErrDesc, "open nothing")
		_, err = h.OpenRinger(nil, nameBell)
		e.want(err, shm.ErrDesc, "open nothing")
	})
}
