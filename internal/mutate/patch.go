package mutate

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A parser reads a patch file line by line. It accepts less than git
// does: what it lets through, git applies inside its directory.
type parser struct {
	file  string // for messages
	lines []string
	at    int // the index of the next line
}

// errorf blames the line that is n lines from the next one.
func (p *parser) errorf(n int, format string, args ...any) error {
	return fmt.Errorf("mutate: %w: %s:%d: %s", ErrPatch, p.file, p.at+n+1, fmt.Sprintf(format, args...))
}

// next consumes a line; more says whether there is one.
func (p *parser) next() string { p.at++; return p.lines[p.at-1] }
func (p *parser) more() bool   { return p.at < len(p.lines) }

// peek returns the next line, or "" at the end.
func (p *parser) peek() string {
	if p.more() {
		return p.lines[p.at]
	}
	return ""
}

// parse reads the text of a patch file. Its errors wrap ErrPatch and name file
// and line.
func parse(file, text string) (*Mutant, error) {
	p := &parser{file: file, lines: strings.Split(text, "\n")}
	last := len(p.lines) - 1
	if p.lines[last] != "" {
		p.at = last
		return nil, p.errorf(0, "the last line has no newline")
	}
	p.lines = p.lines[:last]
	for i, line := range p.lines {
		if !utf8.ValidString(line) || strings.ContainsAny(line, "\x00\r") {
			p.at = i
			return nil, p.errorf(0, "not UTF-8 text with Unix line ends")
		}
	}

	m := &Mutant{}
	if err := p.header(m); err != nil {
		return nil, err
	}
	m.diff = strings.Join(p.lines[p.at:], "\n") + "\n"
	for p.more() {
		if err := p.fileDiff(m); err != nil {
			return nil, err
		}
		for p.more() && p.peek() == "" {
			p.next()
		}
	}
	return m, nil
}

const gitLine = "diff --git "

var (
	fieldLine   = regexp.MustCompile(`^([A-Za-z]+):(.*)$`)
	strayDiff   = regexp.MustCompile(`^(---|\+\+\+|@@|Index:|Only in|Binary files) `)
	indexLine   = regexp.MustCompile(`^index [0-9a-f]+\.\.[0-9a-f]+( 100644| 100755)?$`)
	hunkLine    = regexp.MustCompile(`^@@ -\d{1,7}(?:,(\d{1,7}))? \+\d{1,7}(?:,(\d{1,7}))? @@(?: .*)?$`)
	allowedPath = regexp.MustCompile(`^([A-Za-z0-9_][A-Za-z0-9_.-]*/)*[A-Za-z0-9_][A-Za-z0-9_.-]*\.go$`)
)

// header reads everything before the diff.
func (p *parser) header(m *Mutant) error {
	fields := map[string]*string{
		"test": &m.Test, "property": &m.Property, "scenario": &m.Scenario, "strategy": &m.Strategy, "row": &m.Row,
	}
	var story []string
	fieldsBegan := false
	for p.more() && !strings.HasPrefix(p.peek(), gitLine) {
		line := strings.TrimSpace(p.next())
		if strayDiff.MatchString(line) {
			return p.errorf(-1, "a diff without a %q line: make mutants with git diff", gitLine)
		}
		kv := fieldLine.FindStringSubmatch(line)
		switch {
		case line == "" && fieldsBegan:
		case kv == nil && fieldsBegan:
			return p.errorf(-1, "text after the fields: the story comes first")
		case kv == nil:
			story = append(story, line)
		default:
			fieldsBegan = true
			value, ok := fields[kv[1]]
			switch {
			case !ok:
				return p.errorf(-1, "unknown field %q (prose does not start a line with a word and a colon)", kv[1])
			case *value != "":
				return p.errorf(-1, "second field %q", kv[1])
			}
			if *value = strings.TrimSpace(kv[2]); *value == "" {
				return p.errorf(-1, "field %q has no value", kv[1])
			}
		}
	}
	if !p.more() {
		return p.errorf(0, "no %q line: make mutants with git diff", gitLine)
	}
	m.Story = strings.TrimSpace(strings.Join(story, "\n"))
	return nil
}

// fileDiff reads the part of the diff that concerns one file.
func (p *parser) fileDiff(m *Mutant) error {
	line := p.next()
	// "diff --git a/PATH b/PATH", twice the same path.
	paths := strings.TrimPrefix(line, gitLine)
	path := strings.TrimPrefix(paths[:len(paths)/2], "a/")
	if line != gitLine+"a/"+path+" b/"+path {
		return p.errorf(-1, "want \"diff --git a/PATH b/PATH\" with one PATH, have %q (renames are not allowed; nor a hunk longer than its @@ line says)", line)
	}
	switch {
	case !allowedPath.MatchString(path):
		return p.errorf(-1, "path %q: not a plain path of a Go file inside the module", path)
	case strings.HasSuffix(path, "_test.go"):
		return p.errorf(-1, "path %q: a test is not part of the program", path)
	case slices.Contains(m.Files, path):
		return p.errorf(-1, "path %q: second diff of this file", path)
	}
	m.Files = append(m.Files, path)

	if indexLine.MatchString(p.peek()) {
		p.next()
	}
	for _, want := range []string{"--- a/" + path, "+++ b/" + path} {
		if p.peek() != want {
			return p.errorf(0, "want %q, have %q: a mutant edits the text of existing files, it does not create, delete, rename or chmod", want, p.peek())
		}
		p.next()
	}
	for more := true; more; more = strings.HasPrefix(p.peek(), "@@") {
		if err := p.hunk(m); err != nil {
			return err
		}
	}
	return nil
}

// hunk reads one hunk, which must be exactly as long as its @@ line says.
func (p *parser) hunk(m *Mutant) error {
	counts := hunkLine.FindStringSubmatch(p.peek())
	if counts == nil {
		return p.errorf(0, "want a hunk \"@@ -LINE,COUNT +LINE,COUNT @@\", have %q", p.peek())
	}
	p.next()
	before, after := lineCount(counts[1]), lineCount(counts[2])
	context, removed, added := 0, 0, 0
	for context+removed < before || context+added < after {
		if !p.more() {
			return p.errorf(0, "the file ends inside a hunk")
		}
		switch line := p.next(); {
		case line == "" || line[0] == ' ': // editors strip the blank of an empty context line
			context++
		case line[0] == '-':
			removed++
		case line[0] == '+':
			added++
		case line[0] == '\\': // "\ No newline at end of file"
		default:
			return p.errorf(-1, "%q inside a hunk: its @@ line says %d lines before and %d after, have %d and %d",
				line, before, after, context+removed, context+added)
		}
	}
	if strings.HasPrefix(p.peek(), `\`) {
		p.next()
	}
	switch {
	case context+removed > before || context+added > after:
		return p.errorf(-1, "the hunk is longer than its @@ line says")
	case removed+added == 0:
		return p.errorf(-1, "the hunk changes nothing")
	case context == 0:
		return p.errorf(-1, "a hunk without context can land anywhere: use the default context of git diff")
	}
	m.Hunks++
	m.insertOnly = m.insertOnly || removed == 0
	return nil
}

// lineCount reads a count of an @@ line, which hunkLine keeps small; a missing
// count means one.
func lineCount(text string) int {
	if text == "" {
		return 1
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		panic("mutate: hunkLine let through " + strconv.Quote(text))
	}
	return n
}
