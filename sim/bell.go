package sim

import (
	"fmt"
	"syscall"
	"time"

	"cutthrough/shm"
	"cutthrough/shm/access"
	"cutthrough/sim/exec"
	"cutthrough/sim/hb"
)

// delayTime is how far in the future a delayed ring or message arrives: later
// than anything that can happen now, and before long timeouts.
const delayTime = time.Microsecond

// bell is the object behind the two ends of a doorbell.
type bell struct {
	w       *World
	id      Object
	rung    bool
	local   bool // it has no ringing ends to be closed, or the world holds one
	ringers int  // ringing ends: descriptors, also under way, and open handles
	order   hb.Var
}

func (w *World) newBell(name string, local bool) *bell {
	b := w.run.bells.get()
	*b = bell{w: w, id: w.object("bell", name), local: local}
	return b
}

// end is what a descriptor of one end of a doorbell refers to.
type end struct {
	b     *bell
	rings bool
}

// hold counts a holder of the end: a descriptor, a message or an open handle.
func (e end) hold() {
	if e.rings {
		e.b.ringers++
	}
}

// unhold ends a hold. Without ringing ends the waiter is told.
func (e end) unhold() {
	if e.rings {
		e.b.w.touch(e.b.id, LetGo)
		if e.b.ringers--; e.b.deserted() {
			e.b.wake()
		}
	}
}

// deserted says whether no process can ring from outside.
func (b *bell) deserted() bool { return !b.local && b.ringers == 0 }

// wake wakes the tasks that wait for b.
func (b *bell) wake() {
	for m := b.w.waiting; m != 0; m &= m - 1 {
		t := b.w.tasks[trailing(m)]
		if d, ok := t.on.(*doorbell); ok && d.b == b {
			b.w.wake(d)
		}
	}
}

// doorbell is one process's handle of the waiting end of a bell.
type doorbell struct {
	p      *Process
	b      *bell
	d      *desc // nil for a local one
	name   shm.Name
	closed bool
}

func (d *doorbell) signalled() bool { return d.b.rung || d.closed || d.b.deserted() }

func (d *doorbell) release() {}

func (d *doorbell) String() string { return "doorbell " + d.name.String() }

// ringer is one process's handle of the ringing end of a bell.
type ringer struct {
	p      *Process
	b      *bell
	d      *desc
	name   shm.Name
	closed bool
}

func (r *ringer) release() {}

func (r *ringer) String() string { return "ringer " + r.name.String() }

// NewDoorbell implements [shm.Host].
func (p *Process) NewDoorbell() (wait, ring shm.Desc, err error) {
	if err := p.call(NoObject, nameBellNew, syscall.EMFILE); err != nil {
		return nil, nil, err
	}
	b := p.w.newBell("doorbell", false)
	return p.newDesc(end{b, false}), p.newDesc(end{b, true}), nil
}

// NewLocalDoorbell implements [shm.Host].
func (p *Process) NewLocalDoorbell(name shm.Name) shm.Doorbell {
	return p.newWaiter(p.w.newBell(name.String(), true), nil, name)
}

// takeEnd returns the bell whose end d refers to. It owns d.
func (p *Process) takeEnd(d shm.Desc, rings bool) (*bell, *desc, error) {
	err := p.call(NoObject, nameBellOpen, syscall.EMFILE)
	sd, ok := p.owned(d)
	if !ok {
		return nil, nil, fmt.Errorf("sim: open doorbell: %w", shm.ErrDesc)
	}
	if err != nil {
		p.dropDesc(sd)
		return nil, nil, err
	}
	e, ok := sd.obj.(end)
	if !ok || e.rings != rings {
		p.dropDesc(sd)
		return nil, nil, fmt.Errorf("sim: open doorbell: %w", shm.ErrDesc)
	}
	return e.b, sd, nil
}

// OpenWaiter implements [shm.Host].
func (p *Process) OpenWaiter(d shm.Desc, name shm.Name) (shm.Doorbell, error) {
	b, sd, err := p.takeEnd(d, false)
	if err != nil {
		return nil, err
	}
	w := p.newWaiter(b, sd, name)
	p.acquire(w)
	return w, nil
}

// newWaiter returns a handle of the waiting end of b.
func (p *Process) newWaiter(b *bell, sd *desc, name shm.Name) *doorbell {
	d := p.w.run.doorbells.get()
	*d = doorbell{p: p, b: b, d: sd, name: name}
	return d
}

