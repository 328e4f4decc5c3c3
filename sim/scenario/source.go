package scenario

// Source supplies the values of a generator: configuration and workload of one
// test case. One generator serves every way of testing, because Intn can be
// answered by a pseudo-random generator, by rapid, by bytes of a fuzzer or by
// exhaustive search. 0 is always the simplest value.
type Source interface {
	// Intn returns a number in [0, n); n must be positive. The label says what
	// the number is for.
	Intn(n int, label string) int
}

// RandSource draws from a pseudo-random generator.
type RandSource struct{ R *Rand }

// Intn implements [Source].
func (s RandSource) Intn(n int, _ string) int { return s.R.Intn(n) }

// ByteSource draws from the bytes of a fuzz input; when they are used up every
// value is 0.
type ByteSource struct{ Data []byte }

// Intn implements [Source].
func (s *ByteSource) Intn(n int, _ string) int {
	v := 0
	for span := 1; span < n && len(s.Data) > 0; span <<= 8 {
		v = v<<8 | int(s.Data[0])
		s.Data = s.Data[1:]
	}
	return v % n
}
