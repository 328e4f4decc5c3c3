package model

import "fmt"

// ByteOp names an operation of a [ByteQueue].
type ByteOp uint8

// The operations of a byte queue. The first two are the producer's, the rest
// the consumer's.
const (
	Enqueue ByteOp = iota // append bytes
	Publish               // show the consumer everything appended
	Dequeue               // remove bytes from the front
	Drop                  // the same without looking at them
	Peek                  // look at bytes without removing them
	Release               // give the producer all space of removed bytes
	numByteOps
)

var byteOpText = [numByteOps]string{"enqueue", "publish", "dequeue", "drop", "peek", "release"}

// String returns the operation as failure reports print it.
func (op ByteOp) String() string {
	if op < numByteOps {
		return byteOpText[op]
	}
	return fmt.Sprintf("byte op %d", uint8(op))
}

// Producer says whether the operation is the producer's.
func (op ByteOp) Producer() bool { return op <= Publish }

// ByteIn is a call on a byte queue. N is how many bytes the caller offers or asks
// for: 0 for Publish and Release. At is the stream position of the first byte it
// means: how many it has appended (producer) or removed (consumer) before; a Peek
// may look further ahead.
type ByteIn struct {
	Op ByteOp
	N  int
	At int
}

// String returns for example "enqueue 3 at 0".
func (in ByteIn) String() string {
	if in.Op == Publish || in.Op == Release {
		return fmt.Sprintf("%v up to %d", in.Op, in.At)
	}
	return fmt.Sprintf("%v %d at %d", in.Op, in.N, in.At)
}

// ByteOut is the answer of a byte queue: N bytes were accepted, returned or
// discarded, 0 for Publish and Release. Bad says that the bytes returned are
// not those of the stream at the position of the call (see [CheckStream]); it
// is never legal.
type ByteOut struct {
	N   int
	Bad bool
}

// String returns for example "2".
func (out ByteOut) String() string {
	if out.Bad {
		return fmt.Sprintf("%d wrong bytes", out.N)
	}
	return fmt.Sprint(out.N)
}

// ByteQueue specifies a fifo: a stream of bytes with one producer and one
// consumer, at most Capacity of them inside at a time.
//
// Either side may work in batches. What was appended can become visible at any
// time; it is visible for certain after a Publish. What was removed can become free
// space at any time, and is for certain after a Release. An operation that moves
// all N bytes asked for may do so without a look at the other side. One that
// moves fewer has looked: it moved exactly as many as it saw, and beforehand it
// published or released all that its side held back, so that neither side
// ever waits for what the other keeps to itself.
//
// Content is position: the state is four counters, and callers verify bytes
// against the stream (see [ByteOut]). This keeps states small.
type ByteQueue struct {
	Capacity int // bytes, at least 1
}

// ByteState counts bytes since the start: tail-Capacity <= freed <= head <= shown
// <= tail.
type ByteState struct {
	tail  int // appended
	shown int // at least so many are visible to the consumer
	head  int // removed
	freed int // at least so many are free space for the producer
}

// String returns for example "bytes [2, 5) (3 shown, 2 freed)".
func (s ByteState) String() string {
	if s.tail == s.shown && s.head == s.freed {
		return fmt.Sprintf("bytes [%d, %d)", s.head, s.tail)
	}
	return fmt.Sprintf("bytes [%d, %d) (%d shown, %d freed)", s.head, s.tail, s.shown, s.freed)
}

// Init returns the empty queue.
func (q ByteQueue) Init() ByteState { return ByteState{} }

// Step implements [Spec].
func (q ByteQueue) Step(s ByteState, in ByteIn, out ByteOut) (ByteState, bool) {
	if out.Bad || out.N < 0 || out.N > in.N || !s.means(in) {
		return s, false
	}
	short := out.N < in.N
	switch in.Op {
	case Enqueue:
		return q.enqueue(s, out.N, short)
	case Publish:
		s.shown = s.tail
		return s, in.N == 0
	case Release:
		s.freed = s.head
		return s, in.N == 0
	}
	return s.look(in.Op, in.At+out.N, out.N, short)
}

// Crash implements [Spec]: an operation that never returned may have moved any
// number of bytes that it could have.
func (q ByteQueue) Crash(s ByteState, in ByteIn) []ByteState {
	states := []ByteState{s}
	if in.Op == Peek || !s.means(in) {
		return states
	}
	for n := 0; n <= in.N; n++ {
		next, ok := q.Step(s, ByteIn{in.Op, n, in.At}, ByteOut{N: n})
		if !ok {
			break
		}
		if next != s {
			states = append(states, next)
		}
	}
	return states
}

// means says whether in is an operation whose position is the one where s stands.
func (s ByteState) means(in ByteIn) bool {
	switch in.Op {
	case Enqueue, Publish:
		return in.At == s.tail
	case Dequeue, Drop, Release:
		return in.At == s.head
	case Peek:
		return in.At >= s.head
	}
	return false
}

// enqueue appends n bytes, short of what was asked or not.
func (q ByteQueue) enqueue(s ByteState, n int, short bool) (ByteState, bool) {
	freed := s.tail + n - q.Capacity // must have been free; all there was, if short
	if freed > s.head || short && freed < s.freed {
		return s, false
	}
	if short {
		s.shown = s.tail
	}
	s.freed = max(s.freed, freed)
	s.tail += n
	return s, true
}

// look takes or peeks at the n bytes before position end, short of what was
// asked or not.
func (s ByteState) look(op ByteOp, end, n int, short bool) (ByteState, bool) {
	if n > 0 && end > s.tail || short && end < s.shown {
		return s, false
	}
	if short {
		s.freed = s.head
	}
	if n > 0 {
		s.shown = max(s.shown, end)
	}
	if op != Peek {
		s.head += n
	}
	return s, true
}
