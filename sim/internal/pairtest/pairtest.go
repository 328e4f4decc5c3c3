// Package pairtest is small programs of two processes, which the tests of the simulator and of its strategies share.
package pairtest

import (
	"fmt"

	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/scenario"
)

var (
	nameX    = shm.NewName("x")
	nameY    = shm.NewName("y")
	nameData = shm.NewName("data")
)

// Pair is two processes A and B that share a segment with the words x and y and a range of 64 bytes.
type Pair struct {
	A, B   *sim.Process
	XA, XB shm.Uint64 // x as A and as B has it
	YA, YB shm.Uint64
	DA, DB shm.Range
	Seg    *shm.Segment // as A has it
}

// New adds a pair to w. It panics if A cannot create the segment.
func New(w *sim.World) *Pair {
	p := &Pair{A: w.Process("a"), B: w.Process("b")}
	seg, err := p.A.CreateSegment(shm.MinSegment)
	if err != nil {
		panic(err)
	}
	p.Seg = seg
	p.XA, p.YA, p.DA = shared(seg)
	p.XB, p.YB, p.DB = p.Third(p.B)
	return p
}

// Third returns the words and the range as another process has them.
func (p *Pair) Third(q *sim.Process) (x, y shm.Uint64, d shm.Range) { return shared(q.View(p.Seg)) }

func shared(s *shm.Segment) (x, y shm.Uint64, d shm.Range) {
	return s.Uint64(64, nameX), s.Uint64(72, nameY), s.Range(128, 64, nameData)
}

// WantValue returns an error unless x is want.
func WantValue(x shm.Uint64, want uint64) error {
	if got := x.Load(); got != want {
		return fmt.Errorf("%d, want %d", got, want)
	}
	return nil
}

// Fixed returns a scenario of one program.
func Fixed(cfg sim.Config, setup func(*sim.World), sometimes ...string) *scenario.Scenario {
	return &scenario.Scenario{
		Name:     "fixed",
		Generate: func(scenario.Source) scenario.Input { return scenario.Input{} },
		Compile: func(scenario.Input) (scenario.Program, error) {
			return scenario.Program{Config: cfg, Setup: setup}, nil
		},
		Sometimes: sometimes,
	}
}

// Sixty is a program of three tasks with 60 accesses between them.
func Sixty(w *sim.World) {
	p := New(w)
	c := w.Process("c")
	x, y, _ := p.Third(c)
	p.A.Go("a", func() {
		for i := range uint64(10) {
			p.XA.Store(p.YA.Load() + i)
		}
	})
	p.B.Go("b", func() {
		for i := range uint64(10) {
			p.YB.Store(p.XB.Load() + i)
		}
	})
	c.Go("c", func() {
		for range 10 {
			x.Add(1)
			y.Load()
		}
	})
}
