package shmtest

import (
	"errors"

	"cutthrough/shm"
)

var nameBell = shm.NewName("test.bell")

// Bells are what one of two processes that wake each other has: the doorbell that it waits on, and the ringing end
// of the other's.
type Bells struct {
	Own  shm.Doorbell
	Peer shm.RingCloser
}

// NewBells returns the bells of this process and the descriptors that make OpenBells in the other one. They
// belong to the caller.
func NewBells(h shm.Host) (Bells, []shm.Desc, error) {
	w1, r1, err1 := h.NewDoorbell()
	w2, r2, err2 := h.NewDoorbell()
	if err := errors.Join(err1, err2); err != nil {
		return Bells{}, nil, err
	}
	b, err := OpenBells(h, []shm.Desc{w1, r2})
	return b, []shm.Desc{w2, r1}, err
}

// OpenBells opens what the process that called NewBells has sent.
func OpenBells(h shm.Host, descs []shm.Desc) (b Bells, err error) {
	var err1, err2 error
	b.Own, err1 = h.OpenWaiter(descs[0], nameBell)
	b.Peer, err2 = h.OpenRinger(descs[1], nameBell)
	return b, errors.Join(err1, err2)
}

// Close closes both. Closed ones stay closed.
func (b Bells) Close() error {
	var errs []error
	for _, c := range []interface{ Close() error }{b.Own, b.Peer} {
		if err := c.Close(); !errors.Is(err, shm.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// CloseDescs closes descriptors that were sent.
func CloseDescs(descs []shm.Desc) error {
	var errs []error
	for _, d := range descs {
		errs = append(errs, d.Close())
	}
	return errors.Join(errs...)
}
