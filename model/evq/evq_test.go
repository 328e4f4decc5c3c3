package evq_test

import (
	"context"
	"errors"
	"flag"
	"testing"

	"cutthrough/internal/proctest"
	"cutthrough/model/catalog"
	"cutthrough/model/catalog/catalogtest"
	"cutthrough/model/check"
	"cutthrough/model/evq"
)

var update = flag.Bool("update", false, "write counterexamples into testdata")

func TestHolds(t *testing.T) {
	pins := []catalogtest.Pin{
		{Config: "small", States: 11111, Symmetric: 5597},
		{Config: "death", States: 27172, Symmetric: 13666},
		{Config: "wide", States: 252974, Symmetric: 126868},
		{Config: "medium", States: 381486, Symmetric: 191185},
		{Config: "stopped", States: 462038, Symmetric: 231512},
	}
	catalogtest.Holds(t, evq.Entry(), pins[:proctest.Rounds(t, 2, len(pins))])
}

func BenchmarkSearch(b *testing.B) {
	catalogtest.Search(b, evq.Entry(), "nightly", check.Options{Symmetry: true}, 37_338_938)
}

func TestVariants(t *testing.T) {
	catalogtest.Violated(t, evq.Entry(), map[string]int{
		"claim-before-fill":          5,
		"tail-not-helped":            21,
		"post-without-cas":           8,
		"post-ignores-lap":           10,
		"post-overwrites-full":       7,
		"lap-wraps-early":            15,
		"poll-keeps-lap":             7,
		"drain-before-read":          6,
		"arm-nonempty-without-look":  16,
		"sleep-on-full-queue":        18,
		"wait-again-without-arming":  33,
		"wake-one-producer":          38,
		"waiters-read-then-cleared":  38,
		"waiters-taken-before-poll":  23,
		"want-bit-lost-by-reload":    38,
		"room-checked-before-want":   21,
		"post-clears-later-sleep":    25,
		"sleep-cleared-before-ring":  20,
		"blocked-post-does-not-wake": 25,
		"failed-post-does-not-wake":  13,
		"death-untold":               9,
		"awake-untold":               7,
		"rings-awake":                5,
		"sleep-never-cleared":        9,
		"asks-again":                 22,
		"sleeps-beside-room":         13,
		"waiters-stay-on-list":       13,
	}, *update)
}

func TestOrbits(t *testing.T) {
	for _, c := range []evq.Config{
		{Slots: 1, Producers: 2, Events: 1, Spurious: true, Death: true},
		{Slots: 4, Producers: 3, Events: 1},
		{Slots: 1, Producers: 1, Events: 3},
	} {
		m, err := evq.New(c)
		if err != nil {
			t.Fatal(err)
		}
		catalogtest.Orbits(t, m)
	}
}

// TestSymmetricCounterexample checks that a search up to symmetry finds runs as short
// as one without, and that they are runs.
func TestSymmetricCounterexample(t *testing.T) {
	stride := proctest.Rounds(t, 3, 1)
	for i, v := range evq.Variants() {
		if i%stride > 0 {
			continue
		}
		if v.Property == "L6: every producer comes to an end" {
			continue // symmetry does not serve what must come to pass
		}
		var steps [2]int
		for i, symmetry := range []bool{false, true} {
			r, err := evq.Entry().Run(context.Background(), v.Config, []string{v.Name}, check.Options{Symmetry: symmetry})
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range r.Outcomes {
				if o.Verdict == check.Violated.String() && o.Run != nil {
					steps[i] = len(o.Run.Steps)
					break
				}
			}
		}
		if steps[0] == 0 || steps[0] != steps[1] {
			t.Errorf("%s: %d steps, and %d up to symmetry", v.Name, steps[0], steps[1])
		}
	}
}

func TestNewRefuses(t *testing.T) {
	good := evq.Config{Slots: 1, Producers: 1, Events: 1}
	for name, change := range map[string]func(*evq.Config){
		"no slots":           func(c *evq.Config) { c.Slots = 0 },
		"three slots":        func(c *evq.Config) { c.Slots = 3 },
		"many slots":         func(c *evq.Config) { c.Slots = 8 },
		"no producers":       func(c *evq.Config) { c.Producers = 0 },
		"many producers":     func(c *evq.Config) { c.Producers = 4 },
		"no events":          func(c *evq.Config) { c.Events = 0 },
		"many events":        func(c *evq.Config) { c.Events = 16 },
		"unnoticed alone":    func(c *evq.Config) { c.Unnoticed = true },
		"two things at once": func(c *evq.Config) { c.Slots, c.Events = 0, 0 },
	} {
		c := good
		change(&c)
		if _, err := evq.New(c); !errors.Is(err, evq.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := evq.New(good, "wake-two-producers"); !errors.Is(err, catalog.ErrUnknown) {
		t.Errorf("a variant that does not exist: %v", err)
	}
	if _, err := evq.New(good, "wake-one-producer"); err != nil {
		t.Error(err)
	}
}
