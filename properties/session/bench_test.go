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

// TestStepsAllocateNothing: what an execution allocates is for what it begins with and makes once. More bytes through a session
// take steps and no memory, but for the buffers of the application.
func TestStepsAllocateNothing(t *testing.T) {
	shortSteps, shortAllocs := exchanges(t, 1)
	steps, allocs := exchanges(t, 21)
	if more := steps - shortSteps; more < 500 {
		t.Fatalf("only %d steps more", more)
	}
	if more := allocs - shortAllocs; more > 2*20 { // a buffer to write from and one to read into
		t.Errorf("%d steps more take %v allocations more", steps-shortSteps, more)
	}
}

// exchanges returns the steps and allocations of an execution in which n messages go through a session.
func exchanges(t *testing.T, n int) (steps int, allocs float64) {
	b := &scenario.Builder{Verbs: sessionVerbs}
	b.Set("fifo", 16)
	b.Op("srv", listen{1})
	b.Op("srv", accept{1})
	b.Op("cli", dial{1})
	for range n {
		b.Op("cli", write{8})
		b.Op("srv", read{8})
	}
	p, err := compileSession(b.Input)
	if err != nil {
		t.Fatal(err)
	}
	r := sim.NewRunner()
	defer r.Close()
	r.Guard(func() {
		run := func() {
			o := r.Run(p.Config, sim.Default{}, p.Setup)
			if steps = o.Steps; o.Failure != nil {
				t.Error(o.Failure)
			}
		}
		run() // from now on there is memory for it
		allocs = testing.AllocsPerRun(10, run)
	})
	return steps, allocs
}
