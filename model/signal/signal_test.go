package signal_test

import (
	"context"
	"errors"
	"flag"
	"testing"

	"cutthrough/model/catalog"
	"cutthrough/model/catalog/catalogtest"
	"cutthrough/model/check"
	"cutthrough/model/signal"
)

var update = flag.Bool("update", false, "write counterexamples into testdata")

func TestHolds(t *testing.T) {
	catalogtest.Holds(t, signal.Entry(), []catalogtest.Pin{
		{Config: "small", States: 3647},
		{Config: "medium", States: 193764},
		{Config: "death", States: 29144},
	})
}

func TestVariants(t *testing.T) {
	catalogtest.Violated(t, signal.Entry(), map[string]int{
		"clear-event-after-size-check": 25,
		"arm-event-without-look":       23,
		"drain-what-was-seen":          23,
		"event-never-cleared":          23,
		"set-event-after-ring":         7,
		"event-not-marked":             7,
		"ask-before-publish":           25,
		"flush-only-at-end":            10,
		"want-ntf-written-back":        24,
		"want-ntf-not-published":       19,
		"arm-dequeue-after-look":       20,
		"skip-recheck":                 19,
		"ntf-sent-not-reset-for-drain": 31,
		"wait-without-rearming":        32,
		"notify-before-release":        20,
		"notify-only-if-full":          23,
		"ntf-sent-set-after-ring":      29,
		"ntf-sent-not-set":             20,
		"free-space-off-by-one":        1,
		"hangup-untold":                5,
		"told-again":                   11,
		"rung-for-less":                16,
		"nothing-published":            12,
	}, *update)
}

// TestSizes checks every size of fifo, write, read and batch that is small: what
// a side waits for is not always one byte, half the fifo or all of it.
func TestSizes(t *testing.T) {
	for capacity := range uint8(4) {
		for batch := range uint8(3) {
			c := signal.Config{Capacity: capacity + 1, Bytes: 5, Write: 5, Read: 4, Batch: batch, Any: true, Death: true}
			m, err := signal.New(c)
			if err != nil {
				t.Fatal(err)
			}
			r, err := check.Run(context.Background(), m, check.Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range r.Outcomes {
				if o.Kind != check.Sometimes && o.Verdict != check.Holds {
					t.Errorf("%s: %s %v", m.Name(), o.Name, o.Verdict)
				}
			}
		}
	}
}

func TestNewRefuses(t *testing.T) {
	good := signal.Config{Capacity: 1, Bytes: 2, Write: 1, Read: 2}
	for name, change := range map[string]func(*signal.Config){
		"no fifo":       func(c *signal.Config) { c.Capacity = 0 },
		"large fifo":    func(c *signal.Config) { c.Capacity = 9 },
		"no bytes":      func(c *signal.Config) { c.Bytes = 0 },
		"many bytes":    func(c *signal.Config) { c.Bytes = 201 },
		"empty writes":  func(c *signal.Config) { c.Write = 0 },
		"long writes":   func(c *signal.Config) { c.Write = 3 },
		"empty reads":   func(c *signal.Config) { c.Read = 0 },
		"large buffers": func(c *signal.Config) { c.Read = 3 },
	} {
		c := good
		change(&c)
		if _, err := signal.New(c); !errors.Is(err, signal.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := signal.New(good, "skip-recheck", "skip-the-rest"); !errors.Is(err, catalog.ErrUnknown) {
		t.Errorf("a variant that does not exist: %v", err)
	}
	if _, err := signal.New(good, "skip-recheck"); err != nil {
		t.Error(err)
	}
}

func BenchmarkSearch(b *testing.B) {
	catalogtest.Search(b, signal.Entry(), "nightly", check.Options{}, 30_997_071)
}
