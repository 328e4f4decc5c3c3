package sim

// An Observer is a Chooser that is told every step once it has happened, in order, before the next question.
type Observer interface {
	Chooser
	// Executed is told the step.
	Executed(s Step)
}

// Step is a step that has happened: a hooked access or call, and what the task did by itself up to the next one. The first step
// of a task has the access "task begin". An operation that waits is a step when it goes on.
type Step struct {
	Task int
	// Parent and Rank are the task's [Point.Birth].
	Parent, Rank int
	// Access is what the step really was: a compare-and-swap that failed is a load.
	Access
	// Origin is that of the object of the access.
	Origin Origin
	// Process is the number of the task's process.
	Process int
	// Touched are the objects that a call concerns, what it does with each; valid during the call of Executed. Contingent says
	// that they depend on what was in a channel or in the directory.
	Touched    []Touch
	Contingent bool
	// Waits says that the operation goes on only when something has come to pass: a lock is free, a message is there.
	Waits bool
	// Met is the condition of [Process.Await], else nil.
	Met func(uint64) bool
	// Blocked says that the step has not happened: the task has found nothing yet and waits.
	Blocked bool
	// Polled says that the task goes on that the scheduler made wait because it polled.
	Polled bool
	// Seq is the number of the message that was sent or received on the channel, or would have been.
	Seq uint32
	// Room is how many messages the channel of a send holds.
	Room uint32
	// Passed says that a message was sent or received, or a ring was there for a wait.
	Passed bool
	// Was is the value of the word before the access.
	Was uint64
	// Failed says that the access is a compare-and-swap that failed.
	Failed bool
	// Children is how many tasks the task has started, after the step.
	Children int
	Tail     Tail
}

// Origin tells objects apart in different executions: numbers depend on the order of steps that are independent, origins do
// not.
type Origin struct {
	Task int16  // that created the object, -1 for the setup function
	Nth  uint16 // of the objects that it created
}

// Touch is an object that a call concerns.
type Touch struct {
	Origin
	How How
}

// How says what a call does with an object.
type How uint8

// The ways to touch an object. Calls of two processes that look at an object or let go of it may change places.
const (
	Looked  How = iota // used a descriptor of it, or found it in the directory
	LetGo              // closed a descriptor, a handle or a mapping of it
	Changed            // anything else
)

// touch notes that the running step concerns an object.
func (w *World) touch(o Object, how How) {
	if w.inDoing {
		w.touched = append(w.touched, Touch{w.origins[o], how})
	}
}

// contingent notes that what the running step touches depends on what is in a channel or in the directory.
func (w *World) contingent() { w.doing.Contingent = true }

// tell begins the step of t that the observer is told of once it has happened; waits is what t waited for, or nil.
func (w *World) tell(t *task, waits waitable) {
	s := &w.doing
	*s = Step{Task: t.id, Parent: t.parent, Rank: t.rank, Process: t.proc.id, Access: t.pending, Origin: w.origins[t.pending.Object], Waits: waits != nil}
	if waits == &t.await {
		s.Met = t.await.met
	}
	w.touched = w.touched[:0]
	w.inDoing = true
}

// tellWake tells the observer that t goes on after a wait for on.
func (w *World) tellWake(t *task, on waitable) {
	if t.timedOut {
		on = nil
	}
	w.tell(t, on)
	w.doing.Op = t.blockedOp
	_, w.doing.Polled = on.(change)
}

// flush tells the observer of the step that has happened.
func (w *World) flush() {
	if w.inDoing {
		w.inDoing = false
		w.doing.Touched, w.doing.Tail, w.tail = w.touched, w.tail, 0
		w.doing.Children = w.tasks[w.doing.Task].children
		w.observer.Executed(w.doing)
	}
}

// Tail is what a task did between an access and the next that depends on the order of steps although it is not hooked.
type Tail uint8

// The parts of a Tail.
const (
	Called   Tail = 1 << iota // began an operation of a history
	Returned                  // ended one
)

// trail notes what the running task did.
func (w *World) trail(t Tail) {
	if w.cur != nil {
		w.tail |= t
	}
}
