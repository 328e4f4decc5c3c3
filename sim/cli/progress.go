package cli

import (
	"fmt"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// redraw is how often a progress line is drawn at most.
const redraw = 100 * time.Millisecond

// Progress is one line on standard error that is redrawn in place. Without a
// terminal, or with -q, nothing is drawn.
type Progress struct {
	f     *os.File // nil: nothing is drawn
	begun time.Time
	drawn time.Time
}

// Progress returns a line for the progress of the command.
func (a *Invocation) Progress() *Progress {
	p := &Progress{begun: time.Now()}
	if !a.quiet && terminal(a.stderr) {
		p.f = a.stderr
	}
	return p
}

// Update draws what text returns, unless it is too early.
func (p *Progress) Update(text func(elapsed time.Duration) string) {
	if p.f == nil {
		return
	}
	now := time.Now()
	if now.Sub(p.drawn) < redraw {
		return
	}
	p.drawn = now
	line := text(now.Sub(p.begun))
	if width, _, err := term.GetSize(int(p.f.Fd())); err == nil && width > 1 {
		for utf8.RuneCountInString(line) >= width {
			_, n := utf8.DecodeLastRuneInString(line)
			line = line[:len(line)-n]
		}
	}
	fmt.Fprintf(p.f, "\r\x1b[K%s", line)
}

// Finish removes the line.
func (p *Progress) Finish() {
	if p.f != nil && !p.drawn.IsZero() {
		fmt.Fprint(p.f, "\r\x1b[K")
	}
}

// Rate writes n per second, in thousands or millions where that is shorter.
func Rate(n int, elapsed time.Duration) string {
	r := float64(n) / max(elapsed.Seconds(), 1e-3)
	switch {
	case r >= 1e6:
		return fmt.Sprintf("%.1fM/s", r/1e6)
	case r >= 1e4:
		return fmt.Sprintf("%.0fk/s", r/1e3)
	}
	return fmt.Sprintf("%.0f/s", r)
}

// Say writes a line about what goes on to standard error, unless -q was given.
func (a *Invocation) Say(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintln(a.stderr, strings.TrimRight(fmt.Sprintf(format, args...), " "))
	}
}
