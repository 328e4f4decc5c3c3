package exec

// Schema names the version of the JSON form of an [Execution]. A change that a reader could notice gets a new number.
const Schema = "cutthrough/execution/v1"

// Execution is one execution of a simulated program. Indices refer to the slices of the same Execution.
type Execution struct {
	Schema        string         `json:"schema" doc:"the version of this form"`
	Processes     []Process      `json:"processes" doc:"the simulated processes, in order of creation"`
	Tasks         []Task         `json:"tasks" doc:"their tasks, in order of creation"`
	Objects       []Object       `json:"objects" doc:"what the tasks share: segments, bells, locks, channels, listeners"`
	Events        []Event        `json:"events" doc:"everything that happened, in order"`
	Interventions []Intervention `json:"interventions" doc:"the choices other than the default, in order"`
	History       []Operation    `json:"history,omitempty" doc:"the recorded operations, in order of their calls: client (index of the task), call and return (logical times), input, output; no return if there was none"`
	Failure       *Failure       `json:"failure,omitempty" doc:"the violation, if there was one"`
	Steps         int            `json:"steps" doc:"how many steps there were"`
	Faults        int            `json:"faults" doc:"how many faults happened"`
	Cut           bool           `json:"cut,omitempty" doc:"the step budget ended the phase of free scheduling"`
	Digest        Digest         `json:"digest" doc:"hash of every step and value, 16 hexadecimal digits"`
}

// Process is one simulated process.
type Process struct {
	Name    string `json:"name" doc:"its name, unique"`
	Killed  bool   `json:"killed,omitempty" doc:"it was killed"`
	Service bool   `json:"service,omitempty" doc:"it serves others and does not end by itself"`
}

// Task is one thread of control of a process, and where it was in the end.
type Task struct {
	Name    string `json:"name" doc:"its name, unique"`
	Process int    `json:"process" doc:"index of its process"`
	Daemon  bool   `json:"daemon,omitempty" doc:"it may wait for ever"`
	State   State  `json:"state" doc:"where it was in the end: ready, waiting, finished or killed"`
	// At is the access that a ready task was about to make, or what a waiting one waited for.
	At Access `json:"at" doc:"what it was about to do, or waited for"`
}

// State is where a task was in the end.
type State string

// The states.
const (
	Ready    State = "ready"
	Waiting  State = "waiting"
	Finished State = "finished"
	Killed   State = "killed"
)

// Object is something that tasks share. Object 0 stands for none.
type Object struct {
	Kind string `json:"kind" doc:"segment, bell, lock, channel, listener, clock or directory"`
	Name string `json:"name,omitempty" doc:"its name, if it has one"`
}

// Access is what a step does or is about to do.
type Access struct {
	Name   string `json:"name" doc:"the name of the word, range or call"`
	Op     string `json:"op" doc:"load, store, cas, add, swap, read, write, lock, ..."`
	Object int    `json:"object,omitempty" doc:"index of the object"`
	Off    uint64 `json:"off,omitempty" doc:"offset in the segment"`
	Len    uint64 `json:"len,omitempty" doc:"length in bytes"`
}

// String returns name and operation, as a trace anchors them.
func (a Access) String() string { return a.Name + " " + a.Op }

// EventKind says what an [Event] is.
type EventKind string

// The kinds of events.
const (
	StepEvent         EventKind = "step"         // an access or call that happened
	InterventionEvent EventKind = "intervention" // a choice other than the default
	WaitEvent         EventKind = "wait"         // the task cannot go on
	WakeEvent         EventKind = "wake"         // its wait is over
	CallEvent         EventKind = "call"         // an operation of the history begins
	ReturnEvent       EventKind = "return"       // it ends
	MarkEvent         EventKind = "mark"         // a state of interest was reached
	NoteEvent         EventKind = "note"         // a remark of the program
)

