// Package signal is the machine of one fifo and its two signals: a writer and a
// reader, each a program of single accesses to shared words in the order in which
// fifo.Writer and fifo.Reader make them, that sleep while the fifo is full or
// empty, and wake each other.
//
// The writer sends so many bytes in calls of Write, waits until all are read (Drain),
// and stops. The reader reads as many and stops. The words are the counters tail
// and head, fifo.has_event, fifo.want_deq_ntf and fifo.deq_ntf_sent; a doorbell is a bit, because several
// rings that are not taken yet count as one. A process can be preempted between any two accesses.
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
)

// Config is what the two sides do. The zero value is not valid.
type Config struct {
	Capacity uint8 // of the fifo, 1 to 8 bytes
	Bytes    uint8 // bytes that are written and read, 1 to 200
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
	slept           uint8 // the sides that have slept so far

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
