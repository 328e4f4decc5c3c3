// Package signal is the machine of one fifo and its two signals: a writer and a
// reader, each a program of single accesses to shared words in the order in which
// fifo.Writer and fifo.Reader make them, that sleep while the fifo is full or
// empty, and wake each other.
//
// The writer sends so many bytes in calls of Write, waits until all are read (Drain),
// and stops. The reader reads as many and stops. The words are the counters tail
// and head, fifo.has_event, fifo.want_deq_ntf and fifo.deq_ntf_sent; a doorbell is a bit, because rings that
// nobody has taken yet are one. A process can be preempted between any two accesses.
//
// What is left out: the bytes themselves, which are safe as long as the counters
// are (S6); words that a peer has corrupted, which are errors and not signals;
// deadlines; and that a look before going to sleep may fail to see what is
// there, which only adds delay. Private work happens together with the access before it.
package signal

import (
	"errors"
	"fmt"

	"cutthrough/model/catalog"
	"cutthrough/model/check"
)

// Config is what the two sides do. The zero value is not valid.
type Config struct {
	Capacity uint8 // of the fifo, 1 to 8 bytes
	Bytes    uint8 // that are written and read, 1 to 200
	Write    uint8 // bytes in a call, up to Bytes; the last call may have fewer
	Read     uint8 // size of the reader's buffer, up to Bytes
	Any      bool  // any size from 1 to Write, and to Read, each time
	Batch    uint8 // bytes after which Enqueue publishes; 0: all at once. The reader releases what it has read.
	Spurious bool  // either side may wake for no reason
	Death    bool  // either side may die, and the other is told
	Safety   bool  // leave out what must come to pass: it takes several times the memory
}

// ErrConfig is what is wrong with a configuration.
var ErrConfig = errors.New("signal: bad configuration")

func (c Config) check() error {
	switch {
	case c.Capacity < 1 || c.Capacity > 8:
		return fmt.Errorf("%w: a fifo of %d bytes (1 to 8)", ErrConfig, c.Capacity)
	case c.Bytes < 1 || c.Bytes > 200:
		return fmt.Errorf("%w: %d bytes to write (1 to 200)", ErrConfig, c.Bytes)
	case c.Write < 1 || c.Write > c.Bytes || c.Read < 1 || c.Read > c.Bytes:
		return fmt.Errorf("%w: writes of %d and reads of %d bytes (1 to %d)", ErrConfig, c.Write, c.Read, c.Bytes)
	}
	return nil
}

// Configs returns the configurations of the catalog.
func Configs() []catalog.Config[Config] {
	return []catalog.Config[Config]{
		{Name: "small", Doc: "a fifo of one byte, two bytes",
			Value: Config{Capacity: 1, Bytes: 2, Write: 2, Read: 1}},
		{Name: "medium", Doc: "a fifo of three bytes, six bytes in calls of any size, spurious wake-ups",
			Value: Config{Capacity: 3, Bytes: 6, Write: 4, Read: 3, Any: true, Batch: 1, Spurious: true}},
		{Name: "death", Doc: "a fifo of two bytes, four bytes, either side may die",
			Value: Config{Capacity: 2, Bytes: 4, Write: 3, Read: 2, Spurious: true, Death: true}},
		{Name: "nightly", Doc: "a fifo of three bytes, a hundred bytes, everything may happen; safety only",
			Value: Config{Capacity: 3, Bytes: 100, Write: 6, Read: 4, Any: true, Batch: 2, Spurious: true, Death: true, Safety: true}},
	}
}

// State is one state of the machine. A private field that its side does not need
// any more is zero, but for what it has seen of the other's counter.
type State struct {
	tail, head      uint8 // the shared counters, modulo 256
	event, has      bool
	want            uint8
	wbell, rbell    bool // the writer and the reader have been rung
	wpc, rpc        uint8
	wtail           uint8 // bytes staged or published
	whead           uint8 // head when the writer last looked
	left            uint8 // bytes of this Write that are not yet enqueued; 0 in Drain
	need            uint8 // free bytes that the writer waits for
	rhead           uint8 // bytes dequeued
	rtail           uint8 // tail when the reader last looked
	rwant           uint8 // want when the reader last looked
	wkept, rkept    uint8 // what a variant keeps
	events, notices uint8 // notifications since the flag was last cleared
	slept           uint8 // who slept so far

	// Filler is zero: 32 bytes are copied faster than 21.
	Filler [11]uint8
}

