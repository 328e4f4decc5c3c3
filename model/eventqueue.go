package model

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// EventOp names an operation of an [EventQueue].
type EventOp uint8

// The operations of an event queue.
const (
	Post EventOp = iota // append one event
	Poll                // take the first event
)

// EventIn is a call on an event queue. V is the event posted; workloads post
// distinct values other than 0.
type EventIn struct {
	Op EventOp
	V  uint64
}

// String returns "post 7" or "poll".
func (in EventIn) String() string {
	switch in.Op {
	case Post:
		return fmt.Sprintf("post %d", in.V)
	case Poll:
		return "poll"
	}
	return fmt.Sprintf("event op %d", uint8(in.Op))
}

// EventOut is the answer of an event queue: a post is [OK] or [Full], a poll is
// [OK] with the event V or [Empty].
type EventOut struct {
	Status Status
	V      uint64
}

// String returns "7" for a polled event, else the status.
func (out EventOut) String() string {
	if out.Status == OK && out.V != 0 {
		return fmt.Sprint(out.V)
	}
	return out.Status.String()
}

// EventQueue specifies an event queue: a first in, first out queue of events of
// which at most Capacity are inside at a time. A post is Full exactly when
// Capacity events are inside, a poll is Empty exactly when none is.
type EventQueue struct {
	Capacity int // events, at least 1
}

// EventState is the events inside, first in first. It is comparable, unlike a
// slice: eight bytes an event in a string.
type EventState string

// Len returns the number of events inside.
func (s EventState) Len() int { return len(s) / 8 }

// String returns for example "queue [7 9]".
func (s EventState) String() string {
	var b strings.Builder
	b.WriteString("queue [")
	for i := range s.Len() {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprint(&b, s.at(i))
	}
	b.WriteByte(']')
	return b.String()
}

func (s EventState) at(i int) uint64 { return binary.BigEndian.Uint64([]byte(s[8*i : 8*i+8])) }

func (s EventState) push(v uint64) EventState {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], v)
	return s + EventState(b[:])
}

// Init returns the empty queue.
func (q EventQueue) Init() EventState { return "" }

// Step implements [Spec].
func (q EventQueue) Step(s EventState, in EventIn, out EventOut) (EventState, bool) {
	switch {
	case in.Op == Post && out == EventOut{Status: OK}:
		if s.Len() < q.Capacity {
			return s.push(in.V), true
		}
	case in.Op == Post && out == EventOut{Status: Full}:
		return s, s.Len() >= q.Capacity
	case in.Op == Poll && out == EventOut{Status: Empty}:
		return s, s.Len() == 0
	case in.Op == Poll && out.Status == OK:
		if s.Len() > 0 && s.at(0) == out.V {
			return s[8:], true
		}
	}
	return s, false
}

// Crash implements [Spec].
func (q EventQueue) Crash(s EventState, in EventIn) []EventState {
	switch {
	case in.Op == Post && s.Len() < q.Capacity:
		return []EventState{s, s.push(in.V)}
	case in.Op == Poll && s.Len() > 0:
		return []EventState{s, s[8:]}
	}
	return []EventState{s}
}
