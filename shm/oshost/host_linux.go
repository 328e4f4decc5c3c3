package oshost

import (
	"time"

	"cutthrough/shm"
)

// New returns the operating system of this process. The package comment says what is behind each
// port.
func New() shm.Host { return &host{clock{time.Now()}} }

type host struct{ clock }
