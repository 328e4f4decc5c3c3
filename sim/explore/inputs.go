package explore

import (
	"errors"
	"fmt"

	"cutthrough/sim"
)

// inputs draws the inputs of an [InputChooser]: it asks the Chooser, which explores the first width
// values of every draw, and remembers the answers. An input is generated anew only when one changes.
type inputs struct {
	ch     sim.Chooser
	width  int
	ns     []int // options of each draw of the current input
	values []int // and the answers
	known  int   // answers already given when Generate starts
	p      sim.Point
	err    error // the generator is not deterministic
}

// Intn implements [scenario.Source].
func (s *inputs) Intn(n int, label string) int {
	n = min(n, s.width)
	if n == 1 {
		return 0
	}
	if s.known > 0 {
		i := len(s.values) - s.known
		s.known--
		if s.ns[i] != n {
			s.diverged(fmt.Errorf("draw %d of the generator, %q, is one of %d values, where equal draws led to one of %d before", i+1, label, n, s.ns[i]))
			return 0
		}
		return s.values[i]
	}
	v := s.ask(n)
	s.ns, s.values = append(s.ns, n), append(s.values, v)
	return v
}

// ask puts a draw to the Chooser; if that answers Diverged, its strategy knows why.
func (s *inputs) ask(n int) int {
	s.p = sim.Point{Draws: n}
	v := s.ch.Choose(&s.p)
	if v == sim.Diverged {
		s.diverged(errors.New("the generator draws something else than before"))
		return 0
	}
	return v
}

func (s *inputs) diverged(err error) {
	if s.err == nil {
		s.err = err
	}
}

// same puts the draws of the last input to ch again; it says whether all answers are the same.
func (s *inputs) same(ch sim.Chooser) bool {
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
