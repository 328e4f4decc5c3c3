package fifo

import (
	"fmt"
	"testing"
	"time"

	"cutthrough/shm/internal/shmtest"
)

var benchSizes = []uint64{8, 64, 1460, 16384}

// A rival runs n messages over something else and returns when they have
// arrived.
type rival struct {
	name  string
	share int // it gets one message in so many, being slower
	run   func(n int) error
}

// duel runs b.N messages of the candidate, in rounds, and after each round as
// many of each rival as take about as long. It reports the candidate's time as
// ns/op and how many times longer each rival takes per message: the
// median over rounds, because a shared machine disturbs some of them. Both run within
// milliseconds of each other, so the disturbances cancel.
func duel(b *testing.B, round int, candidate func(n int) error, rivals ...rival) {
	b.Helper()
	timed := func(run func(int) error, n int) float64 {
		start := time.Now()
		if err := run(n); err != nil {
			b.Fatal(err)
		}
		return float64(time.Since(start).Nanoseconds()) / float64(n)
	}
	times := make([][]float64, 1+len(rivals))
	ratios := make([][]float64, len(rivals))
	b.ResetTimer()
	for left := b.N; left > 0; left -= round {
		n := min(left, round)
		mine := timed(candidate, n)
		times[0] = append(times[0], mine)
		b.StopTimer()
		for i, r := range rivals {
			theirs := timed(r.run, max(1, n/r.share))
			times[1+i] = append(times[1+i], theirs)
			ratios[i] = append(ratios[i], theirs/mine)
		}
		b.StartTimer()
	}
	b.StopTimer()
	b.ReportMetric(shmtest.Median(times[0]), "ns/op")
	for i, r := range rivals {
		b.ReportMetric(shmtest.Median(times[1+i]), r.name+"-ns")
		b.ReportMetric(shmtest.Median(ratios[i]), "x-"+r.name)
	}
}

// roundOf returns how many messages of a size make a round of some
// milliseconds, so that starting and ending it does not count.
func roundOf(size uint64) int { return int(min(500_000, 200<<20/size)) }

// BenchmarkStream is the throughput of messages of one size from this process
// to another one, which reads them one by one.
func BenchmarkStream(b *testing.B) {
	for i, publish := range []string{"each", "batch"} {
		for _, size := range benchSizes {
			b.Run(fmt.Sprintf("peer=process/publish=%s/size=%d", publish, size), func(b *testing.B) {
				p := startPeer(b)
				over := func(t uint64) func(int) error {
					return func(n int) error { return p.run(order{t, 0, size, uint64(n)}) }
				}
				duel(b, roundOf(size), over(uint64(overFifo+i)),
					rival{"unix", 40, over(overUnix)}, rival{"pipe", 20, over(overPipe)})
				b.SetBytes(int64(size))
			})
		}
	}
}

// BenchmarkPingPong is the time of a round trip between two processes.
func BenchmarkPingPong(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(fmt.Sprintf("peer=process/size=%d", size), func(b *testing.B) {
			p := startPeer(b)
			over := func(t uint64) func(int) error {
				return func(n int) error { return p.run(order{t, 1, size, uint64(n)}) }
			}
			duel(b, 20_000, over(overFifo), rival{"unix", 100, over(overUnix)}, rival{"pipe", 100, over(overPipe)})
		})
	}
}

// BenchmarkOneThread is the cost of the code alone: a message in and out again,
// with everything in the cache of one core.
func BenchmarkOneThread(b *testing.B) {
	for _, publish := range []string{"each", "batch"} {
		for _, size := range benchSizes {
			b.Run(fmt.Sprintf("publish=%s/size=%d", publish, size), func(b *testing.B) {
				f := newFixture(b, nil, benchFifo, 0)
				msg := make([]byte, size)
				perBatch := int(max(1, 2*publishBatch/size))
				b.ReportAllocs()
				for b.Loop() {
					if publish == "each" {
						_, _ = f.p.Enqueue(msg)
						f.p.NeedsEvent()
						_, _ = f.c.Dequeue(msg)
						_, _ = f.c.NeedsDequeueNotify()
						continue
					}
					for range perBatch {
						_, _ = f.p.Enqueue(msg)
					}
					for range perBatch {
						_, _ = f.c.Dequeue(msg)
					}
				}
				if publish == "batch" {
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*perBatch), "ns/op")
				}
			})
		}
	}
}
