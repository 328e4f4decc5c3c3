package oshost

import (
	"fmt"
	"sync/atomic"
	"time"

	"cutthrough/shm"
)

// localDoorbell is a doorbell inside one process: a channel that holds one ring.
type localDoorbell struct {
	clock
	rung   chan struct{}
	gone   chan struct{}
	closed atomic.Bool
}

// NewLocalDoorbell implements [shm.Host]. Only simulators use the name.
func (c clock) NewLocalDoorbell(shm.Name) shm.Doorbell {
	return &localDoorbell{clock: c, rung: make(chan struct{}, 1), gone: make(chan struct{})}
}

// Ring implements [shm.Doorbell].
func (d *localDoorbell) Ring() error {
	if d.closed.Load() {
		return fmt.Errorf("oshost: ring: %w", shm.ErrClosed)
	}
	select {
	case d.rung <- struct{}{}:
	default: // one is waiting already
	}
	return nil
}

// Wait implements [shm.Doorbell]. It does not spin.
func (d *localDoorbell) Wait(_ func() bool, deadline time.Duration) error {
	if d.closed.Load() {
		return fmt.Errorf("oshost: wait: %w", shm.ErrClosed)
	}
	select {
	case <-d.rung:
		return nil
	default:
	}
	var expired <-chan time.Time
	if deadline != shm.Forever {
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
		return fmt.Errorf("oshost: wait: %w", shm.ErrClosed)
	case <-expired:
		return fmt.Errorf("oshost: wait: %w", shm.ErrDeadline)
	}
}

// Close implements [shm.Doorbell].
func (d *localDoorbell) Close() error {
	if d.closed.Swap(true) {
		return fmt.Errorf("oshost: close: %w", shm.ErrClosed)
	}
	close(d.gone)
	return nil
}
