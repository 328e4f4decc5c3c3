package tidy

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// proseBaseline lists the files that may still break the rule "prose", one "COUNT PATH" a line.
// A count that is too large is a finding, so the list can only shrink.
const proseBaseline = "internal/tidy/prose.baseline"

var (
	// person matches the words for which prose names an identifier or a term of the glossary. The
	// word "whose" is one of them only where it asks for a person: "a task whose lock" is fine.
	person = regexp.MustCompile(`(?i)\b(?:who|whom|whoever|nobody|no\s+one|somebody|someone|anybody|anyone|everybody|everyone)\b` +
		`|(?i:\b(?:know|knows|say|says|see|sees|tell|tells|ask|asks|matter|decides?)\s+whose\b)|(?:^|[.:;] )Whose\b`)
	// quotation matches code, the words of other texts and names-with-hyphens, in which anything may stand.
	quotation = regexp.MustCompile("`[^`]*`|\"[^\"]*\"|“[^”]*”|\\w+(?:-\\w+)+")
)

// finding is a word that prose does without.
type finding struct {
	line int
	word string
}

// checkProse looks at one paragraph at a time, so that a quotation may go on in the next line.
func checkProse(t *Tree, report report) {
	allowed := t.proseBaseline(report)
	found := make(map[string][]finding) // by path
	for _, x := range t.texts {
		for _, p := range t.prose(x) {
			blank := quotation.ReplaceAllStringFunc(p.text, func(q string) string {
				return strings.Repeat("\n", strings.Count(q, "\n"))
			})
			for _, at := range person.FindAllStringIndex(blank, -1) {
				f := finding{p.line + strings.Count(blank[:at[0]], "\n"), strings.Join(strings.Fields(blank[at[0]:at[1]]), " ")}
				if !slices.Contains(found[x.path], f) { // a report has each once
					found[x.path] = append(found[x.path], f)
				}
			}
		}
	}
	for _, x := range t.texts {
		n, here := allowed[x.path], found[x.path]
		switch {
		case len(here) > n.count:
			for _, f := range here {
				report(x.path, f.line, "%q: name the task, process, word or term instead", f.word)
			}
		case len(here) < n.count:
			report(proseBaseline, n.line, "%s has %d left: lower the count, or drop the line at 0", x.path, len(here))
		}
		delete(allowed, x.path)
	}
	for file, n := range allowed {
		report(proseBaseline, n.line, "%s does not exist", file)
	}
}

type baselineEntry struct{ line, count int }

func (t *Tree) proseBaseline(report report) map[string]baselineEntry {
	allowed := make(map[string]baselineEntry)
	for _, x := range t.texts {
		if x.path != proseBaseline {
			continue
		}
		for i, s := range x.lines() {
			count, file, _ := strings.Cut(s, " ")
			n, err := strconv.Atoi(count)
			if err != nil || n < 1 {
				report(x.path, i+1, "%q is not a count", count)
				continue
			}
			allowed[file] = baselineEntry{i + 1, n}
		}
	}
	return allowed
}

// paragraph is a piece of prose that begins in the given line.
type paragraph struct {
	line int
	text string
}

// prose returns what a file says to its readers: comments, documents, the headers of patches and
// the stories of traces.
func (t *Tree) prose(x text) []paragraph {
	switch {
	case within(x.path, "out") || strings.Contains(x.path, "testdata/"):
		return nil
	case path.Ext(x.path) == ".go":
		return t.comments(x)
	case path.Ext(x.path) == ".md":
		return paragraphs(x, func(s string, in bool) bool { return strings.HasPrefix(strings.TrimSpace(s), "```") != in })
	case path.Ext(x.path) == ".patch":
		return paragraphs(x, func(s string, in bool) bool {
			return in || strings.HasPrefix(s, "--- ") || strings.HasPrefix(s, "diff ")
		})
	case path.Ext(x.path) == ".trace":
		return paragraphs(x, func(s string, _ bool) bool { return !strings.HasPrefix(s, "#") })
	}
	return nil
}

// paragraphs splits a file at empty lines and at those that skip selects; skip is told what it
// has returned for the line before.
func paragraphs(x text, skip func(s string, skipped bool) bool) []paragraph {
	var found []paragraph
	skipped, open := false, false
	for i, s := range x.lines() {
		if skipped = skip(s, skipped); skipped || strings.Trim(s, "#` \t") == "" {
			open = false
			continue
		}
		s = strings.TrimPrefix(s, "#")
		if !open {
			found = append(found, paragraph{line: i + 1})
		}
		found[len(found)-1].text += s + "\n"
		open = true
	}
	return found
}

// comments returns the comments of a Go file without the code blocks in them.
func (t *Tree) comments(x text) []paragraph {
	var found []paragraph
	for _, f := range t.files {
		if f.path != x.path {
			continue
		}
		for _, group := range f.ast.Comments {
			for _, c := range group.List {
				line, open := t.line(c), len(found) > 0
				for i, s := range strings.Split(c.Text, "\n") {
					s = strings.TrimPrefix(s, "//")
					code := strings.HasPrefix(s, "\t")
					last := len(found) - 1
					joins := open && c != group.List[0] && !code && strings.TrimSpace(s) != "" &&
						found[last].line+strings.Count(found[last].text, "\n") == line+i
					switch {
					case joins:
						found[last].text += s + "\n"
					case !code:
						found = append(found, paragraph{line + i, s + "\n"})
					}
				}
			}
		}
	}
	return found
}
