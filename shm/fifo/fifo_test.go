package fifo

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"cutthrough/shm"
	"cutthrough/shm/internal/shmtest"
)

// fifoAt is where the tests put their fifo: not a multiple of two cache lines,
// which must not matter.
const fifoAt = 3 * align

// starts are counter values around which something could wrap.
var starts = []uint64{0, 1, 1<<31 - 5, 1<<32 - 40, 1<<32 - 1, 1 << 32, 1<<63 - 20, math.MaxUint64 - 40, math.MaxUint64}

type fixture struct {
	s *shm.Segment
	p *Producer
	c *Consumer
}

// failer is the part of testing.TB that rapid.T has too.
type failer interface {
	Helper()
	Fatal(args ...any)
}

func newFixture(t failer, y shm.AccessHook, capacity, start uint64) fixture {
	t.Helper()
	s, err := shm.FormatSegment(shm.HeapBytes(max(shm.MinSegment, 1024+Size(capacity))), 1, y, nil, nil)
	must(t, err)
	must(t, Init(s, fifoAt, capacity, start))
	p, err := OpenProducer(s, fifoAt)
	must(t, err)
	c, err := OpenConsumer(s, fifoAt)
	must(t, err)
	return fixture{s, p, c}
}

func must(t failer, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pattern returns n bytes of which no short run repeats within 64 KiB.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*31 ^ i>>8*17)
	}
	return b
}

func TestFifoHello(t *testing.T) { // conformance B-09
	f := newFixture(t, nil, 100, 0)
	n, err := f.p.Enqueue([]byte("hello, world"))
	if n != 12 || err != nil {
		t.Fatalf("Enqueue = %d, %v, want 12", n, err)
	}
	got := make([]byte, 100)
	if n, err := f.c.Dequeue(got); n != 0 || err != nil {
		t.Fatalf("Dequeue before Publish = %d, %v, want 0", n, err)
	}
	f.p.Publish()
	if n, err := f.c.Dequeue(got); string(got[:n]) != "hello, world" || err != nil {
		t.Fatalf("Dequeue = %q, %v", got[:n], err)
	}
}

func TestFifoBytewise(t *testing.T) { // conformance D-04, B-06
	want := pattern(5000)
	for _, capacity := range []uint64{1, 2, 3, 63, 64, 65, 4096, 8192} {
		f := newFixture(t, nil, capacity, 0)
		var got []byte
		one := make([]byte, 1)
		for _, b := range want {
			one[0] = b
			if n, err := f.p.Enqueue(one); n != 1 || err != nil {
				t.Fatalf("capacity %d: Enqueue = %d, %v", capacity, n, err)
			}
			f.p.Publish()
			if n, err := f.c.Dequeue(one); n != 1 || err != nil {
				t.Fatalf("capacity %d: Dequeue = %d, %v", capacity, n, err)
			}
			got = append(got, one[0])
		}
		if !bytes.Equal(got, want) {
			t.Errorf("capacity %d: the stream differs", capacity)
		}
	}
}

func TestFifoWrap(t *testing.T) { // conformance D-06
	for _, start := range starts {
		for _, capacity := range []uint64{1, 7, 64, 100, 4095, 4096} {
			t.Run(fmt.Sprintf("start=%#x/capacity=%d", start, capacity), func(t *testing.T) {
				f := newFixture(t, nil, capacity, start)
				r := rand.New(rand.NewPCG(start, capacity))
				want := pattern(int(4*capacity + 300))
				var got []byte
				for in := 0; len(got) < len(want); {
					n, err := f.p.Enqueue(want[in:min(len(want), in+r.IntN(90))])
					must(t, err)
					in += n
					if r.IntN(2) == 0 || n == 0 {
						f.p.Publish()
					}
					buf := make([]byte, r.IntN(90))
					n, err = f.c.Dequeue(buf)
					must(t, err)
					got = append(got, buf[:n]...)
				}
				if !bytes.Equal(got, want) {
					t.Error("the stream differs")
				}
			})
		}
	}
}

