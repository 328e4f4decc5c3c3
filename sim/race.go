package sim

import (
	"cutthrough/shm/access"
)

// clock is a vector clock: one counter per task.
type clock []uint32

func (c clock) join(d clock) {
	for i, v := range d {
		if v > c[i] {
			c[i] = v
		}
	}
}

// raceDetector finds plain accesses that conflict without being ordered by
// word accesses, doorbells, messages, locks or task starts: happens-before
// with one epoch per byte for writes and one per reading task (FastTrack,
// Flanagan and Freund 2009, without its compression: bytes are few here).
// It supports the argument of the package documentation that exploring the
// orders of hooked accesses is complete.
type raceDetector struct {
	n       int // length of a clock
	pool    []uint32
	edges   map[any]clock // clocks of doorbells, queues, locks; never ranged over
	pending clock         // of the word that a CAS is about to change
}

func (r *raceDetector) reset(tasks int) {
	r.n = tasks
	r.pool = r.pool[:0]
	r.pending = nil
	clear(r.edges)
}

// fresh returns a zero clock.
func (r *raceDetector) fresh() clock {
	if len(r.pool)+r.n > cap(r.pool) {
		r.pool = make([]uint32, 0, max(4096, 16*r.n))
	}
	i := len(r.pool)
	r.pool = r.pool[:i+r.n]
	c := clock(r.pool[i : i+r.n : i+r.n])
	clear(c)
	return c
}

// access orders a word access or checks a plain one.
func (r *raceDetector) access(w *World, t *task, m *memory, off, n uint64, at site) {
	switch {
	case at.op.Plain():
		r.plain(w, t, m, off, n, at)
	case at.op == access.Load:
		if c := m.sync[off/4]; c != nil {
			t.clock.join(c)
		}
	default:
		// A store publishes everything before it; whoever loads it is ordered
		// after. A read-modify-write is both and continues the release sequence.
		c := m.sync[off/4]
		if c == nil {
			c = r.fresh()
			m.sync[off/4] = c
			m.synced = append(m.synced, off/4)
		} else if at.op != access.Store {
			t.clock.join(c)
		}
		if at.op == access.CAS {
			r.pending = c // a failed one publishes nothing
			return
		}
		copy(c, t.clock)
		t.clock[t.id]++
	}
}

// done completes a compare-and-swap that access began.
func (r *raceDetector) done(t *task, ok bool) {
	if r.pending != nil && ok {
		copy(r.pending, t.clock)
		t.clock[t.id]++
	}
	r.pending = nil
}

// cell is the access history of one byte.
type cell struct {
	wtask, rtask uint8 // task+1 of the last write; of the last read, or shared
	wclk, rclk   uint32
	wat, rat     site
	reads        clock // when several tasks have read since the last write
}

const readShared = 0xff

func (r *raceDetector) plain(w *World, t *task, m *memory, off, n uint64, at site) {
	if m.cells == nil {
		m.cells = make([]cell, len(m.bytes))
	}
	m.dirty = append(m.dirty, span{off, n})
	for i := off; i < off+n; i++ {
		c := &m.cells[i]
		if c.wtask != 0 && t.clock[c.wtask-1] < c.wclk {
			r.report(w, t, at, i, int(c.wtask-1), c.wat)
		}
		if at.op == access.Read {
			c.read(r, t, at)
			continue
		}
		if o := c.unorderedReader(t); o >= 0 {
			r.report(w, t, at, i, o, c.rat)
		}
		c.wtask, c.wclk, c.wat = uint8(t.id+1), t.clock[t.id], at
		c.rtask = 0
	}
}

func (c *cell) read(r *raceDetector, t *task, at site) {
	c.rat = at
	switch c.rtask {
	case 0, uint8(t.id + 1):
		c.rtask, c.rclk = uint8(t.id+1), t.clock[t.id]
	case readShared:
		c.reads[t.id] = t.clock[t.id]
	default:
		c.reads = r.fresh()
		c.reads[c.rtask-1] = c.rclk
		c.reads[t.id] = t.clock[t.id]
		c.rtask = readShared
	}
}

// unorderedReader returns a task whose read is not ordered before t, or -1.
func (c *cell) unorderedReader(t *task) int {
	switch c.rtask {
	case 0:
	case readShared:
		for o, clk := range c.reads {
			if t.clock[o] < clk {
				return o
			}
		}
	default:
		if t.clock[c.rtask-1] < c.rclk {
			return int(c.rtask - 1)
		}
	}
	return -1
}

func (r *raceDetector) report(w *World, t *task, at site, off uint64, other int, otherAt site) {
	w.Fail(NoRace, "%s %s of byte %d is not ordered after %s %s", t.name, at, off, w.tasks[other].name, otherAt)
}

// release makes everything t did so far visible to whoever acquires key later.
func (w *World) release(t *task, key any) {
	if !w.cfg.Races || t == nil {
		return
	}
	r := &w.races
	c, ok := r.edges[key]
	if !ok {
		c = r.fresh()
		r.edges[key] = c
	}
	c.join(t.clock)
	t.clock[t.id]++
}

// acquire orders t after every release of key so far.
func (w *World) acquire(t *task, key any) {
	if !w.cfg.Races || t == nil {
		return
	}
	if c, ok := w.races.edges[key]; ok {
		t.clock.join(c)
	}
}

// snapshot returns t's clock for a message, and starts a new epoch.
func (w *World) snapshot(t *task) clock {
	if !w.cfg.Races || t == nil {
		return nil
	}
	c := w.races.fresh()
	copy(c, t.clock)
	t.clock[t.id]++
	return c
}
