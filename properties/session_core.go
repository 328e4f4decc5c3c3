package properties

import (
	"cutthrough/impl/layer"
	"cutthrough/impl/wire"
)

// watchedCore is a core of the session layer whose messages are observed, in the order in which it takes and
// makes them, and whose invariants are checked after every step.
type watchedCore struct {
	*layer.Core
	broken    func(error)
	observers []observer
}

// observer gets a message of a channel. made: the session layer makes it.
type observer func(ch layer.Channel, made bool, m wire.Message)

func newWatchedCore(cfg layer.Config, broken func(error), observers ...observer) watchedCore {
	return watchedCore{layer.New(cfg), broken, observers}
}

// Step implements [server.Core].
func (w watchedCore) Step(ev layer.Event) []layer.Effect {
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

func (w watchedCore) observe(ch layer.Channel, made bool, m wire.Message) {
	for _, o := range w.observers {
		o(ch, made, m)
	}
}
