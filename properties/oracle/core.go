package oracle

import (
	"cutthrough/impl/layer"
	"cutthrough/impl/wire"
)

// WatchedCore is a core of the session layer whose messages are observed, in the order in which it takes and
// makes them, and whose invariants are checked after every step.
type WatchedCore struct {
	*layer.Core
	broken    func(error)
	observers []Observer
}

// Observer gets a message of a channel; made says that the session layer makes it.
type Observer func(ch layer.Channel, made bool, m wire.Message)

// NewWatchedCore returns a core that calls broken with the error of an invariant that does not hold, and every
// observer with every message.
func NewWatchedCore(cfg layer.Config, broken func(error), observers ...Observer) WatchedCore {
	return WatchedCore{layer.New(cfg), broken, observers}
}

// Step implements [server.Core].
func (w WatchedCore) Step(ev layer.Event) []layer.Effect {
	if ev.Kind == layer.EventMessage {
		w.observe(ev.Channel, false, ev.Msg)
	}
	effects := w.Core.Step(ev)
	for _, fx := range effects {
		if fx.Kind == layer.EffectSend {
			w.observe(fx.Channel, true, fx.Msg)
		}
	}
	if err := w.CheckInvariants(); err != nil {
		w.broken(err)
	}
	return effects
}

func (w WatchedCore) observe(ch layer.Channel, made bool, m wire.Message) {
	for _, o := range w.observers {
		o(ch, made, m)
	}
}
