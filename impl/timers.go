package impl

import (
	"container/heap"
	"time"
)

// timers are the deadlines of sessions and pairs, earliest first; equal ones in
// order of start.
type timers struct {
	heap timerHeap
	seq  uint64
}

// timer is one deadline. The zero value is not running.
type timer struct {
	at      time.Duration
	seq     uint64
	index   int // in the heap
	running bool
	due     func()
}

type timerHeap []*timer

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h timerHeap) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].seq < h[j].seq
}
func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	t.index = len(*h)
	*h = append(*h, t)
}
func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return t
}

// start runs t, again if it is running, to call due at the given time.
func (ts *timers) start(t *timer, at time.Duration, due func()) {
	ts.stop(t)
	ts.seq++
	t.at, t.seq, t.running, t.due = at, ts.seq, true, due
	heap.Push(&ts.heap, t)
}

func (ts *timers) stop(t *timer) {
	if t.running {
		heap.Remove(&ts.heap, t.index)
		t.running, t.due = false, nil
	}
}

// next returns the earliest deadline, or false.
func (ts *timers) next() (time.Duration, bool) {
	if len(ts.heap) == 0 {
		return 0, false
	}
	return ts.heap[0].at, true
}

// expire handles every deadline that has come.
func (ts *timers) expire(now time.Duration) {
	for len(ts.heap) > 0 && ts.heap[0].at <= now {
		t := ts.heap[0]
		due := t.due
		ts.stop(t)
		due()
	}
}
