package fifo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"cutthrough/shm"
	"cutthrough/shm/internal/shmtest"
)

// hostileFixture is a fifo between guard bytes. The data area holds one value
// and everything around the fifo another, so a byte from the wrong place shows.
type hostileFixture struct {
	fixture
	guards [2][]byte
}

const (
	inside  = 0xda
	outside = 0xee
)

func newHostile(t failer, capacity, start uint64) hostileFixture {
	f := newFixture(t, nil, capacity, start)
	h := hostileFixture{f, [2][]byte{shmtest.Bytes(f.s)[shm.SegmentHeader:fifoAt], shmtest.Bytes(f.s)[fifoAt+headerSize+capacity:]}}
	for _, g := range h.guards {
		fill(g, outside)
	}
	fill(shmtest.Bytes(f.s)[fifoAt+headerSize:][:capacity], inside)
	return h
}

func fill(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}

// check reports what must be true whatever the peer did.
func (h *hostileFixture) check(t failer, what string, err error) {
	t.Helper()
	if err != nil && !errors.Is(err, shm.ErrCorrupt) {
		t.Fatal(what, err)
	}
	for _, g := range h.guards {
		if bytes.Count(g, []byte{outside}) != len(g) {
			t.Fatal(what, "wrote outside the fifo")
		}
	}
}

// fifoOps are the operations of both sides with the peer's words that they
// read. Those that return bytes put them into buf.
var fifoOps = []struct {
	name     string
	producer bool
	do       func(f *fixture, buf []byte) ([]byte, error)
}{
	{"Enqueue", true, func(f *fixture, buf []byte) ([]byte, error) {
		fill(buf, inside)
		n, err := f.p.Enqueue(buf)
		return buf[:n], err
	}},
	{"Reserve", true, func(f *fixture, buf []byte) ([]byte, error) {
		a, b, err := f.p.Reserve(uint64(len(buf)))
		fill(a, inside)
		fill(b, inside)
		f.p.Commit(uint64(len(a) + len(b)))
		return append(a, b...), err
	}},
	{"Free", true, func(f *fixture, buf []byte) ([]byte, error) {
		n, err := f.p.Free()
		return buf[:min(n, uint64(len(buf)))], err
	}},
	{"hasFree", true, func(f *fixture, _ []byte) ([]byte, error) { f.p.hasFree(1); return nil, nil }},
	{"NeedsEvent", true, func(f *fixture, _ []byte) ([]byte, error) { f.p.NeedsEvent(); return nil, nil }},
	{"ArmDequeue", true, func(f *fixture, _ []byte) ([]byte, error) {
		f.p.Publish()
		_, err := f.p.ArmDequeue(f.p.cap)
		return nil, err
	}},
	{"Dequeue", false, func(f *fixture, buf []byte) ([]byte, error) {
		n, err := f.c.Dequeue(buf)
		return buf[:n], err
	}},
	{"Peek", false, func(f *fixture, buf []byte) ([]byte, error) {
		n, err := f.c.Peek(2, buf)
		return buf[:n], err
	}},
	{"Drop", false, func(f *fixture, buf []byte) ([]byte, error) {
		_, err := f.c.Drop(uint64(len(buf)))
		return nil, err
	}},
	{"ReadPieces", false, func(f *fixture, buf []byte) ([]byte, error) {
		a, b, err := f.c.ReadPieces(uint64(len(buf)))
		return append(bytes.Clone(a), b...), err
	}},
	{"Readable", false, func(f *fixture, _ []byte) ([]byte, error) { _, err := f.c.Readable(); return nil, err }},
	{"hasNews", false, func(f *fixture, _ []byte) ([]byte, error) { f.c.hasNews(); return nil, nil }},
	{"ArmEvent", false, func(f *fixture, _ []byte) ([]byte, error) {
		f.c.Release()
		_, err := f.c.ArmEvent()
		return nil, err
	}},
	{"NeedsDequeueNotify", false, func(f *fixture, _ []byte) ([]byte, error) {
		_, err := f.c.NeedsDequeueNotify()
		return nil, err
	}},
}

