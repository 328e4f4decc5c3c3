package explore

import (
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"

	"cutthrough/sim"
	"cutthrough/sim/scenario"
)

// SearchOptions says how to explore a scenario.
type SearchOptions struct {
	// Strategies is a list like "dfs:2,pct:3,random"; empty means DefaultStrategies.
	Strategies    string
	Seed          uint64
	MaxExecutions int // over all workers; 0 means no limit
	Workers       int // 0 means 1; each explores alone, nothing is shared
	// Stop ends the search; it is called from every worker. May be nil.
	Stop func() bool
	// Progress gets the sum of all workers' counts, never concurrently. May be nil.
	Progress func(*Report)
}

// DefaultStrategies take turns, because bugs differ in what finds them: few
// preemptions anywhere, an unlucky priority order, or plain noise.
const DefaultStrategies = "dfs:2,pct:3,random"

// Search searches s for a violation with all workers and merges their reports.
func Search(s *scenario.Scenario, search SearchOptions) (*Report, error) {
	if search.Strategies == "" {
		search.Strategies = DefaultStrategies
	}
	n := max(search.Workers, 1)
	g := &group{search: search, latest: make([]Report, n)}
	reports, errs := make([]*Report, n), make([]error, n)
	var wg sync.WaitGroup //tidy:concurrency workers share no Runner, and their reports are merged in order
	for i := range n {
		opt, err := g.options(i, n)
		if err != nil {
			return nil, err
		}
		wg.Go(func() {
			defer g.caught()
			reports[i], errs[i] = Explore(s, opt)
			if errs[i] != nil || reports[i].Violation != nil {
				g.stop.Store(true)
			}
		})
	}
	wg.Wait()
	if g.panicked != "" {
		panic(g.panicked)
	}
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return merge(reports, s.Sometimes), nil
}

// group is the workers of one search.
type group struct {
	search   SearchOptions
	stop     atomic.Bool
	mu       sync.Mutex //tidy:concurrency guards what is shown of a search, not what it does
	latest   []Report
	panicked string // what a worker panicked with, and where
}

// caught keeps the panic of a worker for the goroutine that called Explore: nobody
// could recover it where it is.
func (g *group) caught() {
	if r := recover(); r != nil {
		g.stop.Store(true)
		g.mu.Lock()
		defer g.mu.Unlock()
		g.panicked = fmt.Sprintf("%v\n\nin a worker:\n%s", r, debug.Stack())
	}
}

func (g *group) options(worker, workers int) (Options, error) {
	seed := g.search.Seed + uint64(worker)*0x9e3779b97f4a7c15
	opt := Options{
		Seed: seed, MaxExecutions: (g.search.MaxExecutions + workers - 1 - worker) / workers,
		Stop: func() bool { return g.stop.Load() || g.search.Stop != nil && g.search.Stop() },
	}
	if g.search.MaxExecutions > 0 && opt.MaxExecutions == 0 {
		opt.MaxExecutions = 1
	}
	if g.search.Progress != nil {
		opt.Progress = func(r *Report) { g.progress(worker, r) }
	}
	for text := range strings.SplitSeq(g.search.Strategies, ",") {
		s, err := ParseStrategy(strings.TrimSpace(text), seed)
		if err != nil {
			return opt, err
		}
		// An exhaustive search is the same everywhere, so only the first worker does it.
		if _, dfs := s.(*DFS); dfs && worker > 0 && strings.Contains(g.search.Strategies, ",") {
			continue
		}
		opt.Strategies = append(opt.Strategies, s)
	}
	if len(opt.Strategies) == 0 {
		return opt, fmt.Errorf("no strategy in %q for worker %d", g.search.Strategies, worker)
	}
	return opt, nil
}

func (g *group) progress(worker int, r *Report) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.latest[worker] = *r
	var sum Report
	for _, l := range g.latest {
		sum.Executions += l.Executions
		sum.Steps += l.Steps
		sum.Faults += l.Faults
		sum.Cases += l.Cases
		sum.Distinct += l.Distinct
	}
	g.search.Progress(&sum)
}

// merge adds up the reports; of several violations the one with the shortest
// schedule is kept.
func merge(reports []*Report, sometimes []string) *Report {
	sum := &Report{Sometimes: map[string]int{}}
	for _, r := range reports {
		sum.Executions += r.Executions
		sum.Steps += r.Steps
		sum.Faults += r.Faults
		sum.Cases += r.Cases
		sum.Distinct += r.Distinct
		sum.Checked += r.Checked
		sum.Exhausted = sum.Exhausted || r.Exhausted
		sum.Coverage = sim.MergeCoverage(sum.Coverage, r.Coverage)
		for m, n := range r.Sometimes { //tidy:unordered sums
			sum.Sometimes[m] += n
		}
		if f := r.Violation; f != nil && (sum.Violation == nil || len(f.Schedule) < len(sum.Violation.Schedule)) {
			sum.Violation = f
		}
	}
	for _, m := range sometimes {
		if sum.Sometimes[m] == 0 {
			sum.Unreached = append(sum.Unreached, m)
		}
	}
	return sum
}
