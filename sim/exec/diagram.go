package exec

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Diagram draws the execution as a space-time diagram: one column per task, time
// going down, interventions where they happened. At most
// maxLines lines are returned, or 8 if that is more; a line says how many were left out.
func (x *Execution) Diagram(maxLines int) []string {
	rows := abridge(x.rows(), max(maxLines-2, 6))
	width := make([]int, len(x.Tasks))
	for i, t := range x.Tasks {
		width[i] = utf8.RuneCountInString(t.Name)
	}
	for _, r := range rows {
		if r.task >= 0 {
			width[r.task] = max(width[r.task], utf8.RuneCountInString(r.text))
		}
	}
	var head strings.Builder
	head.WriteString("step ")
	for i, t := range x.Tasks {
		head.WriteString("  " + pad(t.Name, width[i]))
	}
	lines := []string{strings.TrimRight(head.String(), " ")}
	for _, r := range rows {
		lines = append(lines, r.line(width))
	}
	return lines
}

func pad(s string, n int) string {
	return s + strings.Repeat(" ", max(0, n-utf8.RuneCountInString(s)))
}

// row is one line of a diagram.
type row struct {
	step, task int // 0: no step; -1: no task
	text       string
	weight     int // rows of low weight are left out first
}

func (r row) line(width []int) string {
	if r.task < 0 {
		return "     " + r.text
	}
	var b strings.Builder
	if r.step > 0 {
		fmt.Fprintf(&b, "%4d ", r.step)
	} else {
		b.WriteString("     ")
	}
	for i := range r.task {
		b.WriteString("  " + pad("·", width[i]))
	}
	b.WriteString("  " + r.text)
	return strings.TrimRight(b.String(), " ")
}

func (x *Execution) rows() []row {
	var rows []row
	for i := range x.Events {
		e := &x.Events[i]
		switch e.Kind {
		case StepEvent:
			r := row{e.Step, e.Task, e.text(), 0}
			if e.Message != nil {
				r.text += " " + e.Message.Name
			}
			rows = append(rows, r)
		case InterventionEvent:
			rows = append(rows, row{0, e.Task, e.interventionText(), 3})
		case WakeEvent:
			if e.Message != nil {
				rows = append(rows, row{0, e.Task, "received " + e.Message.Name, 0})
			}
		case NoteEvent:
			rows = append(rows, row{0, e.Task, e.Text, 2})
		}
	}
	return append(rows, x.ending()...)
}

func (e *Event) interventionText() string {
	before := "before"
	if e.Op == "block" || e.Op == "end" {
		before = "at"
	}
	return fmt.Sprintf("▶ %s %s #%d: %s", before, e.Access, e.Nth, e.Effect)
}

// text returns an access with its value, or a call.
func (e *Event) text() string {
	at := e.Access.String()
	switch {
	case e.Failed:
		at = fmt.Sprintf("%s failed, is %s", at, Number(*e.Read))
	case e.Wrote != nil:
		at = fmt.Sprintf("%s := %s", at, Number(*e.Wrote))
	case e.Read != nil:
		at = fmt.Sprintf("%s = %s", at, Number(*e.Read))
	case e.Op == "read" || e.Op == "write":
		at = fmt.Sprintf("%s %d bytes", at, e.Len)
	}
	return at
}

// ending says where every task is in the end, if the execution failed.
func (x *Execution) ending() []row {
	if x.Failure == nil {
		return nil
	}
	var rows []row
	for i, t := range x.Tasks {
		switch {
		case t.State == Killed:
			rows = append(rows, row{0, i, "✗ killed", 3})
		case t.State == Waiting:
			rows = append(rows, row{0, i, "✗ waits at " + t.At.String(), 3})
		case x.Failure.Task == t.Name:
			rows = append(rows, row{0, i, "✗ " + x.Failure.Property, 3})
		}
	}
	return rows
}

// abridge leaves out rows that lie far from every intervention until at most
// limit are left.
func abridge(all []row, limit int) []row {
	rows := all
	for near := 8; len(rows) > limit && near >= 0; near-- {
		rows = drop(all, near)
	}
	if len(rows) > limit {
		cut := len(rows) - limit + 1
		rows = append(append(rows[:limit/2:limit/2], row{0, -1, fmt.Sprintf("… %d lines left out", cut), 3}), rows[limit/2+cut:]...)
	}
	return rows
}

// drop replaces runs of rows that are more than near rows away from one with weight.
func drop(rows []row, near int) []row {
	keep := make([]bool, len(rows))
	for i, r := range rows {
		if r.weight == 0 && i > 0 && i < len(rows)-1 {
			continue
		}
		for j := max(0, i-near); j <= min(len(rows)-1, i+near); j++ {
			keep[j] = true
		}
	}
	var out []row
	for i := 0; i < len(rows); i++ {
		if keep[i] {
			out = append(out, rows[i])
			continue
		}
		n := 0
		for i+n < len(rows) && !keep[i+n] {
			n++
		}
		out = append(out, row{0, -1, fmt.Sprintf("… %d steps", n), 0})
		i += n - 1
	}
	return out
}