// hostileValues are the values to try for a word, given the counters that the
// victim has and the capacity.
func hostileValues(r *rand.Rand, capacity uint64, counters ...uint64) []uint64 {
	vs := []uint64{
		0, 1, capacity - 1, capacity, capacity + 1, math.MaxUint64,
		1<<31 - 1, 1 << 31, 1<<31 + 1, 1<<32 - 1, 1 << 32, 1<<32 + 1, r.Uint64(), r.Uint64(),
	}
	for _, c := range counters {
		vs = append(vs, c-1, c, c+1, c-capacity-1, c-capacity, c+capacity, c+capacity+1)
	}
	return vs
}

// TestFifoHostile writes every hostile value into every word before every
// operation, in every state of a small fifo. The victim may get ErrCorrupt, and
// nothing else: no panic, no byte from or to anywhere else, and once
// corrupt always corrupt.
func TestFifoHostile(t *testing.T) {
	words := []uint64{capOff, startOff, magicOff, ntfSentOff, tailOff, headOff, hasEventOff, wantNtfOff}
	r := rand.New(rand.NewPCG(1, 2))
	corrupt := 0
	for _, start := range []uint64{0, math.MaxUint64 - 9} {
		for _, queued := range []int{0, 5, 7, -5} { // negative: the consumer has seen them
			for _, word := range words {
				for i := range hostileValues(r, 7, 0, 0) {
					for _, op := range fifoOps {
						h := newHostile(t, 7, start)
						_, err := h.p.Enqueue(make([]byte, 5))
						must(t, err)
						h.p.Publish()
						_, err = h.c.Drop(5)
						must(t, err)
						h.c.Release()
						fill(shmtest.Bytes(h.s)[fifoAt+headerSize:][:7], inside)
						_, _, err = h.p.Reserve(7)
						must(t, err)
						h.p.Commit(uint64(max(queued, -queued)))
						h.p.Publish()
						if queued < 0 {
							_, err = h.c.Readable()
							must(t, err)
						}

						v := hostileValues(r, 7, h.p.tail, h.c.head)[i]
						h.s.Uint64(fifoAt+word, nameData).Store(v)
						if word == tailOff && v-h.c.tail > 7-(h.c.tail-h.c.head) && op.name == "Readable" {
							if _, err := op.do(&h.fixture, nil); !errors.Is(err, shm.ErrCorrupt) {
								t.Fatalf("tail went from %#x to %#x and Readable says %v", h.c.tail, v, err)
							}
						}
						if h.attack(t, fmt.Sprintf("%s with %#x at %d, %d queued:", op.name, v, word, queued), op.do) {
							corrupt++
						}
					}
				}
			}
		}
	}
	if corrupt == 0 {
		t.Error("no hostile value was noticed")
	}
}

// attack runs op twice and says whether it noticed something.
func (h *hostileFixture) attack(t *testing.T, what string, do func(*fixture, []byte) ([]byte, error)) bool {
	t.Helper()
	got, err := do(&h.fixture, make([]byte, 9))
	h.check(t, what, err)
	if len(got) > 7 || bytes.IndexByte(got, outside) >= 0 {
		t.Fatalf("%s foreign bytes: %x", what, got)
	}
	if err == nil {
		return false
	}
	if len(got) != 0 {
		t.Fatalf("%s %d bytes and %v", what, len(got), err)
	}
	// The peer puts everything right again; too late.
	h.s.Uint64(fifoAt+headOff, nameHead).Store(h.c.released)
	h.s.Uint64(fifoAt+tailOff, nameTail).Store(h.p.published)
	if _, again := do(&h.fixture, make([]byte, 9)); again != err {
		t.Fatalf("%s %v, and then %v", what, err, again)
	}
	return true
}

