//go:build !purego && !race

package shm

import "golang.org/x/sys/cpu"

// longCopy is the shortest copy into shared memory, in bytes, that is worth
// REP MOVSB. From about here on the microcode writes whole cache lines without
// reading them first, and the lines to be overwritten are in the cache of the
// consumer's core: not fetching them doubles the throughput between two cores.
const longCopy = 1024

// copyLong copies src to dst, which has the same length of longCopy or more.
func copyLong(dst, src []byte) {
	if !cpu.X86.HasERMS {
		copy(dst, src)
		return
	}
	repMovsb(&dst[0], &src[0], uint64(len(src)))
}

// repMovsb copies n bytes forward; the two areas do not overlap.
//
//go:noescape
func repMovsb(dst, src *byte, n uint64)

// pause tells the core that the caller spins.
//
//go:noescape
func pause()
