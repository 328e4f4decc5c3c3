package negotiation_test

import (
	"errors"
	"flag"
	"testing"

	"cutthrough/internal/proctest"
	"cutthrough/model/catalog"
	"cutthrough/model/catalog/catalogtest"
	"cutthrough/model/check"
	"cutthrough/model/negotiation"
)

var update = flag.Bool("update", false, "write counterexamples into testdata")

func TestHolds(t *testing.T) {
	pins := []catalogtest.Pin{
		{Config: "death", States: 5295},
		{Config: "silent", States: 928},
		{Config: "fail", States: 212},
		{Config: "shared", States: 4402},
		{Config: "return", States: 23739},
		{Config: "restart", States: 4454},
		{Config: "restart-silent", States: 6521},
		{Config: "restart-death", States: 7458},
		{Config: "restart-medium", States: 100931, Symmetric: 50567},
		{Config: "small", States: 331949},
		{Config: "rude", States: 430247, Symmetric: 215195},
		{Config: "medium", States: 826549, Symmetric: 413316},
		{Config: "nightly", States: nightly},
		{Config: "restart-full", States: 708989},
		{Config: "restart-nightly", States: 4189167},
	}
	catalogtest.Holds(t, negotiation.Entry(), pins[:proctest.Rounds(t, 9, len(pins))])
}

func TestVariants(t *testing.T) {
	catalogtest.Violated(t, negotiation.Entry(), map[string]int{
		"accept-before-map":                   3,
		"fifos-not-crossed":                   7,
		"closes-not-per-side":                 13,
		"close-frees-at-once":                 11,
		"close-not-told":                      8,
		"confirmation-ignored":                11,
		"stale-handle-accepted":               4,
		"generation-not-advanced":             5,
		"sender-not-checked":                  7,
		"accept-any-time":                     6,
		"pending-client-forgotten":            8,
		"detach-forgets-peer":                 5,
		"death-keeps-mapping":                 6,
		"listener-outlives-server":            2,
		"unbind-leaves-pending":               4,
		"segment-shared":                      4,
		"failure-leaks":                       3,
		"reuse-before-answer":                 8,
		"unmap-without-map":                   7,
		"unmap-not-awaited":                   5,
		"unmap-forgotten":                     6,
		"timeout-frees":                       9,
		"connects-wait-for-ever":              4,
		"linger-not-stopped":                  3,
		"index-cut":                           11,
		"kinds-mixed-up":                      7,
		"listener-unknown":                    4,
		"layer-waits-for-reader":              3,
		"detach-before-unmap":                 5,
		"sender-echoed":                       12,
		"memory-of-listener":                  9,
		"lock-kept":                           4,
		"index-shared":                        4,
		"unbind-ignored":                      2,
		"half-close-not-told":                 7,
		"close-not-noted":                     7,
		"close-not-hurried":                   3,
		"segment-overfull":                    9,
		"orphan-used":                         7,
		"leaver-asked":                        13,
		"linger-for-ever":                     6,
		"unasked-unmap-answer":                4,
		"unsolicited-confirmation-taken":      4,
		"detach-frees-peer-segment":           4,
		"epoch-not-counted":                   13,
		"dial-outlives-layer":                 6,
		"message-of-old-layer-heard":          9,
		"accept-of-old-layer-answered-to-new": 8,
		"layer-death-ends-sessions":           6,
		"half-made-session-waits":             9,
		"close-told-to-layer-only":            13,
		"death-of-peer-left-to-layer":         11,
		"old-memory-unmapped-at-once":         6,
		"old-attachment-kept":                 5,
		"return-forgets-listeners":            3,
		"return-waits-for-sessions":           10,
		"seed2018":                            5,
	}, *update)
}

func TestSymmetry(t *testing.T) {
	configs := []negotiation.Config{
		{Clients: 2, Connects: 1, Sessions: 2, Segments: 2, Each: 1},
		{Clients: 2, Connects: 1, Sessions: 1, Segments: 1, Each: 1, Deaths: 1, Half: true},
		{Clients: 2, Connects: 1, Sessions: 1, Segments: 1, Each: 1, Restart: true},
		{Clients: 2, Connects: 1, Sessions: 2, Segments: 2, Each: 1, Restart: true},
		{Clients: 2, Connects: 1, Sessions: 2, Segments: 2, Each: 1, Deaths: 1, Half: true},
	}
	for _, c := range configs[:proctest.Rounds(t, 3, len(configs))] {
		m, err := negotiation.New(c)
		if err != nil {
			t.Fatal(err)
		}
		catalogtest.Orbits(t, m)
	}
}

func TestNewRefuses(t *testing.T) {
	good := negotiation.Config{Clients: 1, Connects: 1, Sessions: 1, Segments: 1, Each: 1}
	for name, change := range map[string]func(*negotiation.Config){
		"no clients":    func(c *negotiation.Config) { c.Clients = 0 },
		"many clients":  func(c *negotiation.Config) { c.Clients = 3 },
		"no connects":   func(c *negotiation.Config) { c.Connects = 0 },
		"many sessions": func(c *negotiation.Config) { c.Sessions = 4 },
		"no segments":   func(c *negotiation.Config) { c.Segments = 0 },
		"no room":       func(c *negotiation.Config) { c.Each = 0 },
		"many deaths":   func(c *negotiation.Config) { c.Deaths = 4 },
		"rude and dead": func(c *negotiation.Config) { c.Rude, c.Restart = 1, true },
	} {
		c := good
		change(&c)
		if _, err := negotiation.New(c); !errors.Is(err, negotiation.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := negotiation.New(good, "double-close"); !errors.Is(err, catalog.ErrUnknown) {
		t.Errorf("a variant that does not exist: %v", err)
	}
}

func BenchmarkSearch(b *testing.B) {
	catalogtest.Search(b, negotiation.Entry(), "nightly", check.Options{}, nightly)
}

// nightly is how many states the largest configuration has.
const nightly = 2_085_566
