package shm

// ForeignDesc returns fd as Recv returns descriptors: sent by a peer, of unknown kind.
func ForeignDesc(fd int) Desc { return &fdDesc{fd: fd, foreign: true} }
