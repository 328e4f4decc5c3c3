package oshost

import (
	"time"

	"cutthrough/shm"
)

// New returns the operating system of this process. The package comment says what is behind each
// port.
func New() shm.Host { return NewWith(Sockets{}) }

// NewWith is New with sockets that listen as s says.
func NewWith(s Sockets) shm.Host { return &host{clock: clock{time.Now()}, sockets: s} }

type host struct {
	clock
	sockets   Sockets
	oldKernel bool // do as on a kernel without SO_PASSRIGHTS
}
