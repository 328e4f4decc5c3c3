// Package layertest is for tests that run a session layer: its core, checked after every step, and steps to wait for.
package layertest

import (
	"cutthrough/impl/layer"
	"cutthrough/internal/proctest"
)

// Core is a [layer.Core] whose steps are watched. A server calls it under a lock, so what waits for a step sees, once it
// has asked the server, what the step has done.
type Core struct {
	*layer.Core
	Broken func(error)      // is told of an invariant that does not hold after a step; nil: none is checked
	Steps  *proctest.Events // notes every step, unless nil
}

// Step implements [cutthrough/impl/server.Core].
func (c Core) Step(ev layer.Event) []layer.Effect {
	effects := c.Core.Step(ev)
	if c.Broken != nil {
		if err := c.CheckInvariants(); err != nil {
			c.Broken(err)
		}
	}
	if c.Steps != nil {
		c.Steps.Note()
	}
	return effects
}
