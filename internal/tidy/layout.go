package tidy

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/token"
	"path"
	"slices"
	"strings"
	"unicode"
)

// Sizes of files and functions, tests not counted.
const (
	maxFile = 400 // lines
	maxFunc = 70  // lines
)

var layoutRules = []Rule{
	{
		Name:  "size",
		Why:   "a reader holds one page in mind; a file or function that outgrows it has two ideas",
		check: checkSize,
	},
	{
		Name:  "doc",
		Why:   "what is exported is a contract, and a contract is written down",
		check: checkDoc,
	},
	{
		Name:  "gofmt",
		Why:   "one layout for all files leaves nothing to decide",
		check: checkFormat,
	},
	{
		Name:  "exports",
		Why:   "a reader of a package keeps all its names apart, so it has few and each has a user",
		check: checkExports,
	},
	{
		Name:  "file-arrows",
		Why:   "files that use each other in a circle can only be read all at once",
		check: checkFileArrows,
	},
}

func checkSize(t *Tree, report report) {
	for _, f := range t.files {
		if f.test {
			continue
		}
		if n := len(f.lines()); n > maxFile {
			report(f.path, 0, "%d lines, limit %d", n, maxFile)
		}
		for _, decl := range f.ast.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			first, last := t.fset.Position(fn.Pos()).Line, t.fset.Position(fn.End()).Line
			if n := last - first + 1; n > maxFunc {
				report(f.path, first, "%s has %d lines, limit %d", fn.Name.Name, n, maxFunc)
			}
		}
	}
}

func checkDoc(t *Tree, report report) {
	documented := make(map[string]bool) // by directory
	for _, f := range t.files {
		if f.test {
			continue
		}
		want := "Package " + f.ast.Name.Name
		if f.ast.Name.Name == "main" {
			want = "Command " + path.Base(f.dir)
		}
		if f.ast.Doc != nil {
			documented[f.dir] = true
			if !startsWith(f.ast.Doc.Text(), want) {
				report(f.path, t.line(f.ast.Doc), "the package comment starts with %q", want)
			}
		}
		for _, decl := range f.ast.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if exportedFunc(d) {
					t.wantDoc(f, d.Name, d.Doc, report)
				}
			case *ast.GenDecl:
				t.checkGenDoc(f, d, report)
			}
		}
	}
	for _, f := range t.files {
		if !f.test && !documented[f.dir] {
			documented[f.dir] = true
			report(f.path, t.line(f.ast), "no file of this package has a package comment")
		}
	}
}

// checkGenDoc wants a comment for every exported name. In a parenthesised group
// of constants or variables a comment on the group will do.
func (t *Tree) checkGenDoc(f *goFile, d *ast.GenDecl, report report) {
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			doc := s.Doc
			if !d.Lparen.IsValid() {
				doc = d.Doc
			}
			if s.Name.IsExported() {
				t.wantDoc(f, s.Name, doc, report)
				t.checkMethodDoc(f, s, doc, report)
			}
		case *ast.ValueSpec:
			for _, name := range s.Names {
				switch {
				case !name.IsExported():
				case !d.Lparen.IsValid():
					t.wantDoc(f, name, d.Doc, report)
				case d.Doc == nil && s.Doc == nil && s.Comment == nil:
					report(f.path, t.line(name), "%s has no comment, nor has its group", name.Name)
				}
			}
		}
	}
}

// checkMethodDoc wants a comment for every exported method of an interface. That
// of the type will do if it mentions the method or there is only one.
func (t *Tree) checkMethodDoc(f *goFile, s *ast.TypeSpec, doc *ast.CommentGroup, report report) {
	i, ok := s.Type.(*ast.InterfaceType)
	if !ok || len(i.Methods.List) == 1 {
		return
	}
	words := strings.FieldsFunc(doc.Text(), func(r rune) bool { return !unicode.IsLetter(r) })
	for _, m := range i.Methods.List {
		for _, name := range m.Names {
			if name.IsExported() && (m.Doc != nil || !slices.Contains(words, name.Name)) {
				t.wantDoc(f, name, m.Doc, report)
			}
		}
	}
}

func (t *Tree) wantDoc(f *goFile, name *ast.Ident, doc *ast.CommentGroup, report report) {
	if doc == nil {
		report(f.path, t.line(name), "%s has no doc comment", name.Name)
	} else if !startsWith(doc.Text(), name.Name) {
		report(f.path, t.line(name), "the doc comment of %s does not start with its name", name.Name)
	}
}

// exportedFunc says whether users of the package can see the function: methods of
// types they cannot name need no comment.
func exportedFunc(d *ast.FuncDecl) bool {
	if !d.Name.IsExported() {
		return false
	}
	return d.Recv == nil || receiver(d).IsExported()
}

// receiver returns the name of the type that a method belongs to.
func receiver(d *ast.FuncDecl) *ast.Ident {
	recv := d.Recv.List[0].Type
	for {
		switch r := recv.(type) {
		case *ast.ParenExpr:
			recv = r.X
		case *ast.StarExpr:
			recv = r.X
		case *ast.IndexExpr:
			recv = r.X
		case *ast.IndexListExpr:
			recv = r.X
		case *ast.Ident:
			return r
		}
	}
}

// startsWith says whether the comment starts with the words, after an article.
func startsWith(comment, words string) bool {
	for _, article := range []string{"", "A ", "An ", "The "} {
		rest, ok := strings.CutPrefix(comment, article+words)
		if ok && (rest == "" || !token.IsIdentifier("x"+rest[:1])) {
			return true
		}
	}
	return false
}

func checkFormat(t *Tree, report report) {
	for _, f := range t.files {
		want, err := format.Source(f.data)
		if err != nil {
			report(f.path, 0, "%v", err)
			continue
		}
		if bytes.Equal(want, f.data) {
			continue
		}
		have, ought := f.lines(), text{data: want}.lines()
		line := 0
		for line < len(ought) && line < len(have) && have[line] == ought[line] {
			line++
		}
		report(f.path, line+1, "not as gofmt writes it")
	}
}
