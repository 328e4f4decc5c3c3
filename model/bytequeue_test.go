package model

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// byteOracle is a fifo with real bytes in it, and with every choice it may have
// made so far: a set of worlds. In a world the counters that the two sides have
// published are exact, and move whenever they like. It is ByteQueue without the
// idea behind it.
type byteOracle struct {
	capacity int
	content  []byte // all bytes ever appended
	head     int
	worlds   []byteWorld
}

type byteWorld struct{ shown, freed int }

func newByteOracle(capacity int) *byteOracle {
	return &byteOracle{capacity: capacity, worlds: []byteWorld{{}}}
}

// step keeps the worlds in which out can be the answer to in, where bytes is
// what was appended or came back, and reports whether there are any.
func (o *byteOracle) step(in ByteIn, out ByteOut, bytes []byte) bool {
	if out.N < 0 || out.N > in.N {
		return false
	}
	var next []byteWorld
	for shown := range len(o.content) + 1 {
		for freed := range o.head + 1 {
			moved := func(w byteWorld) bool { return w.shown <= shown && w.freed <= freed }
			w := byteWorld{shown, freed}
			if slices.ContainsFunc(o.worlds, moved) && o.legal(w, in, out, bytes) {
				next = append(next, w)
			}
		}
	}
	if len(next) == 0 {
		return false
	}
	o.worlds = next
	switch in.Op {
	case Enqueue:
		o.content = append(o.content, bytes...)
	case Dequeue, Drop:
		o.head += out.N
	}
	return true
}

// legal says whether the operation can happen in w without a further move.
func (o *byteOracle) legal(w byteWorld, in ByteIn, out ByteOut, bytes []byte) bool {
	short := out.N < in.N
	switch in.Op {
	case Enqueue:
		free := o.capacity - (len(o.content) - w.freed)
		return out.N <= free && (!short || out.N == free && w.shown == len(o.content))
	case Publish:
		return w.shown == len(o.content)
	case Release:
		return w.freed == o.head
	}
	visible := max(0, w.shown-in.At)
	if out.N > visible || short && (out.N != visible || w.freed != o.head) {
		return false
	}
	return in.Op == Drop || out.N == 0 || slices.Equal(bytes, o.content[in.At:in.At+out.N])
}

// TestByteQueueAgainstBytes plays random calls with random answers, legal or
// not, against the oracle.
func TestByteQueueAgainstBytes(t *testing.T) {
	seen := map[string]int{}
	againstOracle(t, func(t rapid.TB, intn draw) {
		spec := ByteQueue{Capacity: 1 + intn(5, "capacity")}
		oracle, s := newByteOracle(spec.Capacity), spec.Init()
		for range 1 + intn(30, "steps") {
			in := ByteIn{Op: ByteOp(intn(int(numByteOps), "op"))}
			in.At = s.head
			switch in.Op {
			case Enqueue:
				in.At = s.tail
				in.N = intn(7, "n")
			case Publish:
				in.At = s.tail
			case Peek:
				in.At += intn(3, "ahead")
				fallthrough
			case Dequeue, Drop:
				in.N = intn(7, "n")
			}
			out := ByteOut{N: intn(in.N+1, "k")}
			bytes := make([]byte, out.N)
			FillStream(bytes, in.At)
			if returns := in.Op == Dequeue || in.Op == Peek; returns && out.N > 0 && intn(10, "bad") == 9 {
				bytes[out.N-1] ^= 0x80
				out.Bad = CheckStream(bytes, in.At) >= 0
			}
			next, ok := spec.Step(s, in, out)
			if want := oracle.step(in, out, bytes); ok != want {
				t.Fatalf("in %v: %v -> %v: legal %v, the oracle says %v", s, in, out, ok, want)
			}
			seen[fmt.Sprintf("%v short=%v moved=%v legal=%v", in.Op, out.N < in.N, out.N > 0, ok)]++
			if !ok {
				continue
			}
			if next.freed > next.head || next.head > next.shown || next.shown > next.tail || next.tail-next.freed > spec.Capacity {
				t.Fatalf("%v: %v -> %v leads to %v", s, in, out, next)
			}
			s = next
		}
	})
	for _, op := range []ByteOp{Enqueue, Dequeue, Drop, Peek} {
		for _, kind := range []string{"false moved=true", "true moved=true", "true moved=false"} {
			for _, legal := range []bool{false, true} {
				if what := fmt.Sprintf("%v short=%s legal=%v", op, kind, legal); seen[what] == 0 {
					t.Errorf("never seen: %s", what)
				}
			}
		}
	}
}

