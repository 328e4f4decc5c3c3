package sim_test

import (
	"fmt"
	"testing"

	"cutthrough/shm"
	"cutthrough/shm/hosttest"
	"cutthrough/sim"
	"cutthrough/sim/explore"
)

// simRunner runs the host conformance suite on simulated processes, under a
// few schedules each.
type simRunner struct{ seed uint64 }

// Run implements [hosttest.Runner].
func (s simRunner) Run(t *testing.T, procs ...func(h shm.Host)) {
	t.Helper()
	r := sim.NewRunner()
	defer r.Close()
	var ch sim.Chooser = sim.Default{}
	if s.seed > 0 {
		ch = explore.NewRandom(s.seed).Next()
	}
	o := r.Run(sim.Config{Races: true, Leaks: true}, ch, func(w *sim.World) {
		for i, f := range procs {
			p := w.Process(fmt.Sprintf("proc%d", i))
			p.Go(p.Name(), func() { f(p) })
		}
	})
	if o.Failure != nil {
		t.Errorf("seed %d: %v", s.seed, o.Failure)
	}
}

func TestHost(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { hosttest.Run(t, simRunner{seed}) })
	}
}
