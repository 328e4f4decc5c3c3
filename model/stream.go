package model

// streamPeriod is prime, so that a stale byte, one capacity behind or ahead, never
// looks right: it does only at a distance that is a multiple of 251, and
// no power of two is. Zero is not in the stream, so unwritten memory never looks
// right either.
const streamPeriod = 251

// StreamByte returns the byte at position at (0 or more) of the test stream, the
// content that every byte queue workload sends. Because position decides content,
// a history needs to record positions and lengths only.
func StreamByte(at int) byte { return byte(1 + at%streamPeriod) }

// FillStream fills dst with the bytes of the test stream from position at on.
func FillStream(dst []byte, at int) {
	for i := range dst {
		dst[i] = StreamByte(at + i)
	}
}

// CheckStream returns the index of the first byte of got that differs from the
// test stream at position at on, or -1 when all agree.
func CheckStream(got []byte, at int) int {
	for i, b := range got {
		if b != StreamByte(at+i) {
			return i
		}
	}
	return -1
}
