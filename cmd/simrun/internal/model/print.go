package model

import (
	"fmt"
	"slices"
	"strings"

	"cutthrough/model/check"
	"cutthrough/sim/cli"
)

// maxChart bounds the lines of a chart.
const maxChart = 40

func (r *modelsResult) Print(p *cli.Printer) {
	for i := range r.Models {
		p.Linef("%s", r.Models[i].summary(p))
	}
}

func (r *modelResult) Print(p *cli.Printer) {
	p.Linef("%s", r.summary(p))
	if !p.Quiet {
		r.printFigures(p)
		r.printProperties(p)
		if p.Verbose {
			r.printActions(p)
		}
		r.printCharts(p)
	}
	switch {
	case r.Reproduce != "":
		p.Linef("find it again with")
		p.Linef("%s", r.Reproduce)
	case r.Resume != "":
		p.Linef("%s: the search so far; go on with", r.Checkpoint)
		p.Linef("%s", r.Resume)
	}
}

func (c *checkedModel) printFigures(p *cli.Printer) {
	p.Linef("  %s", c.Parameters)
	p.Linef("  %s, %s, depth %d, %.1f bytes a state; %s", cli.Plural(int(c.States), "state"), cli.Plural(int(c.Steps), "step"),
		c.Depth, c.BytesPerState, c.Reason)
	if c.Cut > 0 {
		p.Linef("  %s end at the boundary of the model", cli.Plural(int(c.Cut), "step"))
	}
	how := "states were compared, not fingerprints"
	if !c.Exact {
		how = fmt.Sprintf("odds of %.1e that two states were taken for one", c.CollisionBound)
	}
	if c.Symmetry {
		how += "; what differs only in names was"
	}
	p.Linef("  %s", how)
	// Of what is interchangeable, one is the first to do most things.
	if len(c.Untaken) > 0 && (p.Verbose || c.Complete && !c.Symmetry) {
		p.Linef("  never taken: %s", p.Paint(cli.Yellow, strings.Join(c.Untaken, ", ")))
	}
}

// printProperties shows the verdicts. After a violation that ended the search the
// others are not known, and count.
func (c *checkedModel) printProperties(p *cli.Printer) {
	var rows [][]string
	others := 0
	for _, x := range c.Properties {
		if c.Outcome == violated && x.Verdict == check.Incomplete.String() && !p.Verbose {
			others++
			continue
		}
		rows = append(rows, []string{"  " + x.Kind, x.Verdict, x.Property})
	}
	p.Linef("")
	p.Table(rows, func(_, column int, cell string) string {
		if column == 1 {
			word := strings.TrimRight(cell, " ")
			return strings.Replace(cell, word, p.Status(word), 1)
		}
		return cell
	})
	if others > 0 {
		p.Linef("  %s not known yet (-v; --keep-going decides them)", cli.Plural(others, "other"))
	}
}

func (c *checkedModel) printActions(p *cli.Printer) {
	p.Linef("")
	rows := [][]string{{"  taken", "action"}}
	for _, x := range c.Actions {
		rows = append(rows, []string{fmt.Sprintf("  %s", cli.Count(int(x.Steps))), x.Action})
	}
	p.Table(rows, nil)
}

// printCharts draws the shortest run that violates something, or all.
func (c *checkedModel) printCharts(p *cli.Printer) {
	broken := slices.DeleteFunc(c.broken(), func(x *checkedProperty) bool { return x.Run == nil })
	if len(broken) == 0 {
		return
	}
	slices.SortStableFunc(broken, func(x, y *checkedProperty) int { return x.steps() - y.steps() })
	if !p.Verbose {
		broken = broken[:1]
	}
	for _, x := range broken {
		p.Linef("\n%s, in %s:\n", p.Paint(cli.Red, x.Property), cli.Plural(x.steps(), "step"))
		chart := x.Chart
		if !p.Verbose {
			chart = fitEnds(chart, maxChart)
		}
		p.Linef("%s", p.Paint(cli.Bold, chart[0]))
		p.Lines("", chart[1:])
	}
	p.Linef("")
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
