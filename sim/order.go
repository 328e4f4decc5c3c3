package sim

import (
	"cutthrough/shm"
	"cutthrough/shm/access"
	"cutthrough/sim/exec"
	"cutthrough/sim/hb"
)

// synchronise orders t by the word access a, which has happened.
func (w *World) synchronise(t *task, m *memory, a *Access, ok bool) {
	v := &m.sync[a.Off/4]
	switch {
	case a.Op == access.Load || a.Op == access.CAS && !ok:
		w.hb.Acquire(t.id, v)
	case a.Op == access.Store:
		w.hb.Publish(t.id, v)
	default:
		w.hb.Update(t.id, v)
	}
}

// plain checks that the plain access of t is ordered after all that conflict with it. This supports the argument of the package
// documentation that exploring the orders of hooked accesses is complete.
func (w *World) plain(t *task, m *memory) {
	if !w.cfg.Races {
		return
	}
	if m.shadow == nil {
		m.shadow = hb.NewShadow(uint64(len(m.bytes)))
	}
	a := t.pending
	var c hb.Conflict
	var ok bool
	if a.Op == access.Write {
		c, ok = m.shadow.Write(&w.hb, t.id, a.Off, a.Len, siteOf(a))
	} else {
		c, ok = m.shadow.Read(&w.hb, t.id, a.Off, a.Len, siteOf(a))
	}
	if !ok {
		w.Fail(exec.NoRace, "%s %s of byte %d is not ordered after %s %s", t.name, a, c.Off, w.tasks[c.Task].name, accessOf(c.At))
	}
}

// siteOf packs name and operation.
func siteOf(a Access) hb.Site { return hb.Site(a.Name)<<8 | hb.Site(a.Op) }

func accessOf(s hb.Site) Access { return Access{Name: shm.Name(s >> 8), Op: access.Op(s & 0xff)} }

// release makes everything t did so far visible to a task that acquires v later.
func (w *World) release(t *task, v *hb.Var) {
	if w.order && t != nil {
		w.hb.Release(t.id, v)
	}
}

// acquire orders t after every release of v so far.
func (w *World) acquire(t *task, v *hb.Var) {
	if w.order && t != nil {
		w.hb.Acquire(t.id, v)
	}
}

// snapshot returns t's clock for a message.
func (w *World) snapshot(t *task) hb.Clock {
	if !w.order || t == nil {
		return nil
	}
	return w.hb.Snapshot(t.id)
}
