package dpor

import (
	"cutthrough/shm/access"
	"cutthrough/sim"
)

// maxTasks is the most tasks that a program may have.
const maxTasks = 16

// step is what dependence is decided by: the access of a step, and what else it did that other steps can notice.
type step struct {
	task     int
	op       access.Op
	tail     sim.Tail
	object   sim.Object
	off, end uint64 // bytes of a segment
	seq      uint32 // of the message
	room     uint32 // of the channel
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

func (s *step) kind() kind {
	if s.object == sim.Clock {
		return none // a sleeper goes on when time has passed, and that is a barrier
	}
	return kinds[s.op]
}

// writes says whether an access of memory changes it.
func (s *step) writes() bool { return s.op != access.Load && s.op != access.Read }

// dependent says whether the order of two steps of different tasks can be noticed. With watched, writes are
// never independent, because a property is checked after each.
func dependent(a, b *step, watched bool) bool {
	if a.tail|b.tail != 0 && tailsDepend(a.tail, b.tail) {
		return true
	}
	ka, kb := a.kind(), b.kind()
	switch {
	case ka == none || kb == none:
		return false
	case ka == system || kb == system:
		return systemDepends(a, b, ka, kb)
	case ka != kb:
		return false
	case ka == memory:
		if !a.writes() && !b.writes() {
			return false
		}
		return a.object == b.object && a.off < b.end && b.off < a.end || watched && a.writes() && b.writes()
	case a.object != b.object:
		return false
	case ka == lock:
		return a.op == access.Lock || b.op == access.Lock
	case ka == bell:
		return a.op == access.Wait || b.op == access.Wait
	}
	return channelDepends(a, b)
}

// tailsDepend says whether the order of what two tasks did by themselves matters: a history orders calls after returns, and
// objects and tasks have numbers.
func tailsDepend(a, b sim.Tail) bool {
	const numbered = sim.Created | sim.Spawned
	return a&sim.Called != 0 && b&sim.Returned != 0 || a&sim.Returned != 0 && b&sim.Called != 0 || a&b&numbered != 0
}

// systemDepends decides for a system call: it may concern any object of the host but locks, and the segment that it names.
func systemDepends(a, b *step, ka, kb kind) bool {
	if ka == memory || kb == memory {
		return a.object == b.object
	}
	return ka != lock && kb != lock
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
