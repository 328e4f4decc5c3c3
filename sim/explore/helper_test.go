package explore

import (
	"testing"

	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/internal/pairtest"
	"cutthrough/sim/scenario"
)

var (
	nameX    = shm.NewName("x")
	nameY    = shm.NewName("y")
	nameBell = shm.NewName("bell")
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func exploreWith(t *testing.T, strategy string, n int, s *scenario.Scenario) *Report {
	t.Helper()
	st, err := ParseStrategy(strategy, 1)
	if err != nil {
		t.Fatal(err)
	}
	rep, err := Explore(s, Options{Strategies: []Strategy{st}, Seed: 1, MaxExecutions: n})
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func wantExhausted(t *testing.T, strategy string, cfg sim.Config, setup func(*sim.World)) *Report {
	t.Helper()
	rep := exploreWith(t, strategy, 1_000_000, pairtest.Fixed(cfg, setup))
	if rep.Violation != nil {
		t.Fatalf("found %v by %v", rep.Violation.Failure, rep.Violation.Schedule)
	}
	if rep.Strategies[0].Exhausted == "" {
		t.Fatalf("not exhausted after %d executions", rep.Executions)
	}
	return rep
}
