package sim

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"cutthrough/shm/access"
)

// Diagram draws the execution as a space-time diagram: one column per task, time
// going down, interventions where they happened. It needs Config.Log. At most
// maxLines lines are returned, or 8 if that is more; what is left out is said. Valid only until the Runner's next Run.
func (o *Outcome) Diagram(maxLines int) []string {
	w := o.world
	rows := o.rows()
	rows = abridge(rows, max(maxLines-2, 6))
	width := make([]int, len(w.tasks))
	for i, t := range w.tasks {
		width[i] = utf8.RuneCountInString(t.name)
	}
	for _, r := range rows {
		if r.task >= 0 {
			width[r.task] = max(width[r.task], utf8.RuneCountInString(r.text))
		}
	}
	var head strings.Builder
	head.WriteString("step ")
	for i, t := range w.tasks {
		head.WriteString("  " + pad(t.name, width[i]))
	}
	lines := []string{strings.TrimRight(head.String(), " ")}
	for _, r := range rows {
		if r.task < 0 {
			lines = append(lines, "     "+r.text)
			continue
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
		lines = append(lines, strings.TrimRight(b.String(), " "))
	}
	return lines
}

func pad(s string, n int) string {
	return s + strings.Repeat(" ", max(0, n-utf8.RuneCountInString(s)))
}

// row is one line of a diagram.
type row struct {
	step, task int
	text       string
	weight     int // rows of low weight are left out first
}

func (o *Outcome) rows() []row {
	var rows []row
	done := 0 // a step is counted when it happens, which may be long after its task came to it
	for _, s := range o.Log {
		r := row{task: s.Task}
		switch {
		case s.Note != "":
			r.text, r.weight = s.Note, 2
		case s.Effect.Kind != Continue:
			r.text, r.weight = o.interventionText(s), 3
		default:
			done++
			r.step, r.text = done, s.text()
		}
		if s.Op != access.Begin || r.weight > 0 {
			rows = append(rows, r)
		}
	}
	return append(rows, o.ending()...)
}

func (o *Outcome) interventionText(s Step) string {
	word, args := o.world.effectText(s.Effect)
	text := word
	if len(args) > 0 {
		text += " " + args[0]
	}
	before := "before"
	if s.Op == access.Block || s.Op == access.End {
		before = "at"
	}
	return fmt.Sprintf("▶ %s %s %s #%d: %s", before, s.Name, s.Op, s.Nth, text)
}

// text returns an access with its value, or a call.
func (s Step) text() string {
	at := site{s.Name, s.Op}.String()
	switch {
	case s.HasValue && s.Op == access.CAS && !s.OK:
		return fmt.Sprintf("%s failed, is %s", at, number(s.Value))
	case s.HasValue && s.Op == access.Load:
		return fmt.Sprintf("%s = %s", at, number(s.Value))
	case s.HasValue:
		return fmt.Sprintf("%s := %s", at, number(s.Value))
	case s.Op.Plain():
		return fmt.Sprintf("%s %d bytes", at, s.Len)
	}
	return at
}

// number prints small values in decimal and large ones in hexadecimal.
func number(v uint64) string {
	if v < 1<<20 {
		return fmt.Sprint(v)
	}
	return fmt.Sprintf("%#x", v)
}

// ending says where every task is in the end, if the execution failed.
func (o *Outcome) ending() []row {
	if o.Failure == nil {
		return nil
	}
	rows := []row{}
	for _, t := range o.world.tasks {
		switch {
		case t.proc.dead:
			rows = append(rows, row{0, t.id, "✗ killed", 3})
		case t.endedAt == taskBlocked:
			rows = append(rows, row{0, t.id, "✗ waits at " + t.at.String(), 3})
		case o.Failure.Task == t.name:
			rows = append(rows, row{0, t.id, "✗ " + o.Failure.Property, 3})
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
