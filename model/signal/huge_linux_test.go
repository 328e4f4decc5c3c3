package signal_test

import (
	"context"
	"syscall"
	"testing"

	"cutthrough/model/check"
	"cutthrough/model/signal"
)

// BenchmarkHuge searches a hundred million states on all cores, and reports how much memory
// the process took for it, garbage included: 8 GiB are enough.
func BenchmarkHuge(b *testing.B) {
	m, err := signal.New(signal.Config{
		Capacity: 4, Bytes: 200, Write: 6, Read: 4, Any: true, Batch: 2, Spurious: true, Death: true, Safety: true,
	})
	if err != nil {
		b.Fatal(err)
	}
	const states = 100_142_289
	var bytes float64
	for b.Loop() {
		r, err := check.Run(context.Background(), m, check.Options{})
		if err != nil || r.Verdict != check.Holds || r.Stats.Distinct != states {
			b.Fatalf("%v, want %d states, error %v", r, states, err)
		}
		bytes = r.Stats.BytesPerState()
	}
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	resident := float64(usage.Maxrss) / (1 << 20) // of KiB
	if resident > 8 {
		b.Errorf("%.1f GiB were resident", resident)
	}
	b.ReportMetric(states*float64(b.N)/b.Elapsed().Seconds(), "states/s")
	b.ReportMetric(bytes, "bytes/state")
	b.ReportMetric(resident, "GiB")
}
