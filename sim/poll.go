package sim

import "cutthrough/shm"

// A task polls when it loads the same words with the same values over and over while it changes nothing. More turns of
// such a loop show nothing new, so the scheduler lets other tasks go on until one of the words is written. If no other
// task can go on the poller continues, and a loop without an end uses up the step budget: a livelock. A program whose loops give
// up after a number of turns says so (Config.BoundedLoops), because then the turns do show something.
//
// Idea: await handling in stateless model checkers (Kokologiannakis, Ren, Vafeiadis, "Dynamic partial order reductions for
// spinloops", FMCAD 2021); here it is a rule of the scheduler, so it holds for every strategy.

// wordSize is that of the largest word. That the bytes after a smaller one count as read, too, only ends a wait early.
const wordSize = 8

// A loop is recognised after pollTurns equal turns of at most maxPoll loads each.
const (
	pollTurns = 4
	maxPoll   = 8
	maxLoads  = pollTurns * maxPoll
)

// poll is what a task has loaded since it last changed something.
type poll struct {
	loads  []loaded // the last ones, at most maxLoads
	period int      // loads of one turn, while the task waits for a change
}

// loaded is one load of a word. It is small, because every load of an execution is one.
type loaded struct {
	object Object
	off    uint32 // segments are smaller than 4 GiB
	value  uint64
}

// progress notes that the task did something else than loading words.
func (q *poll) progress() { q.loads = q.loads[:0] }

// turn returns the length of the turn that was just repeated often enough, or 0.
func (q *poll) turn() int {
	n := len(q.loads)
	for p := 1; p <= maxPoll && pollTurns*p <= n; p++ {
		same := true
		for i := n - (pollTurns-1)*p; i < n && same; i++ {
			same = q.loads[i] == q.loads[i-p]
		}
		if same {
			return p
		}
	}
	return 0
}

// polled notes a load of t and makes it wait if it polls while other tasks can go on or time can pass.
func (w *World) polled(t *task, a *Access, value uint64) {
	if w.cfg.BoundedLoops || w.fair {
		return
	}
	q := &t.poll
	if len(q.loads) == maxLoads {
		q.loads = q.loads[:copy(q.loads, q.loads[1:])]
	}
	q.loads = append(q.loads, loaded{a.Object, uint32(a.Off), value})
	if len(q.loads) < pollTurns || w.enabled&^(1<<t.id) == 0 && !w.timerPending() {
		return
	}
	if q.period = q.turn(); q.period == 0 {
		return
	}
	w.flush()
	w.polling++
	w.block(t, change{}, nil, shm.Forever)
	w.polling--
	q.period = 0
	q.progress()
}

// change is what a polling task waits for: a write to one of the words that it read.
type change struct{}

func (change) signalled() bool { return false }

// wrote notes that t has made the access a, a write, and wakes the tasks that poll what it wrote.
func (w *World) wrote(t *task, a *Access) {
	t.poll.progress()
	if w.polling > 0 {
		w.wakePollers(a)
	}
}

// wakePollers lets the tasks go on that poll what a writes, or await what a word is now.
func (w *World) wakePollers(a *Access) {
	for _, o := range w.tasks {
		if o.state == taskBlocked && o.poll.period > 0 && o.poll.watches(a) {
			w.setReady(o, true)
		}
		if o.on == &o.await {
			w.setReady(o, o.await.signalled())
		}
	}
}

// watches says whether the turn reads one of the bytes.
func (q *poll) watches(a *Access) bool {
	for _, l := range q.loads[len(q.loads)-q.period:] {
		if l.object == a.Object && uint64(l.off) < a.Off+a.Len && a.Off < uint64(l.off)+wordSize {
			return true
		}
	}
	return false
}

// stopPolling lets all polling tasks go on; it says whether there was one.
func (w *World) stopPolling() bool {
	any := false
	for _, t := range w.tasks {
		if t.poll.period > 0 && t.state == taskBlocked {
			w.setReady(t, true)
			any = any || !t.proc.stopped
		}
	}
	return any
}
