package impl

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"cutthrough/impl/server"
	"cutthrough/impl/wire"
	"cutthrough/shm/oshost"
)

// BenchmarkConnectBesideLarge measures how long a connect takes while another application connects with 2 × 256 MiB
// in a loop, divided by how long it takes without that, in one run: the ratios of medians and of 99th percentiles.
func BenchmarkConnectBesideLarge(b *testing.B) {
	addr := startLayer(b, server.Config{})
	pair := func(opt Options, uri string) func() {
		srv, err := Attach(oshost.New(), addr, opt)
		check(b, err)
		cli, err := Attach(oshost.New(), addr, opt)
		check(b, err)
		l, err := srv.Listen(uri)
		check(b, err)
		b.Cleanup(func() { check(b, cli.Close()); check(b, srv.Close()) })
		return func() {
			c, err := cli.Dial(context.Background(), uri)
			if err != nil {
				b.Fatal(err)
			}
			s, err := l.AcceptSession()
			check(b, err)
			check(b, c.Close())
			check(b, s.Close())
		}
	}
	small := pair(Options{}, "tcp://127.0.0.1/1")
	large := pair(Options{RxSize: wire.MaxFifo, TxSize: wire.MaxFifo}, "tcp://127.0.0.1/2")
	measure := func() []time.Duration {
		took := make([]time.Duration, max(b.N, 200))
		for i := range took {
			start := time.Now()
			small()
			took[i] = time.Since(start)
		}
		slices.Sort(took)
		return took
	}
	idle := measure()
	var stop atomic.Bool
	loop := result(func() error {
		for !stop.Load() {
			large()
		}
		return nil
	})
	b.ResetTimer()
	busy := measure()
	b.StopTimer()
	stop.Store(true)
	check(b, loop())
	ratio := func(part float64) float64 {
		i := int(part * float64(len(idle)-1))
		return float64(busy[i]) / float64(idle[i])
	}
	b.ReportMetric(ratio(0.5), "median-ratio")
	b.ReportMetric(ratio(0.99), "p99-ratio")
}
