package dpor

import (
	"fmt"
	"sync"
	"testing"

	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/internal/pairtest"
)

// maxCount is more than any of the programs needs.
const maxCount = 40_000

// count returns how many executions the search needs for a program in which nothing may go wrong.
func count(t testing.TB, setup func(*sim.World)) int {
	t.Helper()
	r := sim.NewRunner()
	defer r.Close()
	n := 0
	var bad error
	d := New()
	if hang := r.Guard(func() {
		var o sim.Outcome
		for ch := d.Next(); ch != nil && bad == nil; ch = d.Next() {
			o = r.Run(sim.Config{MaxTasks: 8}, ch, setup)
			n++
			if n > maxCount {
				bad = fmt.Errorf("more than %d executions", maxCount)
				return
			}
			if o.Failure != nil {
				bad = fmt.Errorf("%v", o.Failure)
			} else {
				bad = d.Done(&o)
			}
		}
	}); hang != nil {
		t.Fatal(hang.Failure)
	}
	if bad != nil || d.abandoned > 0 || d.Exhausted() == "" {
		t.Fatalf("%v, %d abandoned, exhausted %q", bad, d.abandoned, d.Exhausted())
	}
	return n
}

// tasks makes a program of n tasks of one process.
func tasks(n int, do func(i int, m *machine)) func(*sim.World) {
	return func(w *sim.World) {
		m := new(machine)
		program{}.setup(m, w)
		for i := range n {
			m.p.Go(fmt.Sprintf("t%d", i), func() { do(i, m) })
		}
	}
}

// both makes a program of two processes with a task each.
func both(do func(i int, h *mapped)) func(*sim.World) {
	return func(w *sim.World) {
		m := new(machine)
		program{}.setup(m, w)
		for i := range m.all {
			m.all[i].h.Go(fmt.Sprintf("t%d", i), func() { do(i, &m.all[i]) })
		}
	}
}

// fifo is a ring of two items, through which n pass.
func fifo(n int) func(*sim.World) {
	return func(w *sim.World) {
		p := pairtest.New(w)
		p.A.Go("writer", func() {
			for i := range uint64(n) {
				p.A.Await(p.YA, func(tail uint64) bool { return i-tail < 2 })
				p.XA.Store(i + 1)
			}
		})
		p.B.Go("reader", func() {
			for i := range uint64(n) {
				p.B.Await(p.XB, func(head uint64) bool { return head > i })
				p.YB.Store(i + 1)
			}
		})
	}
}

// TestCounts: programs whose classes of executions are known.
func TestCounts(t *testing.T) {
	lastZero := func(n int) func(*sim.World) {
		return func(w *sim.World) {
			m := new(machine)
			program{}.setup(m, w)
			seg := must(m.p.CreateSegment(shm.MinSegment))
			a := func(i int) shm.Uint64 { return seg.Uint64(64+8*uint64(i), nameWord) }
			m.p.Go("reader", func() {
				for i := n; a(i).Load() != 0; i-- {
				}
			})
			for i := 1; i <= n; i++ {
				m.p.Go("writer", func() { a(i).Store(a(i-1).Load() + 1) })
			}
		}
	}
	for _, tt := range []struct {
		name  string
		setup func(*sim.World)
		want  int
	}{
		{"two writers", tasks(2, func(i int, m *machine) { m.words[0].Store(uint64(i)) }), 2},
		{"four writers", tasks(4, func(i int, m *machine) { m.words[0].Store(uint64(i)) }), 24},
		{"four readers", tasks(4, func(_ int, m *machine) { m.words[0].Load() }), 1},
		{"a writer and three readers", tasks(4, func(i int, m *machine) {
			if i == 0 {
				m.words[0].Store(1)
			} else {
				m.words[0].Load()
			}
		}), 8},
		{"two pairs", tasks(4, func(i int, m *machine) { m.words[i%2].Store(uint64(i)) }), 4},
		{"flag pair", tasks(2, func(i int, m *machine) { m.words[i].Store(1); m.words[1-i].Load() }), 3},
		{"a lock, three tasks", tasks(3, func(_ int, m *machine) { turn(m.locks[0]) }), 6},
		{"a lock, four tasks", tasks(4, func(_ int, m *machine) { turn(m.locks[0]) }), 24},
		{"two locks", tasks(4, func(i int, m *machine) { turn(m.locks[i%2]) }), 4},
		{"two ringers", tasks(3, func(i int, m *machine) {
			if i > 0 {
				_ = m.bells[0].Ring()
			} else {
				_ = m.bells[0].Wait(nil, shm.Forever)
			}
		}), 3},
		{"a channel", tasks(2, func(i int, m *machine) { pass(i, m, 6) }), 1},
		{"failed swaps", tasks(3, func(_ int, m *machine) { m.words[0].CompareAndSwap(7, 8) }), 1},
		{"disjoint bytes", tasks(2, func(i int, m *machine) { m.bytes.CopyIn(uint64(8*i), []byte{1, 2, 3}) }), 1},
		{"two ringing ends close", both(func(i int, h *mapped) { _ = h.ringer[0].Close() }), 1},
		{"a ring, and a ringing end closes", both(func(i int, h *mapped) {
			if i == 0 {
				_ = h.ringer[0].Ring()
			} else {
				_ = h.ringer[0].Close()
			}
		}), 1},
		{"two segments", both(func(i int, h *mapped) { must(h.h.CreateSegment(shm.MinSegment)).Uint64(64, nameWord).Store(1) }), 1},
		{"last zero of 4", lastZero(4), 28},
		{"last zero of 6", lastZero(6), 144},
		{"fifo of 4", fifo(4), 27},
		{"fifo of 6", fifo(6), 243},
		{"fifo of 8", fifo(8), 2187},
		{"fifo of 10", fifo(10), 19683},
	} {
		if got := count(t, tt.setup); got != tt.want {
			t.Errorf("%s: %d executions, want %d", tt.name, got, tt.want)
		}
	}
}

// turn takes a lock and gives it back.
func turn(l sync.Locker) {
	l.Lock()
	defer l.Unlock()
}

// pass sends or receives n messages.
func pass(i int, m *machine, n int) {
	for range n {
		if i == 0 {
			_ = m.ends[0][0].Send([]byte{1}, nil, shm.Forever)
		} else {
			_, _, _ = m.ends[0][1].Recv(make([]byte, 1), shm.Forever)
		}
	}
}

// BenchmarkFifo is the whole search of a fifo.
func BenchmarkFifo(b *testing.B) {
	for _, n := range []int{4, 6, 8, 10} {
		b.Run(fmt.Sprintf("items=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			executions := 0
			for b.Loop() {
				executions += count(b, fifo(n))
			}
			b.ReportMetric(float64(executions)/float64(b.N), "executions")
			b.ReportMetric(float64(executions)/b.Elapsed().Seconds(), "executions/s")
		})
	}
}
