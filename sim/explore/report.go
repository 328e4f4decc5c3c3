package explore

import (
	"maps"

	"cutthrough/sim"
	"cutthrough/sim/exec"
	"cutthrough/sim/scenario"
)

// Violation is an execution that violates a property, with everything needed to replay it.
type Violation struct {
	Input    scenario.Input
	Schedule []exec.Intervention
	Failure  exec.Failure
	Digest   uint64
	Steps    int
	Strategy string // which found it
}

// Report is the result of an exploration.
type Report struct {
	Executions int
	Steps      int
	Faults     int // that happened
	Cases      int // inputs: distinct in a row, for an InputChooser; drawn, for the others
	Planned    int // inputs of the scope, 0 without one
	Distinct   int // executions with different digests, by worker; exact up to a million
	Checked    int // executions run twice to compare digests
	// Cut counts the executions that reached the step bound ([sim.Outcome.Cut]).
	Cut        int
	Strategies []StrategyReport
	Violation  *Violation     // nil when everything held
	Sometimes  map[string]int // how often each mark was reached
	Unreached  []string       // Sometimes marks that were declared and never reached
	Coverage   []sim.FaultCoverage
}

// StrategyReport is what one strategy did in an exploration.
type StrategyReport struct {
	Name       string
	Executions int
	Cut        int
	// Exhausted is the bound within which the strategy has explored everything, in words; "" if it has
	// not, or if an execution was cut: what differs only behind the step bound was left out.
	Exhausted string
	// LeftOut is what a strategy that came to its end has not explored although it is within its bound, in words.
	LeftOut string
	// Redundant is how many executions repeat another or lead nowhere, if the strategy knows.
	Redundant int
	// Width is how many values of every draw of an input the strategy tries, 0 for all of them. More
	// executions of a strategy with a width do not reach what needs another value.
	Width int
}

// merge adds up the reports of workers. Of several violations it keeps the one with the shortest
// schedule, and of those the one of the first worker.
func merge(reports []*Report, strategies []Strategy, sometimes []string) *Report {
	sum := &Report{Sometimes: map[string]int{}}
	for _, s := range strategies {
		sum.Strategies = append(sum.Strategies, StrategyReport{Name: s.String()})
	}
	unfinished := make([]bool, len(strategies))
	for _, r := range reports {
		sum.add(r)
		sum.addStrategies(r.Strategies, unfinished)
		sum.Coverage = sim.MergeCoverage(sum.Coverage, r.Coverage)
		for m, n := range r.Sometimes { //tidy:unordered sums
			sum.Sometimes[m] += n
		}
		if v := r.Violation; v != nil && (sum.Violation == nil || len(v.Schedule) < len(sum.Violation.Schedule)) {
			sum.Violation = v
		}
	}
	sum.missing(sometimes)
	return sum
}

// add adds the counts of r.
func (sum *Report) add(r *Report) {
	sum.Executions += r.Executions
	sum.Steps += r.Steps
	sum.Faults += r.Faults
	sum.Cases += r.Cases
	sum.Distinct += r.Distinct
	sum.Checked += r.Checked
	sum.Cut += r.Cut
}

// addStrategies adds what the strategies of one worker did, which are some of all, in their order. It notes which have not
// exhausted their bound.
func (sum *Report) addStrategies(some []StrategyReport, unfinished []bool) {
	i := 0
	for _, s := range some {
		for sum.Strategies[i].Name != s.Name {
			i++
		}
		t := &sum.Strategies[i]
		t.Executions += s.Executions
		t.Cut += s.Cut
		t.Width = s.Width
		if s.LeftOut != "" {
			t.LeftOut = s.LeftOut
		}
		t.Redundant += s.Redundant
		unfinished[i] = unfinished[i] || s.Exhausted == ""
		if t.Exhausted = s.Exhausted; unfinished[i] {
			t.Exhausted = "" // what one worker has left, all have
		}
		i++
	}
}

// missing notes which of the declared marks were never reached.
func (sum *Report) missing(declared []string) {
	for _, m := range declared {
		if sum.Sometimes[m] == 0 {
			sum.Unreached = append(sum.Unreached, m)
		}
	}
}

// finish fills in what the explorer and its Runner have counted.
func (x *explorer) finish() *Report {
	x.rep.Distinct = len(x.seen)
	x.rep.Sometimes = maps.Clone(x.r.SometimesCounts())
	x.rep.Coverage = x.r.Coverage()
	x.rep.missing(x.scenario.Sometimes)
	return x.rep
}
