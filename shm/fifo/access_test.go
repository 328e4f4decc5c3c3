package fifo

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cutthrough/shm"
	"cutthrough/shm/access"
)

// accessLog is a shm.AccessHook that writes down what is accessed.
type accessLog []string

func (l *accessLog) Before(_ *shm.Segment, _, n uint64, name shm.Name, op access.Op) {
	if op.Plain() {
		*l = append(*l, fmt.Sprintf("%s %s %d", name, op, n))
	} else {
		*l = append(*l, fmt.Sprintf("%s %s", name, op))
	}
}

func (l *accessLog) After(uint64, bool) {}

// take returns the log and starts a new one.
func (l *accessLog) take() string {
	s := strings.Join(*l, ", ")
	*l = nil
	return s
}

// TestFifoAccesses pins the memory protocol: which words and bytes each
// operation accesses and in which order. Everything that is said about ordering in
// the comments can be seen here.
func TestFifoAccesses(t *testing.T) {
	var log accessLog
	f := newFixture(t, &log, 8, 0)
	p, c := f.p, f.c
	log.take()
	buf := make([]byte, 20)
	for _, step := range []struct {
		name string
		do   func()
		want string
	}{
		{"enqueue with room", func() { _, _ = p.Enqueue(buf[:4]) }, "fifo.data write 2, fifo.data write 2"},
		{"publish", p.Publish, "fifo.tail store"},
		{"publish nothing", p.Publish, ""},
		{"first event", func() { p.NeedsEvent() }, "fifo.has_event load, fifo.has_event swap"},
		{"no news, no event", func() { p.NeedsEvent() }, ""},
		{"enqueue the last bytes", func() { _, _ = p.Enqueue(buf[:4]) }, "fifo.data write 2, fifo.data write 2"},
		{"second event", func() { p.Publish(); p.NeedsEvent() }, "fifo.tail store, fifo.has_event load"},
		{"enqueue when full", func() { _, _ = p.Enqueue(buf) }, "fifo.head load"},
		{"arm dequeue", func() { _, _ = p.ArmDequeue(1) }, "fifo.want_deq_ntf store, fifo.deq_ntf_sent swap, fifo.head load"},

		{"dequeue from nothing seen", func() { _, _ = c.Dequeue(buf[:3]) }, "fifo.tail load, fifo.data read 2, fifo.data read 1"},
		{"dequeue what was seen", func() { _, _ = c.Dequeue(buf[:3]) }, "fifo.data read 2, fifo.data read 1"},
		{"peek what was seen", func() { _, _ = c.Peek(1, buf[:1]) }, "fifo.data read 1"},
		{"notify", func() { _, _ = c.NeedsDequeueNotify() }, "fifo.head store, fifo.want_deq_ntf load, fifo.deq_ntf_sent load, fifo.tail load, fifo.deq_ntf_sent swap"},
		{"no news, no notification", func() { _, _ = c.NeedsDequeueNotify() }, ""},
		{"dequeue more than was seen", func() { _, _ = c.Dequeue(buf[:3]) }, "fifo.tail load, fifo.data read 1, fifo.data read 1"},
		{"notify in flight", func() { _, _ = c.NeedsDequeueNotify() }, "fifo.head store, fifo.want_deq_ntf load, fifo.deq_ntf_sent load"},
		{"arm event", func() { _, _ = c.ArmEvent() }, "fifo.has_event swap, fifo.tail load"},
		{"clear event", c.ClearEvent, "fifo.has_event swap"},

		{"arm for empty", func() { _, _ = p.ArmDequeue(8) }, "fifo.want_deq_ntf store, fifo.deq_ntf_sent swap, fifo.head load"},
		{"reserve", func() { _, _, _ = p.Reserve(8) }, ""},
		{"commit", func() { p.Commit(6) }, "fifo.data write 6"},
		{"free", func() { _, _ = p.Free() }, "fifo.tail store, fifo.head load"},
		{"read in place", func() { _, _, _ = c.ReadPieces(5) }, "fifo.tail load, fifo.data read 5"},
		{"drop", func() { _, _ = c.Drop(5) }, "fifo.data read 5"},
		{"notify unless more is inside", func() { _, _ = c.NeedsDequeueNotify() }, "fifo.head store, fifo.want_deq_ntf load"},
		{"drop the last", func() { _, _ = c.Drop(1) }, "fifo.data read 1"},
		{"notify when empty", func() { _, _ = c.NeedsDequeueNotify() },
			"fifo.head store, fifo.want_deq_ntf load, fifo.deq_ntf_sent load, fifo.tail load, fifo.deq_ntf_sent swap"},

		{"round the end", func() { _, _ = p.Enqueue(buf[:5]) }, "fifo.head load, fifo.data write 1, fifo.data write 1, fifo.data write 2, fifo.data write 1"},
		{"round the end in place", func() { p.Publish(); _, _, _ = c.ReadPieces(9) }, "fifo.tail store, fifo.tail load, fifo.data read 2, fifo.data read 3"},
		{"drop round the end", func() { _, _ = c.Drop(5) }, "fifo.data read 2, fifo.data read 3"},
		{"release", c.Release, "fifo.head store"},
		{"release nothing", c.Release, ""},
		{"enqueue a batch", func() { _, _ = p.Enqueue(buf[:8]) },
			"fifo.head load, fifo.data write 3, fifo.data write 2, fifo.data write 2, fifo.data write 1, fifo.tail store"},
		{"commit a batch", func() { _, _ = c.Drop(8); _, _, _ = p.Reserve(8); p.Commit(8) },
			"fifo.tail load, fifo.data read 5, fifo.data read 3, fifo.head store, fifo.head load, fifo.data write 5, fifo.data write 3, fifo.tail store"},
		{"drop a batch", func() { _, _ = c.Drop(8) }, "fifo.tail load, fifo.data read 5, fifo.data read 3, fifo.head store"},
		{"readable", func() { _, _ = c.Readable() }, "fifo.tail load"},
		{"enqueue and peek", func() { _, _ = p.Enqueue(buf[:1]); p.Publish(); _, _ = c.Peek(0, buf[:1]) },
			"fifo.head load, fifo.data write 1, fifo.tail store, fifo.tail load, fifo.data read 1"},
		{"readable after a drop", func() { _, _ = c.Drop(1); _, _ = c.Readable() }, "fifo.data read 1, fifo.head store, fifo.tail load"},
		{"is some free", func() { p.hasFree(3) }, "fifo.head load"},
		{"is all free", func() { p.hasFree(8) }, "fifo.head load"},
		{"is there news", func() { c.hasNews() }, "fifo.tail load"},
	} {
		step.do()
		if diff := cmp.Diff(step.want, log.take()); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", step.name, diff)
		}
	}
}

