package tidy

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// module is the path of the module that the rules are about.
const module = "cutthrough"

// A Tree is the project as the rules see it: its text files, and the Go files
// among them parsed. A Tree is not safe for concurrent use.
type Tree struct {
	fset  *token.FileSet
	paths map[string]bool     // every file and directory
	texts []text              // every text file, in the order of their paths
	files []*goFile           // every Go file outside testdata, likewise
	pkgs  map[string]*checked // by directory, filled on demand
}

// text is a text file. Paths are slash-separated and relative to the root.
type text struct {
	path string
	data []byte
}

// lines returns the lines of the file without their ends; lines[0] is line 1.
func (t text) lines() []string {
	return strings.Split(strings.TrimSuffix(string(t.data), "\n"), "\n")
}

// goFile is a parsed Go file.
type goFile struct {
	text
	dir         string // of the package, "." for the root
	test        bool   // whether its name ends in _test.go
	ast         *ast.File
	imports     map[string]string // local name -> import path
	annotations []*annotation
}

// checked is a package with types, without its tests.
type checked struct {
	pkg   *types.Package
	info  *types.Info
	files []*goFile
	err   error
}

// An annotation is a comment "//tidy:KIND REASON".
type annotation struct {
	line         int
	kind, reason string
}

// excuse returns the annotation of that kind on the line or the line above.
func (t *Tree) excuse(kind, path string, line int) *annotation {
	if kind == "" {
		return nil
	}
	for _, f := range t.files {
		if f.path != path {
			continue
		}
		for _, a := range f.annotations {
			if a.kind == kind && (a.line == line || a.line == line-1) {
				return a
			}
		}
	}
	return nil
}

// Load reads and parses the tree. It fails on a file that cannot be read or parsed.
func Load(fsys fs.FS) (*Tree, error) {
	t := &Tree{fset: token.NewFileSet(), paths: make(map[string]bool), pkgs: make(map[string]*checked)}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && ignoredDir(name):
			return fs.SkipDir
		case name == ".git":
			return nil // a file, in a second working tree of the repository
		}
		t.paths[name] = true
		if !d.Type().IsRegular() {
			return nil
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		if bytes.IndexByte(data, 0) < 0 {
			t.texts = append(t.texts, text{name, data})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("tidy: load: %w", err)
	}
	for _, x := range t.texts {
		if path.Ext(x.path) == ".go" && !slices.Contains(strings.Split(x.path, "/"), "testdata") {
			f, err := t.parse(x)
			if err != nil {
				return nil, fmt.Errorf("tidy: load: %w", err)
			}
			t.files = append(t.files, f)
		}
	}
	return t, nil
}

// ignoredDir says whether the directory is no part of the project: what .gitignore
// lists, and hidden directories other than that of the CI script.
func ignoredDir(name string) bool {
	return name == "out" || strings.HasPrefix(path.Base(name), ".") && name != "." && name != ".ci"
}

func (t *Tree) parse(x text) (*goFile, error) {
	parsed, err := parser.ParseFile(t.fset, x.path, x.data, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f := &goFile{text: x, dir: path.Dir(x.path), test: strings.HasSuffix(x.path, "_test.go"), ast: parsed}
	f.imports = make(map[string]string)
	for _, spec := range parsed.Imports {
		f.imports[localName(spec)] = importPath(spec)
	}
	for _, group := range parsed.Comments {
		for _, c := range group.List {
			if rest, ok := strings.CutPrefix(c.Text, "//tidy:"); ok {
				kind, reason, _ := strings.Cut(rest, " ")
				f.annotations = append(f.annotations, &annotation{t.line(c), kind, strings.TrimSpace(reason)})
			}
		}
	}
	return f, nil
}

func importPath(spec *ast.ImportSpec) string {
	p, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		panic("tidy: the parser let an import path through: " + spec.Path.Value)
	}
	return p
}

// localName returns the name under which the file uses an import. Where the
// import does not say, it guesses as gofmt's users do: the last element that is not a
// major version.
func localName(spec *ast.ImportSpec) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	p := importPath(spec)
	name := path.Base(p)
	if len(name) > 1 && name[0] == 'v' && strings.Trim(name[1:], "0123456789") == "" {
		name = path.Base(path.Dir(p))
	}
	return name
}

func (t *Tree) line(n ast.Node) int { return t.fset.Position(n.Pos()).Line }

// each calls visit for every node of every file that keep selects.
func (t *Tree) each(keep func(*goFile) bool, visit func(*goFile, ast.Node)) {
	for _, f := range t.files {
		if keep(f) {
			ast.Inspect(f.ast, func(n ast.Node) bool {
				if n != nil {
					visit(f, n)
				}
				return true
			})
		}
	}
}

// qualified returns the import path and the name of pkg.Name, or "" when the
// expression is something else.
func (f *goFile) qualified(n ast.Node) (pkg, name string) {
	sel, ok := n.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	id, ok := sel.X.(*ast.Ident)
	if !ok {
		return "", ""
	}
	return f.imports[id.Name], sel.Sel.Name
}
