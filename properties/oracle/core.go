package oracle

import (
	"cutthrough/impl/layer"
	"cutthrough/impl/wire"
)

// WatchedCore is a core of the session layer that passes every message to its observers, in the order in which
// the core takes and makes them, and checks its invariants after every step.
type WatchedCore struct {
	*layer.Core
	checker   *layer.Checker
	broken    func(error)
	observers []Observer
}

// Observer is called with each message of a channel; made is true if the session layer sends the message.
type Observer func(ch layer.Channel, made bool, m wire.Message)

// NewWatchedCore returns a core that calls each observer with every message, and broken with the error of an
// invariant that does not hold.
func NewWatchedCore(cfg layer.Config, broken func(error), observers ...Observer) WatchedCore {
	return WatchedCore{layer.New(cfg), new(layer.Checker), broken, observers}
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
	if err := w.checker.Check(w.Core); err != nil {
		w.broken(err)
	}
	return effects
}

func (w WatchedCore) observe(ch layer.Channel, made bool, m wire.Message) {
	for _, o := range w.observers {
		o(ch, made, m)
	}
}
