package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"cutthrough/sim"
	"cutthrough/sim/explore"
	"cutthrough/sim/trace"
)

// The outcomes of an exploration.
const (
	held         = "held"
	violated     = "violated"
	inconclusive = "inconclusive"
	interrupted  = "interrupted"
)

// exploreResult is what an exploration found out.
type exploreResult struct {
	header
	Scenario   string              `json:"scenario" doc:"the scenario"`
	Strategies string              `json:"strategies" doc:"the strategies, as given"`
	Seed       uint64              `json:"seed" doc:"the seed"`
	Workers    int                 `json:"workers" doc:"how many explored at the same time"`
	Outcome    string              `json:"outcome" doc:"held, violated, inconclusive or interrupted"`
	Executions int                 `json:"executions" doc:"executions that were run"`
	Steps      int                 `json:"steps" doc:"steps of all of them"`
	Distinct   int                 `json:"distinct" doc:"executions with different digests, by worker"`
	Cases      int                 `json:"cases" doc:"generated configurations and workloads"`
	Checked    int                 `json:"checked" doc:"executions that were run twice to compare their digests"`
	Cut        int                 `json:"cut" doc:"executions that reached the step bound; what differs only behind it was not run"`
	Lanes      []laneResult        `json:"by_strategy" doc:"what each strategy did: name, executions, cut, exhausted (the bound within which it ran everything), width (values of each input that it tries, if not all)"`
	Sometimes  map[string]int      `json:"sometimes" doc:"how often each state of interest was reached"`
	Unreached  []string            `json:"unreached,omitempty" doc:"states of interest that were never reached"`
	Coverage   []sim.FaultCoverage `json:"coverage" doc:"places and faults: site, fault, offered (times it was possible), hit (times it happened)"`
	Violation  *violation          `json:"violation,omitempty" doc:"the violation, if one was found"`

	search search
}

// laneResult is what one strategy did.
type laneResult struct {
	Name       string `json:"name"`
	Executions int    `json:"executions"`
	Cut        int    `json:"cut"`
	Exhausted  string `json:"exhausted,omitempty"`
	Width      int    `json:"width,omitempty"`
}

// violation is a violation with the trace that replays it.
type violation struct {
	failure
	Strategy string   `json:"strategy" doc:"the strategy that found it"`
	Found    size     `json:"found" doc:"its size when it was found"`
	Shrunk   size     `json:"shrunk" doc:"its size after shrinking"`
	Text     string   `json:"text" doc:"the trace"`
	Diagram  []string `json:"diagram" doc:"the space-time diagram"`
	Trace    string   `json:"trace,omitempty" doc:"the file with the trace"`
	Replay   string   `json:"replay,omitempty" doc:"the command that replays it"`
	Note     string   `json:"note,omitempty" doc:"what is unusual about the trace"`
}

// fill takes the counts from a report.
func (r *exploreResult) fill(report *explore.Report, stopped bool) {
	r.Executions, r.Steps, r.Distinct = report.Executions, report.Steps, report.Distinct
	r.Cases, r.Checked, r.Coverage = report.Cases, report.Checked, report.Coverage
	r.Sometimes, r.Unreached = report.Sometimes, report.Unreached
	r.Cut = report.Cut
	for _, l := range report.Strategies {
		r.Lanes = append(r.Lanes, laneResult(l))
	}
	switch {
	case report.Violation != nil:
		r.Outcome = violated
	case stopped:
		r.Outcome = interrupted
	case len(r.Unreached) > 0:
		r.Outcome = inconclusive
	default:
		r.Outcome = held
	}
}

func (r *exploreResult) code() int {
	switch r.Outcome {
	case violated:
		return violationCode(r.Violation.Property)
	case inconclusive:
		return exitInconclusive
	case interrupted:
		return exitInterrupted
	}
	return exitHeld
}

// origin says for a story where a violation comes from.
func (r *exploreResult) origin(strategy string) string {
	return fmt.Sprintf("simrun explore %s, %s, seed %d", r.Scenario, strategy, r.Seed)
}

func (r *exploreResult) print(p *printer) {
	if r.Violation != nil {
		r.printViolation(p)
		return
	}
	p.linef("%s%s: %s%s", r.Scenario, withMutant(r.Mutant), p.status(r.Outcome), r.extent())
	if p.quiet {
		return
	}
	p.linef("  %s, %s distinct, %s, %s; %s run twice", plural(r.Executions, "execution"), count(r.Distinct),
		plural(r.Cases, "case"), plural(r.Steps, "step"), count(r.Checked))
	p.linef("  strategies  %s, seed %d, %s", r.Strategies, r.Seed, plural(r.Workers, "worker"))
	r.printLanes(p)
	if len(r.Sometimes) > 0 {
		var marks []string
		for _, name := range slices.Sorted(maps.Keys(r.Sometimes)) {
			marks = append(marks, fmt.Sprintf("%s %s", name, count(r.Sometimes[name])))
		}
		p.linef("  reached     %s", strings.Join(marks, ", "))
	}
	r.printCoverage(p)
}

