package sim

import (
	"slices"

	"cutthrough/shm/access"
	"cutthrough/sim/exec"
)

// recorder writes down an execution.
type recorder struct {
	w *World
	x *exec.Execution
	// doing is the index of the event that is under way, or -1, and epoch the epoch of its task when it began.
	doing int
	epoch uint32
}

func newRecorder(w *World) *recorder {
	x := &exec.Execution{Schema: exec.Schema, Events: []exec.Event{}, Interventions: []exec.Intervention{}}
	return &recorder{w: w, x: x, doing: -1}
}

// asData returns a for the record.
func asData(a Access) exec.Access {
	return exec.Access{Name: a.Name.String(), Op: a.Op.String(), Object: int(a.Object), Off: a.Off, Len: a.Len}
}

// enabled returns the tasks that can run.
func (r *recorder) enabled() []int {
	var ids []int
	for m := r.w.enabled; m != 0; m &= m - 1 {
		ids = append(ids, trailing(m))
	}
	return ids
}

// begin records that t makes the access it came to.
func (r *recorder) begin(t *task) {
	r.finish()
	r.x.Events = append(r.x.Events, exec.Event{
		Kind: exec.StepEvent, Task: t.id, Step: r.w.done, Access: asData(t.pending), Nth: t.nth, Enabled: r.enabled(),
	})
	r.doing, r.epoch = len(r.x.Events)-1, r.w.hb.Clock(t.id)[t.id]
}

// finish completes the event that is under way with its clock.
func (r *recorder) finish() {
	if r.doing < 0 {
		return
	}
	e := &r.x.Events[r.doing]
	e.Clock = slices.Clone(r.w.hb.Clock(e.Task))
	e.Clock[e.Task] = r.epoch
	r.doing = -1
}

// step returns the event that is under way.
func (r *recorder) step() *exec.Event { return &r.x.Events[r.doing] }

// values records what a word access read and wrote.
func (r *recorder) values(a *Access, before, after uint64, ok bool) {
	e := r.step()
	if a.Op != access.Store {
		e.Read = &before
	}
	switch {
	case a.Op == access.Load:
	case a.Op == access.CAS && !ok:
		e.Failed = true
	default:
		e.Wrote = &after
	}
	if d := r.w.cfg.Decoder; d != nil {
		e.Message = d.Word(a.Name, after)
	}
}

// message records the message that the step sends or receives.
func (r *recorder) message(b []byte) {
	if d := r.w.cfg.Decoder; d != nil {
		r.step().Message = d.Message(b)
	}
}

// intervention records a choice other than the default.
func (r *recorder) intervention(p *Point, e exec.Effect) {
	r.finish()
	r.x.Events = append(r.x.Events, exec.Event{
		Kind: exec.InterventionEvent, Task: p.Task, Access: asData(p.Access), Nth: p.Nth, Effect: &e, Enabled: r.enabled(),
	})
}

// wait records that t waits, or that its wait is over. What a task receives after a wait belongs to the end of the wait.
func (r *recorder) wait(kind exec.EventKind, t *task) {
	r.finish()
	r.x.Events = append(r.x.Events, exec.Event{Kind: kind, Task: t.id, Access: asData(t.pending)})
	r.doing, r.epoch = len(r.x.Events)-1, r.w.hb.Clock(t.id)[t.id]
}

// event records something with a text; a task below 0 is none.
func (r *recorder) event(kind exec.EventKind, task int, text string) {
	e := exec.Event{Kind: kind, Task: task, Text: text}
	if task >= 0 {
		e.Clock = slices.Clone(r.w.hb.Clock(task))
	}
	r.x.Events = append(r.x.Events, e)
}

// close completes the record at the end of the execution.
func (r *recorder) close() *exec.Execution {
	r.finish()
	w, x := r.w, r.x
	for _, p := range w.procs {
		x.Processes = append(x.Processes, exec.Process{Name: p.name, Killed: p.dead, Service: p.service})
	}
	for _, t := range w.tasks {
		x.Tasks = append(x.Tasks, exec.Task{
			Name: t.name, Process: t.proc.id, Daemon: t.daemon, State: t.finalState(), At: asData(t.pending),
		})
	}
	x.Objects = slices.Clone(w.objects)
	x.Interventions = append(x.Interventions, w.schedule()...)
	x.History = append(x.History, w.hist.ops...) // nil if there are none
	x.Failure, x.Steps, x.Faults, x.Cut, x.Digest = w.failure, w.step, w.spent, w.fair, exec.Digest(w.digest)
	x.Link()
	return x
}

// finalState says where t was when the execution left it.
func (t *task) finalState() exec.State {
	switch {
	case t.endedAt == taskBlocked:
		return exec.Waiting
	case t.proc.dead && t.unwind:
		return exec.Killed
	case t.endedAt == taskDone:
		return exec.Finished
	}
	return exec.Ready
}
