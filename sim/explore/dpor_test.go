package explore

import (
	"testing"

	"cutthrough/sim"
	"cutthrough/sim/internal/pairtest"
)

// TestDPORComesToItsEnd: it explores all of a program, says so, and says what it leaves out.
func TestDPORComesToItsEnd(t *testing.T) {
	adds := func(w *sim.World) {
		p := pairtest.New(w)
		p.A.Go("a", func() { p.XA.Store(p.YA.Load()) })
		p.B.Go("b", func() { p.YB.Store(p.XB.Load()) })
	}
	polls := func(w *sim.World) {
		p := pairtest.New(w)
		p.A.Go("a", func() {
			for p.XA.Load() == 0 {
			}
		})
		p.B.Go("b", func() { p.XB.Store(1) })
	}
	for _, tt := range []struct {
		name          string
		setup         func(*sim.World)
		executions    int
		exhausted     string
		leftSomething bool
	}{
		{"adds", adds, 3, "every order of dependent steps, without faults", false},
		{"polls", polls, 0, "", true},
	} {
		rep, err := Explore(pairtest.Fixed(sim.Config{}, tt.setup), Options{Strategies: must(ParseStrategies("dpor", 1))})
		if err != nil || rep.Violation != nil {
			t.Fatal(tt.name, err, rep.Violation)
		}
		got := rep.Strategies[0]
		if tt.executions > 0 && got.Executions != tt.executions || got.Exhausted != tt.exhausted || (got.LeftOut != "") != tt.leftSomething {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}
