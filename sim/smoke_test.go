package sim

import (
	"testing"

	"cutthrough/shm"
)

var (
	nameX = shm.NewName("x")
	nameY = shm.NewName("y")
)

// lost update
func program(w *World) {
	a, b := w.Process("a"), w.Process("b")
	s, _ := a.CreateSegment(4096)
	sb := b.View(s)
	xa, xb := s.Uint64(64, nameX), sb.Uint64(64, nameX)
	inc := func(x shm.Uint64) func() {
		return func() {
			v := x.Load()
			x.Store(v + 1)
		}
	}
	a.Go("a", inc(xa))
	b.Go("b", inc(xb))
	w.AtEnd("Sum", func() error {
		if v := xa.Load(); v != 2 {
			w.Fail("Sum", "x is %d", v)
		}
		return nil
	})
}

func TestSmoke(t *testing.T) {
	r := NewRunner()
	defer r.Close()
	for _, st := range []string{"dfs:2", "random", "pct:2"} {
		s, _ := ParseStrategy(st, 1)
		for i := 1; ; i++ {
			ch := s.Next()
			if ch == nil {
				t.Fatal("nothing")
			}
			o := r.Run(Config{Races: true}, ch, program)
			s.Done(o.Steps)
			if o.Failure != nil {
				t.Log(st, i, o.Failure, o.Schedule(), o.Steps)
				rp := NewReplay(o.Schedule())
				dg := o.Digest
				o = r.Run(Config{Races: true}, rp, program)
				t.Log(o.Failure, o.Digest == dg, rp.Unmet())
				break
			}
		}
	}
}

func sixty(w *World) {
	a, b, c := w.Process("a"), w.Process("b"), w.Process("c")
	s, _ := a.CreateSegment(4096)
	for i, p := range []*Process{a, b, c} {
		x := p.View(s).Uint64(uint64(64+8*i), nameX)
		p.Go(p.name, func() {
			for range 10 {
				v := x.Load()
				x.Store(v + 1)
			}
		})
	}
}

func BenchmarkSixty(b *testing.B) {
	for _, st := range []string{"dfs:2", "random", "pct:2"} {
		for _, races := range []bool{false, true} {
			b.Run(st+map[bool]string{true: "/races"}[races], func(b *testing.B) {
				r := NewRunner()
				defer r.Close()
				s, _ := ParseStrategy(st, 1)
				steps := 0
				b.ReportAllocs()
				for b.Loop() {
					ch := s.Next()
					o := r.Run(Config{Races: races}, ch, sixty)
					s.Done(o.Steps)
					steps += o.Steps
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "exec/s")
				b.ReportMetric(float64(steps)/b.Elapsed().Seconds(), "steps/s")
			})
		}
	}
}