// Event is something that happened in an execution.
type Event struct {
	Kind EventKind `json:"kind" doc:"step, intervention, wait, wake, call, return, mark or note"`
	Task int       `json:"task" doc:"index of the task; -1 for none"`
	Step int       `json:"step,omitempty" doc:"number of the step, from 1; for other events 0"`
	Access
	Nth     int      `json:"nth,omitempty" doc:"how often the task has come to this name and op"`
	Read    *uint64  `json:"read,omitempty" doc:"the value of the word before"`
	Wrote   *uint64  `json:"wrote,omitempty" doc:"the value of the word after, if it was written"`
	Failed  bool     `json:"failed,omitempty" doc:"a compare-and-swap that changed nothing"`
	Message *Message `json:"message,omitempty" doc:"the message sent, received or posted, decoded"`
	Effect  *Effect  `json:"effect,omitempty" doc:"of an intervention"`
	Enabled []int    `json:"enabled,omitempty" doc:"the tasks that could have run instead or went on"`
	After   []int    `json:"after,omitempty" doc:"indices of the events of other tasks that happen immediately before"`
	Clock   []uint32 `json:"clock,omitempty" doc:"vector clock: for each task its last epoch that happens before"`
	Text    string   `json:"text,omitempty" doc:"of a call, return, mark or note"`
}

// Message is a decoded message.
type Message struct {
	Name   string  `json:"name" doc:"the type of the message"`
	Fields []Field `json:"fields,omitempty" doc:"its fields, in order"`
}

// Field is one field of a [Message].
type Field struct {
	Key   string `json:"key" doc:"name of the field"`
	Value string `json:"value" doc:"its value as text"`
}

// String returns the message on one line.
func (m *Message) String() string {
	s := m.Name
	for _, f := range m.Fields {
		s += " " + f.Key + "=" + f.Value
	}
	return s
}

// Verdict returns the violated property, or Pass.
func (x *Execution) Verdict() string {
	if x.Failure == nil {
		return Pass
	}
	return x.Failure.Property
}

// Pending returns what task was about to do when event happened: its next step, or where it was in the end. It is false
// for a task that had finished.
func (x *Execution) Pending(event, task int) (Access, bool) {
	for i := event; i < len(x.Events); i++ {
		if e := &x.Events[i]; e.Task == task && e.Kind == StepEvent {
			return e.Access, true
		}
	}
	t := &x.Tasks[task]
	return t.At, t.State == Ready || t.State == Waiting
}

// HappensBefore says whether event a is ordered before event b by program order, shared words, bells, channels,
// locks and task starts. Events of an execution that was recorded without clocks are ordered within a task only.
func (x *Execution) HappensBefore(a, b int) bool {
	ea, eb := &x.Events[a], &x.Events[b]
	if ea.Task == eb.Task {
		return a < b
	}
	if ea.Task < 0 || eb.Task < 0 || ea.Task >= len(ea.Clock) || ea.Task >= len(eb.Clock) {
		return false
	}
	return eb.Clock[ea.Task] >= ea.Clock[ea.Task]
}

// Link fills in After from the clocks: for each event the last events of other tasks that its task had not seen
// before. The recorder calls it once; a reader has no need to.
func (x *Execution) Link() {
	seen := make([][]uint32, len(x.Tasks))
	for i := range x.Events {
		e := &x.Events[i]
		if e.Task < 0 || e.Clock == nil {
			continue
		}
		last := seen[e.Task]
		for o, epoch := range e.Clock {
			if o == e.Task || o < len(last) && last[o] >= epoch || epoch == 0 {
				continue
			}
			if p := x.lastOf(i, o, epoch); p >= 0 {
				e.After = append(e.After, p)
			}
		}
		seen[e.Task] = e.Clock
	}
}

// lastOf returns the last event of task before event i whose epoch is at most the given one, or -1.
func (x *Execution) lastOf(i, task int, epoch uint32) int {
	for i--; i >= 0; i-- {
		e := &x.Events[i]
		if e.Task == task && task < len(e.Clock) && e.Clock[task] <= epoch {
			return i
		}
	}
	return -1
}
