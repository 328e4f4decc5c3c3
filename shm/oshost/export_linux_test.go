package oshost

import "cutthrough/shm"

// ForeignDesc returns fd as Recv returns descriptors: sent by a peer, of unknown kind.
func ForeignDesc(fd int) shm.Desc { return &fdDesc{fd: fd, foreign: true} }