// start is where the counters start, so that they wrap on the way.
const start = 254

// Bits of State.slept.
const (
	sleptWriter = 1 << iota
	sleptReader
	sleptDrain
)

// Model is the machine in one configuration.
type Model struct {
	Config
	variants catalog.Set
}

// New returns the machine, with the named mistakes. ErrConfig,
// [catalog.ErrUnknown].
func New(c Config, variants ...string) (*Model, error) {
	set, err := catalog.Select(Variants(), variants)
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return nil, err
	}
	return &Model{c, set}, nil
}

// Entry returns the machine's entry in the catalog.
func Entry() catalog.Entry {
	return catalog.Of("signal", "one fifo, its event and its dequeue notification, sleeping sides",
		Configs(), Variants(), New)
}

// Name implements [check.Model].
func (m *Model) Name() string {
	c := m.Config // without Safety: two searches that differ in that have the same states
	name := fmt.Sprintf("signal fifo=%d bytes=%d write=%d read=%d batch=%d", c.Capacity, c.Bytes, c.Write, c.Read, c.Batch)
	for _, flag := range []struct {
		set  bool
		name string
	}{{c.Any, " any"}, {c.Spurious, " spurious"}, {c.Death, " death"}} {
		if flag.set {
			name += flag.name
		}
	}
	return name + m.variants.String()
}

// Init implements [check.Model].
func (m *Model) Init() []State {
	s := State{tail: start, head: start, wtail: start, whead: start, rhead: start, rtail: start, wpc: wCall, rpc: rCall}
	if m.variants.Has(drainWhatWasSeen) {
		s.rpc = rWait
	}
	return []State{s}
}

// Next implements [check.Model].
func (m *Model) Next(s State, emit func(int, State)) {
	m.writer(s, emit)
	m.reader(s, emit)
	if m.Death && s.wpc < wDone {
		t := s
		t.endWriter(wDead)
		emit(aWriterDies, t)
	}
	if m.Death && s.rpc < rDone {
		t := s
		t.endReader(rDead)
		emit(aReaderDies, t)
	}
}

func (s *State) over() bool { return s.wpc >= wDone && s.rpc >= rDone }

// stuck says that nobody will ever do anything again, unless it wakes for no reason,
// though somebody is not done.
func (m *Model) stuck(s *State) bool {
	hangup := !m.variants.Has(nobodyHangsUp)
	writer := s.wpc >= wDone || s.wpc == wAsleep && !s.wbell && !(s.rpc == rDead && hangup)
	reader := s.rpc >= rDone || s.rpc == rAsleep && !s.rbell && !(s.wpc == wDead && hangup)
	return writer && reader && !s.over()
}

// The properties that variants violate.
const (
	noLostWakeup = "L5: nobody sleeps for ever"
	noOverrun    = "S6: no byte is overwritten before it is read"
	noUnderrun   = "S6: no byte is read before it is written"
	flagMeaning  = "a set flag means that somebody was notified since it was cleared"
	onlyOnce     = "nobody is notified twice between two armings"
	ringsUntold  = "who rings has asked whether the other was told, and it was not"
	asksNoMore   = "who knows that there is nothing to tell asks no further"
	asksForMore  = "who asks to be rung knows of too little"
	forRoom      = "the writer is rung for as much room as it wants, not for less"
	moves        = "what is published or released is not nothing"
	drained      = "a drain ends when all is released"
	allRead      = "L5: all bytes are read"
	allDone      = "L6: both sides come to an end"
)

