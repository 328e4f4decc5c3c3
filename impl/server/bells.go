package server

import (
	"errors"
	"fmt"

	"cutthrough/impl/wire"
	"cutthrough/shm"
)

// bells are the doorbells of a pair of applications, one for each direction: for each side the waiting end of the one
// that its peer rings, and the ringing end of the other. The session layer keeps the ends of a side until the side has
// them or has left. Later a copy would hide from the peer that the side is dead.
type bells [2][2]shm.Desc

// bellsLocked returns the doorbells of the pair that has its event queues in a segment. It makes them when they are
// to be sent for the first time. The error is one of the operating system that has none left.
func (s *Server) bellsLocked(segment wire.Handle) (*bells, error) {
	if b := s.bells[segment]; b != nil {
		return b, nil
	}
	w0, r0, err := s.host.NewDoorbell()
	if err != nil {
		return nil, fmt.Errorf("impl: doorbells of %v: %w", segment, err)
	}
	w1, r1, err := s.host.NewDoorbell()
	if err != nil {
		return nil, fmt.Errorf("impl: doorbells of %v: %w", segment, errors.Join(err, w0.Close(), r0.Close()))
	}
	b := &bells{{w0, r1}, {w1, r0}}
	s.bells[segment] = b
	return b, nil
}

// forgetBellsLocked closes the ends of one side, if they are there.
func (s *Server) forgetBellsLocked(segment wire.Handle, side int) {
	b := s.bells[segment]
	if b == nil || b[side][0] == nil {
		return
	}
	for i, d := range b[side] {
		_ = d.Close()
		b[side][i] = nil
	}
}
