package sim

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"cutthrough/shm"
	"cutthrough/shm/access"
	"cutthrough/sim/exec"
)

// view is a piece of memory as one process has it mapped, and the access hook of that mapping.
type view struct {
	p      *Process
	mem    *memory
	before uint64       // the value of the word that is being accessed
	gone   bool         // unmapped: a real process would be killed by the next access
	close  func() error // unmap, made once
}

// Before implements [shm.AccessHook]: the scheduling point of every memory access.
func (v *view) Before(_ *shm.Segment, off, n uint64, name shm.Name, op access.Op) {
	w := v.p.w
	if at := frame(); !w.run.guard.lets(at) {
		w.mayRun(at, name, op)
	}
	t := w.cur
	if t == nil {
		return
	}
	if t.proc != v.p {
		w.Fail(exec.OwnMapping, "%s: %s %s of byte %d of a segment that only process %s has mapped here", t.name, name, op, off, v.p.name)
	}
	var faults []option
	if op == access.Load && w.cfg.Faults.Has(exec.CorruptRead) && w.hostileTo(v, name) {
		faults = w.hostileValues(v.mem.bytes[off : off+n])
	}
	// Field by field, here and in askAt: a copy as a whole would wait until the single stores have left the store buffer.
	a := &t.pending
	a.Object, a.Name, a.Op, a.Off, a.Len = v.mem.id, name, op, off, n
	o := w.point(t, faults)
	if o.kind == exec.CorruptRead {
		pokeWord(v.mem.bytes[off:off+n], o.arg)
	}
	if t.waits != nil {
		w.awaits(t)
	}
	if v.gone {
		w.Fail(exec.NoUseAfterUnmap, "%s: %s %s of byte %d of a segment that its process has unmapped", t.name, name, op, off)
	}
	w.digest = mix(w.digest, off)
	w.begin(t)
	if op.Plain() {
		w.plain(t, v.mem)
		if op == access.Write {
			w.wrote(t, &t.pending)
		}
		return
	}
	if w.watched {
		v.before = peekWord(v.mem.bytes[off : off+n])
	}
}

// After implements [shm.AccessHook].
func (v *view) After(value uint64, ok bool) {
	w := v.p.w
	t := w.cur
	if t == nil {
		return
	}
	w.digest = mix(w.digest, value)
	a := &t.pending
	failed := a.Op == access.CAS && !ok
	if w.order {
		w.synchronise(t, v.mem, a, ok)
	}
	if w.watched {
		if w.rec != nil {
			w.rec.values(a, v.before, peekWord(v.mem.bytes[a.Off:a.Off+a.Len]), ok)
		}
		w.doing.Was = v.before
		if failed {
			w.doing.Op, w.doing.Failed = access.Load, true
		}
	}
	for i := range w.always {
		w.holds(&w.always[i])
	}
	if a.Op == access.Load || failed {
		w.polled(t, a, value)
		return
	}
	w.wrote(t, a)
}

func (w *World) holds(c *check) {
	if err := w.inspect(c.f); err != nil {
		w.Fail(c.name, "%v", err)
	}
}

// mix folds x into h; a multiply and a rotate, good enough to tell runs apart.
func mix(h, x uint64) uint64 {
	return bits.RotateLeft64((h^x)*0x9fb21c651e98df25, 29)
}

// at is the scheduling point of a call of the running task.
func (w *World) at(a Access, faults []option) option {
	t := w.cur
	w.mustRun(a.Name, a.Op)
	t.pending = a
	o := w.point(t, faults)
	w.begin(t)
	t.poll.progress()
	return o
}

// begin notes that t does what it came to.
func (w *World) begin(t *task) {
	w.done++
	if w.watched {
		w.report(t)
	}
}

// report tells the recorder and the observer that t does what it came to.
func (w *World) report(t *task) {
	if w.rec != nil {
		w.rec.begin(t)
	}
	if w.observer != nil {
		w.tell(t, t.waits)
	}
}

// point is where the running task t may be preempted, killed, stopped or given
// a fault, before its pending access. It returns when t goes on, with the fault that the call site must
// bring about itself (one of faults), or the zero option.
func (w *World) point(t *task, faults []option) option {
	if t.unwind {
		panic(unwound{})
	}
	w.flush()
	w.step++
	if w.step%beatEvery == 0 {
		w.run.guard.beat()
	}
	if w.step > w.cfg.MaxSteps {
		w.limit(t)
	}
	p := w.ask(t)
	w.digest = mix(w.digest, p.Name.Hash()+uint64(p.Op)<<8+uint64(t.id))
	if w.fair {
		if o := w.tasks[trailing(rotateAfter(w.enabled, t.id))]; o != t {
			w.switchTo(t, o)
		}
		return option{}
	}
	p.others = w.enabled &^ (1 << t.id)
	p.nOther = ones(p.others)
	p.faults = p.faults[:0]
	if w.cfg.Faults != 0 && w.spent < w.cfg.MaxFaults {
		w.offer(t, p, faults)
	}
	if p.nOther == 0 && len(p.faults) == 0 {
		return option{}
	}
	o := w.decide(t, p)
	switch o.kind {
	case exec.Continue:
	case exec.Switch:
		w.switchTo(t, w.tasks[o.id])
	case exec.Kill:
		w.kill(t)
	case exec.Stop:
		w.setStopped(t.proc, true)
		if next := w.pick(t, Access{Name: p.Name, Op: access.Block}); next != t {
			w.switchTo(t, next)
		}
	case exec.Resume:
		w.setStopped(w.procs[o.id], false)
	case exec.AdvanceClock:
		w.advance()
	default:
		return o
	}
	return option{}
}

