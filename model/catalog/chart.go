package catalog

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Chart draws the run as a space-time diagram: one column per process, time going
// down, arrows for messages and doorbells, and below it the state at the end.
func (r *Run) Chart() []string {
	c := newChart(r)
	lines := []string{c.head(r.Columns)}
	state := r.Initial
	number := 0
	draw := func(steps []Step) {
		for _, s := range steps {
			number++
			label := fmt.Sprint(number)
			for _, l := range s.Lines {
				lines = append(lines, c.line(label, l))
				label = ""
			}
			state = s.State
		}
	}
	draw(r.Steps)
	switch {
	case len(r.Cycle) > 0:
		lines = append(lines, "      and then, for ever:")
		draw(r.Cycle)
	case r.Stops:
		lines = append(lines, "      and nothing more")
	}
	return append(lines, "      "+state)
}

// chart knows how wide the columns are.
type chart struct {
	width []int
}

func newChart(r *Run) chart {
	c := chart{make([]int, len(r.Columns))}
	for i, name := range r.Columns {
		c.width[i] = utf8.RuneCountInString(name)
	}
	for _, steps := range [][]Step{r.Steps, r.Cycle} {
		for _, s := range steps {
			for _, l := range s.Lines {
				n := utf8.RuneCountInString(l.Text)
				if l.To > l.Column {
					n += 2 // a blank, and some of the arrow
				}
				c.width[l.Column] = max(c.width[l.Column], n)
			}
		}
	}
	return c
}

func (c chart) head(columns []string) string {
	b := strings.Builder{}
	b.WriteString("step")
	for i, name := range columns {
		b.WriteString("  " + fill(name, c.width[i], " "))
	}
	return strings.TrimRight(b.String(), " ")
}

// line draws the columns from left to right. The arrow, if any, runs through those
// between the two, and through the gaps.
func (c chart) line(label string, l Line) string {
	left, right := min(l.Column, l.To), max(l.Column, l.To)
	b := strings.Builder{}
	fmt.Fprintf(&b, "%4s", label)
	for i, width := range c.width {
		switch {
		case i <= left || i > right:
			b.WriteString("  ")
		case i == l.Column:
			b.WriteString("─ ")
		default:
			b.WriteString("──")
		}
		switch {
		case i == l.Column && l.To > i:
			b.WriteString(fill(l.Text+" ", width, "─"))
		case i == l.Column:
			b.WriteString(fill(l.Text, width, " "))
		case i == l.To && i == left:
			b.WriteString(fill("◀", width, "─"))
		case i == l.To:
			b.WriteString(fill("▶", width, " "))
		case i > left && i < right:
			b.WriteString(fill("", width, "─"))
		default:
			b.WriteString(fill("·", width, " "))
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// fill makes s as long as width, with what it is told to.
func fill(s string, width int, with string) string {
	return s + strings.Repeat(with, max(0, width-utf8.RuneCountInString(s)))
}