func TestOpenFifoHostile(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	opened, refused := 0, 0
	for _, start := range []uint64{0, math.MaxUint64 - 2} {
		for _, word := range []uint64{capOff, startOff, magicOff, tailOff, headOff} {
			for i := range hostileValues(r, 7, 0) {
				h := newHostile(t, 7, start)
				v := hostileValues(r, 7, start)[i]
				h.s.Uint64(fifoAt+word, nameData).Store(v)
				what := fmt.Sprintf("open with %#x at %d:", v, word)
				p, err := OpenProducer(h.s, fifoAt)
				h.check(t, what, err)
				c, err2 := OpenConsumer(h.s, fifoAt)
				h.check(t, what, err2)
				if (err == nil) != (err2 == nil) || err == nil && word == magicOff {
					t.Fatal(what, err, err2)
				}
				if err != nil {
					refused++
					continue
				}
				opened++
				if p.pos >= p.cap || c.pos >= c.cap || p.tail-p.head > p.cap || c.tail-c.head > c.cap || fifoAt+Size(p.cap) > shm.MinSegment {
					t.Fatalf("%s %+v %+v", what, *p, *c)
				}
			}
		}
	}
	if opened == 0 || refused == 0 {
		t.Errorf("%d opened, %d refused", opened, refused)
	}
	h := newHostile(t, 7, 0)
	copy(shmtest.Bytes(h.s), shmtest.Bytes(h.s)[fifoAt:][:headerSize]) // a fifo where the segment has its header
	for _, off := range []uint64{0, 1, 8, align, fifoAt + 8, fifoAt + align, shm.MinSegment - align, shm.MinSegment, math.MaxUint64, math.MaxUint64 &^ 63} {
		if _, err := OpenProducer(h.s, off); !errors.Is(err, shm.ErrCorrupt) {
			t.Errorf("OpenProducer(%#x) = %v, want ErrCorrupt", off, err)
		}
		if _, err := OpenConsumer(h.s, off); !errors.Is(err, shm.ErrCorrupt) {
			t.Errorf("OpenConsumer(%#x) = %v, want ErrCorrupt", off, err)
		}
	}
}

// FuzzFifoPeer runs operations of both sides with hostile writes in between,
// all read from the input.
func FuzzFifoPeer(f *testing.F) {
	f.Add([]byte{7, 0})
	f.Add([]byte{16, 1, 0, 9, 6, 3, 0, 14, 4, 255, 1, 6, 4})
	f.Add([]byte{1, 3, 0, 1, 15, 5, 1, 0, 0, 4, 6, 1, 13, 0})
	f.Fuzz(func(t *testing.T, input []byte) {
		input = input[:min(len(input), 4096)]
		next := func() (b byte) {
			if len(input) > 0 {
				b, input = input[0], input[1:]
			}
			return b
		}
		h := newHostile(t, 1+uint64(next())%70, starts[int(next())%len(starts)])
		words := []uint64{ntfSentOff, tailOff, headOff, hasEventOff, wantNtfOff, capOff, startOff, magicOff}
		for len(input) > 0 {
			op := int(next()) % (len(fifoOps) + 2)
			if op >= len(fifoOps) {
				word := h.s.Uint64(fifoAt+words[next()%8], nameData)
				v := word.Load() + uint64(int8(next()))
				if op > len(fifoOps) {
					var wide [8]byte
					input = input[copy(wide[:], input):]
					v = binary.LittleEndian.Uint64(wide[:])
				}
				word.Store(v)
				continue
			}
			buf := make([]byte, next())
			got, err := fifoOps[op].do(&h.fixture, buf)
			h.check(t, fifoOps[op].name, err)
			if uint64(len(got)) > h.p.cap || len(got) > len(buf) || bytes.IndexByte(got, outside) >= 0 {
				t.Fatalf("%s(%d): foreign bytes %x", fifoOps[op].name, len(buf), got)
			}
			if p, c := h.p, h.c; p.tail-p.head > p.cap || p.pos >= p.cap || c.tail-c.head > c.cap || c.pos >= c.cap {
				t.Fatalf("after %s: %+v %+v", fifoOps[op].name, *p, *c)
			}
		}
	})
}
