// Package evq is the machine of an event queue: producers that post a few events each
// and sleep while the queue is full, a consumer that takes them and sleeps while it
// is empty, each a program of single accesses to shared words in the order in which
// evq.Writer and evq.Reader make them. A producer can die between any two.
//
// The words are the slots, the tail, evq.want and evq.sleep; a doorbell is a bit.
// Events are told apart, so that one that is lost, doubled or out of order shows.
//
// What is left out: laps and positions do not wrap, since all runs are short
// compared to 2^24 laps; evq.sleep is a bit, and a producer that has read it knows
// whether it was written since (the code has epochs for that, and here they never repeat); the
// death of the consumer, which ends all; deadlines; words that a peer has corrupted. That a
// producer gives up after very many tries is left out too: it tries for ever, and
// must come to an end.
package evq

import (
	"errors"
	"fmt"

	"cutthrough/model/catalog"
)

// The largest configuration.
const (
	maxSlots     = 4
	maxProducers = 3
	maxEvents    = 15
)

// Config says how many producers post how many events. The zero value is not valid.
type Config struct {
	Slots     uint8 // 1, 2 or 4
	Producers uint8 // 1 to 3
	Events    uint8 // that each producer posts, 1 to 15
	Spurious  bool  // every process may wake for no reason
	Death     bool  // producers may die
	Unnoticed bool  // deaths are not noticed, as if the producer were stopped for ever
	Try       bool  // a producer that finds the queue full may try again at once instead of sleeping
	Safety    bool  // leave out what must come to pass: it takes several times the memory
}

// ErrConfig is what is wrong with a configuration.
var ErrConfig = errors.New("evq: bad configuration")

func (c Config) check() error {
	switch {
	case c.Slots != 1 && c.Slots != 2 && c.Slots != maxSlots:
		return fmt.Errorf("%w: %d slots (1, 2 or %d)", ErrConfig, c.Slots, maxSlots)
	case c.Producers < 1 || c.Producers > maxProducers:
		return fmt.Errorf("%w: %d producers (1 to %d)", ErrConfig, c.Producers, maxProducers)
	case c.Events < 1 || c.Events > maxEvents:
		return fmt.Errorf("%w: %d events (1 to %d)", ErrConfig, c.Events, maxEvents)
	case c.Unnoticed && !c.Death:
		return fmt.Errorf("%w: Unnoticed without Death", ErrConfig)
	}
	return nil
}

// Configs returns the configurations of the catalog.
func Configs() []catalog.Config[Config] {
	return []catalog.Config[Config]{
		{Name: "small", Doc: "two producers, one event each, one slot",
			Value: Config{Slots: 1, Producers: 2, Events: 1}},
		{Name: "medium", Doc: "two producers, two events each, one slot",
			Value: Config{Slots: 1, Producers: 2, Events: 2}},
		{Name: "death", Doc: "two producers, one event each, one slot; they may die, and all may wake for nothing",
			Value: Config{Slots: 1, Producers: 2, Events: 1, Spurious: true, Death: true}},
		{Name: "stopped", Doc: "two producers, two events each, one slot; they may stop for ever, and need not sleep",
			Value: Config{Slots: 1, Producers: 2, Events: 2, Death: true, Unnoticed: true, Try: true}},
		{Name: "wide", Doc: "two producers, two events each, two slots; they may die",
			Value: Config{Slots: 2, Producers: 2, Events: 2, Death: true}},
		{Name: "nightly", Doc: "three producers, two events each, two slots, everything may happen; safety only",
			Value: Config{Slots: 2, Producers: 3, Events: 2, Spurious: true, Death: true, Safety: true}},
	}
}

// slot is a slot of the queue: event 0 means that it is empty.
type slot struct {
	lap, event uint8
}

// producer is what one producer has. What it does not need any more is zero.
type producer struct {
	pc     uint8
	posted uint8 // events that are or were in the queue
	got    uint8 // of which the consumer has taken
	at     uint8 // the tail that it has read
	seen   slot  // and the slot there, if it is about to fill it
	want   uint8 // the word that it has read, if it is about to set its bit
	why    uint8 // it wakes the consumer
	fresh  bool  // evq.sleep was not written since it read it
	bell   bool  // it was rung
}

// State is one state of the machine.
type State struct {
	slots     [maxSlots]slot
	producers [maxProducers]producer
	tail      uint8
	want      uint8 // a bit for each producer
	sleep     bool
	bell      bool // of the consumer
	pc        uint8
	head      uint8
	waiters   uint8 // the producers that the consumer is about to ring
	bad       uint8 // what has gone wrong

	// Filler is zero: 48 bytes are copied faster than 46.
	Filler [2]uint8
}

// Bits of State.bad.
const (
	badCorrupt = 1 << iota // an honest peer takes the queue for corrupt
	badEvent               // the consumer has taken an event that is not the next of its producer
)

// Model is the machine in one configuration.
type Model struct {
	Config
	variants catalog.Set
	orders   [][maxProducers]uint8
	// Actions are numbered by producer and operation. Those that not every
	// configuration has come last; -1 if this one has not.
	ops, opSpurious, opDie, opTell int
}

// Name implements [check.Model].
func (m *Model) Name() string {
	c := m.Config // without Safety: two searches that differ in that have the same states
	name := fmt.Sprintf("evq slots=%d producers=%d events=%d", c.Slots, c.Producers, c.Events)
	for _, flag := range []struct {
		set  bool
		name string
	}{{c.Spurious, " spurious"}, {c.Death, " death"}, {c.Unnoticed, " unnoticed"}, {c.Try, " try"}} {
		if flag.set {
			name += flag.name
		}
	}
	return name + m.variants.String()
}

// end ends the producer; what was posted is still there.
func (q *producer) end(at uint8) { *q = producer{pc: at, posted: q.posted, got: q.got} }

// place returns the slot and the lap of a position.
func (m *Model) place(at uint8) (index, lap uint8) { return at % m.Slots, at / m.Slots }

// room says whether there is room at the tail, as hasRoom does.
func (m *Model) room(s *State, at uint8) bool {
	i, lap := m.place(at)
	return s.slots[i].event == 0 || m.ahead(s.slots[i], lap) != -1
}

// ahead returns how many laps the slot is ahead of lap.
func (m *Model) ahead(s slot, lap uint8) int {
	n := int(s.lap) - int(lap)
	if m.variants.Has(lapWrapsEarly) {
		return (n+2)&3 - 2
	}
	return n
}

// nonEmpty says what the consumer thinks when it looks whether there is something.
func (m *Model) nonEmpty(s *State) bool {
	i, lap := m.place(s.head)
	if m.variants.Has(sleepOnFullQueue) {
		last, lastLap := m.place(s.head + m.Slots - 1)
		if s.slots[last] != (slot{lastLap, 0}) {
			return false
		}
	}
	return s.slots[i] != slot{lap, 0}
}
