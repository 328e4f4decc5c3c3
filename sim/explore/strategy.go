package explore

import (
	"fmt"
	"strconv"
	"strings"

	"cutthrough/sim"
	"cutthrough/sim/dpor"
)

// maxTasks is the most that MaxTasks of a [sim.Config] may be: tasks are numbered from 0 to 63.
const maxTasks = 64

// Strategy makes the Choosers of a sequence of executions. It is used by one
// goroutine: Next, the execution, Done, and so on. A Strategy may be its own Chooser.
type Strategy interface {
	// Next returns the Chooser of the next execution, or nil when there is none left.
	Next() sim.Chooser
	// Done tells the strategy how the execution of the last Chooser ended. It must not keep o. The error
	// is about the program, which is not deterministic: equal choices have led elsewhere before.
	Done(o *sim.Outcome) error
	// String returns the strategy as ParseStrategy reads it, or its name.
	String() string
}

// Exhaustive is a Strategy that goes through all executions within a bound. They do not depend on a
// seed, so one worker of a search runs them and no other does.
type Exhaustive interface {
	Strategy
	// Exhausted returns the bound in words once everything within it was explored, until then "".
	Exhausted() string
}

// InputChooser is a Strategy that goes through inputs as well: the explorer asks the Chooser of an
// execution first for what the scenario's generator draws, at Points that have Draws and whose Step is 0. A strategy
// that is not an InputChooser gets inputs drawn at random.
type InputChooser interface {
	Strategy
	// ChoosesInputs does nothing.
	ChoosesInputs()
}

// ParseStrategy returns the strategy that text names, seeded with seed: "dfs:N"
// (exhaustive up to N preemptions and as many faults as the configuration
// allows), "dpor" (one execution of each class that differs only in the order
// of independent steps), "pct:D" (probabilistic concurrency testing of depth D) or "random".
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
	case kind == "dpor" && !has:
		return dpor.New(), nil
	case kind == "pct" && has && n >= 1:
		return NewPCT(n, seed), nil
	case kind == "random" && !has:
		return NewRandom(seed), nil
	}
	return nil, fmt.Errorf("unknown strategy %q (want dfs:N, dpor, pct:D with D at least 1, or random)", text)
}

// ParseStrategies parses a list of strategies that are separated by commas, as ParseStrategy does.
func ParseStrategies(list string, seed uint64) ([]Strategy, error) {
	var all []Strategy
	for text := range strings.SplitSeq(list, ",") {
		s, err := ParseStrategy(strings.TrimSpace(text), seed)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}
