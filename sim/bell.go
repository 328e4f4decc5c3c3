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

// bell is the object behind the doorbells of several processes.
type bell struct {
	w     *World
	id    Object
	rung  bool
	order hb.Var
}

func (w *World) newBell(name shm.Name) *bell {
	return &bell{w: w, id: w.object("bell", name.String())}
}

// doorbell is one process's handle of a bell.
type doorbell struct {
	p      *Process
	b      *bell
	d      *desc
	name   shm.Name
	closed bool
}

func (d *doorbell) signalled() bool { return d.b.rung || d.closed }

func (d *doorbell) release() {}

func (d *doorbell) String() string { return "doorbell " + d.name.String() }

// NewDoorbell implements [shm.Host].
func (p *Process) NewDoorbell(name shm.Name) (shm.Doorbell, error) {
	if err := p.call(NoObject, nameBellNew, syscall.EMFILE); err != nil {
		return nil, err
	}
	return p.openBell(p.w.newBell(name), nil, name), nil
}

// NewLocalDoorbell implements [shm.Host].
func (p *Process) NewLocalDoorbell(name shm.Name) shm.Doorbell {
	return &doorbell{p: p, b: p.w.newBell(name), name: name}
}

func (p *Process) openBell(b *bell, sd *desc, name shm.Name) *doorbell {
	if sd == nil {
		sd = p.newDesc(b)
	}
	d := &doorbell{p: p, b: b, d: sd, name: name}
	p.acquire(d)
	return d
}

// OpenDoorbell implements [shm.Host].
func (p *Process) OpenDoorbell(d shm.Desc, name shm.Name) (shm.Doorbell, error) {
	sd, ok := p.owned(d)
	if !ok {
		return nil, fmt.Errorf("sim: open doorbell: %w", shm.ErrDesc)
	}
	if err := p.call(NoObject, nameBellOpen, syscall.EMFILE); err != nil {
		p.drop(sd)
		return nil, err
	}
	b, ok := sd.obj.(*bell)
	if !ok {
		p.drop(sd)
		return nil, fmt.Errorf("sim: open doorbell: %w", shm.ErrDesc)
	}
	return p.openBell(b, sd, name), nil
}

// OpenBell opens in p the bell of a doorbell that another process made, as if
// its descriptor had been received. For setup functions.
func (p *Process) OpenBell(d shm.Doorbell, name shm.Name) shm.Doorbell {
	return p.openBell(d.(*doorbell).b, nil, name)
}

var (
	delayFaults    = []option{{kind: exec.Delay, arg: 1}}
	spuriousFaults = []option{{kind: exec.Spurious}}
)

// Ring implements [shm.Doorbell].
func (d *doorbell) Ring() error {
	w := d.p.w
	if w.cur == nil {
		d.b.ring()
		return nil
	}
	e := w.at(Access{Object: d.b.id, Name: d.name, Op: access.Ring}, delayFaults)
	if d.closed {
		return shm.ErrClosed
	}
	w.release(w.cur, &d.b.order)
	if e.kind == exec.Delay {
		b := d.b
		w.delay(func() { b.ring() })
		return nil
	}
	d.b.ring()
	return nil
}

func (b *bell) ring() {
	b.rung = true
	for _, t := range b.w.tasks {
		if d, ok := t.on.(*doorbell); ok && d.b == b {
			b.w.wake(d)
		}
	}
}

// Wait implements [shm.Doorbell]. It never calls ready but to tell a lost
// wake-up from a deadlock: nothing spins under simulation.
func (d *doorbell) Wait(ready func() bool, deadline time.Duration) error {
	w := d.p.w
	t := w.cur
	e := w.at(Access{Object: d.b.id, Name: d.name, Op: access.Wait}, spuriousFaults)
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
	if d.closed {
		return shm.ErrClosed
	}
	d.b.rung = false
	w.acquire(t, &d.b.order)
	return nil
}

// Desc implements [shm.Doorbell].
func (d *doorbell) Desc() shm.Desc {
	if d.d == nil {
		return nil // a local one
	}
	return d.d
}

// Close implements [shm.Doorbell].
func (d *doorbell) Close() error {
	w := d.p.w
	if w.cur != nil {
		w.at(Access{Object: d.b.id, Name: nameClose, Op: access.Call}, nil)
	}
	if d.closed {
		return shm.ErrClosed
	}
	d.closed = true
	d.p.drop(d)
	if d.d != nil {
		d.p.drop(d.d)
	}
	w.wake(d)
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
