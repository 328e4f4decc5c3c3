package oshost

import (
	"time"

	"cutthrough/shm"
)

// New returns the operating system of this process. The package comment says what is behind each
// port.
func New(options ...Option) shm.Host {
	return &host{clock{time.Now()}, newSettings(options)}
}

type host struct {
	clock
	settings
}
