package session

import (
	"testing"

	"cutthrough/impl/layer"
	"cutthrough/impl/server"
	"cutthrough/properties/oracle"
	"cutthrough/sim"
	"cutthrough/sim/explore"
	"cutthrough/sim/scenario"
)

// silent is a core that is not checked. It tells observe of its messages, if that is not nil.
type silent struct {
	*layer.Core
	observe oracle.Observer
}

func (c silent) Step(ev layer.Event) []layer.Effect {
	if c.observe == nil {
		return c.Core.Step(ev)
	}
	if ev.Kind == layer.EventMessage {
		c.observe(ev.Channel, false, ev.Msg)
	}
	effects := c.Core.Step(ev)
	for _, fx := range effects {
		if fx.Kind == layer.EffectSend {
			c.observe(fx.Channel, true, fx.Msg)
		}
	}
	return effects
}

// BenchmarkExecutions reports the executions and steps per second of a random search on one core: with everything checked, as a search
// does it, and without one of the things that cost time. simrun explore searches with GOGC=400.
func BenchmarkExecutions(b *testing.B) {
	all := func(*sim.Config) {}
	for _, f := range []struct {
		name  string
		set   func(*sim.Config)
		watch watcher
	}{
		{"checked", all, watched},
		{"without-races", func(c *sim.Config) { c.Races = false }, watched}, // nor the order that they need
		{"without-leaks", func(c *sim.Config) { c.Leaks = false }, watched},
		{"without-monitors", all, func(cfg layer.Config, broken func(error), _ oracle.Observer) server.Core {
			return oracle.NewWatchedCore(cfg, broken)
		}},
		{"without-invariants", all, func(cfg layer.Config, _ func(error), observe oracle.Observer) server.Core {
			return silent{layer.New(cfg), observe}
		}},
		{"without-any", func(c *sim.Config) { c.Races, c.Leaks = false, false }, func(cfg layer.Config, _ func(error), _ oracle.Observer) server.Core {
			return silent{layer.New(cfg), nil}
		}},
		{"recorded", func(c *sim.Config) { c.Record = true }, watched},
	} {
		for _, name := range []string{"connect-accept", "close-storm", "echo-under-fire"} {
			b.Run(name+"/"+f.name, func(b *testing.B) {
				s, err := scenario.Registry(Scenarios()).Find(name)
				if err != nil {
					b.Fatal(err)
				}
				s.Compile = func(in scenario.Input) (scenario.Program, error) {
					p, err := compileWatched(in, f.watch)
					f.set(&p.Config)
					return p, err
				}
				benchmark(b, s)
			})
		}
	}
}

func benchmark(b *testing.B, s *scenario.Scenario) {
	b.ReportAllocs()
	rep, err := explore.Explore(s, explore.Options{Strategies: []explore.Strategy{explore.NewRandom(1)}, Seed: 1, MaxExecutions: b.N})
	if err != nil || rep.Violation != nil {
		b.Fatal(err, rep.Violation)
	}
	b.ReportMetric(float64(rep.Executions)/b.Elapsed().Seconds(), "executions/s")
	b.ReportMetric(float64(rep.Steps)/b.Elapsed().Seconds(), "steps/s")
	b.ReportMetric(float64(rep.Steps)/float64(rep.Executions), "steps/execution")
}
