package hb

// Site says where an access is, in numbers of the caller's own; a Conflict returns it.
type Site uint32

// Shadow is the access history of a piece of memory. Create one with NewShadow.
type Shadow struct {
	cells []cell
	dirty []span // cells in use
}

type span struct{ off, n uint64 }

// cell is the access history of one byte.
type cell struct {
	wtask, rtask uint8 // task+1 of the last write; of the last read, or readShared
	wclk, rclk   uint32
	wat, rat     Site
	reads        Clock // when several tasks have read since the last write
}

const readShared = 0xff

// MaxTasks is the largest number of tasks that a Shadow can tell apart.
const MaxTasks = readShared - 1

// NewShadow returns the empty history of size bytes.
func NewShadow(size uint64) *Shadow { return &Shadow{cells: make([]cell, size)} }

// Reset forgets everything. The cost is proportional to what was accessed.
func (s *Shadow) Reset() {
	for _, d := range s.dirty {
		clear(s.cells[d.off : d.off+d.n])
	}
	s.dirty = s.dirty[:0]
}

// Conflict is an earlier access that is not ordered before the present one.
type Conflict struct {
	Off  uint64 // the first byte concerned
	Task int    // the task of the earlier access
	At   Site   // where that was
}

// Read notes that task reads n bytes at off. It returns false with the conflict if an earlier write is not ordered before.
func (s *Shadow) Read(e *Engine, task int, off, n uint64, at Site) (Conflict, bool) {
	s.dirty = append(s.dirty, span{off, n})
	now := e.tasks[task]
	for i := off; i < off+n; i++ {
		c := &s.cells[i]
		if c.wtask != 0 && now[c.wtask-1] < c.wclk {
			return Conflict{i, int(c.wtask - 1), c.wat}, false
		}
		c.read(e, task, at)
	}
	return Conflict{}, true
}

// Write notes that task writes n bytes at off. It returns false with the conflict if an earlier read or write is not ordered
// before.
func (s *Shadow) Write(e *Engine, task int, off, n uint64, at Site) (Conflict, bool) {
	s.dirty = append(s.dirty, span{off, n})
	now := e.tasks[task]
	for i := off; i < off+n; i++ {
		c := &s.cells[i]
		if c.wtask != 0 && now[c.wtask-1] < c.wclk {
			return Conflict{i, int(c.wtask - 1), c.wat}, false
		}
		if o := c.unorderedReader(now); o >= 0 {
			return Conflict{i, o, c.rat}, false
		}
		c.wtask, c.wclk, c.wat = uint8(task+1), now[task], at
		c.rtask = 0
	}
	return Conflict{}, true
}

func (c *cell) read(e *Engine, task int, at Site) {
	c.rat = at
	now := e.tasks[task]
	switch c.rtask {
	case 0, uint8(task + 1):
		c.rtask, c.rclk = uint8(task+1), now[task]
	case readShared:
		c.reads[task] = now[task]
	default:
		c.reads = e.fresh()
		c.reads[c.rtask-1] = c.rclk
		c.reads[task] = now[task]
		c.rtask = readShared
	}
}

// unorderedReader returns a task whose read is not ordered before now, or -1.
func (c *cell) unorderedReader(now Clock) int {
	switch c.rtask {
	case 0:
	case readShared:
		for o, clk := range c.reads {
			if now[o] < clk {
				return o
			}
		}
	default:
		if now[c.rtask-1] < c.rclk {
			return int(c.rtask - 1)
		}
	}
	return -1
}
