package dpor

import (
	"cutthrough/shm/access"
	"cutthrough/sim"
)

// maxTasks is the most tasks that a program may have.
const maxTasks = 16

// object is what a sim.Object is called in every execution: by the task that created it, and its rank among those.
type object uint32

// step is what dependence is decided by: the access of a step, and what else it did that other steps can notice.
type step struct {
	task     int
	process  int
	op       access.Op
	kind     kind
	tail     sim.Tail
	object   object
	off, end uint64 // bytes of a segment
	seq      uint32 // of the message
	room     uint32 // of the channel
	// touched are the first objects that a call concerns, so many; wide says that it may concern all.
	touched [maxTouched]touch
	touches uint8
	wide    bool
}

// maxTouched is more objects than calls concern but for the close of a channel that is full of descriptors.
const maxTouched = 6

type touch struct {
	object object
	how    sim.How
}

// kind is the kind of object that an operation is about.
type kind uint8

const (
	none kind = iota
	memory
	lock
	bell
	channel
	system // the rest of the host: descriptors, segments, addresses, ends of bells and channels
)

var kinds = [access.NumOps]kind{
	access.Load: memory, access.Store: memory, access.CAS: memory, access.Add: memory, access.Swap: memory,
	access.Read: memory, access.Write: memory, access.Lock: lock, access.Unlock: lock, access.Ring: bell, access.Wait: bell,
	access.Send: channel, access.Recv: channel, access.Call: system,
}

// kindOf returns the kind of a step.
func kindOf(s *sim.Step) kind {
	if s.Object == sim.Clock {
		return none // a sleeper goes on when time has passed, and that is a barrier
	}
	return kinds[s.Op]
}

// writes says whether an access of memory changes it.
func (s *step) writes() bool { return s.op != access.Load && s.op != access.Read }

// dependent says whether the order of two steps of different tasks can be noticed. With watched, writes are
// never independent, because a property is checked after each.
func dependent(a, b *step, watched bool) bool {
	if a.tail|b.tail != 0 && tailsDepend(a.tail, b.tail) || (a.touches|b.touches != 0 || a.wide || b.wide) && touching(a, b) {
		return true
	}
	switch {
	case a.kind != b.kind || a.kind == none || a.kind == system:
		return false
	case a.kind == memory:
		if !a.writes() && !b.writes() {
			return false
		}
		return a.object == b.object && a.off < b.end && b.off < a.end || watched && a.writes() && b.writes()
	case a.object != b.object:
		return false
	case a.kind == lock:
		return a.op == access.Lock || b.op == access.Lock
	case a.kind == bell:
		return a.op == access.Wait || b.op == access.Wait
	}
	return channelDepends(a, b)
}

// tailsDepend says whether the order of what two tasks did by themselves matters: a history orders calls after returns.
func tailsDepend(a, b sim.Tail) bool {
	return a&sim.Called != 0 && b&sim.Returned != 0 || a&sim.Returned != 0 && b&sim.Called != 0
}

// touching decides for steps of which at least one is a call: whether an object that one concerns is the object of the
// other's access, or concerns it too, so that their order can be noticed.
func touching(a, b *step) bool {
	if a.wide && b.kind > lock || b.wide && a.kind > lock {
		return true
	}
	same := a.process == b.process
	for _, t := range a.touched[:a.touches] {
		if notices(b, t, same) {
			return true
		}
		for _, u := range b.touched[:b.touches] {
			if t.object == u.object && (t.how == sim.Changed || u.how == sim.Changed || same && t.how|u.how != sim.Looked) {
				return true
			}
		}
	}
	for _, t := range b.touched[:b.touches] {
		if notices(a, t, same) {
			return true
		}
	}
	return false
}

// notices says whether the access of s depends on a touch of its object: on one that changes it, and on a process that lets go of it, which
// only its own tasks notice if it is memory or a bell that they ring.
func notices(s *step, t touch, same bool) bool {
	if s.kind == system || t.object != s.object || t.how == sim.Looked {
		return false
	}
	return same || t.how == sim.Changed || s.kind == channel || s.op == access.Wait
}

// channelDepends decides for two steps of one direction of a channel: a message depends on being sent, and a send on the
// room that a receive has made.
func channelDepends(a, b *step) bool {
	if a.op == b.op {
		return true
	}
	if a.op == access.Recv {
		a, b = b, a
	}
	return a.seq == b.seq || a.seq == b.seq+a.room
}
