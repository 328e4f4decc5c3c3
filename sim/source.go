package sim

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

// ByteChooser draws choices from the bytes of a fuzz input; when they are used
// up every choice is 0. Each choice takes one byte, 0 to 127 of which mean choice 0,
// so that most inputs preempt little.
type ByteChooser struct{ Data []byte }

// Choose implements [Chooser].
func (c *ByteChooser) Choose(p *Point) int {
	if len(c.Data) == 0 {
		return 0
	}
	b := int(c.Data[0])
	c.Data = c.Data[1:]
	if p.Draws > 0 || p.Forced {
		return b % p.N()
	}
	if b < 128 {
		return 0
	}
	return (b - 128) % p.N()
}

// choiceSource asks a Chooser, which explores the first width values of every
// draw, and remembers the answers: a case is generated anew only when one changes.
type choiceSource struct {
	ch     Chooser
	width  int
	ns     []int // options of each draw of the current case
	values []int // and the answers
	known  int   // answers already given when Generate starts
	p      Point
}

// Intn implements [Source].
func (s *choiceSource) Intn(n int, _ string) int {
	n = min(n, s.width)
	if n == 1 {
		return 0
	}
	if s.known > 0 {
		s.known--
		return s.values[len(s.values)-1-s.known]
	}
	s.ns = append(s.ns, n)
	s.values = append(s.values, s.ask(n))
	return s.values[len(s.values)-1]
}

func (s *choiceSource) ask(n int) int {
	s.p = Point{Draws: n}
	return s.ch.Choose(&s.p)
}

// same puts the questions of the last case to ch again; it says whether all
// answers are the same.
func (s *choiceSource) same(ch Chooser) bool {
	s.ch = ch
	for i, n := range s.ns {
		v := s.ask(n)
		if v != s.values[i] {
			s.ns, s.values = s.ns[:i+1], s.values[:i+1]
			s.values[i] = v
			s.known = i + 1
			return false
		}
	}
	return true
}
