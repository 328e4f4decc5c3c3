package cli

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// Printer writes for people: lines, tables and a little colour.
type Printer struct {
	// Quiet says that -q was given: only what matters is printed. Verbose is for -v.
	Quiet, Verbose bool

	w     io.Writer
	color bool
	name  string // of the program
}

func (a *Invocation) newPrinter() *Printer {
	return &Printer{w: a.out, color: a.colored(a.stdout), name: a.app.Name, Quiet: a.quiet, Verbose: a.verbose}
}

// colored says whether to colour what goes to f.
func (a *Invocation) colored(f *os.File) bool {
	switch a.color {
	case "always":
		return true
	case "never":
		return false
	}
	return os.Getenv("NO_COLOR") == "" && terminal(f)
}

// terminal says whether f is a terminal that understands escape sequences.
func terminal(f *os.File) bool {
	return os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}

// Style is a way to show text, as the number in an escape sequence.
type Style string

// The styles.
const (
	Red    Style = "31"
	Green  Style = "32"
	Yellow Style = "33"
	Bold   Style = "1"
	Faint  Style = "2"
)

// Paint returns text in a style, if the output has colours.
func (p *Printer) Paint(s Style, text string) string {
	if !p.color || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// Linef writes one line. An error is kept for the exit code.
func (p *Printer) Linef(format string, args ...any) {
	fmt.Fprintf(p.w, format+"\n", args...)
}

// Lines writes lines with an indent.
func (p *Printer) Lines(indent string, lines []string) {
	for _, l := range lines {
		p.Linef("%s", strings.TrimRight(indent+l, " "))
	}
}

// diagram writes a space-time diagram, interventions and ends in colour.
func (p *Printer) diagram(lines []string) {
	for i, l := range lines {
		switch {
		case i == 0:
			l = p.Paint(Bold, l)
		case strings.Contains(l, "▶"):
			l = p.Paint(Yellow, l)
		case strings.Contains(l, "✗"):
			l = p.Paint(Red, l)
		}
		p.Linef("%s", l)
	}
}

// Table writes rows in aligned columns; paint colours a padded cell and may be nil.
func (p *Printer) Table(rows [][]string, paint func(row, column int, cell string) string) {
	var width []int
	for _, r := range rows {
		for i, cell := range r {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for i, r := range rows {
		var b strings.Builder
		for j, cell := range r {
			if width[j] == 0 {
				continue
			}
			padding := strings.Repeat(" ", width[j]-utf8.RuneCountInString(cell))
			if paint != nil {
				cell = paint(i, j, cell)
			}
			b.WriteString(cell)
			if strings.Join(r[j+1:], "") == "" {
				break // no blanks at the end of a line
			}
			b.WriteString(padding + "  ")
		}
		p.Linef("%s", b.String())
	}
}

// Status colours the word for a status or verdict.
func (p *Printer) Status(word string) string {
	switch word {
	case "ok", "held", "holds", "killed", "clean", "unchanged", "updated":
		return p.Paint(Green, word)
	case "drifted", "stale", "inconclusive", "incomplete", "interrupted", "outdated":
		return p.Paint(Yellow, word)
	}
	return p.Paint(Red, word)
}

// Count writes a number with separators: 1,234,567.
func Count(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Plural returns a count with its noun: 1 trace, 2 traces.
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Count(n) + " " + noun + "s"
}

// fit returns at most n lines, saying where it left some out.
func fit(lines []string, n int) []string {
	if len(lines) <= n {
		return lines
	}
	keep := max(n-1, 0)
	return append(lines[:keep:keep], fmt.Sprintf("  … %d more lines", len(lines)-keep))
}