// OpenRinger implements [shm.Host].
func (p *Process) OpenRinger(d shm.Desc, name shm.Name) (shm.RingCloser, error) {
	b, sd, err := p.takeEnd(d, true)
	if err != nil {
		return nil, err
	}
	return p.openRinger(b, sd, name), nil
}

func (p *Process) openRinger(b *bell, sd *desc, name shm.Name) *ringer {
	r := p.w.run.ringers.get()
	*r = ringer{p: p, b: b, d: sd, name: name}
	p.acquire(r)
	return r
}

// OpenBell opens in p the ringing end of a doorbell of another process, as if its
// descriptor had been received. The doorbell may be a local one: its Wait never returns
// ErrPeerClosed. For setup functions.
func (p *Process) OpenBell(d shm.Doorbell, name shm.Name) shm.RingCloser {
	b := d.(*doorbell).b
	return p.openRinger(b, p.newDesc(end{b, true}), name)
}

var (
	delayFaults    = []option{{kind: exec.Delay, arg: 1}}
	spuriousFaults = []option{{kind: exec.Spurious}}
)

// Ring implements [shm.Doorbell].
func (d *doorbell) Ring() error { return d.b.ring(d.p.w, d.name, &d.closed) }

// Ring implements [shm.Ringer].
func (r *ringer) Ring() error { return r.b.ring(r.p.w, r.name, &r.closed) }

// ring rings b by a handle, unless that is closed.
func (b *bell) ring(w *World, name shm.Name, closed *bool) error {
	if w.cur == nil {
		b.arrive()
		return nil
	}
	e := w.at(Access{Object: b.id, Name: name, Op: access.Ring}, delayFaults)
	if *closed {
		return shm.ErrClosed
	}
	w.release(w.cur, &b.order)
	if e.kind == exec.Delay {
		b.ringers++ // the end of the ringers does not overtake a ring
		w.delay(func() { b.arrive(); end{b, true}.unhold() })
		return nil
	}
	b.arrive()
	return nil
}

// arrive makes a ring be there.
func (b *bell) arrive() {
	b.rung = true
	b.wake()
}

// Wait implements [shm.Doorbell]. It never calls ready but to tell a lost
// wake-up from a deadlock: nothing spins under simulation.
func (d *doorbell) Wait(ready func() bool, deadline time.Duration) error {
	w := d.p.w
	t := w.cur
	e := w.atWait(Access{Object: d.b.id, Name: d.name, Op: access.Wait}, spuriousFaults, d, deadline)
	if d.closed {
		return shm.ErrClosed
	}
	if e.kind == exec.Spurious {
		return nil
	}
	for !d.signalled() {
		if deadline <= w.now {
			return shm.ErrDeadline
		}
		if w.block(t, d, ready, deadline) && !d.signalled() {
			return shm.ErrDeadline
		}
	}
	switch {
	case d.closed:
		return shm.ErrClosed
	case !d.b.rung:
		return shm.ErrPeerClosed
	}
	d.b.rung = false
	w.doing.Passed = true
	w.acquire(t, &d.b.order)
	return nil
}

// Close implements [shm.Doorbell].
func (d *doorbell) Close() error {
	w := d.p.w
	if w.cur != nil {
		w.at(Access{Object: d.b.id, Name: nameClose, Op: access.Call}, nil)
	}
	w.touch(d.b.id, LetGo)
	if d.closed {
		return shm.ErrClosed
	}
	d.closed = true
	d.p.drop(d)
	if d.d != nil {
		d.p.dropDesc(d.d)
	}
	w.wake(d)
	return nil
}

// Close implements [shm.RingCloser].
func (r *ringer) Close() error {
	w := r.p.w
	if w.cur != nil {
		w.at(Access{Object: r.b.id, Name: nameClose, Op: access.Call}, nil)
	}
	w.touch(r.b.id, LetGo)
	if r.closed {
		return shm.ErrClosed
	}
	r.closed = true
	r.p.drop(r)
	r.p.dropDesc(r.d)
	return nil
}

// delayed is something that happens at a later virtual time.
type delayed struct {
	at time.Duration
	f  func()
}

func (w *World) delay(f func()) {
	w.run.delayed = append(w.run.delayed, delayed{w.now + delayTime, f})
}

// arrive lets everything happen whose time has come.
func (w *World) arrive() {
	ds := w.run.delayed
	keep := ds[:0]
	var due []func()
	for _, d := range ds {
		if d.at <= w.now {
			due = append(due, d.f)
		} else {
			keep = append(keep, d)
		}
	}
	w.run.delayed = keep
	for _, f := range due {
		f()
	}
}
