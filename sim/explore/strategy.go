package explore

import (
	"fmt"
	"strconv"
	"strings"

	"cutthrough/sim"
)

// Strategy makes the Choosers of a sequence of executions. It is used by one
// goroutine.
type Strategy interface {
	// Next returns the Chooser of the next execution, or nil when everything
	// within the strategy's bound has been explored.
	Next() sim.Chooser
	// Done tells the strategy that the execution is over and how long it was.
	Done(steps int)
	// String returns the strategy as ParseStrategy reads it.
	String() string
}

// ParseStrategy returns the strategy that text names, seeded with seed: "dfs:N"
// (exhaustive up to N preemptions and as many faults as the configuration
// allows), "pct:D" (probabilistic concurrency testing of depth D) or "random".
func ParseStrategy(text string, seed uint64) (Strategy, error) {
	kind, arg, has := strings.Cut(text, ":")
	n := 0
	if has {
		var err error
		if n, err = strconv.Atoi(arg); err != nil || n < 0 || n > 64 {
			return nil, fmt.Errorf("strategy %q: %q is not a number from 0 to 64", text, arg)
		}
	}
	switch {
	case kind == "dfs" && has:
		return NewDFS(n), nil
	case kind == "pct" && has && n >= 1:
		return NewPCT(n, seed), nil
	case kind == "random" && !has:
		return NewRandom(seed), nil
	}
	return nil, fmt.Errorf("unknown strategy %q (want dfs:N, pct:D with D at least 1, or random)", text)
}
