package layer

import (
	"container/heap"
	"slices"
	"time"

	"cutthrough/impl/wire"
)

// timers are the deadlines of sessions, pairs and channels, earliest first; equal ones in
// order of start. They are plain values, so that a layer can be copied and compared.
type timers struct {
	slots []timer
	free  []timerID
	heap  []timerID
	seq   uint64
}

// timerID is the index of a running timer plus one. 0 is a timer that is not running.
type timerID uint32

// timer is one deadline. What to do at it follows from the kind of its owner.
type timer struct {
	at      time.Duration
	seq     uint64
	owner   wire.Handle // a session or a pair; 0: channel
	channel Channel
	index   int // in the heap
}

func (ts *timers) get(id timerID) *timer { return &ts.slots[id-1] }

// Len, Less, Swap, Push and Pop implement [heap.Interface].
func (ts *timers) Len() int { return len(ts.heap) }

func (ts *timers) Less(i, j int) bool {
	a, b := ts.get(ts.heap[i]), ts.get(ts.heap[j])
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

func (ts *timers) Swap(i, j int) {
	h := ts.heap
	h[i], h[j] = h[j], h[i]
	ts.get(h[i]).index, ts.get(h[j]).index = i, j
}

func (ts *timers) Push(x any) {
	id := x.(timerID)
	ts.get(id).index = len(ts.heap)
	ts.heap = append(ts.heap, id)
}

func (ts *timers) Pop() any {
	n := len(ts.heap) - 1
	id := ts.heap[n]
	ts.heap = ts.heap[:n]
	return id
}

// start runs the timer *id of owner until at, again if it is running.
func (ts *timers) start(id *timerID, at time.Duration, owner wire.Handle) {
	ts.run(id, timer{at: at, owner: owner})
}

// startChannel runs the timer *id of a channel until at.
func (ts *timers) startChannel(id *timerID, at time.Duration, ch Channel) {
	ts.run(id, timer{at: at, channel: ch})
}

func (ts *timers) run(id *timerID, t timer) {
	ts.stop(id)
	if n := len(ts.free); n > 0 {
		*id = ts.free[n-1]
		ts.free = ts.free[:n-1]
	} else {
		ts.slots = append(ts.slots, timer{})
		*id = timerID(len(ts.slots))
	}
	ts.seq++
	t.seq = ts.seq
	*ts.get(*id) = t
	heap.Push(ts, *id)
}

func (ts *timers) stop(id *timerID) {
	if *id == 0 {
		return
	}
	heap.Remove(ts, ts.get(*id).index)
	*ts.get(*id) = timer{}
	ts.free = append(ts.free, *id)
	*id = 0
}

// next returns the earliest timer, or nil.
func (ts *timers) next() *timer {
	if len(ts.heap) == 0 {
		return nil
	}
	return ts.get(ts.heap[0])
}

func (ts *timers) clone() timers {
	return timers{slots: slices.Clone(ts.slots), free: slices.Clone(ts.free), heap: slices.Clone(ts.heap), seq: ts.seq}
}

// Deadline returns when the next EventTick is due, or false.
func (l *Core) Deadline() (time.Duration, bool) {
	if t := l.timers.next(); t != nil {
		return t.at, true
	}
	return 0, false
}

// expire handles every deadline that has come. An owner stops its timer before it is removed.
func (l *Core) expire() {
	for t := l.timers.next(); t != nil && t.at <= l.now; t = l.timers.next() {
		if t.owner == 0 {
			l.onHandshakeTimeout(t.channel)
			continue
		}
		switch t.owner.Kind() {
		case wire.KindSession:
			s := l.sessions.Get(t.owner)
			l.timers.stop(&s.timer)
			l.onTimeout(s)
		case wire.KindPair:
			p := l.pairs.Get(t.owner)
			l.timers.stop(&p.timer)
			l.retire(p)
		}
	}
}
