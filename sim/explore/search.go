package explore

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"cutthrough/sim/scenario"
)

// DefaultStrategies take turns, because bugs differ in what finds them: few
// preemptions anywhere, an unlucky priority order, or plain noise.
const DefaultStrategies = "dfs:2,pct:3,random"

// ErrNoCase is the error of a search whose scope has fewer cases than shards.
var ErrNoCase = errors.New("there is no case for this shard")

// SearchOptions say how to search a scenario.
type SearchOptions struct {
	// Strategies is a list like "dfs:2,pct:3,random"; empty means DefaultStrategies.
	Strategies string
	// Seed decides inputs and random strategies; each worker derives its own.
	Seed uint64
	// MaxExecutions is over all workers; 0 means no limit.
	MaxExecutions int
	// Scope, if positive, takes all inputs of the scenario's scope in place of generated ones. Workers then share the cases,
	// and exhaustive strategies run in each.
	Scope int
	// Shard is the number, from 0, of this part of the search, of Shards equal parts; 0 Shards means 1. Shards differ as workers do.
	Shard, Shards int
	// Workers explore at the same time and share nothing; 0 means 1. There are no more than executions, and
	// one if all strategies are Exhaustive.
	Workers int
	// Stop ends the search. It is asked after each round, by the goroutine that called Search. May be nil.
	Stop func() bool
	// Progress gets the sum of all workers' counts, likewise. May be nil.
	Progress func(*Report)
}

// Search explores s with several workers and merges their reports. The workers take their turns in rounds, and a
// violation ends the search after the round in which it was found; so the report is a function of s
// and the options, unless Stop looks at a clock. The error is about the strategies or the inputs of s. If a worker
// panics, Search does.
func Search(s *scenario.Scenario, opt SearchOptions) (*Report, error) {
	if opt.Strategies == "" {
		opt.Strategies = DefaultStrategies
	}
	all, err := ParseStrategies(opt.Strategies, opt.Seed)
	if err != nil {
		return nil, err
	}
	g := &group{opt: opt}
	n := Workers(opt.Workers, opt.MaxExecutions, all)
	var cases []scenario.Input
	if opt.Scope > 0 {
		n, cases = max(opt.Workers, 1), slices.Collect(s.Scope(opt.Scope))
	}
	for i := range n {
		part := opt.Shard*n + i // of all workers of all shards
		s, strategies, seed := s, all, opt.Seed+uint64(part)*0x9e3779b97f4a7c15
		if part > 0 {
			if strategies, err = ParseStrategies(opt.Strategies, seed); err != nil {
				return nil, err
			}
			if opt.Scope == 0 {
				strategies = slices.DeleteFunc(strategies, exhaustive)
			}
		}
		width := 0
		if opt.Scope > 0 {
			mine := share(cases, part, n*max(opt.Shards, 1))
			if len(mine) == 0 {
				continue // there are fewer cases than parts
			}
			s, width = s.Among(mine), -1
			g.planned += len(mine)
		}
		most := (opt.MaxExecutions + n - 1 - i) / n
		g.explorers = append(g.explorers, newExplorer(s, Options{Strategies: strategies, Seed: seed, MaxExecutions: most, Width: width}))
	}
	defer g.close()
	if len(g.explorers) == 0 {
		return nil, fmt.Errorf("%w: scope %d, shard %d of %d", ErrNoCase, opt.Scope, opt.Shard+1, opt.Shards)
	}
	return g.search(all)
}

// share returns every cases[i] whose i leaves the rest part when it is divided by parts.
func share(cases []scenario.Input, part, parts int) (mine []scenario.Input) {
	for i := part; i < len(cases); i += parts {
		mine = append(mine, cases[i])
	}
	return mine
}

// Workers returns how many workers a search has that was asked for n of them and at most so many executions.
func Workers(n, executions int, all []Strategy) int {
	n = max(n, 1)
	if executions > 0 {
		n = min(n, executions)
	}
	if !slices.ContainsFunc(all, func(s Strategy) bool { return !exhaustive(s) }) {
		return 1
	}
	return n
}

func exhaustive(s Strategy) bool {
	_, ok := s.(Exhaustive)
	return ok
}

// group is the workers of one search.
type group struct {
	opt       SearchOptions
	planned   int // cases of the scope
	explorers []*explorer
	errs      []error
	panicked  []string // what each worker panicked with, and where
}

func (g *group) close() {
	for _, x := range g.explorers {
		x.close()
	}
}

// search goes from round to round until nothing is left to do.
func (g *group) search(all []Strategy) (*Report, error) {
	g.errs, g.panicked = make([]error, len(g.explorers)), make([]string, len(g.explorers))
	for g.round() {
		if g.opt.Progress != nil {
			sum := &Report{Planned: g.planned}
			for _, x := range g.explorers {
				sum.add(x.rep)
			}
			g.opt.Progress(sum)
		}
		if g.opt.Stop != nil && g.opt.Stop() {
			break
		}
	}
	if err := errors.Join(g.errs...); err != nil {
		return nil, err
	}
	var reports []*Report
	for _, x := range g.explorers {
		reports = append(reports, x.finish())
	}
	sum := merge(reports, all, g.explorers[0].scenario.Sometimes)
	sum.Planned = g.planned
	return sum, nil
}

// round gives each worker one turn; it says whether the search goes on.
func (g *group) round() bool {
	var wg sync.WaitGroup //tidy:concurrency workers share nothing, and a round ends when all have had their turn
	for i, x := range g.explorers {
		if x.done {
			continue
		}
		wg.Go(func() {
			defer g.caught(i)
			g.errs[i] = errGoexit // unless turn returns
			g.errs[i] = x.turn()
		})
	}
	wg.Wait()
	active := false
	for i, x := range g.explorers {
		if g.panicked[i] != "" {
			panic(g.panicked[i]) // where the caller can recover it
		}
		if g.errs[i] != nil || x.rep.Violation != nil {
			return false
		}
		active = active || !x.done
	}
	return active
}

var errGoexit = errors.New("runtime.Goexit is called outside of a task (as t.FailNow does)")

// caught keeps the panic of a worker for the goroutine that called Search.
func (g *group) caught(i int) {
	if r := recover(); r != nil {
		g.panicked[i] = fmt.Sprintf("%v\n\nin a worker:\n%s", r, debug.Stack())
	}
}