// No operation reads the geometry, or reads a counter of the peer twice, or reads its
// own counter at all.
func TestFifoReadsPeerOnce(t *testing.T) {
	var log accessLog
	f := newFixture(t, &log, 5000, 1<<32-3)
	r := rand.New(rand.NewPCG(5, 6))
	for range 20_000 {
		op := fifoOps[r.IntN(len(fifoOps))]
		log.take()
		_, err := op.do(&f, make([]byte, r.IntN(6000)))
		must(t, err)
		peer, own := "fifo.tail load", "fifo.head load"
		if op.producer {
			peer, own = own, peer
		}
		if n := strings.Count(strings.Join(log, ","), peer); n > 1 {
			t.Fatalf("%s: %d times %s: %v", op.name, n, peer, log)
		}
		for _, never := range []string{own, "fifo.cap load", "fifo.start load", "fifo.magic load"} {
			if slices.Contains(log, never) {
				t.Fatalf("%s: %v", op.name, log)
			}
		}
	}
}

func TestOpenFifoReadsOnce(t *testing.T) {
	var log accessLog
	f := newFixture(t, &log, 8, 0)
	log.take()
	_, err := OpenProducer(f.s, fifoAt)
	must(t, err)
	want := "fifo.magic load, fifo.cap load, fifo.start load, fifo.tail load, fifo.head load"
	if diff := cmp.Diff(want, log.take()); diff != "" {
		t.Errorf("OpenProducer (-want +got)\n%s", diff)
	}
	_, err = OpenConsumer(f.s, fifoAt)
	must(t, err)
	want = "fifo.magic load, fifo.cap load, fifo.start load, fifo.head load, fifo.tail load"
	if diff := cmp.Diff(want, log.take()); diff != "" {
		t.Errorf("OpenConsumer (-want +got)\n%s", diff)
	}
}
