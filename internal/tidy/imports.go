package tidy

import (
	"slices"
	"strings"
)

var importRules = []Rule{
	{
		Name:  "arrows",
		Why:   "the layers stay apart only if every import is checked",
		check: checkArrows,
	},
	{
		Name:  "modules",
		Why:   "a dependency is a decision: it has a row in the arrows, and go.mod says what is true",
		check: checkModules,
	},
}

func checkArrows(t *Tree, report report) {
	for _, f := range t.files {
		row := arrowOf(f.dir)
		if row == nil {
			report(f.path, 1, "package %s has no row in the table of arrows", f.dir)
			continue
		}
		may := row.may
		if f.test {
			may = slices.Concat(may, testOnly)
		}
		for _, spec := range f.ast.Imports {
			p := importPath(spec)
			switch {
			case spec.Name != nil && spec.Name.Name == ".":
				report(f.path, t.line(spec), "dot import of %s hides where names come from", p)
			case standard(p) || covered(p, module+"/"+row.pkg) || covered(p, may...):
			case f.test && within(p, module+"/"+top(f.dir)): // a test may use the siblings of its package
			case within(p, testOnly...):
				report(f.path, t.line(spec), "%s is for _test.go files", p)
			default:
				report(f.path, t.line(spec), "%s may not import %s: %s", strings.TrimSuffix(row.pkg, alone), p, row.why)
			}
		}
	}
}

// top returns the first element of a path.
func top(dir string) string {
	first, _, _ := strings.Cut(dir, "/")
	return first
}

// covered says whether one of the entries of an arrow covers the package p.
func covered(p string, entries ...string) bool {
	return slices.ContainsFunc(entries, func(e string) bool {
		one, ok := strings.CutSuffix(e, alone)
		return ok && p == one || !ok && within(p, e)
	})
}

// arrowOf returns the most specific row for a package directory.
func arrowOf(dir string) *arrow {
	var best *arrow
	for i := range arrows {
		if a := &arrows[i]; covered(dir, a.pkg) && (best == nil || len(a.pkg) > len(best.pkg)) {
			best = a
		}
	}
	return best
}

// standard says whether the package is of the standard library. Its first
// element has no dot there; ours has none either, and "C" is not a package.
func standard(p string) bool {
	first, _, _ := strings.Cut(p, "/")
	return !strings.Contains(first, ".") && first != module && first != "C"
}

// tools are the commands that go.mod may list as tools.
var tools = []string{"honnef.co/go/tools/cmd/staticcheck"}

// requirement is one line of go.mod that asks for a module.
type requirement struct {
	line     int
	path     string
	indirect bool // as go.mod says
	used     bool // imported by one of our packages
}

func checkModules(t *Tree, report report) {
	i := slices.IndexFunc(t.texts, func(x text) bool { return x.path == "go.mod" })
	if i < 0 {
		return
	}
	required := parseMod(t.texts[i], report)
	for _, f := range t.files {
		for _, spec := range f.ast.Imports {
			if m := moduleOf(importPath(spec), required); m != nil {
				m.used = true
			}
		}
	}
	allowed := slices.Clone(testOnly)
	for _, a := range arrows {
		allowed = append(allowed, a.may...)
	}
	for _, m := range required {
		listed := slices.ContainsFunc(allowed, func(p string) bool { return within(p, m.path) })
		tool := slices.ContainsFunc(tools, func(p string) bool { return within(p, m.path) })
		switch {
		case tool:
		case m.used && m.indirect:
			report("go.mod", m.line, "%s is imported but marked indirect: run go mod tidy", m.path)
		case !m.used && !m.indirect:
			report("go.mod", m.line, "nothing imports %s: run go mod tidy", m.path)
		case !m.indirect && !listed:
			report("go.mod", m.line, "%s has no row in the table of arrows", m.path)
		}
	}
}

// moduleOf returns the requirement that provides the package.
func moduleOf(pkg string, required []*requirement) *requirement {
	var best *requirement
	for _, m := range required {
		if within(pkg, m.path) && (best == nil || len(m.path) > len(best.path)) {
			best = m
		}
	}
	return best
}

// parseMod returns what a formatted go.mod requires. It reports tools that
// are not listed, and replacements: they do not hold for users of the module.
func parseMod(x text, report report) []*requirement {
	var required []*requirement
	block := ""
	for i, line := range x.lines() {
		code, comment, _ := strings.Cut(line, "//")
		fields := strings.Fields(code)
		if len(fields) == 0 {
			continue
		}
		if fields[0] == ")" {
			block = ""
			continue
		}
		if fields[len(fields)-1] == "(" {
			block = fields[0]
			continue
		}
		if block != "" {
			fields = append([]string{block}, fields...)
		}
		switch verb := fields[0]; {
		case verb == "require":
			required = append(required, &requirement{line: i + 1, path: fields[1], indirect: strings.Contains(comment, "indirect")})
		case verb == "replace":
			report(x.path, i+1, "replacement of %s", fields[1])
		case verb == "tool" && !slices.Contains(tools, fields[1]):
			report(x.path, i+1, "tool %s is not in the list of tools", fields[1])
		}
	}
	return required
}
