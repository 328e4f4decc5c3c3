package shm

import (
	"fmt"
	"sync/atomic"
	"time"
)

// localDoorbell is a doorbell inside one process: a channel that holds one ring.
type localDoorbell struct {
	clock
	rung   chan struct{}
	gone   chan struct{}
	closed atomic.Bool
}

// NewLocalDoorbell implements [Host]. The name is for simulators.
func (c clock) NewLocalDoorbell(Name) Doorbell {
	return &localDoorbell{clock: c, rung: make(chan struct{}, 1), gone: make(chan struct{})}
}

// Ring implements [Doorbell].
func (d *localDoorbell) Ring() error {
	if d.closed.Load() {
		return fmt.Errorf("shm: ring: %w", ErrClosed)
	}
	select {
	case d.rung <- struct{}{}:
	default: // one is waiting already
	}
	return nil
}

// Wait implements [Doorbell]. It does not spin.
func (d *localDoorbell) Wait(_ func() bool, deadline time.Duration) error {
	if d.closed.Load() {
		return fmt.Errorf("shm: wait: %w", ErrClosed)
	}
	select {
	case <-d.rung:
		return nil
	default:
	}
	var expired <-chan time.Time
	if deadline != Forever {
		left := time.Duration(0)
		if now := d.Now(); deadline > now {
			left = deadline - now
		}
		t := time.NewTimer(left)
		defer t.Stop()
		expired = t.C
	}
	select {
	case <-d.rung:
		return nil
	case <-d.gone:
		return fmt.Errorf("shm: wait: %w", ErrClosed)
	case <-expired:
		return fmt.Errorf("shm: wait: %w", ErrDeadline)
	}
}

// Desc implements [Doorbell].
func (d *localDoorbell) Desc() Desc { return nil }

// Close implements [Doorbell].
func (d *localDoorbell) Close() error {
	if d.closed.Swap(true) {
		return fmt.Errorf("shm: close: %w", ErrClosed)
	}
	close(d.gone)
	return nil
}
