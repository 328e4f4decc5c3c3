package cli

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"cutthrough/sim"
	"cutthrough/sim/exec"
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

// Exploration is what an exploration found out. Its fields are those of the JSON object of explore.
type Exploration struct {
	Header
	Scenario   string              `json:"scenario" doc:"the scenario"`
	Strategies string              `json:"strategies" doc:"the strategies, as given"`
	Seed       uint64              `json:"seed" doc:"the seed"`
	Workers    int                 `json:"workers" doc:"how many explored at the same time"`
	Outcome    string              `json:"outcome" doc:"held, violated, inconclusive or interrupted"`
	Executions int                 `json:"executions" doc:"executions that were run"`
	Steps      int                 `json:"steps" doc:"steps of all of them"`
	Distinct   int                 `json:"distinct" doc:"executions with different digests, by worker"`
	Cases      int                 `json:"cases" doc:"generated configurations and workloads"`
	Scope      int                 `json:"scope,omitempty" doc:"the scope, 0 without one"`
	Shard      int                 `json:"shard,omitempty" doc:"the number of the shard, from 1"`
	Shards     int                 `json:"shards,omitempty" doc:"of so many"`
	Planned    int                 `json:"planned,omitempty" doc:"the cases of the scope"`
	Checked    int                 `json:"checked" doc:"executions that were run twice to compare their digests"`
	Cut        int                 `json:"cut" doc:"executions that reached the step bound; what differs only behind it was not run"`
	Lanes      []laneResult        `json:"by_strategy" doc:"what each strategy did"`
	Sometimes  map[string]int      `json:"sometimes" doc:"how often each state of interest was reached"`
	Unreached  []string            `json:"unreached,omitempty" doc:"states of interest that were never reached"`
	Coverage   []sim.FaultCoverage `json:"coverage" doc:"places and faults: site, fault, offered (times it was possible), hit (times it happened)"`
	Violation  *Violation          `json:"violation,omitempty" doc:"the violation, if one was found"`

	search search
}

// laneResult is what one strategy did.
type laneResult struct {
	Name       string `json:"name" doc:"the strategy"`
	Executions int    `json:"executions" doc:"its executions"`
	Cut        int    `json:"cut" doc:"those that reached the step bound"`
	Exhausted  string `json:"exhausted,omitempty" doc:"the bound within which it ran everything"`
	LeftOut    string `json:"left_out,omitempty" doc:"what it left out although it came to its end"`
	Redundant  int    `json:"redundant,omitempty" doc:"its executions that repeat another or lead nowhere"`
	Width      int    `json:"width,omitempty" doc:"how many values of each draw of an input it tries, if not all"`
}

// Violation is a violation with the trace that replays it.
type Violation struct {
	exec.Failure
	Strategy string              `json:"strategy" doc:"the strategy that found it"`
	Found    size                `json:"found" doc:"its size when it was found"`
	Shrunk   size                `json:"shrunk" doc:"its size after shrinking"`
	Schedule []exec.Intervention `json:"schedule" doc:"the choices other than the default"`
	Text     string              `json:"text" doc:"the trace"`
	Diagram  []string            `json:"diagram" doc:"the space-time diagram"`
	Trace    string              `json:"trace,omitempty" doc:"the file with the trace"`
	Replay   string              `json:"replay,omitempty" doc:"the command that replays it"`
	Note     string              `json:"note,omitempty" doc:"what is unusual about the trace"`

	recorded *trace.Trace // the trace; nil until Complete if another process has found it
}

// count takes the counts from a report.
func (r *Exploration) count(report *explore.Report) {
	r.Executions, r.Steps, r.Distinct = report.Executions, report.Steps, report.Distinct
	r.Cases, r.Checked, r.Cut, r.Planned = report.Cases, report.Checked, report.Cut, report.Planned
}

// fill takes everything but the violation from a report.
func (r *Exploration) fill(report *explore.Report, stopped bool) {
	r.count(report)
	r.Coverage, r.Sometimes, r.Unreached = report.Coverage, report.Sometimes, report.Unreached
	for _, l := range report.Strategies {
		r.Lanes = append(r.Lanes, laneResult(l))
	}
	r.Outcome = r.outcome(stopped)
	if report.Violation != nil {
		r.Outcome = violated // it is described later
	}
}

