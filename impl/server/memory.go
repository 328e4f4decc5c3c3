package server

import (
	"cutthrough/impl/layer"
	"cutthrough/shm"
	"cutthrough/shm/fifo"
)

const (
	// inlineBytes is how much memory is created, zeroed or released under the lock of the server: that takes
	// less time than to pass the work on.
	inlineBytes = 64 << 10
	// maxWorkers bounds the tasks, and so the threads, that work on memory at the same time.
	maxWorkers = 64
)

// memoryWork is an effect that takes time in proportion to the size of its memory.
type memoryWork struct {
	fx      layer.Effect
	segment *shm.Segment // nil until it is created
	err     error
}

// workLocked does work on memory: at once and returns the event that reports it, or false: a worker does it later.
// Each pair has a queue of its own, and workers serve the pairs in turn, so that large segments of one pair do not
// delay the others.
func (s *Server) workLocked(fx layer.Effect) (layer.Event, bool) {
	w := &memoryWork{fx: fx, segment: s.segments[fx.Segment]}
	if fx.Kind == layer.EffectDestroy {
		delete(s.segments, fx.Segment) // it is sent no more
	}
	if w.bytes() <= inlineBytes {
		w.do(s.host)
		return s.workedLocked(w), true
	}
	waiting := s.work[fx.Pair]
	s.work[fx.Pair] = append(waiting, w)
	if len(waiting) == 0 {
		s.ready = append(s.ready, fx.Pair)
		if s.workers < maxWorkers {
			s.workers++
			s.spawnLocked("server-memory", s.runWorker)
		}
	}
	return layer.Event{}, false
}

// runWorker does the work of the pairs that wait for a worker, one piece of each in turn.
func (s *Server) runWorker() {
	s.mu.Lock()
	defer s.unlock()
	for len(s.ready) > 0 {
		pair := s.ready[0]
		s.ready = s.ready[1:]
		w := s.work[pair][0]
		s.unlock()
		w.do(s.host)
		s.mu.Lock()
		if s.work[pair] = s.work[pair][1:]; len(s.work[pair]) > 0 {
			s.ready = append(s.ready, pair)
		} else {
			delete(s.work, pair)
		}
		s.stepLocked(s.workedLocked(w))
	}
	s.workers--
}

// bytes returns how much memory w is about.
func (w *memoryWork) bytes() uint64 {
	switch w.fx.Kind {
	case layer.EffectCreate:
		return w.fx.Size
	case layer.EffectDestroy:
		return w.segment.Size()
	}
	n := uint64(0)
	for _, b := range w.fx.Blocks {
		n += b.Fifo
	}
	return n
}

// do does w. It needs no lock: the core has no other use for that memory until it is told.
func (w *memoryWork) do(h shm.Host) {
	switch w.fx.Kind {
	case layer.EffectCreate:
		w.segment, w.err = h.CreateSegment(w.fx.Size)
	case layer.EffectZero:
		for _, b := range w.fx.Blocks {
			fifo.Scrub(w.segment, b.Off, b.Fifo, 0)
		}
	case layer.EffectDestroy:
		w.err = w.segment.Close()
	}
}

// workedLocked records the result of w and returns the event that reports it to the core.
func (s *Server) workedLocked(w *memoryWork) layer.Event {
	if w.err != nil && s.log != nil {
		s.log.Error("memory of a segment", "segment", w.fx.Segment, "bytes", w.fx.Size, "err", w.err)
	}
	switch w.fx.Kind {
	case layer.EffectCreate:
		if w.err == nil {
			s.segments[w.fx.Segment] = w.segment
		}
		return layer.Event{Kind: layer.EventCreated, Segment: w.fx.Segment, Err: w.err}
	case layer.EffectZero:
		return layer.Event{Kind: layer.EventZeroed, Segment: w.fx.Segment, Blocks: w.fx.Blocks}
	}
	return layer.Event{Kind: layer.EventReleased, Segment: w.fx.Segment}
}

// closeLocked closes a channel once the lock is free: a close may take its time.
func (s *Server) closeLocked(c shm.Conn) { s.closing = append(s.closing, c) }

// unlock gives the lock of the server back, and closes what is to be closed.
func (s *Server) unlock() {
	closing := s.closing
	s.closing = nil
	s.mu.Unlock()
	for _, c := range closing {
		_ = c.Close()
	}
}
