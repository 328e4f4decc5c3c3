package sim

import (
	"fmt"

	"cutthrough/shm"
	"cutthrough/shm/access"
)

// desc is a descriptor of one process.
type desc struct {
	p   *Process
	obj any // *memory or end
}

func (p *Process) newDesc(obj any) *desc {
	hold(obj)
	return p.takeDesc(obj)
}

// takeDesc returns a descriptor that takes over a hold of obj.
func (p *Process) takeDesc(obj any) *desc {
	d := p.w.run.descs.get()
	*d = desc{p, obj}
	p.acquire(d)
	return d
}

// hold counts a holder of what a descriptor refers to.
func hold(obj any) {
	if e, ok := obj.(end); ok {
		e.hold()
	}
}

func unhold(obj any) {
	if e, ok := obj.(end); ok {
		e.unhold()
	}
}

// dropDesc closes d; it says whether it was open.
func (p *Process) dropDesc(d *desc) bool {
	open := p.drop(d)
	if open {
		unhold(d.obj)
	}
	return open
}

func (d *desc) release() { unhold(d.obj) }

func (d *desc) String() string { return fmt.Sprintf("descriptor of a %s", kindOf(d.obj)) }

func kindOf(obj any) string {
	if _, ok := obj.(*memory); ok {
		return "segment"
	}
	return "doorbell"
}

func objectOf(obj any) Object {
	if m, ok := obj.(*memory); ok {
		return m.id
	}
	return obj.(end).b.id
}

// Close implements [shm.Desc].
func (d *desc) Close() error {
	if d.p.w.cur != nil {
		d.p.w.at(Access{Name: nameClose, Op: access.Call}, nil)
	}
	d.p.w.touch(objectOf(d.obj), LetGo)
	if !d.p.dropDesc(d) {
		return shm.ErrClosed
	}
	return nil
}

// owned returns d as a descriptor of p that is still open.
func (p *Process) owned(d shm.Desc) (*desc, bool) {
	sd, ok := d.(*desc)
	if !ok || sd.p != p {
		return nil, false
	}
	p.w.touch(objectOf(sd.obj), Looked)
	for _, o := range p.open {
		if o == sd {
			return sd, true
		}
	}
	return nil, false
}
