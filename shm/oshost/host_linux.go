package oshost

import (
	"time"

	"cutthrough/shm"
)

// New returns the operating system of this process. The package comment says what is behind each
// port.
func New() shm.Host { return &host{clock: clock{time.Now()}} }

type host struct {
	clock
	oldKernel bool // do as on a kernel without SO_PASSRIGHTS
}
