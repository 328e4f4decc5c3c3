package explore

import "cutthrough/sim"

// choiceSource asks a Chooser, which explores the first width values of every
// draw, and remembers the answers: a case is generated anew only when one changes.
type choiceSource struct {
	ch     sim.Chooser
	width  int
	ns     []int // options of each draw of the current case
	values []int // and the answers
	known  int   // answers already given when Generate starts
	p      sim.Point
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
	s.p = sim.Point{Draws: n}
	return s.ch.Choose(&s.p)
}

// same puts the questions of the last case to ch again; it says whether all
// answers are the same.
func (s *choiceSource) same(ch sim.Chooser) bool {
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