// printLanes says what each of several strategies did, and what the step bound has cut off.
func (r *exploreResult) printLanes(p *printer) {
	var ran []string
	for _, l := range r.Lanes {
		ran = append(ran, fmt.Sprintf("%s %s", l.Name, count(l.Executions)))
	}
	if len(ran) > 1 {
		p.linef("  executions  %s", strings.Join(ran, ", "))
	}
	if r.Cut > 0 {
		p.linef("  cut         %s reached the step bound and went on without faults, fairly scheduled", plural(r.Cut, "execution"))
	}
}

// extent goes on after the outcome: it says how far the exploration went.
func (r *exploreResult) extent() string {
	ran := plural(r.Executions, "execution")
	switch {
	case r.Outcome == interrupted:
		return " after " + ran
	case r.Outcome == inconclusive:
		return fmt.Sprintf(": never reached %s within %s; %s", quoted(r.Unreached), ran, r.advice())
	}
	var exhausted []string
	for _, l := range r.Lanes {
		if l.Exhausted != "" {
			exhausted = append(exhausted, fmt.Sprintf("%s (%s)", l.Name, l.Exhausted))
		}
	}
	if len(exhausted) > 0 {
		return fmt.Sprintf(", %s exhausted within %s", strings.Join(exhausted, ", "), ran)
	}
	return fmt.Sprintf(" within %s (not exhaustive)", ran)
}

// advice says what can help to reach a state: not more time, if every strategy explores within a bound.
func (r *exploreResult) advice() string {
	spent := func(l laneResult) bool { return l.Exhausted != "" || l.Width > 0 }
	if slices.ContainsFunc(r.Lanes, func(l laneResult) bool { return !spent(l) }) {
		return "give it more time (--time, --n)"
	}
	for _, l := range r.Lanes {
		if l.Width > 0 {
			return fmt.Sprintf("%s tries only %d values of each input: add another strategy (--strategy)", l.Name, l.Width)
		}
	}
	return "every strategy is exhausted: add another (--strategy)"
}

// maxNever bounds the list of faults that never happened.
const maxNever = 6

func (r *exploreResult) printCoverage(p *printer) {
	if len(r.Coverage) == 0 {
		return
	}
	var never []string
	rows := [][]string{{"site", "fault", "possible", "happened"}}
	for _, c := range r.Coverage {
		if c.Hit == 0 {
			never = append(never, c.Fault+" at "+c.Site)
		}
		rows = append(rows, []string{c.Site, c.Fault, count(int(c.Offered)), count(int(c.Hit))})
	}
	p.linef("  faults      %d of %s of place and fault happened", len(r.Coverage)-len(never), plural(len(r.Coverage), "pair"))
	if n := len(never); n > maxNever && !p.verbose {
		never = append(never[:maxNever], fmt.Sprintf("and %d more (-v)", n-maxNever))
	}
	if len(never) > 0 {
		p.linef("  never       %s", strings.Join(never, ", "))
	}
	if p.verbose {
		p.linef("")
		p.table(rows, nil)
	}
}

func (r *exploreResult) printViolation(p *printer) {
	v := r.Violation
	p.linef("%s  %s%s", p.paint(red, v.Property+" violated"), r.Scenario, withMutant(r.Mutant))
	v.failure.print(p)
	if !p.quiet {
		v.draw(p)
	}
	from := ""
	if v.Shrunk != v.Found {
		from = fmt.Sprintf(", shrunk from %s", v.Found)
	}
	p.linef("found by %s after %s, seed %d%s", v.Strategy, plural(r.Executions, "execution"), r.Seed, from)
	if v.Note != "" {
		p.linef("%s", p.paint(yellow, v.Note))
	}
	if v.Trace != "" {
		p.linef("%s: %s; replay it with", v.Trace, verdicts(v.parsed()))
		p.linef("%s", v.Replay)
	}
}

// A report has 40 lines: the title, the message, three blank lines, and at most four
// about origin, note, trace and replay. What remains is for the trace and the diagram.
const maxReport = 40 - 1 - 3 - 4

// maxBody bounds the lines of configuration, workload and schedule in a report.
const maxBody = 14

func (v *violation) body() []string { return fit(body(v.parsed()), maxBody) }

// diagramLines returns how many lines of the report are for the diagram.
func (v *violation) diagramLines() int {
	return maxReport - len(v.body()) - len(v.message())
}

// draw writes what runs and the diagram.
func (v *violation) draw(p *printer) {
	p.linef("")
	p.lines("", v.body())
	p.linef("")
	p.diagram(v.Diagram)
	p.linef("")
}

// parsed returns the trace of v, which is one that we formatted.
func (v *violation) parsed() *trace.Trace {
	t, err := trace.Parse("violation", []byte(v.Text))
	if err != nil {
		panic(fmt.Sprintf("simrun: our own trace does not parse: %v", err))
	}
	return t
}

func withMutant(name string) string {
	if name == "" {
		return ""
	}
	return " with mutant " + name
}

// quoted writes words as a list of quotations.
func quoted(words []string) string {
	q := make([]string, len(words))
	for i, w := range words {
		q[i] = strconv.Quote(w)
	}
	return strings.Join(q, ", ")
}
