// Package valloc is the machine of the address space of the session layer: ranges are
// handed out first fit with a guard behind each, a segment is placed somewhere in its
// range, processes are told to map it and to unmap it over channels that are in
// order, and the range is given back when each process that was told has acknowledged or has
// died. A process that has died is replaced by a new one with the same number.
//
// The address space has a few units, one or two to a page; a page stands for as many as one likes.
//
// What is left out: what segments are for; how their memory is made; processes that
// cannot map what they are told to. A segment may be closed at any time: package
// negotiation decides when.
package valloc

import (
	"errors"
	"fmt"

	"cutthrough/model/catalog"
)

// The largest configuration.
const (
	maxUnits     = 12
	maxSegments  = 3
	maxProcesses = 3
	maxQueue     = 2 * maxSegments // messages under way to one process: more there cannot be
)

// Config says how many units, segments and processes there are. The zero value is not valid.
type Config struct {
	Units     uint8 // of the address space, 1 to 12
	Segments  uint8 // at the same time, 1 to 3
	Processes uint8 // 2 or 3
	Size      uint8 // of the largest segment, in units, 1 to 3
	Offset    uint8 // a segment is placed up to so many units into its range, 0 to 2
	Page      uint8 // units of a page: segments start at one, 1 or 2
	Death     bool  // processes may die
	Safety    bool  // leave out what must come to pass: it takes several times the memory
}

// ErrConfig is what is wrong with a configuration.
var ErrConfig = errors.New("valloc: bad configuration")

func (c Config) check() error {
	switch {
	case c.Units < 1 || c.Units > maxUnits:
		return fmt.Errorf("%w: %d units (1 to %d)", ErrConfig, c.Units, maxUnits)
	case c.Segments < 1 || c.Segments > maxSegments:
		return fmt.Errorf("%w: %d segments (1 to %d)", ErrConfig, c.Segments, maxSegments)
	case c.Processes < 2 || c.Processes > maxProcesses:
		return fmt.Errorf("%w: %d processes (2 to %d)", ErrConfig, c.Processes, maxProcesses)
	case c.Page < 1 || c.Page > 2:
		return fmt.Errorf("%w: %d units of a page (1 to 2)", ErrConfig, c.Page)
	case c.Size < 1 || c.Size > 3 || c.Offset > 2:
		return fmt.Errorf("%w: segments of %d units moved by %d (1 to 3, 0 to 2)", ErrConfig, c.Size, c.Offset)
	}
	return nil
}

// Configs returns the configurations of the catalog.
func Configs() []catalog.Config[Config] {
	return []catalog.Config[Config]{
		{Name: "small", Doc: "two segments of one or two units, two processes",
			Value: Config{Units: 4, Segments: 2, Processes: 2, Size: 2, Page: 1}},
		{Name: "moved", Doc: "two segments of one or two units, moved by one; two processes",
			Value: Config{Units: 5, Segments: 2, Processes: 2, Size: 2, Offset: 1, Page: 1}},
		{Name: "pages", Doc: "two segments of one to three units, of which two are a page; two processes",
			Value: Config{Units: 6, Segments: 2, Processes: 2, Size: 3, Page: 2}},
		{Name: "medium", Doc: "two segments of one or two units; two processes, which may die",
			Value: Config{Units: 4, Segments: 2, Processes: 2, Size: 2, Page: 1, Death: true}},
		{Name: "three", Doc: "two segments of one or two units, three processes, of which two have each",
			Value: Config{Units: 3, Segments: 2, Processes: 3, Size: 2, Page: 1}},
		{Name: "nightly", Doc: "three segments of one unit; two processes, which may die; safety only",
			Value: Config{Units: 3, Segments: 3, Processes: 2, Size: 1, Page: 1, Death: true, Safety: true}},
	}
}

// span is a range of the address space.
type span struct {
	at, n uint8
}

func (s span) end() uint8 { return s.at + s.n }

// units returns the units of a range as bits.
func (s span) units() uint16 { return (1<<s.n - 1) << s.at }

// What becomes of a segment.
const (
	segFree = iota // there is none
	segLive
	segClosing
)

