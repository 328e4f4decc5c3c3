package layer

import (
	"maps"
	"slices"
)

// Clone returns a copy of l that shares nothing with it that changes. The same events make the
// same effects and the same state of both. It has no effects of an earlier Step.
func (l *Core) Clone() *Core {
	c := *l
	c.channels, c.users = maps.Clone(l.channels), maps.Clone(l.users)
	c.byPair, c.directory = maps.Clone(l.byPair), maps.Clone(l.directory)
	c.ports = maps.Clone(l.ports)
	c.apps = l.apps.Clone(func(a *app) {
		a.listeners, a.pairs = slices.Clone(a.listeners), slices.Clone(a.pairs)
	})
	c.listeners = l.listeners.Clone(func(li *listener) { li.keys = slices.Clone(li.keys) })
	c.sessions = l.sessions.Clone(func(*session) {})
	c.pairs = l.pairs.Clone(func(p *pair) { p.segments = slices.Clone(p.segments) })
	c.segments = l.segments.Clone()
	c.timers = l.timers.clone()
	c.out = nil
	return &c
}
