package valloc_test

import (
	"errors"
	"flag"
	"testing"

	"cutthrough/internal/proctest"
	"cutthrough/model/catalog"
	"cutthrough/model/catalog/catalogtest"
	"cutthrough/model/check"
	"cutthrough/model/valloc"
)

var update = flag.Bool("update", false, "write counterexamples into testdata")

func TestHolds(t *testing.T) {
	pins := []catalogtest.Pin{
		{Config: "small", States: 74331, Symmetric: 37851},
		{Config: "moved", States: 84749, Symmetric: 43143},
		{Config: "pages", States: 63589, Symmetric: 32373},
		{Config: "three", States: 123772, Symmetric: 21228},
		{Config: "medium", States: 293586, Symmetric: 148157},
		{Config: "nightly", Symmetric: nightly},
	}
	catalogtest.Holds(t, valloc.Entry(), pins[:proctest.Rounds(t, 4, len(pins))])
}

// nightly is how many states the largest configuration has, up to symmetry.
const nightly = 2_278_219

func BenchmarkSearch(b *testing.B) {
	catalogtest.Search(b, valloc.Entry(), "nightly", check.Options{Symmetry: true}, nightly)
}

func TestVariants(t *testing.T) {
	catalogtest.Violated(t, valloc.Entry(), map[string]int{
		"margin-too-small":       2,
		"split-too-small":        1,
		"release-moved-base":     2,
		"coalesce-forgets-left":  4,
		"coalesce-forgets-right": 2,
		"untold-lost":            2,
		"reuse-before-ack":       5,
		"freed-twice":            8,
		"ack-before-unmap":       10,
		"unmap-to-untold":        5,
		"death-forgotten":        7,
		"death-not-collected":    5,
		"sizes-not-rounded":      2,
		"descriptors-counted":    9,
		"told-while-closing":     4,
		"closed-by-death":        4,
		"told-to-all":            4,
	}, *update)
}

func TestOrbits(t *testing.T) {
	for _, c := range []valloc.Config{
		{Units: 2, Segments: 2, Processes: 2, Size: 1, Page: 1, Death: true},
		{Units: 1, Segments: 1, Processes: 3, Size: 1, Page: 1, Death: true},
	} {
		m, err := valloc.New(c)
		if err != nil {
			t.Fatal(err)
		}
		catalogtest.Orbits(t, m)
	}
}

func TestNewRefuses(t *testing.T) {
	good := valloc.Config{Units: 4, Segments: 2, Processes: 2, Size: 1, Page: 1}
	for name, change := range map[string]func(*valloc.Config){
		"no space":       func(c *valloc.Config) { c.Units = 0 },
		"large space":    func(c *valloc.Config) { c.Units = 13 },
		"no segments":    func(c *valloc.Config) { c.Segments = 0 },
		"many segments":  func(c *valloc.Config) { c.Segments = 4 },
		"one process":    func(c *valloc.Config) { c.Processes = 1 },
		"many processes": func(c *valloc.Config) { c.Processes = 4 },
		"empty segments": func(c *valloc.Config) { c.Size = 0 },
		"large segments": func(c *valloc.Config) { c.Size = 4 },
		"no pages":       func(c *valloc.Config) { c.Page = 0 },
		"large pages":    func(c *valloc.Config) { c.Page = 3 },
		"far moved":      func(c *valloc.Config) { c.Offset = 3 },
	} {
		c := good
		change(&c)
		if _, err := valloc.New(c); !errors.Is(err, valloc.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := valloc.New(good, "ack-after-unmap"); !errors.Is(err, catalog.ErrUnknown) {
		t.Errorf("a variant that does not exist: %v", err)
	}
	if _, err := valloc.New(good, "ack-before-unmap"); err != nil {
		t.Error(err)
	}
}