// segment is what the layer knows of a segment.
type segment struct {
	state  uint8
	place  span  // what was allocated, guard included
	size   uint8 // of the segment
	offset uint8 // at which it starts in its place
	told   uint8 // the processes that were told to map it and have not acknowledged an unmap
	asked  uint8 // the processes that were told to unmap it
}

// mapped returns the units that the segment covers where it is mapped.
func (g *segment) mapped() uint16 { return span{g.place.at + g.offset, g.size}.units() }

// message is one to a process: which segment, how to map it, and whether to unmap it.
type message struct {
	units   uint16 // of a map
	segment uint8  // its number plus 1; 0: no message
	unmap   bool
}

// process is what a process knows, and its channels.
type process struct {
	in    [maxQueue]message
	maps  [maxSegments]uint16 // the units of each segment that it has mapped
	bound uint16              // units that it was told to map, until its acknowledgement arrives
	late  uint8               // a variant: segment that it has still to unmap, plus 1
	stray uint8               // a variant: segment whose descriptor it has not taken, plus 1
	out   [maxSegments]uint8  // acknowledgements: number of the segment plus 1
	dead  bool
}

// State is one state of the machine.
type State struct {
	processes [maxProcesses]process
	free      [maxSegments + 1]span // of the allocator, in order of address
	segments  [maxSegments]segment
	bad       uint8
}

// Bits of State.bad.
const (
	badRelease = 1 << iota // a range was given back that is not allocated
	badUnmap               // a process was told to unmap what it has not mapped
	badMap                 // a process was told to map what it has mapped
	badOver                // and has mapped it over that
	badMemory              // a process has mapped other memory than that of the segment
)

// Model is the machine in one configuration.
type Model struct {
	Config
	variants catalog.Set
	orders   [][maxProcesses]uint8
}

// Name implements [check.Model].
func (m *Model) Name() string {
	c := m.Config // without Safety: two searches that differ in that have the same states
	name := fmt.Sprintf("valloc units=%d segments=%d processes=%d size=%d offset=%d", c.Units, c.Segments, c.Processes, c.Size, c.Offset)
	if c.Page > 1 {
		name += fmt.Sprintf(" page=%d", c.Page)
	}
	if c.Death {
		name += " death"
	}
	return name + m.variants.String()
}

// Init implements [check.Model].
func (m *Model) Init() []State {
	s := State{}
	s.free[0] = span{0, m.Units}
	return []State{s}
}

// guard returns how many units are kept free behind each range: a segment that is
// moved must not reach beyond.
func (m *Model) guard() uint8 {
	if m.variants.Has(marginTooSmall) {
		return 0
	}
	return m.Offset
}

// alloc takes need units off the first chunk that has them.
func (m *Model) alloc(s *State, need uint8) (uint8, bool) {
	for i := range s.free {
		f := &s.free[i]
		if f.n < need {
			continue
		}
		at := f.at
		if m.variants.Has(splitTooSmall) && f.n > need {
			need--
		}
		f.at += need
		if f.n -= need; f.n == 0 {
			copy(s.free[i:], s.free[i+1:])
			s.free[len(s.free)-1] = span{}
		}
		return at, true
	}
	return 0, false
}

// release gives a range back.
func (m *Model) release(s *State, r span) {
	i, chunks := 0, 0
	for chunks < len(s.free) && s.free[chunks].n > 0 {
		if s.free[chunks].at < r.at {
			i = chunks + 1
		}
		chunks++
	}
	if r.end() > m.Units || i > 0 && s.free[i-1].end() > r.at || i < chunks && r.end() > s.free[i].at || chunks == len(s.free) {
		s.bad |= badRelease
		return
	}
	if i < chunks && r.end() == s.free[i].at && !m.variants.Has(coalesceForgetsRight) {
		r.n += s.free[i].n
		copy(s.free[i:], s.free[i+1:])
		s.free[len(s.free)-1] = span{}
	}
	if i > 0 && s.free[i-1].end() == r.at && !m.variants.Has(coalesceForgetsLeft) {
		s.free[i-1].n += r.n
		return
	}
	copy(s.free[i+1:], s.free[i:])
	s.free[i] = r
}
