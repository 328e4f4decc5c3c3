package tidy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Rule is one rule of the project.
type Rule struct {
	Name  string // appears in findings; testdata/NAME.txtar is its test
	Why   string // what goes wrong without it
	allow string // kind of annotation that excuses a line, "" for none
	check func(*Tree, report)
}

// report records a finding at a line of a file; line 0 means the whole file.
type report func(path string, line int, format string, args ...any)

// A Finding is one place that breaks a rule.
type Finding struct {
	Path    string // slash-separated, from the root of the tree
	Line    int    // from 1; 0 means the whole file
	Rule    string
	Message string
}

// String returns the finding in the form that editors understand.
func (f Finding) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", f.Path, max(f.Line, 1), f.Rule, f.Message)
}

// Check returns the places where the tree breaks the rule, in order.
func (r Rule) Check(t *Tree) []Finding {
	var found []Finding
	used := make(map[*annotation]bool)
	r.check(t, func(path string, line int, format string, args ...any) {
		if a := t.excuse(r.allow, path, line); a != nil {
			used[a] = true
			return
		}
		found = append(found, Finding{path, line, r.Name, fmt.Sprintf(format, args...)})
	})
	for _, f := range t.files {
		for _, a := range f.annotations {
			switch {
			case r.allow == "" || a.kind != r.allow:
			case !used[a]:
				found = append(found, Finding{f.path, a.line, r.Name, "tidy:" + a.kind + " excuses nothing"})
			case a.reason == "":
				found = append(found, Finding{f.path, a.line, r.Name, "tidy:" + a.kind + " without a reason"})
			}
		}
	}
	slices.SortFunc(found, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), a.Line-b.Line, strings.Compare(a.Message, b.Message))
	})
	return slices.Compact(found)
}

// within says whether path is one of the directories or lies below one.
func within(path string, dirs ...string) bool {
	for _, d := range dirs {
		if path == d || strings.HasPrefix(path, d+"/") {
			return true
		}
	}
	return false
}
