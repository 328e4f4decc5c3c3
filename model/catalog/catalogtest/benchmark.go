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
// must be at most twenty. It fails if there are not as many states as are said to be.
//
// That the caller has options makes its package import check. The search may be the
// instance that was compiled for that package, which would be a third slower otherwise:
// in it nothing is inlined from packages that are only imported by others.
func Search(b *testing.B, e catalog.Entry, config string, o check.Options, states uint64) {
	for _, o.Workers = range []int{1, 2} {
		b.Run(fmt.Sprintf("%s/workers=%d", config, o.Workers), func(b *testing.B) { measure(b, e, config, o, states) })
	}
}

func measure(b *testing.B, e catalog.Entry, config string, o check.Options, states uint64) {
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
