package mutate

import (
	"fmt"
	"go/ast"
	goparser "go/parser"
	"go/token"
	"slices"
	"strings"
)

// A source is a parsed Go file.
type source struct {
	text string
	at   *token.File
	ast  *ast.File
}

func parseSource(file, text string) (*source, error) {
	fset := token.NewFileSet()
	f, err := goparser.ParseFile(fset, file, text, goparser.ParseComments|goparser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	return &source{text: text, at: fset.File(f.FileStart), ast: f}, nil
}

// offset returns where p is in the text.
func (s *source) offset(p token.Pos) int { return s.at.Offset(p) }

// line returns the number of the line of p.
func (s *source) line(p token.Pos) int { return s.at.PositionFor(p, false).Line }

// slice returns the text between two positions.
func (s *source) slice(from, to token.Pos) string { return s.text[s.offset(from):s.offset(to)] }

// node returns the text of a node; that of a declaration is without its doc comment.
func (s *source) node(n ast.Node) string { return s.slice(n.Pos(), n.End()) }

// funcs returns the functions and methods that have a name of their own, by
// "name" or "type.name". All others may be in a package more than once.
func (s *source) funcs() map[string]*ast.FuncDecl {
	found := make(map[string]*ast.FuncDecl)
	for _, d := range s.ast.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && named(fn) {
			found[funcName(fn)] = fn
		}
	}
	return found
}

func named(fn *ast.FuncDecl) bool {
	return fn.Name.Name != "_" && (fn.Recv != nil || fn.Name.Name != "init")
}

// funcName returns "name" or "type.name", without the parameters of the type.
func funcName(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return fn.Name.Name
	}
	return receiverType(fn) + "." + fn.Name.Name
}

func receiverType(fn *ast.FuncDecl) string {
	t := fn.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.ParenExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name
		default:
			return fmt.Sprintf("%T", t) // no Go
		}
	}
}

// others returns the declarations that are neither imports nor in funcs.
func (s *source) others() []ast.Decl {
	return slices.DeleteFunc(slices.Clone(s.ast.Decls), func(d ast.Decl) bool {
		switch d := d.(type) {
		case *ast.FuncDecl:
			return named(d)
		case *ast.GenDecl:
			return d.Tok == token.IMPORT
		}
		return false
	})
}

// imports returns the import specs as text, such as `"fmt"` or `f "fmt"`.
func (s *source) imports() []string {
	var specs []string
	for _, spec := range s.ast.Imports {
		specs = append(specs, importText(spec))
	}
	return specs
}

func importText(spec *ast.ImportSpec) string {
	if spec.Name == nil {
		return spec.Path.Value
	}
	return spec.Name.Name + " " + spec.Path.Value
}

// afterImports returns where another import declaration may stand.
func (s *source) afterImports() token.Pos {
	end := s.ast.Name.End()
	for _, d := range s.ast.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.IMPORT {
			end = g.End()
		}
	}
	return end
}

// directives returns the comments that are meant for the go command or the compiler.
func (s *source) directives() []string {
	var found []string
	for _, group := range s.ast.Comments {
		found = append(found, directivesOf(group)...)
	}
	return found
}

func directivesOf(group *ast.CommentGroup) []string {
	var found []string
	if group == nil {
		return nil
	}
	for _, c := range group.List {
		for _, prefix := range []string{"//go:", "//line ", "/*line ", "//export ", "// +build "} {
			if strings.HasPrefix(c.Text, prefix) {
				found = append(found, c.Text)
			}
		}
	}
	return found
}
