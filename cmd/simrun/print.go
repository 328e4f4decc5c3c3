package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// printer writes for people: lines, tables and a little colour.
type printer struct {
	w              io.Writer
	color          bool
	quiet, verbose bool
}

func (a *app) printer() *printer {
	return &printer{w: a.stdout, color: a.colored(a.stdout), quiet: a.quiet, verbose: a.verbose}
}

// colored says whether to colour what goes to f.
func (a *app) colored(f *os.File) bool {
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

// style is the number of a colour in an escape sequence.
type style string

const (
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	bold   style = "1"
	faint  style = "2"
)

func (p *printer) paint(s style, text string) string {
	if !p.color || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// linef writes one line. A reader that is gone is noticed by the exit code of
// whatever it was, not here.
func (p *printer) linef(format string, args ...any) {
	fmt.Fprintf(p.w, format+"\n", args...)
}

// lines writes lines with an indent.
func (p *printer) lines(indent string, lines []string) {
	for _, l := range lines {
		p.linef("%s", strings.TrimRight(indent+l, " "))
	}
}

// diagram writes a space-time diagram, interventions and ends in colour.
func (p *printer) diagram(lines []string) {
	for i, l := range lines {
		switch {
		case i == 0:
			l = p.paint(bold, l)
		case strings.Contains(l, "▶"):
			l = p.paint(yellow, l)
		case strings.Contains(l, "✗"):
			l = p.paint(red, l)
		}
		p.linef("%s", l)
	}
}

// table writes rows in aligned columns; paint colours a padded cell and may be nil.
func (p *printer) table(rows [][]string, paint func(row, column int, cell string) string) {
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
		p.linef("%s", b.String())
	}
}

// status colours the word for a status or verdict.
func (p *printer) status(word string) string {
	switch word {
	case "ok", "held", "holds", "killed", "clean", "unchanged", "updated":
		return p.paint(green, word)
	case "drifted", "stale", "inconclusive", "incomplete", "interrupted", "outdated":
		return p.paint(yellow, word)
	}
	return p.paint(red, word)
}

// count writes a number with separators: 1,234,567.
func count(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// plural returns a count with its noun: 1 trace, 2 traces.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}

// fit returns at most n lines, saying where it left some out.
func fit(lines []string, n int) []string {
	if len(lines) <= n {
		return lines
	}
	keep := max(n-1, 0)
	return append(lines[:keep:keep], fmt.Sprintf("  … %d more lines", len(lines)-keep))
}

// programName returns how the user calls this program, so that commands we print
// can be copied as they are. A program that go run built is gone afterwards.
func programName() string {
	if path, err := os.Executable(); err == nil && strings.Contains(path, "go-build") && !inPath(os.Args[0]) {
		if _, err := os.Stat(filepath.Join("cmd", "simrun", "main.go")); err == nil {
			return "go run ./cmd/simrun"
		}
		return "go run cutthrough/cmd/simrun"
	}
	return shellQuote(os.Args[0])
}

// inPath says whether name is a bare command name, found through PATH.
func inPath(name string) bool { return filepath.Base(name) == name }