func TestFifoInPlace(t *testing.T) { // conformance D-11
	// 100 bytes of capacity with both ends at position 60: the first piece must end
	// where the data area does, although everything is free.
	f := newFixture(t, nil, 100, math.MaxUint64-30)
	in, out := make([]byte, 60), make([]byte, 60)
	_, err := f.p.Enqueue(in)
	must(t, err)
	f.p.Publish()
	_, err = f.c.Dequeue(out)
	must(t, err)
	f.c.Release()

	a, b, err := f.p.Reserve(1000)
	if len(a) != 40 || len(b) != 60 || err != nil {
		t.Fatalf("Reserve on an empty fifo = %d, %d bytes, %v, want 40, 60", len(a), len(b), err)
	}
	want := pattern(70)
	copy(a, want)
	copy(b, want[40:])
	f.p.Commit(70)
	if a, b, err := f.c.ReadPieces(1000); len(a)+len(b) != 0 || err != nil {
		t.Fatalf("ReadPieces before Publish = %d, %d bytes, %v", len(a), len(b), err)
	}
	f.p.Publish()
	if a, b, err := f.c.ReadPieces(30); len(a) != 30 || len(b) != 0 || err != nil {
		t.Fatalf("ReadPieces(30) = %d, %d bytes, %v", len(a), len(b), err)
	}
	a, b, err = f.c.ReadPieces(1000)
	if len(a) != 40 || len(b) != 30 || !bytes.Equal(append(bytes.Clone(a), b...), want) || err != nil {
		t.Fatalf("ReadPieces = %q, %q, %v", a, b, err)
	}
	if n, err := f.c.Drop(50); n != 50 || err != nil {
		t.Fatalf("Drop(50) = %d, %v", n, err)
	}
	if n, err := f.p.Free(); n != 30 || err != nil {
		t.Fatalf("Free before Release = %d, %v, want 30", n, err)
	}
	f.c.Release()
	if n, err := f.p.Free(); n != 80 || err != nil {
		t.Fatalf("Free = %d, %v, want 80", n, err)
	}
	if n, err := f.c.Drop(1000); n != 20 || err != nil {
		t.Fatalf("Drop(1000) = %d, %v, want 20", n, err)
	}
	a, b, err = f.p.Reserve(10)
	if len(a) != 10 || len(b) != 0 || err != nil {
		t.Fatalf("Reserve(10) = %d, %d bytes, %v", len(a), len(b), err)
	}
}

func TestFifoPeek(t *testing.T) {
	f := newFixture(t, nil, 10, 0)
	_, err := f.p.Enqueue([]byte("0123456789")) // full, so that offset 10 is the head's own position
	must(t, err)
	buf := make([]byte, 4)
	for _, tc := range []struct {
		off  uint64
		want string
	}{
		{0, "0123"}, {6, "6789"}, {7, "789"}, {9, "9"}, {10, ""}, {11, ""},
		{math.MaxUint64, ""}, {math.MaxUint64 - 2, ""}, {math.MaxUint64 - 3, ""},
	} {
		if n, err := f.c.Peek(tc.off, buf); string(buf[:n]) != tc.want || err != nil {
			t.Errorf("Peek(%d) = %q, %v, want %q", tc.off, buf[:n], err, tc.want)
		}
	}
	if n, err := f.c.Readable(); n != 10 || err != nil {
		t.Errorf("Readable = %d, %v, want 10", n, err)
	}
}

func TestFifoBatches(t *testing.T) {
	f := newFixture(t, nil, 64<<10, 0)
	_, err := f.p.Enqueue(make([]byte, publishBatch-1))
	must(t, err)
	if f.c.hasNews() {
		t.Error("less than a batch is visible without Publish")
	}
	_, err = f.p.Enqueue(make([]byte, publishBatch+2))
	must(t, err)
	if n, err := f.c.Readable(); n != 2*publishBatch || err != nil {
		t.Errorf("Readable = %d, %v, want two batches", n, err)
	}
	_, err = f.c.Drop(publishBatch - 1)
	must(t, err)
	if free := uint64(64<<10 - 2*publishBatch - 1); !f.p.hasFree(free) || f.p.hasFree(free+1) {
		t.Error("less than a batch is free without Release")
	}
	_, err = f.c.Drop(1)
	must(t, err)
	if !f.p.hasFree(64<<10 - publishBatch - 1) {
		t.Error("a batch is not free")
	}
	if f.p.hasFree(64 << 10) {
		t.Error("all is free with bytes inside")
	}
	f.p.Publish()
	_, err = f.c.Drop(64 << 10)
	must(t, err)
	f.c.Release()
	if !f.p.hasFree(64<<10) || f.p.hasFree(64<<10+1) {
		t.Error("not exactly all is free at the end")
	}
}

