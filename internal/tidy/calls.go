package tidy

import (
	"go/ast"
	"path"
	"slices"
	"strings"
)

var callRules = []Rule{
	{
		Name:  "nondeterminism",
		Why:   "an execution must be a function of its choices: the core is driven, it has no clock, no threads and no luck of its own",
		allow: "concurrency",
		check: checkNondeterminism,
	},
	{
		Name:  "unsafe",
		Why:   "what can corrupt memory is in files that say so",
		check: checkUnsafe,
	},
	{
		Name:  "recover",
		Why:   "a killed process unwinds by panic; a recover would let the dead go on working",
		allow: "recover",
		check: checkRecover,
	},
	{
		Name:  "waiting",
		Why:   "a sleep or a poll in a test is a missing hook, and a skipped test is a test that cannot fail",
		check: checkWaiting,
	},
	{
		Name:  "environment",
		Why:   "what a program does is decided by its arguments, where one can see it",
		check: checkEnvironment,
	},
	{
		Name:  "shared-bytes",
		Why:   "the scheduler sees only accesses that go through words and ranges",
		check: checkSharedBytes,
	},
}

// nondeterministic are the names the core may not use, by import path; "*" is
// all of them.
var nondeterministic = map[string][]string{
	"time":         {"After", "AfterFunc", "NewTicker", "NewTimer", "Now", "Since", "Sleep", "Tick", "Until"},
	"sync":         {"Cond", "Map", "Mutex", "NewCond", "Once", "OnceFunc", "OnceValue", "OnceValues", "Pool", "RWMutex", "WaitGroup"},
	"math/rand":    {"*"},
	"math/rand/v2": {"*"},
	"crypto/rand":  {"*"},
	"hash/maphash": {"*"},
}

func checkNondeterminism(t *Tree, report report) {
	t.each(inCore, func(f *goFile, n ast.Node) {
		what := ""
		switch n := n.(type) {
		case *ast.GoStmt:
			what = "a go statement"
		case *ast.SelectStmt:
			what = "select"
		case *ast.ChanType:
			what = "a channel"
		case *ast.SelectorExpr:
			pkg, name := f.qualified(n)
			if banned := nondeterministic[pkg]; slices.Contains(banned, name) || slices.Contains(banned, "*") {
				what = pkg + "." + name
			}
		}
		if what != "" {
			report(f.path, t.line(n), "%s in the deterministic core: go through shm.Host", what)
		}
	})
}

func checkUnsafe(t *Tree, report report) {
	for _, f := range t.files {
		name := strings.TrimSuffix(strings.TrimSuffix(path.Base(f.path), ".go"), "_test")
		for _, spec := range f.ast.Imports {
			if importPath(spec) == "unsafe" && !strings.Contains(name+"_", "_unsafe_") {
				report(f.path, t.line(spec), "unsafe outside a file named *_unsafe.go")
			}
		}
	}
	for _, x := range t.texts {
		if path.Ext(x.path) == ".s" && path.Dir(x.path) != "shm/internal/spin" {
			report(x.path, 0, "assembly outside shm/internal/spin")
		}
	}
}

func checkRecover(t *Tree, report report) {
	production := func(f *goFile) bool { return !ofTests(f) && within(f.dir, "shm", "impl") }
	t.each(production, func(f *goFile, n ast.Node) {
		if call, ok := n.(*ast.CallExpr); ok {
			if id, ok := call.Fun.(*ast.Ident); ok && id.Name == "recover" {
				report(f.path, t.line(n), "recover in production code")
			}
		}
	})
}

// ofTests says whether a file is of tests, or of a package for the tests of others (shm/hosttest).
func ofTests(f *goFile) bool { return f.test || strings.HasSuffix(f.dir, "test") }

// pollers are the files of tests that may look again and again: that of the helper for what has no event.
var pollers = []string{"internal/proctest/wait.go"}

func checkWaiting(t *Tree, report report) {
	waiters := func(f *goFile) bool { return ofTests(f) && !slices.Contains(pollers, f.path) }
	t.each(waiters, func(f *goFile, n ast.Node) {
		for _, part := range conditions(n) {
			if name := f.clock(part); name != "" {
				report(f.path, t.line(part), "time.%s decides how a test goes on: wait for an event", name)
			}
		}
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return
		}
		pkg, name := f.qualified(sel)
		switch {
		case pkg == "time" && name == "Sleep":
			report(f.path, t.line(n), "time.Sleep in a test: wait for what the sleep hopes for")
		case pkg == "time" && slices.Contains([]string{"NewTicker", "Tick"}, name), pkg == "runtime" && name == "Gosched":
			report(f.path, t.line(n), "%s.%s in a test: wait for an event", pkg, name)
		case pkg == "" && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, sel.Sel.Name):
			report(f.path, t.line(n), "%s in a test: make the test fit or drop it", sel.Sel.Name)
		}
	})
}

// conditions returns what decides how often a loop runs, or whether a branch is taken. Parts may be nil.
func conditions(n ast.Node) (parts []ast.Node) {
	switch n := n.(type) {
	case *ast.ForStmt:
		parts = []ast.Node{n.Init, n.Cond, n.Post}
	case *ast.IfStmt:
		parts = []ast.Node{n.Cond}
	case *ast.CaseClause:
		for _, e := range n.List {
			parts = append(parts, e)
		}
	}
	return parts
}

// clock returns the function of package time that n reads the clock with, or "".
func (f *goFile) clock(n ast.Node) (name string) {
	if n == nil {
		return ""
	}
	ast.Inspect(n, func(n ast.Node) bool {
		if pkg, called := f.qualified(n); pkg == "time" && slices.Contains([]string{"Now", "Since", "Until"}, called) {
			name = called
		}
		return name == ""
	})
	return name
}

func checkEnvironment(t *Tree, report report) {
	library := func(f *goFile) bool { return !ofTests(f) && !within(f.dir, "cmd") && !within(f.dir, edge...) }
	t.each(library, func(f *goFile, n ast.Node) {
		pkg, name := f.qualified(n)
		if within(pkg, "os", "syscall") && slices.Contains([]string{"Environ", "ExpandEnv", "Getenv", "LookupEnv"}, name) {
			report(f.path, t.line(n), "%s.%s outside cmd", pkg, name)
		}
	})
}

// mappers are the files of shm that may touch the bytes of a segment other than
// through a word or a range: those that define them, and those that map them.
var mappers = []string{"range.go", "segment.go", "word_unsafe.go"}

func checkSharedBytes(t *Tree, report report) {
	users := func(f *goFile) bool {
		return !f.test && f.dir == "shm" && !slices.Contains(mappers, path.Base(f.path))
	}
	t.each(users, func(f *goFile, n ast.Node) {
		if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "mem" {
			report(f.path, t.line(n), "plain access to shared bytes: use a word or a Range")
		}
	})
}
