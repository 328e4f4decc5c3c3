package check

import (
	"encoding/binary"
	"math/bits"
)

// Large states wait in a frontier as the bytes in which each differs from the
// one before it, the first from zero: neighbours are siblings more often than not,
// and a step changes few bytes. For each such byte there is its distance from the
// last one, or from the place before the first, and its value; a zero comes after
// the last. Where the distance is too large for a byte there is a byte between that
// is given the value it has.

// isSmall says whether states are packed as they are, because they are hardly
// larger than their differences.
func isSmall[S comparable]() bool { return sizeOf[S]() <= 64 }

// appendDifference appends what makes a state of the one before it.
func appendDifference(to, s, before []byte) []byte {
	last := -1
	differs := func(i int) {
		for ; i-last > 255; last += 255 {
			to = append(to, 255, s[last+255])
		}
		to = append(to, byte(i-last), s[i])
		last = i
	}
	i := 0
	for ; i+8 <= len(s); i += 8 {
		x := binary.LittleEndian.Uint64(s[i:]) ^ binary.LittleEndian.Uint64(before[i:])
		for x != 0 {
			n := bits.TrailingZeros64(x) / 8
			differs(i + n)
			x &^= 0xff << (8 * n)
		}
	}
	for ; i < len(s); i++ {
		if s[i] != before[i] {
			differs(i)
		}
	}
	return append(to, 0)
}

// applyDifference makes a state of the one before it, and returns what follows in
// the part.
func applyDifference(part, s []byte) []byte {
	i := -1
	for part[0] != 0 {
		i += int(part[0])
		s[i] = part[1]
		part = part[2:]
	}
	return part[1:]
}