// Neither side may wait for what the other has but holds back.
func TestFifoHoldsNothingBackWhenShort(t *testing.T) {
	f := newFixture(t, nil, 64, 0)
	_, err := f.p.Enqueue(make([]byte, 40))
	must(t, err)
	if n, err := f.p.Enqueue(make([]byte, 40)); n != 24 || err != nil {
		t.Fatalf("Enqueue = %d, %v, want 24", n, err)
	}
	if n, err := f.p.Enqueue(make([]byte, 1)); n != 0 || err != nil {
		t.Fatalf("Enqueue = %d, %v, want 0", n, err)
	}
	if n, err := f.c.Drop(40); n != 40 || err != nil {
		t.Fatalf("Drop = %d, %v", n, err)
	}
	if n, err := f.c.Peek(0, make([]byte, 64)); n != 24 || err != nil {
		t.Fatalf("Peek = %d, %v, want 24: a producer without space kept its bytes", n, err)
	}
	if n, err := f.p.Enqueue(make([]byte, 64)); n != 40 || err != nil {
		t.Fatalf("Enqueue = %d, %v, want 40: a consumer without bytes kept the space", n, err)
	}
}

// A fifo goes on where the last user stopped, wherever that is.
func TestFifoReopen(t *testing.T) {
	for _, start := range starts {
		f := newFixture(t, nil, 7, start)
		want := pattern(100)
		var got []byte
		for i := range want {
			p, err := OpenProducer(f.s, fifoAt)
			must(t, err)
			_, err = p.Enqueue(want[i : i+1])
			must(t, err)
			p.Publish()
			if i < 4 {
				continue // keep 4 bytes inside
			}
			c, err := OpenConsumer(f.s, fifoAt)
			must(t, err)
			buf := make([]byte, 1)
			_, err = c.Dequeue(buf)
			must(t, err)
			c.Release()
			got = append(got, buf...)
		}
		if !bytes.Equal(got, want[:96]) {
			t.Errorf("start %#x: the stream differs", start)
		}
	}
}

func TestFifoBytes(t *testing.T) {
	for _, tc := range []struct{ capacity, want uint64 }{
		{1, 704}, {64, 704}, {65, 768}, {4096, 4736},
		{shm.MaxSegment, shm.MaxSegment + 640}, {shm.MaxSegment + 1, math.MaxUint64}, {math.MaxUint64, math.MaxUint64},
	} {
		if got := Size(tc.capacity); got != tc.want {
			t.Errorf("FifoBytes(%d) = %d, want %d", tc.capacity, got, tc.want)
		}
	}
}

// Conformance B-11, as far as fifos go: as many as fit, twice.
func TestFifosFillSegment(t *testing.T) {
	s, err := shm.NewHeapSegment(1 << 20)
	must(t, err)
	fill := func() (n int) {
		for off := uint64(align); ; off += Size(1000) {
			err := Init(s, off, 1000, 0)
			if errors.Is(err, shm.ErrSize) {
				return n
			}
			must(t, err)
			n++
		}
	}
	want := (1<<20 - align) / int(Size(1000))
	if a, b := fill(), fill(); a != want || b != want {
		t.Errorf("%d fifos, then %d, want %d", a, b, want)
	}
}