// outcome returns what the numbers say, and the violation if there is one.
func (r *Exploration) outcome(stopped bool) string {
	switch {
	case r.Violation != nil:
		return violated
	case stopped:
		return interrupted
	case len(r.Unreached) > 0 && (r.Planned == 0 || r.exhaustedLane() < 0):
		return inconclusive
	}
	return held
}

// Code implements [Result].
func (r *Exploration) Code() int {
	switch r.Outcome {
	case violated:
		return violationCode(r.Violation.Property)
	case inconclusive:
		return ExitInconclusive
	case interrupted:
		return ExitInterrupted
	}
	return ExitHeld
}

// origin says for a story where a violation comes from.
func (r *Exploration) origin(program, strategy string) string {
	return fmt.Sprintf("%s explore %s, %s, seed %d", program, r.Scenario, strategy, r.Seed)
}

// Print implements [Result].
func (r *Exploration) Print(p *Printer) {
	if r.Violation != nil {
		r.printViolation(p)
		return
	}
	p.Linef("%s%s: %s%s", r.Scenario, withMutant(r.Mutant), p.Status(r.Outcome), r.extent())
	if p.Quiet {
		return
	}
	p.Linef("  %s, %s distinct, %s, %s; %s run twice", Plural(r.Executions, "execution"), Count(r.Distinct),
		Plural(r.Cases, "case"), Plural(r.Steps, "step"), Count(r.Checked))
	p.Linef("  strategies  %s, seed %d, %s%s", r.Strategies, r.Seed, Plural(r.Workers, "worker"), r.part())
	r.printLanes(p)
	if r.Outcome == held && len(r.Unreached) > 0 {
		p.Linef("  unreached   %s, in this scope", strings.Join(r.Unreached, ", "))
	}
	if len(r.Sometimes) > 0 {
		var marks []string
		for _, name := range slices.Sorted(maps.Keys(r.Sometimes)) {
			marks = append(marks, fmt.Sprintf("%s %s", name, Count(r.Sometimes[name])))
		}
		p.Linef("  reached     %s", strings.Join(marks, ", "))
	}
	r.printCoverage(p)
}

// part goes on after the workers: it says which shards the result is of.
func (r *Exploration) part() string {
	switch {
	case r.Shards == 0:
		return ""
	case r.Shard == 0:
		return fmt.Sprintf(" in each of %s", Plural(r.Shards, "shard"))
	}
	return fmt.Sprintf(", shard %d of %d", r.Shard, r.Shards)
}

// printLanes says what each of several strategies did, and what the step bound has cut off.
func (r *Exploration) printLanes(p *Printer) {
	var ran []string
	for _, l := range r.Lanes {
		ran = append(ran, fmt.Sprintf("%s %s", l.Name, Count(l.Executions)))
	}
	if len(ran) > 1 {
		p.Linef("  executions  %s", strings.Join(ran, ", "))
	}
	for _, l := range r.Lanes {
		if l.Redundant > 0 {
			p.Linef("  redundant   %s of %s repeat another or lead nowhere", Plural(l.Redundant, "execution"), l.Name)
		}
		if l.LeftOut != "" {
			p.Linef("  left out    %s: %s", l.Name, l.LeftOut)
		}
	}
	if r.Cut > 0 {
		p.Linef("  cut         %s reached the step bound and went on without faults, fairly scheduled", Plural(r.Cut, "execution"))
	}
}

