//go:build !linux

package oshost

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"time"

	"cutthrough/shm"
)

// New returns the operating system of this process. Clock, tasks, locks and local doorbells work;
// every other method returns an error that is [errors.ErrUnsupported].
func New() shm.Host { return unsupportedHost{clock{time.Now()}} }

// NewWith is New: without sockets there is nothing to say about them.
func NewWith(Sockets) shm.Host { return New() }

// ListenStream returns an error that is [errors.ErrUnsupported].
func ListenStream(string, Sockets) (net.Listener, error) { return nil, unsupported("listen") }

type unsupportedHost struct{ clock }

func unsupported(call string) error {
	return fmt.Errorf("oshost: %s: not on %s: %w", call, runtime.GOOS, errors.ErrUnsupported)
}

func (unsupportedHost) CreateSegment(uint64) (*shm.Segment, error) {
	return nil, unsupported("create segment")
}

func (unsupportedHost) MapSegment(d shm.Desc, _ uint64) (*shm.Segment, error) {
	return nil, errors.Join(unsupported("map segment"), closeDesc(d))
}

func (unsupportedHost) NewDoorbell() (wait, ring shm.Desc, err error) {
	return nil, nil, unsupported("new doorbell")
}

func (unsupportedHost) OpenWaiter(d shm.Desc, _ shm.Name) (shm.Doorbell, error) {
	return nil, errors.Join(unsupported("open waiter"), closeDesc(d))
}

func (unsupportedHost) OpenRinger(d shm.Desc, _ shm.Name) (shm.RingCloser, error) {
	return nil, errors.Join(unsupported("open ringer"), closeDesc(d))
}

func (unsupportedHost) Dial(string, time.Duration) (shm.Conn, error) { return nil, unsupported("dial") }

func (unsupportedHost) Listen(string) (shm.Listener, error) { return nil, unsupported("listen") }

func closeDesc(d shm.Desc) error {
	if d == nil {
		return nil
	}
	return d.Close()
}
