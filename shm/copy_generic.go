//go:build !amd64 || purego || race

package shm

import "math"

// The race detector sees copy, and would not see a copy in assembly.

// longCopy says that no copy is long enough for anything but copy.
const longCopy = math.MaxInt

func copyLong(dst, src []byte) { copy(dst, src) }

func pause() {}
