package impl

import "cutthrough/impl/wire"

// ObservationKind says what an application has done.
type ObservationKind uint8

// The observations.
const (
	ObserveReceived ObservationKind = iota // a message of the session layer, before it is handled
	ObserveMapped                          // the segment of a Map
	ObserveUnmapped                        // the segment of an earlier Map
)

// Observation is something that an application has done.
type Observation struct {
	Kind ObservationKind
	Msg  wire.Message
}

func (a *App) observe(k ObservationKind, m wire.Message) {
	if a.opt.Observe != nil {
		a.opt.Observe(Observation{k, m})
	}
}