// Memory is recycled: a fifo starts the same whatever is there.
func TestInitFifoOverwrites(t *testing.T) {
	f := newFixture(t, nil, 10, 0)
	fill(shmtest.Bytes(f.s)[fifoAt:], 0xff)
	must(t, Init(f.s, fifoAt, 10, 5))
	p, err := OpenProducer(f.s, fifoAt)
	must(t, err)
	c, err := OpenConsumer(f.s, fifoAt)
	must(t, err)
	if event, want, has := p.hasEvent.Load(), p.wantNtf.Load(), p.ntfSent.Load(); event != 0 || want != 0 || has != 0 {
		t.Errorf("event %d, want %d, has %d", event, want, has)
	}
	if w, r := p.writerState.Load(), p.readerState.Load(); w != 0 || r != 0 {
		t.Errorf("states %d and %d", w, r)
	}
	free, err := p.Free()
	must(t, err)
	readable, err := c.Readable()
	must(t, err)
	if free != 10 || readable != 0 {
		t.Errorf("%d bytes free, %d readable, want 10, 0", free, readable)
	}
}

func TestInitFifoErrors(t *testing.T) {
	s, err := shm.NewHeapSegment(shm.MinSegment)
	must(t, err)
	room := uint64(shm.MinSegment - fifoAt - 640)
	must(t, Init(s, fifoAt, room, 0))
	for _, tc := range []struct{ off, capacity uint64 }{
		{fifoAt, 0}, {fifoAt, room + 1}, {fifoAt, shm.MaxSegment}, {fifoAt, math.MaxUint64},
		{0, 10}, {fifoAt + 8, 10}, {shm.MinSegment - 640, 1}, {shm.MinSegment, 1}, {math.MaxUint64 &^ 63, 1},
	} {
		if err := Init(s, tc.off, tc.capacity, 0); !errors.Is(err, shm.ErrSize) {
			t.Errorf("InitFifo(%#x, %d) = %v, want ErrSize", tc.off, tc.capacity, err)
		}
	}
}

func TestFifoMisuse(t *testing.T) {
	for _, tc := range []struct {
		name string
		do   func(f fixture)
		want string
	}{
		{"commit", func(f fixture) { f.p.Commit(11) }, "commit of 11 bytes, 10 are free"},
		{"arm dequeue", func(f fixture) {
			_, _ = f.p.Enqueue(make([]byte, 3))
			_, _ = f.p.ArmDequeue(1)
		}, "before the staged bytes"},
		{"arm event", func(f fixture) {
			_, _ = f.p.Enqueue(make([]byte, 10))
			_, _ = f.c.Drop(3)
			_, _ = f.c.ArmEvent()
		}, "before the dequeued bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, tc.want) {
					t.Errorf("panic %q, want %q", got, tc.want)
				}
			}()
			tc.do(newFixture(t, nil, 10, 0))
		})
	}
}

// After a scrub nothing of what was ever written is left, and nothing beside the fifo has
// changed, also if the producer has forged its counter.
func TestScrubFifo(t *testing.T) {
	const start = 1<<64 - 50
	for _, capacity := range []uint64{1, 100, publishBatch, 3*publishBatch + 1} {
		for written := uint64(0); written < 2*capacity+publishBatch; written += 1 + written/2 {
			for _, forged := range []uint64{0, 1, 1 << 40, start - 1} {
				f := newFixture(t, nil, capacity, start)
				for left := written; left > 0; {
					n, err := f.p.Enqueue(bytes.Repeat([]byte("x"), int(min(left, capacity))))
					must(t, err)
					_, err = f.c.Drop(uint64(n))
					must(t, err)
					left -= uint64(n)
				}
				if forged != 0 {
					f.p.tailWord.Store(forged)
				}
				end := fifoAt + Size(capacity)
				shmtest.Bytes(f.s)[fifoAt-1], shmtest.Bytes(f.s)[end] = 7, 7
				Scrub(f.s, fifoAt, capacity, start)
				if shmtest.Bytes(f.s)[fifoAt-1] != 7 || shmtest.Bytes(f.s)[end] != 7 {
					t.Fatalf("capacity %d: scrubbed beside the fifo", capacity)
				}
				if left := len(bytes.Trim(shmtest.Bytes(f.s)[fifoAt:end], "\x00")); forged == 0 && left != 0 {
					t.Fatalf("capacity %d, %d bytes written: %d bytes are left", capacity, written, left)
				}
			}
		}
	}
}
