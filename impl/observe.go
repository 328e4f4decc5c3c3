package impl

import "cutthrough/impl/wire"

// ObservationKind says what an application has done, or has found out.
type ObservationKind uint8

// The observations. The first three are for tests, simulation and monitors, the others for every program.
const (
	ObserveReceived    ObservationKind = iota // a message of the session layer, before it is handled
	ObserveMapped                             // the segment of a Map
	ObserveUnmapped                           // the segment of an earlier Map
	ObserveAttached                           // to the first session layer or a later one; listeners are bound there
	ObserveLayerGone                          // Err says why; sessions go on
	ObserveNotBound                           // unless this says that one is not, yet; Err says why, Msg which
	ObserveNotAttached                        // a later session layer, or Trust, has refused; Err says why, and it tries again
)

// Observation is something that an application has done or found out.
type Observation struct {
	Kind       ObservationKind
	Attachment int // at which session layer: 1 for the first, 2 for the one after that
	Msg        wire.Message
	Err        error
}

func (a *attachment) observe(o Observation) {
	if observe := a.app.opt.Observe; observe != nil {
		o.Attachment = a.number
		observe(o)
	}
}
