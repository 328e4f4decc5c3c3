package sim

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"cutthrough/shm"
	"cutthrough/shm/access"
)

// view is one process's Yielder for one piece of memory.
type view struct {
	w    *World
	mem  *memory
	gone bool // unmapped: a real process would be killed by the next access
}

// Before implements [shm.AccessHook]: the scheduling point of every memory access.
func (v *view) Before(_ *shm.Segment, off, n uint64, name shm.Name, op access.Op) {
	w := v.w
	t := w.cur
	if t == nil {
		return
	}
	var faults []Effect
	if w.cfg.Faults != 0 && op == access.Load && int(name) < len(t.hostile) && t.hostile[name] {
		faults = w.hostileValues(v.mem.bytes[off : off+n])
	}
	if e := w.point(t, name, op, faults); e.Kind == Hostile {
		pokeWord(v.mem.bytes[off:off+n], e.Arg)
	}
	if v.gone {
		w.Fail(NoUseAfterUnmap, "%s: %s %s of byte %d of a segment that its process has unmapped", t.name, name, op, off)
	}
	w.digest = mix(w.digest, off)
	if w.cfg.Races {
		w.races.access(w, t, v.mem, off, n, site{name, op})
	}
	if w.cfg.Log {
		w.log = append(w.log, Step{Task: t.id, Name: name, Op: op, Off: off, Len: n})
	}
}

// After implements [shm.AccessHook].
func (v *view) After(value uint64, ok bool) {
	w := v.w
	if w.cur == nil {
		return
	}
	w.digest = mix(w.digest, value)
	if w.cfg.Races {
		w.races.done(w.cur, ok)
	}
	if w.cfg.Log {
		s := &w.log[len(w.log)-1]
		s.Value, s.OK, s.HasValue = value, ok, true
	}
	for i := range w.always {
		w.holds(&w.always[i])
	}
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

// point is where the running task t may be preempted, killed, stopped or given
// a fault. It returns when t goes on, with the effect that the call site must
// bring about itself (one of faults), or the zero Effect.
func (w *World) point(t *task, name shm.Name, op access.Op, faults []Effect) Effect {
	if t.unwind {
		panic(unwound{})
	}
	w.step++
	t.last = site{name, op}
	if w.step > w.cfg.MaxSteps {
		w.limit(t)
	}
	p := w.ask(t, name, op)
	w.digest = mix(w.digest, name.Hash()+uint64(op)<<8+uint64(t.id))
	if w.fair {
		if o := w.tasks[trailing(rotateAfter(w.enabled, t.id))]; o != t {
			w.switchTo(t, o)
		}
		return Effect{}
	}
	p.others = w.enabled &^ (1 << t.id)
	p.nOther = ones(p.others)
	p.faults = p.faults[:0]
	if w.cfg.Faults != 0 && w.spent < w.cfg.MaxFaults {
		w.offer(t, p, faults)
	}
	if p.nOther == 0 && len(p.faults) == 0 {
		return Effect{}
	}
	e := w.decide(t, p)
	switch e.Kind {
	case Continue:
	case Switch:
		w.switchTo(t, w.tasks[e.Arg])
	case Kill:
		w.kill(t)
	case Stop:
		w.setStopped(t.proc, true)
		if o := w.pick(t, site{name, access.Block}); o != t {
			w.switchTo(t, o)
		}
	case Resume:
		w.setStopped(w.procs[e.Arg], false)
	case Jump:
		w.advance()
	default:
		return e
	}
	return Effect{}
}

// offer lists the faults possible at a point.
func (w *World) offer(t *task, p *Point, faults []Effect) {
	for _, e := range faults {
		if w.cfg.Faults.Has(e.Kind) {
			p.faults = append(p.faults, e)
		}
	}
	mortal := t.proc.mortal
	if mortal && w.cfg.Faults.Has(Kill) {
		p.faults = append(p.faults, Effect{Kind: Kill})
	}
	if mortal && w.cfg.Faults.Has(Stop) && p.nOther > 0 {
		p.faults = append(p.faults, Effect{Kind: Stop})
	}
	if w.cfg.Faults.Has(Resume) {
		for _, q := range w.procs {
			if q.stopped {
				p.faults = append(p.faults, Effect{Resume, uint64(q.id)})
			}
		}
	}
	if w.cfg.Faults.Has(Jump) && w.timerPending() {
		p.faults = append(p.faults, Effect{Kind: Jump})
	}
	w.run.cover(p)
}

func (w *World) timerPending() bool {
	for _, t := range w.tasks {
		if t.state == taskBlocked && t.deadline != shm.Forever {
			return true
		}
	}
	return len(w.run.delayed) > 0
}

// ask prepares the question of the running task; the caller adds the options.
func (w *World) ask(t *task, name shm.Name, op access.Op) *Point {
	i := uint32(name)*uint32(access.NumOps) + uint32(op)
	for int(i) >= len(t.counts) {
		t.counts = append(t.counts, make([]uint32, 1+int(i)-len(t.counts))...)
	}
	if t.counts[i] == 0 {
		t.touched = append(t.touched, i)
	}
	t.counts[i]++
	p := &w.pt
	p.Task, p.Name, p.Op, p.Nth, p.Step = t.id, name, op, int(t.counts[i]), w.step
	p.w, p.Forced, p.Draws = w, false, 0
	return p
}

// decide puts the question to the Chooser and records the answer.
func (w *World) decide(t *task, p *Point) Effect {
	c := w.chooser.Choose(p)
	if c < 0 || c >= p.N() {
		panic(fmt.Sprintf("sim: chooser answered %d of %d at %s @ %s %s #%d", c, p.N(), t.name, p.Name, p.Op, p.Nth))
	}
	e := p.Option(c)
	if c != 0 {
		w.record = append(w.record, Intervention{Task: t.id, Name: p.Name, Op: p.Op, Nth: p.Nth, Effect: e})
		w.digest = mix(w.digest, uint64(e.Kind)<<56^e.Arg)
		if e.Kind.Fault() {
			w.spent++
			w.run.hit(p, e)
		}
		if w.cfg.Log {
			w.log = append(w.log, Step{Task: t.id, Name: p.Name, Op: p.Op, Nth: p.Nth, Effect: e})
		}
	}
	return e
}

// limit handles the step budget: after the first MaxSteps faults stop and
// scheduling becomes fair; when that does not finish either, somebody spins.
func (w *World) limit(t *task) {
	t.steps++
	if !w.fair {
		w.fair = true
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
	w.Fail(NoLivelock, "%s spins around %s: %d steps without faults under fair scheduling were not enough",
		spinner.name, spinner.last, w.cfg.MaxSteps)
}

// hostileValues are the words a hostile peer may have written over b.
func (w *World) hostileValues(b []byte) []Effect {
	old := peekWord(b)
	top := uint64(1) << (8*len(b) - 1)
	w.faultBuf = w.faultBuf[:0]
	for _, v := range [...]uint64{0, old - 1, old + 1, 1, ^uint64(0), old + 1<<31, old + 1<<32, old ^ top} {
		if len(b) == 4 {
			v &= 1<<32 - 1
		}
		if v != old {
			w.faultBuf = append(w.faultBuf, Effect{Hostile, v})
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
