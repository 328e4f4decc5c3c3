package check

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// workers is how many goroutines share the work of a round. It decides when
// things are done, never what is found.
type workers int

// newWorkers returns n workers; 0 means as many as may run at the same time.
func newWorkers(n int) workers {
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	return workers(n)
}

// each calls do(i) for every i in [0, n) and returns when all calls have. Calls
// must not depend on each other; the caller's goroutine is one of the workers.
func (w workers) each(n int, do func(i int)) {
	var next atomic.Int64
	work := func() {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			do(i)
		}
	}
	var wg sync.WaitGroup //tidy:concurrency the workers of a round share nothing, and their results are put in order
	for range min(int(w), n) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
}
