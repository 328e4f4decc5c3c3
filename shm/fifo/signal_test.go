package fifo

import (
	"bytes"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"cutthrough/shm"
	"cutthrough/shm/access"
)

// duet runs two tasks over a fifo, one at a time, and switches between them at
// the accesses with the given numbers and when one waits.
type duet struct {
	tasks    [2]*duetTask
	running  int
	accesses int
	preempt  []int // ascending
	switches []string
}

type duetTask struct {
	d     *duet
	body  func()
	yield func(struct{}) bool
	rung  bool
	waits bool // until rung
	done  bool
	lie   bool // each wait is first answered with a spurious wake-up
}

func (d *duet) Before(_ *shm.Segment, _, _ uint64, name shm.Name, op access.Op) {
	if d.tasks[0] == nil {
		return // the fifo is still being made
	}
	d.accesses++
	if len(d.preempt) > 0 && d.accesses == d.preempt[0] {
		d.preempt = d.preempt[1:]
		d.switches = append(d.switches, fmt.Sprintf("%d before %s %s", d.running, name, op))
		d.tasks[d.running].yield(struct{}{})
	}
}

func (d *duet) After(uint64, bool) {}

// run returns whether both tasks came to their end.
func (d *duet) run() bool {
	var nexts [2]func() (struct{}, bool)
	for i, task := range d.tasks {
		next, stop := iter.Pull(func(yield func(struct{}) bool) {
			task.yield = yield
			task.body()
			task.done = true
		})
		defer stop()
		nexts[i] = next
	}
	can := func(i int) bool { return !d.tasks[i].done && !(d.tasks[i].waits && !d.tasks[i].rung) }
	for can(0) || can(1) {
		if other := 1 - d.running; can(other) {
			d.running = other
		}
		nexts[d.running]()
	}
	return d.tasks[0].done && d.tasks[1].done
}

// The task is its own doorbell.

func (t *duetTask) Ring() error { t.rung = true; return nil }
func (t *duetTask) Wait(func() bool, time.Duration) error {
	if t.lie {
		t.yield(struct{}{})
	}
	for !t.rung {
		t.waits = true
		if !t.yield(struct{}{}) {
			return shm.ErrClosed // the run is over
		}
	}
	t.rung, t.waits = false, false
	return nil
}
func (t *duetTask) Desc() shm.Desc { return nil }
func (t *duetTask) Close() error   { return nil }

// duetConfig is one little program: the producer writes total bytes in pieces,
// the consumer reads them in pieces.
type duetConfig struct {
	capacity, total, write, read, spin int
	drain                              bool // the producer waits until all is read
	events                             bool // the consumer is driven by events
	lie                                bool
}

// play runs the program with preemptions and returns the number of accesses.
func (cfg duetConfig) play(t *testing.T, preempt ...int) int {
	t.Helper()
	d := &duet{preempt: slices.Clone(preempt), running: 1}
	f := newFixture(t, d, uint64(cfg.capacity), 1<<32-2)
	want, got := pattern(cfg.total), []byte(nil)
	prod, cons := &duetTask{d: d, lie: cfg.lie}, &duetTask{d: d, lie: cfg.lie}
	now := func() time.Duration { return 0 }
	prod.body = func() {
		w := &Writer{Fifo: f.p, Peer: cons, Bell: prod, Now: now, Spin: cfg.spin}
		for piece := range slices.Chunk(want, cfg.write) {
			if _, err := w.Write(piece, shm.Forever); err != nil {
				return
			}
		}
		if cfg.drain && w.Drain(shm.Forever) == nil && !f.p.hasFree(f.p.cap) {
			t.Error("Drain returned early")
		}
	}
	cons.body = func() {
		r := &Reader{Fifo: f.c, Peer: prod, Bell: cons, Now: now, Spin: cfg.spin}
		buf := make([]byte, cfg.read)
		for len(got) < cfg.total {
			n, err := 0, error(nil)
			if cfg.events {
				n, err = readOnEvent(r, cons, buf)
			} else {
				n, err = r.Read(buf, shm.Forever)
			}
			if err != nil {
				return
			}
			got = append(got, buf[:n]...)
		}
	}
	d.tasks = [2]*duetTask{prod, cons}
	if !d.run() {
		t.Fatalf("%+v: lost wake-up with switches %v: %d of %d bytes arrived, producer waits %t, consumer waits %t",
			cfg, d.switches, len(got), cfg.total, prod.waits, cons.waits)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%+v: with switches %v got %v, want %v", cfg, d.switches, got, want)
	}
	return d.accesses
}

// readOnEvent is how a consumer with an event queue reads: when the fifo is
// drained it turns to the next event, and when that comes, clears it first.
func readOnEvent(r *Reader, events shm.Doorbell, buf []byte) (int, error) {
	for {
		n, err := r.Fifo.Dequeue(buf)
		if err == nil {
			err = r.notify()
		}
		if n > 0 || err != nil {
			return n, err
		}
		if err := events.Wait(nil, shm.Forever); err != nil {
			return 0, err
		}
		r.Fifo.ClearEvent()
	}
}

// TestFifoWakeups plays little programs with all placements of up to two
// preemptions, and says so if any leaves both sides asleep.
func TestFifoWakeups(t *testing.T) {
	runs := 0
	for _, cfg := range []duetConfig{
		{capacity: 1, total: 3, write: 2, read: 1},
		{capacity: 2, total: 5, write: 5, read: 1, drain: true},
		{capacity: 2, total: 5, write: 1, read: 2},
		{capacity: 3, total: 7, write: 2, read: 2, spin: 1, drain: true},
		{capacity: 4, total: 3, write: 3, read: 1, drain: true}, // never full
		{capacity: 4, total: 3, write: 1, read: 2, drain: true},
		{capacity: 2, total: 4, write: 3, read: 1, drain: true, lie: true},
		{capacity: 2, total: 5, write: 2, read: 1, events: true},
		{capacity: 3, total: 6, write: 2, read: 2, drain: true, events: true, lie: true},
	} {
		n := cfg.play(t)
		for i := 1; i <= n; i++ {
			m := cfg.play(t, i)
			for j := i + 1; j <= m; j++ {
				cfg.play(t, i, j)
				runs++
			}
		}
	}
	t.Logf("%d executions", runs)
}
