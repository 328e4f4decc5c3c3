package impl

import (
	"maps"
	"slices"
)

// Clone returns a copy of l that shares nothing with it that changes. The same events make the
// same effects and the same state of both. It has no effects of an earlier Step.
func (l *Layer) Clone() *Layer {
	c := *l
	c.channels, c.byPair, c.table = maps.Clone(l.channels), maps.Clone(l.byPair), maps.Clone(l.table)
	c.apps = l.apps.clone(func(a *app) {
		a.listeners, a.pairs = slices.Clone(a.listeners), slices.Clone(a.pairs)
	})
	c.listeners = l.listeners.clone(func(li *listener) { li.keys = slices.Clone(li.keys) })
	c.sessions = l.sessions.clone(func(*session) {})
	c.pairs = l.pairs.clone(func(p *pair) { p.segments = slices.Clone(p.segments) })
	c.segments = l.segments.clone(func(g *segment) {
		g.inside, g.waiting = g.inside.clone(), slices.Clone(g.waiting)
	})
	c.space = l.space.clone()
	c.timers = l.timers.clone()
	c.out = nil
	return &c
}