// offer lists the faults possible at a point.
func (w *World) offer(t *task, p *Point, faults []option) {
	for _, o := range faults {
		if w.cfg.Faults.Has(o.kind) {
			p.faults = append(p.faults, o)
		}
	}
	mortal := t.proc.mortal
	if mortal && w.cfg.Faults.Has(exec.Kill) {
		p.faults = append(p.faults, option{kind: exec.Kill})
	}
	if mortal && w.cfg.Faults.Has(exec.Stop) && p.nOther > 0 {
		p.faults = append(p.faults, option{kind: exec.Stop})
	}
	if w.cfg.Faults.Has(exec.Resume) {
		for _, q := range w.procs {
			if q.stopped {
				p.faults = append(p.faults, option{kind: exec.Resume, id: int32(q.id)})
			}
		}
	}
	if w.cfg.Faults.Has(exec.AdvanceClock) && w.timerPending() {
		p.faults = append(p.faults, option{kind: exec.AdvanceClock})
	}
	w.run.sites.cover(p)
	w.run.guard.beat() // publishes what was counted
}

func (w *World) timerPending() bool {
	for m := w.waiting; m != 0; m &= m - 1 {
		if t := w.tasks[trailing(m)]; t.state == taskBlocked && t.deadline != shm.Forever {
			return true
		}
	}
	return len(w.run.delayed) > 0
}

// ask prepares the question of the running task before its pending access; the caller adds the options.
func (w *World) ask(t *task) *Point { return w.askAt(t, &t.pending) }

func (w *World) askAt(t *task, a *Access) *Point {
	site := w.run.site(a.Name, a.Op)
	if site >= len(t.counts) {
		t.counts = append(t.counts, make([]uint32, 1+site-len(t.counts))...)
	}
	t.counts[site]++
	t.nth = int(t.counts[site])
	p := &w.pt
	p.site = site
	p.Object, p.Name, p.Op, p.Off, p.Len = a.Object, a.Name, a.Op, a.Off, a.Len
	p.Task, p.Nth, p.Step = t.id, t.nth, w.step
	p.Forced, p.Draws = false, 0
	return p
}

// decide puts the question to the Chooser and records the answer.
func (w *World) decide(t *task, p *Point) option {
	c := w.chooser.Choose(p)
	if c == 0 && !p.Forced && p.Draws == 0 {
		return option{} // to continue, the most frequent answer
	}
	if c == Diverged {
		w.diverged(t, p)
	}
	if c < 0 || c >= p.N() {
		panic(fmt.Sprintf("sim: chooser answered %d of %d at %s @ %s #%d", c, p.N(), t.name, p.Access, p.Nth))
	}
	o := p.option(c)
	if c != 0 {
		w.choices = append(w.choices, choice{t.id, p.Nth, p.Name, p.Op, o})
		w.digest = mix(w.digest, uint64(o.kind)<<56^(o.arg|uint64(o.id)))
		if o.kind.Fault() {
			w.spent++
			w.run.sites.hit(p, o.kind)
			w.run.guard.beat() // publishes the choice to the guard; a switch does so by itself
		}
		if w.rec != nil {
			w.rec.intervention(p, w.effect(o))
		}
	}
	return o
}

// diverged ends the execution: equal choices have led elsewhere before. The task may be one that was
// just killed, so it does not go through [World.Fail].
func (w *World) diverged(t *task, p *Point) {
	if w.failure == nil {
		message := fmt.Sprintf("%s @ %s #%d is not where equal choices led before", t.name, p.Access, p.Nth)
		w.failure = &exec.Failure{Property: exec.Determinism, Message: message, Task: t.name, Step: w.done}
	}
	w.next = nil
	t.unwind = true
	panic(unwound{})
}

// limit handles the step budget: after the first MaxSteps faults stop and
// scheduling becomes fair; when that does not finish either, a task spins.
func (w *World) limit(t *task) {
	t.steps++
	if !w.fair {
		w.fair = true
		w.stopPolling()
		for _, p := range w.procs {
			if p.stopped {
				w.setStopped(p, false)
			}
		}
	}
	if w.step <= 2*w.cfg.MaxSteps {
		return
	}
	spinner := t
	for _, o := range w.tasks {
		if o.steps > spinner.steps {
			spinner = o
		}
	}
	w.Fail(exec.NoLivelock, "%s spins around %s: %d steps without faults under fair scheduling were not enough",
		spinner.name, spinner.pending, w.cfg.MaxSteps)
}

// hostileTo says whether another process may have written a word that the process of v is about to load.
func (w *World) hostileTo(v *view, name shm.Name) bool {
	for _, p := range w.procs {
		if p != v.p && p.mayHaveWritten(v.mem, name) {
			return true
		}
	}
	return false
}

// hostileValues are the words a hostile peer may have written over b.
func (w *World) hostileValues(b []byte) []option {
	old := peekWord(b)
	top := uint64(1) << (8*len(b) - 1)
	w.faultBuf = w.faultBuf[:0]
	for _, v := range [...]uint64{0, old - 1, old + 1, 1, ^uint64(0), old + 1<<31, old + 1<<32, old ^ top} {
		if len(b) == 4 {
			v &= 1<<32 - 1
		}
		if v != old {
			w.faultBuf = append(w.faultBuf, option{kind: exec.CorruptRead, arg: v})
		}
	}
	return w.faultBuf
}

func peekWord(b []byte) uint64 {
	if len(b) == 4 {
		return uint64(binary.NativeEndian.Uint32(b))
	}
	return binary.NativeEndian.Uint64(b)
}

func pokeWord(b []byte, v uint64) {
	if len(b) == 4 {
		binary.NativeEndian.PutUint32(b, uint32(v))
		return
	}
	binary.NativeEndian.PutUint64(b, v)
}