func TestByteQueueRejects(t *testing.T) {
	q := ByteQueue{Capacity: 4}
	s := ByteState{tail: 5, shown: 4, head: 3, freed: 2} // one byte of space certain, two possible
	for _, c := range []struct {
		in  ByteIn
		out ByteOut
		ok  bool
	}{
		{ByteIn{Enqueue, 2, 5}, ByteOut{N: 2}, true},
		{ByteIn{Enqueue, 3, 5}, ByteOut{N: 3}, false}, // over capacity
		{ByteIn{Enqueue, 3, 5}, ByteOut{N: 1}, true},
		{ByteIn{Enqueue, 3, 5}, ByteOut{N: 0}, false}, // not full
		{ByteIn{Enqueue, 1, 4}, ByteOut{N: 1}, false}, // recorded twice
		{ByteIn{Enqueue, 1, 5}, ByteOut{N: -1}, false},
		{ByteIn{Enqueue, 1, 5}, ByteOut{N: 2}, false},
		{ByteIn{Dequeue, 2, 3}, ByteOut{N: 2}, true},
		{ByteIn{Dequeue, 2, 3}, ByteOut{N: 2, Bad: true}, false},
		{ByteIn{Dequeue, 2, 3}, ByteOut{N: 0}, false}, // one byte is shown
		{ByteIn{Dequeue, 3, 3}, ByteOut{N: 3}, false}, // only two exist
		{ByteIn{Peek, 1, 4}, ByteOut{N: 1}, true},
		{ByteIn{Peek, 1, 2}, ByteOut{N: 1}, false}, // removed already
		{ByteIn{Peek, 1, 5}, ByteOut{N: 0}, true},
		{ByteIn{Publish, 0, 5}, ByteOut{}, true},
		{ByteIn{Publish, 1, 5}, ByteOut{}, false},
		{ByteIn{Release, 1, 3}, ByteOut{}, false},
		{ByteIn{numByteOps, 0, 3}, ByteOut{}, false},
	} {
		if _, ok := q.Step(s, c.in, c.out); ok != c.ok {
			t.Errorf("in %v: %v -> %v: legal %v, want %v", s, c.in, c.out, ok, c.ok)
		}
	}
}

func TestByteQueueCrash(t *testing.T) {
	q := ByteQueue{Capacity: 4}
	s := ByteState{tail: 5, shown: 4, head: 3, freed: 2}
	for _, c := range []struct {
		in   ByteIn
		want []ByteState
	}{
		{ByteIn{Enqueue, 9, 5}, []ByteState{s, {6, 4, 3, 2}, {7, 4, 3, 3}}},
		{ByteIn{Enqueue, 1, 5}, []ByteState{s, {6, 4, 3, 2}}},
		{ByteIn{Enqueue, 1, 6}, []ByteState{s}},
		{ByteIn{Publish, 0, 5}, []ByteState{s, {5, 5, 3, 2}}},
		{ByteIn{Dequeue, 9, 3}, []ByteState{s, {5, 4, 4, 2}, {5, 5, 5, 2}}},
		{ByteIn{Peek, 9, 3}, []ByteState{s}},
		{ByteIn{Release, 0, 3}, []ByteState{s, {5, 4, 3, 3}}},
	} {
		if got := q.Crash(s, c.in); !slices.Equal(got, c.want) {
			t.Errorf("%v pending in %v leaves %v, want %v", c.in, s, got, c.want)
		}
	}
}

func TestStream(t *testing.T) {
	for _, capacity := range []int{1, 3, 64, 250, 252, 1024, 4096} {
		for at := range 600 {
			if b := StreamByte(at); b == 0 || b == StreamByte(at+capacity) {
				t.Fatalf("byte at %d is %d, one capacity of %d later %d", at, b, capacity, StreamByte(at+capacity))
			}
		}
	}
	buf := make([]byte, 300)
	FillStream(buf, 1000)
	if i := CheckStream(buf, 1000); i != -1 {
		t.Errorf("stream differs from itself at %d", i)
	}
	buf[299]++
	if i := CheckStream(buf, 1000); i != 299 {
		t.Errorf("CheckStream found byte %d, want 299", i)
	}
	if i := CheckStream(buf, 1001); i != 0 {
		t.Errorf("CheckStream found byte %d of a shifted stream, want 0", i)
	}
}
