package check_test

import (
	"context"
	"fmt"
	"testing"

	"cutthrough/model/check"
)

// counters counts modulo base in four places: base^4 states, four steps from
// each, so that the search itself is what takes the time. With work, every step
// costs what the guards of a protocol do.
type counters struct {
	base byte
	work int
}

type count [16]byte

func (c counters) Name() string { return fmt.Sprintf("counters base=%d work=%d", c.base, c.work) }

func (c counters) Actions() []string { return []string{"a", "b", "c", "d"} }

func (c counters) Init() []count { return []count{{}} }

func (c counters) Next(s count, emit func(int, count)) {
	for i := range 4 {
		t := s
		if t[i]++; t[i] == c.base {
			t[i] = 0
		}
		sum := uint32(1)
		for range c.work {
			sum = sum*1664525 + 1013904223
		}
		if sum != 0 {
			emit(i, t)
		}
	}
}

func (c counters) Properties() []check.Property[count] {
	return []check.Property[count]{
		check.Invariant("in range", func(s count) bool { return s[0] < c.base && s[1] < c.base }),
		check.NoDeadlock[count]("no deadlock", nil),
	}
}

// BenchmarkSearch reports states/s, which must be three million for a light model
// and one million for a heavy one, on two cores, and bytes per state, of which
// there must be at most twenty.
func BenchmarkSearch(b *testing.B) {
	for _, model := range []counters{{54, 0}, {54, 200}} {
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("work=%d/workers=%d", model.work, workers), func(b *testing.B) {
				var states uint64
				var bytes float64
				for b.Loop() {
					r, err := check.Run(context.Background(), model, check.Options{Workers: workers})
					if err != nil || r.Stats.Distinct != 54*54*54*54 {
						b.Fatal(r.Stats, err)
					}
					states += r.Stats.Distinct
					bytes = r.Stats.BytesPerState()
				}
				b.ReportMetric(float64(states)/b.Elapsed().Seconds(), "states/s")
				b.ReportMetric(bytes, "bytes/state")
			})
		}
	}
}
