package oshost

import (
	"time"

	"cutthrough/shm"
)

// NewOld is New on a kernel that cannot refuse descriptors to a socket.
func NewOld() shm.Host { return &host{clock: clock{time.Now()}, oldKernel: true} }

// FD returns the number of a descriptor of this package.
func FD(d shm.Desc) int { return d.(*fdDesc).fd }

// ForeignDesc returns fd as Recv returns descriptors: sent by a peer, of unknown kind.
func ForeignDesc(fd int) shm.Desc { return &fdDesc{fd: fd, foreign: true} }