// extent goes on after the outcome: it says how far the exploration went.
func (r *Exploration) extent() string {
	ran := Plural(r.Executions, "execution")
	i := r.exhaustedLane()
	if r.Planned > 0 && i < 0 {
		ran = fmt.Sprintf("%s of %s of scope %d and %s", Count(r.Cases), Plural(r.Planned, "case"), r.Scope, ran)
	}
	switch {
	case r.Outcome == interrupted:
		return " after " + ran
	case r.Outcome == inconclusive:
		return fmt.Sprintf(": never reached %s within %s; %s", quoted(r.Unreached), ran, r.advice())
	}
	if r.Planned > 0 && i >= 0 {
		return fmt.Sprintf(", exhausted: scope %d: %s, %s, %s", r.Scope, Plural(r.Planned, "case"), ran, r.Lanes[i].Exhausted)
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

// exhaustedLane returns the first strategy that has run everything within its bound, or -1.
func (r *Exploration) exhaustedLane() int {
	return slices.IndexFunc(r.Lanes, func(l laneResult) bool { return l.Exhausted != "" })
}

// advice says what can help to reach a state: not more time, if every strategy explores within a bound.
func (r *Exploration) advice() string {
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

func (r *Exploration) printCoverage(p *Printer) {
	if len(r.Coverage) == 0 {
		return
	}
	var never []string
	rows := [][]string{{"site", "fault", "possible", "happened"}}
	for _, c := range r.Coverage {
		if c.Hit == 0 {
			never = append(never, c.Fault+" at "+c.Site)
		}
		rows = append(rows, []string{c.Site, c.Fault, Count(int(c.Offered)), Count(int(c.Hit))})
	}
	p.Linef("  faults      %d of %s of place and fault happened", len(r.Coverage)-len(never), Plural(len(r.Coverage), "pair"))
	if n := len(never); n > maxNever && !p.Verbose {
		never = append(never[:maxNever], fmt.Sprintf("and %d more (-v)", n-maxNever))
	}
	if len(never) > 0 {
		p.Linef("  never       %s", strings.Join(never, ", "))
	}
	if p.Verbose {
		p.Linef("")
		p.Table(rows, nil)
	}
}

func (r *Exploration) printViolation(p *Printer) {
	v := r.Violation
	p.Linef("%s  %s%s", p.Paint(Red, v.Property+" violated"), r.Scenario, withMutant(r.Mutant))
	v.PrintMessage(p)
	if !p.Quiet {
		v.Draw(p)
	}
	from := ""
	if v.Shrunk != v.Found {
		from = fmt.Sprintf(", shrunk from %s", v.Found)
	}
	p.Linef("found by %s after %s, seed %d%s", v.Strategy, Plural(r.Executions, "execution"), r.Seed, from)
	if v.Note != "" {
		p.Linef("%s", p.Paint(Yellow, v.Note))
	}
	v.PrintTrace(p)
}

// PrintTrace says where the trace is and how to replay it, or writes the trace itself if it is in no file: what was found must not
// get lost.
func (v *Violation) PrintTrace(p *Printer) {
	switch {
	case v.Trace != "":
		p.Linef("%s: %s; replay it with", v.Trace, verdicts(v.recorded))
		p.Linef("%s", v.Replay)
	case v.Text != "":
		p.printTrace(v.Text)
	}
}

// printTrace writes a trace that could not be written to its file.
func (p *Printer) printTrace(text string) {
	p.Linef("the trace, which is in no file:")
	p.Linef("")
	p.Lines("", strings.Split(strings.TrimSuffix(text, "\n"), "\n"))
}

// A report has 40 lines: the title, the message, three blank lines, and at most four
// about origin, note, trace and replay. What remains is for the trace and the diagram.
const maxReport = 40 - 1 - 3 - 4

// maxBody bounds the lines of configuration, workload and schedule in a report.
const maxBody = 14

func (v *Violation) body() []string {
	if v.recorded == nil {
		return nil // it is too large
	}
	return fit(body(v.recorded), maxBody)
}

// diagramLines returns how many lines of the report are for the diagram.
func (v *Violation) diagramLines() int {
	return maxReport - len(v.body()) - len(message(&v.Failure))
}

// PrintMessage writes how the property was violated.
func (v *Violation) PrintMessage(p *Printer) { p.failure(&v.Failure) }

// Draw writes what runs and the diagram. A violation that another process has found is drawn after its Exploration is
// completed.
func (v *Violation) Draw(p *Printer) {
	p.Linef("")
	p.Lines("", v.body())
	p.Linef("")
	if len(v.Diagram) > 0 {
		p.diagram(v.Diagram)
		p.Linef("")
	}
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