// Properties implements [check.Model].
func (m *Model) Properties() []check.Property[State] {
	type S = State
	slept := func(who uint8) func(S) bool { return func(s S) bool { return s.slept&who == who } }
	ps := []check.Property[S]{
		check.NoDeadlock("no deadlock", func(s S) bool { return s.over() }),
		check.Invariant(noLostWakeup, func(s S) bool { return !m.stuck(&s) }),
		check.Invariant(noOverrun, func(s S) bool { return s.wtail-s.head <= m.Capacity }),
		check.Invariant(noUnderrun, func(s S) bool { return s.tail-s.rhead <= m.Capacity && s.rhead-s.head <= m.Capacity }),
		check.Invariant(flagMeaning, func(s S) bool { return !(s.event && s.events == 0) && !(s.has && s.notices == 0) }),
		check.Invariant(onlyOnce, func(s S) bool { return s.events <= 1 && s.notices <= 1 }),
		check.Invariant(drained, func(s S) bool { return s.wpc != wDone || s.rpc == rDead || s.head == s.tail }),
		check.StepInvariant(ringsUntold, func(s *S, _ int, t *S) bool {
			return (s.rings() || !t.rings() || !s.event && t.events > s.events) &&
				(s.rpc == rRing || t.rpc != rRing || !s.has && t.notices > s.notices)
		}),
		check.StepInvariant(asksNoMore, func(s *S, _ int, t *S) bool {
			return (s.wpc == wMark || t.wpc != wMark || !s.event) && (s.rpc != rHas || t.rpc != rLook || !s.has) &&
				(s.rpc == rHas || t.rpc != rHas || t.rwant > 0 && m.Capacity-t.known() >= t.rwant)
		}),
		check.StepInvariant(asksForMore, func(s *S, _ int, t *S) bool {
			return (s.wpc == wArm || t.wpc != wArm || m.free(t) < t.need) && (s.rpc == rArm || t.rpc != rArm || t.known() == 0)
		}),
		check.StepInvariant(forRoom, func(s *S, _ int, t *S) bool {
			return s.rpc == rMark || t.rpc != rMark || s.rwant > 0 && m.Capacity-(s.tail-s.rhead) >= s.rwant
		}),
		check.StepInvariant(moves, func(s *S, action int, t *S) bool {
			return (action != aPublish || t.tail != s.tail) && (action != aRelease || t.head != s.head)
		}),
		check.Reachable("the writer slept", slept(sleptWriter)),
		check.Reachable("the reader slept", slept(sleptReader)),
		check.Reachable("the drain slept", slept(sleptDrain)),
		check.Reachable("both slept in one run", slept(sleptWriter|sleptReader|sleptDrain)),
		check.Reachable("the fifo is full", func(s S) bool { return s.tail-s.head == m.Capacity }),
		check.Reachable("a ring is left over", func(s S) bool { return s.over() && (s.wbell || s.rbell) }),
		check.Reachable("all is read", func(s S) bool { return s.rhead-start == m.Bytes && s.over() }),
	}
	if m.Death {
		ps = append(ps,
			check.Reachable("the writer was told of a death", func(s S) bool { return s.wpc == wDone && s.tail-s.rhead != 0 }),
			check.Reachable("the reader was told of a death", func(s S) bool { return s.rpc == rDone && s.rhead-start != m.Bytes }))
	}
	if m.Safety {
		return ps
	}
	writer, reader := m.fairness()
	return append(ps,
		check.Inevitable(allRead, func(s S) bool { return s.rhead-start == m.Bytes || s.wpc == wDead || s.rpc == rDead }, writer, reader),
		check.Inevitable(allDone, func(s S) bool { return s.over() }, writer, reader))
}

// fairness returns the steps of either side: each goes on as long as it can. Nobody
// has to die, or to wake for no reason.
func (m *Model) fairness() (writer, reader check.Fair) {
	for a := aWriterLook; a < aReaderLook; a++ {
		writer = append(writer, a)
	}
	for a := aReaderLook; a < aWriterSpurious; a++ {
		reader = append(reader, a)
	}
	if m.Death {
		writer, reader = append(writer, aWriterTold), append(reader, aReaderTold)
	}
	return writer, reader
}
