package tidy

import (
	"slices"
	"strings"
)

// An arrow says what a package, and everything below it that has no row of its
// own, may import besides the standard library and its own subtree. A path that ends in
// alone is one package, without the packages below it.
type arrow struct {
	pkg string
	may []string // packages, each with everything below
	why string
}

const alone = "/."

var arrows = []arrow{
	{"shm" + alone, []string{module + "/shm/access"},
		"words and ports know neither the structures made of them nor a system that implements them"},
	{"shm/access", nil,
		"it is a list of words"},
	{"shm/fifo", []string{module + "/shm" + alone, module + "/shm/access", module + "/shm/internal/spin"},
		"a structure is words and ranges: it knows no other structure and runs on any host"},
	{"shm/evq", []string{module + "/shm" + alone, module + "/shm/internal/spin"},
		"a structure is words and ranges: it knows no other structure and runs on any host"},
	{"shm/alloc", []string{module + "/shm" + alone},
		"a structure is words: it knows no other structure, and waits for nothing"},
	{"shm/oshost", []string{module + "/shm" + alone, module + "/shm/internal/spin", "golang.org/x/sys"},
		"it is the only package that makes the system calls of shared memory, and knows no structure in it"},
	{"shm/hosttest", []string{module + "/shm" + alone},
		"it judges every host alike, so it knows none"},
	{"shm/internal/spin", nil,
		"it spins, for any condition"},
	{"shm/internal/shmtest", []string{module + "/shm" + alone, module + "/shm/access", module + "/shm/oshost", "github.com/google/go-cmp"},
		"the tests of each structure share it, so it knows none"},
	{"impl", []string{module + "/shm" + alone, module + "/shm/fifo", module + "/shm/evq", "golang.org/x/sys"},
		"it is production code that runs on the host it is given: the simulator must run it without its knowledge"},
	{"model", nil,
		"a specification that shares code with what it specifies shares its bugs"},
	{"model/check", nil,
		"a checker that knows a model is believed by nobody else"},
	{"model/monitor", nil,
		"it follows any model, so it knows none"},
	{"model/catalog", []string{module + "/model/check"},
		"it lists and draws any model, so it knows none"},
	{"sim", []string{module + "/shm" + alone, module + "/shm/access", "github.com/cespare/xxhash/v2"},
		"it tests any protocol of words and ranges, so it knows no structure in them"},
	{"sim/trace", nil,
		"the format of traces must be readable without the machine that runs them"},
	{"properties", []string{module + "/model", module + "/sim", module + "/shm", module + "/impl", "github.com/anishathalye/porcupine"},
		"it is where implementation, specification and simulator meet, and nowhere else"},
	{"cmd/simrun", []string{module, "github.com/spf13/cobra", "github.com/spf13/pflag", "golang.org/x/term", "golang.org/x/tools"},
		"only the command may talk to people"},
	{"internal/proctest", nil,
		"it starts the processes of any test, so it knows none"},
	{"internal/mutate", []string{"golang.org/x/sys"},
		"a mutant is text: what applies it must work on code that does not compile"},
	{"internal/tidy", []string{module + "/sim/trace", "golang.org/x/tools"},
		"the rules must not depend on what they judge"},
}

// testOnly may be imported by tests and by nothing else.
var testOnly = []string{
	"github.com/google/go-cmp",
	"github.com/rogpeppe/go-internal", // testscript
	"go.uber.org/goleak",
	"golang.org/x/net/nettest",
	"golang.org/x/tools/txtar",
	"pgregory.net/rapid", // registers global flags
	module + "/internal/proctest",
	module + "/shm/access",
	module + "/shm/alloc", // properties runs it; the product does not
	module + "/shm/hosttest",
	module + "/shm/internal/shmtest",
	module + "/shm/oshost", // code is given its host; cmd makes it
}

var importRules = []Rule{
	{
		Name:  "arrows",
		Why:   "the layers stay apart only if somebody looks at every import",
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
			case p == module+"/"+f.dir && f.test: // the external tests of the package
			case within(p, testOnly...):
				report(f.path, t.line(spec), "%s is for _test.go files", p)
			default:
				report(f.path, t.line(spec), "%s may not import %s: %s", strings.TrimSuffix(row.pkg, alone), p, row.why)
			}
		}
	}
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
