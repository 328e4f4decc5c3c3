package sim_test

import (
	"errors"
	"testing"

	"cutthrough/sim"
	"cutthrough/sim/explore"
	"cutthrough/sim/internal/pairtest"
	"cutthrough/sim/scenario"
)

// sixtyChecked is the same work with what an execution of a scenario has: plain
// bytes ordered by the words, a history and a property at the end.
func sixtyChecked(w *sim.World) {
	p := pairtest.New(w)
	buf := make([]byte, 8)
	p.A.Go("a", func() {
		for i := range 6 {
			op := w.Call(i)
			p.DA.CopyIn(uint64(8*i), buf)
			p.XA.Store(uint64(i + 1))
			w.Return(op, i)
		}
	})
	p.B.Go("b", func() {
		got := make([]byte, 8)
		done := uint64(0)
		for range 14 {
			op := w.Call(0)
			if n := p.XB.Load(); n > done {
				p.DB.CopyOut(got, 8*(n-1))
				done = n
			}
			p.YB.Store(done)
			w.Return(op, 0)
		}
	})
	w.AtEnd("History", func() error { return wantLen(len(w.History()), 20) })
}

var errLen = errors.New("wrong length")

func wantLen(got, want int) error {
	if got != want {
		return errLen
	}
	return nil
}

// BenchmarkExecutions reports executions and steps per second on one core. The
// digest is always on.
func BenchmarkExecutions(b *testing.B) {
	for _, bb := range []struct {
		name     string
		strategy func() explore.Strategy
		cfg      sim.Config
		setup    func(*sim.World)
	}{
		{"mostly-continue", func() explore.Strategy { return explore.NewPCT(2, 1) }, sim.Config{}, pairtest.Sixty},
		{"dfs", func() explore.Strategy { return explore.NewDFS(3) }, sim.Config{}, pairtest.Sixty},
		{"random", func() explore.Strategy { return explore.NewRandom(1) }, sim.Config{}, pairtest.Sixty},
		{"uniform", func() explore.Strategy { return &uniform{scenario.NewRand(1)} }, sim.Config{}, pairtest.Sixty},
		{"mostly-continue/checked", func() explore.Strategy { return explore.NewPCT(2, 1) }, sim.Config{Races: true}, sixtyChecked},
		{"random/checked", func() explore.Strategy { return explore.NewRandom(1) }, sim.Config{Races: true}, sixtyChecked},
		{"uniform/checked", func() explore.Strategy { return &uniform{scenario.NewRand(1)} }, sim.Config{Races: true}, sixtyChecked},
	} {
		b.Run(bb.name, func(b *testing.B) {
			r := sim.NewRunner()
			defer r.Close()
			s := bb.strategy()
			steps := 0
			var o sim.Outcome // once: it escapes
			r.Guard(func() {
				for b.Loop() {
					ch := s.Next()
					if ch == nil {
						s = bb.strategy()
						ch = s.Next()
					}
					o = r.Run(bb.cfg, ch, bb.setup)
					if o.Failure != nil {
						b.Fatal(o.Failure)
					}
					if err := s.Done(&o); err != nil {
						b.Fatal(err)
					}
					steps += o.Steps
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "executions/s")
			b.ReportMetric(float64(steps)/b.Elapsed().Seconds(), "steps/s")
			b.ReportMetric(float64(steps)/float64(b.N), "steps/execution")
		})
	}
}

// uniform picks any option with equal odds at every point: the most switches.
type uniform struct{ r *scenario.Rand }

func (u *uniform) Next() sim.Chooser       { return u }
func (u *uniform) Done(*sim.Outcome) error { return nil }
func (u *uniform) String() string          { return "uniform" }
func (u *uniform) Choose(p *sim.Point) int { return u.r.Intn(p.N()) }
