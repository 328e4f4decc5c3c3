package main

import (
	"fmt"
	"slices"
	"strings"

	"cutthrough/model/check"
)

// maxChart bounds the lines of a chart.
const maxChart = 40

func (r *modelsResult) print(p *printer) {
	for i := range r.Models {
		p.linef("%s", r.Models[i].summary(p))
	}
}

func (r *modelResult) print(p *printer) {
	p.linef("%s", r.summary(p))
	if !p.quiet {
		r.printFigures(p)
		r.printProperties(p)
		if p.verbose {
			r.printActions(p)
		}
		r.printCharts(p)
	}
	switch {
	case r.Reproduce != "":
		p.linef("find it again with")
		p.linef("%s", r.Reproduce)
	case r.Resume != "":
		p.linef("%s: the search so far; go on with", r.Checkpoint)
		p.linef("%s", r.Resume)
	}
}

func (c *checkedModel) printFigures(p *printer) {
	p.linef("  %s", c.Parameters)
	p.linef("  %s, %s, depth %d, %.1f bytes a state; %s", plural(int(c.States), "state"), plural(int(c.Steps), "step"),
		c.Depth, c.BytesPerState, c.Reason)
	if c.Cut > 0 {
		p.linef("  %s end at the boundary of the model", plural(int(c.Cut), "step"))
	}
	how := "states were compared, not fingerprints"
	if !c.Exact {
		how = fmt.Sprintf("odds of %.1e that two states were taken for one", c.CollisionBound)
	}
	if c.Symmetry {
		how += "; what differs only in names was"
	}
	p.linef("  %s", how)
	// Of what is interchangeable, one is the first to do most things.
	if len(c.Untaken) > 0 && (p.verbose || c.Complete && !c.Symmetry) {
		p.linef("  never taken: %s", p.paint(yellow, strings.Join(c.Untaken, ", ")))
	}
}

// printProperties shows the verdicts. After a violation that ended the search the
// others are not known, and count.
func (c *checkedModel) printProperties(p *printer) {
	var rows [][]string
	others := 0
	for _, x := range c.Properties {
		if c.Outcome == violated && x.Verdict == check.Incomplete.String() && !p.verbose {
			others++
			continue
		}
		rows = append(rows, []string{"  " + x.Kind, x.Verdict, x.Property})
	}
	p.linef("")
	p.table(rows, func(_, column int, cell string) string {
		if column == 1 {
			word := strings.TrimRight(cell, " ")
			return strings.Replace(cell, word, p.status(word), 1)
		}
		return cell
	})
	if others > 0 {
		p.linef("  %s not known yet (-v; --keep-going decides them)", plural(others, "other"))
	}
}

func (c *checkedModel) printActions(p *printer) {
	p.linef("")
	rows := [][]string{{"  taken", "action"}}
	for _, x := range c.Actions {
		rows = append(rows, []string{fmt.Sprintf("  %s", count(int(x.Steps))), x.Action})
	}
	p.table(rows, nil)
}

// printCharts draws the shortest run that violates something, or all.
func (c *checkedModel) printCharts(p *printer) {
	broken := slices.DeleteFunc(c.broken(), func(x *checkedProperty) bool { return x.Run == nil })
	if len(broken) == 0 {
		return
	}
	slices.SortStableFunc(broken, func(x, y *checkedProperty) int { return x.steps() - y.steps() })
	if !p.verbose {
		broken = broken[:1]
	}
	for _, x := range broken {
		p.linef("\n%s, in %s:\n", p.paint(red, x.Property), plural(x.steps(), "step"))
		chart := x.Chart
		if !p.verbose {
			chart = fitEnds(chart, maxChart)
		}
		p.linef("%s", p.paint(bold, chart[0]))
		p.lines("", chart[1:])
	}
	p.linef("")
}

// fitEnds returns at most n lines, the first and the last, saying what it left out
// between them: where a run begins is soon known, and where it ends is the point.
func fitEnds(lines []string, n int) []string {
	if len(lines) <= n {
		return lines
	}
	first := n / 4
	last := n - first - 1
	left := fmt.Sprintf("      … %d more lines (-v)", len(lines)-first-last)
	return slices.Concat(lines[:first], []string{left}, lines[len(lines)-last:])
}
