package catalogtest

import (
	"context"
	"fmt"
	"testing"

	"cutthrough/model/catalog"
	"cutthrough/model/check"
)

// Search measures searches of a configuration that is too large for a test, by one worker
// and by two: states a second, and bytes a state in tables and frontiers, of which there
// must be at most twenty. It fails if there are not as many states as are pinned.
func Search(b *testing.B, e catalog.Entry, pin Pin) {
	for _, search := range []struct {
		states   uint64
		symmetry bool
	}{{pin.States, false}, {pin.Symmetric, true}} {
		if search.states == 0 {
			continue
		}
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/symmetry=%v/workers=%d", pin.Config, search.symmetry, workers), func(b *testing.B) {
				measure(b, e, pin.Config, search.states, check.Options{Workers: workers, Symmetry: search.symmetry})
			})
		}
	}
}

func measure(b *testing.B, e catalog.Entry, config string, states uint64, o check.Options) {
	var bytes float64
	for b.Loop() {
		r, err := e.Run(context.Background(), config, nil, o)
		if err != nil {
			b.Fatal(err)
		}
		if r.Verdict != check.Holds || r.Stats.Distinct != states || r.BytesPerState > 20 {
			b.Fatalf("%d states, want %d, of 20 bytes at most:\n%s", r.Stats.Distinct, states, r.Text)
		}
		bytes = r.BytesPerState
	}
	b.ReportMetric(float64(states)*float64(b.N)/b.Elapsed().Seconds(), "states/s")
	b.ReportMetric(bytes, "bytes/state")
}
