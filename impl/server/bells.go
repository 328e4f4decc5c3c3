package server

import (
	"errors"
	"fmt"

	"cutthrough/impl/wire"
	"cutthrough/shm"
)

// bells are the doorbells of pairs of applications, under the segments with their event queues.
type bells map[wire.Handle]*pairBells

// pairBells are the doorbells of a pair, one for each direction: for each side the waiting end of the one
// that its peer rings, and the ringing end of the other. The session layer keeps the ends of a side until the side has
// them or has left. Later a copy would hide from the peer that the side is dead.
type pairBells [2][2]shm.Desc

// of returns the doorbells of the pair that has its event queues in a segment. It makes them when they are
// to be sent for the first time. The error is one of the operating system that has none left.
func (b bells) of(h shm.Host, segment wire.Handle) (*pairBells, error) {
	if p := b[segment]; p != nil {
		return p, nil
	}
	w0, r0, err := h.NewDoorbell()
	if err != nil {
		return nil, fmt.Errorf("impl: doorbells of %v: %w", segment, err)
	}
	w1, r1, err := h.NewDoorbell()
	if err != nil {
		return nil, fmt.Errorf("impl: doorbells of %v: %w", segment, errors.Join(err, w0.Close(), r0.Close()))
	}
	p := &pairBells{{w0, r1}, {w1, r0}}
	b[segment] = p
	return p, nil
}

// forget closes the ends of one side, if they are there.
func (b bells) forget(segment wire.Handle, side int) {
	p := b[segment]
	if p == nil || p[side][0] == nil {
		return
	}
	for i, d := range p[side] {
		_ = d.Close()
		p[side][i] = nil
	}
}

// drop closes what is left of the doorbells under a segment that is destroyed.
func (b bells) drop(segment wire.Handle) {
	b.forget(segment, 0)
	b.forget(segment, 1)
	delete(b, segment)
}
