package fifo

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cutthrough/shm"
	"cutthrough/shm/access"
	"cutthrough/shm/oshost"
)

var nameTestBell = shm.NewName("test.bell")

// newStream returns the two ends of a stream through a fifo on the heap, where
// the race detector sees it, with real doorbells.
func newStream(t testing.TB, capacity, start uint64, spin int) (*Writer, *Reader) {
	t.Helper()
	f := newFixture(t, nil, capacity, start)
	h := oshost.New()
	var bells [2]shm.Doorbell
	for i := range bells {
		w, r, err := h.NewDoorbell()
		must(t, err)
		wait, err1 := h.OpenWaiter(w, nameTestBell)
		ring, err2 := h.OpenRinger(r, nameTestBell)
		must(t, errors.Join(err1, err2))
		bells[i] = rungFromOutside{wait, ring}
		t.Cleanup(func() {
			if err := bells[i].Close(); err != nil && !errors.Is(err, shm.ErrClosed) {
				t.Error(err)
			}
		})
	}
	return &Writer{Fifo: f.p, Peer: bells[1], Bell: bells[0], Now: h.Now, Spin: spin},
		&Reader{Fifo: f.c, Peer: bells[0], Bell: bells[1], Now: h.Now, Spin: spin}
}

// rungFromOutside is a doorbell with both its ends, which rings at the one of a peer.
type rungFromOutside struct {
	shm.Doorbell
	ring shm.RingCloser
}

func (b rungFromOutside) Ring() error { return b.ring.Ring() }

func (b rungFromOutside) Close() error { return errors.Join(b.Doorbell.Close(), b.ring.Close()) }

// transfer sends total bytes in pieces of up to 2*piece through the stream and checks
// them at the other end.
func transfer(t *testing.T, w *Writer, r *Reader, total, piece int) {
	t.Helper()
	all := pattern(1 << 17) // byte i of the stream is all[i % 65536]; it repeats, so any run is in here
	sent := make(chan error, 1)
	go func() {
		rnd := rand.New(rand.NewPCG(7, 8))
		for at := 0; at < total; {
			n := min(rnd.IntN(2*piece)+1, total-at)
			if _, err := w.Write(all[at&0xffff:][:n], shm.Forever); err != nil {
				sent <- err
				return
			}
			at += n
		}
		sent <- w.Drain(shm.Forever)
	}()
	rnd := rand.New(rand.NewPCG(9, 10))
	buf := make([]byte, 2*piece)
	for at := 0; at < total; {
		n, err := r.Read(buf[:1+rnd.IntN(2*piece)], shm.Forever)
		must(t, err)
		if !bytes.Equal(buf[:n], all[at&0xffff:][:n]) {
			t.Fatalf("the stream differs between bytes %d and %d", at, at+n)
		}
		at += n
	}
	must(t, <-sent)
}

func TestStreamSmall(t *testing.T) {
	for _, spin := range []int{0, 1, SpinDefault} {
		for _, capacity := range []uint64{1, 2, 3, 17, 64} {
			w, r := newStream(t, capacity, math.MaxUint64-500, spin)
			transfer(t, w, r, 2000, 10)
		}
	}
}

// TestStreamLarge moves a lot through a fifo whose counters pass 2^32 and whose
// size is not a power of two (conformance D-08).
func TestStreamLarge(t *testing.T) {
	const total = 1 << 26
	w, r := newStream(t, 100_001, 1<<32-total/2, SpinDefault)
	transfer(t, w, r, total, 16<<10)
}

