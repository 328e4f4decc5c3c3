package tidy

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/importer"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"sync"
)

// core are the packages that run under the scheduler, or are one.
var core = []string{"sim", "model", "impl"}

// edge are the packages below core that do not: they talk to people and files, and drive the simulator from outside.
var edge = []string{"sim/cli", "sim/simtest"}

func inCore(f *goFile) bool { return !f.test && within(f.dir, core...) && !within(f.dir, edge...) }

// eachCore calls visit for every package of the core.
func (t *Tree) eachCore(report report, visit func(*checked)) { t.eachPackage(inCore, report, visit) }

// eachPackage calls visit for every package with a file that keep selects.
func (t *Tree) eachPackage(keep func(*goFile) bool, report report, visit func(*checked)) {
	var dirs []string
	for _, f := range t.files {
		if keep(f) && !slices.Contains(dirs, f.dir) {
			dirs = append(dirs, f.dir)
		}
	}
	for _, dir := range dirs {
		if t.pkgs[dir] == nil {
			t.pkgs[dir] = t.typeCheck(dir)
		}
		if p := t.pkgs[dir]; p.err != nil {
			report(dir, 0, "cannot check types: %v", p.err)
		} else {
			visit(p)
		}
	}
}

func (t *Tree) typeCheck(dir string) *checked {
	p := &checked{info: &types.Info{
		Types:      make(map[ast.Expr]types.TypeAndValue),
		Uses:       make(map[*ast.Ident]types.Object),
		Defs:       make(map[*ast.Ident]types.Object),
		Selections: make(map[*ast.SelectorExpr]*types.Selection),
	}}
	var parsed []*ast.File
	for _, f := range t.files {
		if f.dir == dir && !f.test && f.builds() {
			p.files = append(p.files, f)
			parsed = append(parsed, f.ast)
		}
	}
	config := types.Config{Importer: importer.ForCompiler(t.fset, "gc", openExport)}
	p.pkg, p.err = config.Check(path.Join(module, dir), t.fset, parsed, p.info)
	return p
}

// builds says whether the file is compiled on the machine that runs the check.
func (f *goFile) builds() bool {
	context := build.Default
	context.OpenFile = func(string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(string(f.data))), nil
	}
	ok, err := context.MatchFile(path.Split(f.path))
	return ok && err == nil
}

// openExport returns what the compiler has written about a package.
func openExport(pkg string) (io.ReadCloser, error) {
	exports, err := listExports()
	if err != nil {
		return nil, err
	}
	file := exports[pkg]
	if file == "" {
		return nil, fmt.Errorf("the compiler has written nothing about it: does it build?")
	}
	return os.Open(file)
}

// listExports asks the go command for the export files of all packages that the
// module needs: package path -> file.
var listExports = sync.OnceValues(func() (map[string]string, error) {
	out, err := exec.Command("go", "list", "-e", "-export", "-deps", "-f", "{{.ImportPath}}={{.Export}}", module+"/...").Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return nil, fmt.Errorf("go list: %w", err)
	}
	exports := make(map[string]string)
	for line := range strings.Lines(string(out)) {
		pkg, file, _ := strings.Cut(strings.TrimSpace(line), "=")
		exports[pkg] = file
	}
	return exports, nil
})

// callee returns the full name of the function that is called, or "" when that
// is known only at run time.
func (p *checked) callee(call *ast.CallExpr) string {
	fun := ast.Unparen(call.Fun)
	switch index := fun.(type) { // an instance of a generic function
	case *ast.IndexExpr:
		fun = index.X
	case *ast.IndexListExpr:
		fun = index.X
	}
	id, _ := fun.(*ast.Ident)
	if sel, ok := fun.(*ast.SelectorExpr); ok {
		id = sel.Sel
	}
	if id == nil {
		return ""
	}
	switch obj := p.info.Uses[id].(type) {
	case *types.Func:
		return obj.FullName()
	case *types.Builtin:
		return obj.Name()
	}
	return ""
}
