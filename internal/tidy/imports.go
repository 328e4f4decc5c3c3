package tidy

import (
	"slices"
	"strings"
)

// An arrow says what a package, and everything below it that has no row of its
// own, may import besides the standard library and its own subtree.
type arrow struct {
	pkg string
	may []string // packages, each with everything below
	not []string // of these and of its own subtree, what only tests may import
	why string
}

var arrows = []arrow{
	{"shm", []string{"golang.org/x/sys"}, nil,
		"it is production code: who links it gets it and the system calls, no test machinery"},
	{"impl", []string{module + "/shm", "golang.org/x/sys"}, []string{module + "/impl/layer", module + "/impl/server"},
		"an application talks to the session layer by messages alone, and the simulator must run it without its knowledge"},
	{"impl/wire", nil, nil,
		"the messages are for programs in any process, so they bring nothing with them"},
	{"impl/layer", []string{module + "/impl/wire", module + "/shm"}, nil,
		"the core decides: of shared memory it knows sizes and addresses, of the system nothing"},
	{"impl/layer/pool", []string{module + "/impl/wire"}, nil,
		"it hands out handles for objects of any type, so it knows none"},
	{"impl/layer/segments", []string{module + "/impl/layer/pool", module + "/impl/wire", module + "/shm"}, nil,
		"workers other than the core will place segments, so it knows neither the core nor applications"},
	{"impl/server", []string{module + "/impl/layer", module + "/impl/wire", module + "/shm"}, nil,
		"it runs the core for applications of any process, so it knows no application"},
	{"model", nil, nil,
		"a specification that shares code with what it specifies shares its bugs"},
	{"model/check", nil, nil,
		"a checker that knows a model is believed by nobody else"},
	{"model/monitor", nil, nil,
		"it follows any model, so it knows none"},
	{"model/catalog", []string{module + "/model/check"}, nil,
		"it lists and draws any model, so it knows none"},
	{"sim", []string{module + "/shm", "github.com/cespare/xxhash/v2"}, nil,
		"it tests any protocol written on shm, so it knows none"},
	{"sim/trace", nil, nil,
		"the format of traces must be readable without the machine that runs them"},
	{"sim/scenario", []string{module + "/sim", module + "/internal/closest"}, nil,
		"it describes programs on shm, and how they are explored is not its business"},
	{"sim/explore", []string{module + "/sim", module + "/shm"}, nil,
		"a strategy is a client of the simulator like any other, and knows no program"},
	{"sim/lin", []string{module + "/sim", module + "/model", "github.com/anishathalye/porcupine"}, nil,
		"it judges histories; of model it may know the sequential specifications, and only they are in the root package"},
	{"properties", []string{module + "/properties", module + "/sim", module + "/shm", module + "/impl"}, nil,
		"it lists what the packages below it explore"},
	{"properties/memory", []string{module + "/properties/oracle", module + "/model", module + "/sim", module + "/shm"}, nil,
		"shared memory is tested without the session layer, which is built on it"},
	{"properties/oracle", []string{module + "/model", module + "/impl", module + "/sim", module + "/shm"}, nil,
		"it judges runs, and does not know which scenario they are of"},
	{"properties/core", []string{module + "/properties/oracle", module + "/model", module + "/impl", module + "/sim", module + "/shm"}, nil,
		"it is where the core of the session layer, its models and the simulator meet"},
	{"properties/session", []string{module + "/properties/oracle", module + "/model", module + "/impl", module + "/sim", module + "/shm"}, nil,
		"it is where the session layer, its model and the simulator meet"},
	{"cmd/simrun", []string{module, "github.com/spf13/cobra", "github.com/spf13/pflag", "golang.org/x/term", "golang.org/x/tools"}, nil,
		"only the command may talk to people"},
	{"internal/closest", nil, nil,
		"it compares words, and need not know what they are for"},
	{"internal/proctest", nil, nil,
		"it starts the processes of any test, so it knows none"},
	{"internal/mutate", []string{"golang.org/x/sys"}, nil,
		"a mutant is text: what applies it must work on code that does not compile"},
	{"internal/tidy", []string{module + "/sim/trace", "golang.org/x/tools"}, nil,
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
			case within(p, row.not...) && !f.test:
				report(f.path, t.line(spec), "%s may not import %s: %s", row.pkg, p, row.why)
			case standard(p) || within(p, module+"/"+row.pkg) || within(p, may...):
			case within(p, testOnly...):
				report(f.path, t.line(spec), "%s is for _test.go files", p)
			default:
				report(f.path, t.line(spec), "%s may not import %s: %s", row.pkg, p, row.why)
			}
		}
	}
}

// arrowOf returns the most specific row for a package directory.
func arrowOf(dir string) *arrow {
	var best *arrow
	for i := range arrows {
		if a := &arrows[i]; within(dir, a.pkg) && (best == nil || len(a.pkg) > len(best.pkg)) {
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