func TestStreamInPlace(t *testing.T) {
	w, r := newStream(t, 1000, 1<<32-3000, 0)
	const total = 200_000
	done := make(chan struct{})
	go func() {
		defer close(done)
		for at := 0; at < total; {
			a, b, err := w.Fifo.Reserve(uint64(min(100, total-at)))
			if err != nil {
				t.Error(err)
				return
			}
			for _, piece := range [][]byte{a, b} {
				for i := range piece {
					piece[i] = byte(at % 251)
					at++
				}
			}
			w.Fifo.Commit(uint64(len(a) + len(b)))
			err = w.Flush()
			if err == nil && len(a) == 0 {
				err = w.Wait(1, shm.Forever)
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for at := 0; at < total; {
		a, b, err := r.Fifo.ReadPieces(77)
		must(t, err)
		for _, piece := range [][]byte{a, b} {
			for _, v := range piece {
				if v != byte(at%251) {
					t.Fatalf("byte %d is %d, want %d", at, v, at%251)
				}
				at++
			}
		}
		_, err = r.Fifo.Drop(uint64(len(a) + len(b)))
		must(t, err)
		must(t, r.notify())
		if len(a) == 0 {
			must(t, r.Wait(shm.Forever))
		}
	}
	<-done
}

// A deadline that has passed makes a call non-blocking: it neither spins nor asks
// for a ring.
func TestStreamNonBlocking(t *testing.T) {
	var log accessLog
	f := newFixture(t, &log, 4, 0)
	now := func() time.Duration { return 10 }
	w := &Writer{Fifo: f.p, Peer: fakeBell{shm.ErrDeadline}, Bell: fakeBell{shm.ErrDeadline}, Now: now, Spin: 5}
	r := &Reader{Fifo: f.c, Peer: fakeBell{shm.ErrDeadline}, Bell: fakeBell{shm.ErrDeadline}, Now: now, Spin: 5}
	for _, step := range []struct {
		name string
		do   func() error
		want string
	}{
		{"Read", func() error { _, err := r.Read(make([]byte, 4), 10); return err }, "fifo.tail load"},
		{"Write", func() error { _, err := w.Write(make([]byte, 5), 10); return err },
			"fifo.head load, fifo.data write 2, fifo.data write 2, fifo.tail store, fifo.has_event load, fifo.has_event swap"},
		{"Drain", func() error { return w.Drain(10) }, "fifo.head load"},
	} {
		log.take()
		if err := step.do(); !errors.Is(err, shm.ErrDeadline) {
			t.Errorf("%s = %v, want ErrDeadline", step.name, err)
		}
		if diff := cmp.Diff(step.want, log.take()); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", step.name, diff)
		}
	}
}

func TestStreamDeadline(t *testing.T) {
	for _, spin := range []int{0, 10} {
		w, r := newStream(t, 10, 0, spin)
		buf := make([]byte, 20)
		for _, deadline := range []time.Duration{0, w.Now() + time.Millisecond} {
			if n, err := r.Read(buf, deadline); n != 0 || !errors.Is(err, shm.ErrDeadline) {
				t.Errorf("Read of an empty fifo = %d, %v, want ErrDeadline", n, err)
			}
		}
		if n, err := r.Read(nil, 0); n != 0 || err != nil {
			t.Errorf("Read of no bytes = %d, %v", n, err)
		}
		if n, err := w.Write(buf, 0); n != 10 || !errors.Is(err, shm.ErrDeadline) {
			t.Errorf("Write of 20 bytes = %d, %v, want 10, ErrDeadline", n, err)
		}
		if n, err := w.Write(buf, w.Now()+time.Millisecond); n != 0 || !errors.Is(err, shm.ErrDeadline) {
			t.Errorf("Write to a full fifo = %d, %v, want 0, ErrDeadline", n, err)
		}
		if err := w.Drain(w.Now() + time.Millisecond); !errors.Is(err, shm.ErrDeadline) {
			t.Errorf("Drain of a full fifo = %v, want ErrDeadline", err)
		}
		if n, err := r.Read(buf, 0); n != 10 || err != nil {
			t.Errorf("Read with a deadline that has passed = %d, %v, want what is there", n, err)
		}
		if err := w.Drain(0); err != nil {
			t.Errorf("Drain of an empty fifo = %v", err)
		}
	}
}

// An error of the doorbell ends a call, and what was moved is counted.
func TestStreamClosed(t *testing.T) {
	w, r := newStream(t, 10, 0, 0)
	must(t, w.Bell.(shm.Doorbell).Close())
	if n, err := w.Write(make([]byte, 20), shm.Forever); n != 10 || !errors.Is(err, shm.ErrClosed) {
		t.Errorf("Write with a closed bell = %d, %v, want 10, ErrClosed", n, err)
	}
	if n, err := r.Read(make([]byte, 20), shm.Forever); n != 10 || !errors.Is(err, shm.ErrClosed) {
		t.Errorf("Read with the producer's bell closed = %d, %v, want 10, ErrClosed", n, err)
	}
	must(t, r.Bell.(shm.Doorbell).Close())
	if n, err := r.Read(make([]byte, 20), shm.Forever); n != 0 || !errors.Is(err, shm.ErrClosed) {
		t.Errorf("Read with a closed bell = %d, %v, want ErrClosed", n, err)
	}
	if n, err := w.Write(make([]byte, 3), shm.Forever); n != 3 || !errors.Is(err, shm.ErrClosed) {
		t.Errorf("Write with the consumer's bell closed = %d, %v, want 3, ErrClosed", n, err)
	}
}

func TestStreamCorrupt(t *testing.T) {
	w, r := newStream(t, 10, 0, SpinDefault)
	w.Fifo.headWord.Store(7)
	if n, err := w.Write(make([]byte, 20), shm.Forever); n != 0 || !errors.Is(err, shm.ErrCorrupt) {
		t.Errorf("Write = %d, %v, want ErrCorrupt", n, err)
	}
	if err := w.Drain(shm.Forever); !errors.Is(err, shm.ErrCorrupt) {
		t.Errorf("Drain = %v, want ErrCorrupt", err)
	}
	r.Fifo.tailWord.Store(77)
	if n, err := r.Read(make([]byte, 20), shm.Forever); n != 0 || !errors.Is(err, shm.ErrCorrupt) {
		t.Errorf("Read = %d, %v, want ErrCorrupt", n, err)
	}
}

// trickle dequeues a byte whenever the producer looks.
type trickle struct {
	c    *Consumer
	busy bool
}

func (y *trickle) Before(_ *shm.Segment, _, _ uint64, name shm.Name, op access.Op) {
	if y.c == nil || y.busy || name != nameHead || op != access.Load {
		return
	}
	y.busy = true
	if _, err := y.c.Drop(1); err != nil {
		panic(err)
	}
	y.c.Release()
	y.busy = false
}

func (y *trickle) After(uint64, bool) {}

// A consumer that is never quite idle cannot keep a Write or a Drain beyond the deadline.
func TestStreamTrickle(t *testing.T) {
	y := new(trickle)
	f := newFixture(t, y, 100, 0)
	y.c = f.c
	clock := time.Duration(0)
	now := func() time.Duration { clock++; return clock }
	w := &Writer{Fifo: f.p, Peer: fakeBell{}, Bell: fakeBell{}, Now: now, Spin: 1}
	n, err := w.Write(make([]byte, 1000), 10)
	if n <= 100 || n > 250 || !errors.Is(err, shm.ErrDeadline) {
		t.Errorf("Write = %d, %v, want ErrDeadline after some more than 100 bytes", n, err)
	}
	if err := w.Drain(clock + 10); !errors.Is(err, shm.ErrDeadline) || f.p.hasFree(f.p.cap) {
		t.Errorf("Drain = %v, drained %t, want ErrDeadline", err, f.p.hasFree(f.p.cap))
	}
}

// fakeBell is a doorbell of which each Wait returns err at once.
type fakeBell struct{ err error }

func (fakeBell) Ring() error                             { return nil }
func (b fakeBell) Wait(func() bool, time.Duration) error { return b.err }
func (fakeBell) Desc() shm.Desc                          { return nil }
func (fakeBell) Close() error                            { return nil }

func TestStreamAllocatesNothing(t *testing.T) {
	w, r := newStream(t, 4096, 0, 3)
	w.Bell, r.Bell = fakeBell{shm.ErrDeadline}, fakeBell{shm.ErrDeadline}
	msg := make([]byte, 3000)
	if n := testing.AllocsPerRun(100, func() {
		n, err := w.Write(msg, shm.Forever)
		for err == nil {
			n, err = w.Write(msg, shm.Forever)
		}
		_, _ = n, w.Drain(shm.Forever)
		for _, err = r.Read(msg, shm.Forever); err == nil; {
			_, err = r.Read(msg, shm.Forever)
		}
		if !errors.Is(err, shm.ErrDeadline) {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per round", n)
	}
}
