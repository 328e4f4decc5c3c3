package tidy

import (
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"slices"
)

var stateRules = []Rule{
	{
		Name:  "unordered",
		Why:   "the order of a map is different in every run, so a run that depends on it cannot be replayed",
		allow: "unordered",
		check: checkUnordered,
	},
	{
		Name:  "global",
		Why:   "an execution that leaves something behind changes the next one",
		allow: "global",
		check: checkGlobal,
	},
}

// shuffled are the functions of the standard library that go through a map.
var shuffled = []string{
	"maps.All", "maps.Keys", "maps.Values",
	"(*sync.Map).Range", "(reflect.Value).MapKeys", "(reflect.Value).MapRange",
}

// sorters are those that put what a shuffled one yields in order.
var sorters = []string{"slices.Sorted", "slices.SortedFunc"}

func checkUnordered(t *Tree, report report) {
	t.eachCore(report, func(p *checked) {
		for _, f := range p.files {
			sorted := make(map[ast.Node]bool) // calls that are the first argument of a sorter
			ast.Inspect(f.ast, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.RangeStmt:
					if n.Key != nil && isMap(p.info.TypeOf(n.X)) {
						report(f.path, t.line(n), "range over a map")
					}
				case *ast.CallExpr:
					callee := p.callee(n)
					if slices.Contains(sorters, callee) && len(n.Args) > 0 {
						sorted[n.Args[0]] = true
					}
					if slices.Contains(shuffled, callee) && !sorted[n] {
						report(f.path, t.line(n), "%s in the order of a map: wrap it in slices.Sorted", callee)
					}
				}
				return true
			})
		}
	})
}

// isMap says whether a range over the type goes through a map. A type parameter
// counts if any type of its constraint does.
func isMap(t types.Type) bool {
	param, ok := types.Unalias(t).(*types.TypeParam)
	if !ok {
		_, ok := t.Underlying().(*types.Map)
		return ok
	}
	constraint := param.Constraint().Underlying().(*types.Interface)
	for e := range constraint.EmbeddedTypes() {
		union, ok := e.(*types.Union)
		if !ok {
			continue
		}
		for term := range union.Terms() {
			if isMap(term.Type()) {
				return true
			}
		}
	}
	return false
}

// immutable are the calls whose results may initialise a package variable.
var immutable = []string{
	"errors.New", "fmt.Errorf", "regexp.MustCompile", module + "/shm.NewName",
	"cap", "len", "max", "min",
}

// checkGlobal allows package variables that are constants in all but syntax:
// initialised in place, and not written afterwards.
func checkGlobal(t *Tree, report report) {
	t.eachCore(report, func(p *checked) {
		written := p.written()
		p.eachGlobal(func(f *goFile, spec *ast.ValueSpec) {
			if spec.Names[0].Name == "_" {
				return // nothing is kept
			}
			for _, name := range spec.Names {
				at, ok := written[p.info.Defs[name]]
				switch {
				case ok:
					report(f.path, t.line(name), "%s is written in line %d of %s", name.Name, t.fset.Position(at).Line, path.Base(t.fset.Position(at).Filename))
				case len(spec.Values) == 0:
					report(f.path, t.line(name), "%s has no initial value, so it can only be state", name.Name)
				}
			}
			for _, value := range spec.Values {
				if what := p.variable(value); what != "" {
					report(f.path, t.line(value), "%s is initialised by %s", spec.Names[0].Name, what)
				}
			}
		})
	})
}

// eachGlobal calls visit for every declaration of package variables.
func (p *checked) eachGlobal(visit func(*goFile, *ast.ValueSpec)) {
	for _, f := range p.files {
		for _, decl := range f.ast.Decls {
			if g, ok := decl.(*ast.GenDecl); ok && g.Tok == token.VAR {
				for _, spec := range g.Specs {
					visit(f, spec.(*ast.ValueSpec))
				}
			}
		}
	}
}

// variable says what in an initial value could change or depend on the run, or
// returns "" when nothing can.
func (p *checked) variable(value ast.Expr) (what string) {
	ast.Inspect(value, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false // runs later
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				what = "a pointer"
			}
		case *ast.CallExpr:
			callee := p.callee(n)
			if !p.info.Types[n.Fun].IsType() && !slices.Contains(immutable, callee) {
				what = "a call of " + callee
			}
		}
		return true
	})
	return what
}

// written returns the variables that the package writes, or takes the address
// of, and where it first does.
func (p *checked) written() map[types.Object]token.Pos {
	found := make(map[types.Object]token.Pos)
	mark := func(e ast.Expr) {
		if v := p.root(e); v != nil && found[v] == token.NoPos {
			found[v] = e.Pos()
		}
	}
	for _, f := range p.files {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, e := range n.Lhs {
					mark(e)
				}
			case *ast.IncDecStmt:
				mark(n.X)
			case *ast.RangeStmt:
				mark(n.Key)
				mark(n.Value)
			case *ast.UnaryExpr:
				if n.Op == token.AND {
					mark(n.X)
				}
			case *ast.CallExpr:
				if slices.Contains([]string{"clear", "copy", "delete"}, p.callee(n)) {
					mark(n.Args[0])
				}
			case *ast.SelectorExpr:
				if p.takesAddress(n) {
					mark(n.X)
				}
			}
			return true
		})
	}
	return found
}

// takesAddress says whether the expression is x.f for a method f on a pointer
// and an x that is none.
func (p *checked) takesAddress(sel *ast.SelectorExpr) bool {
	s := p.info.Selections[sel]
	if s == nil || s.Kind() != types.MethodVal || isPointer(s.Recv()) {
		return false
	}
	recv := s.Obj().(*types.Func).Signature().Recv()
	return isPointer(recv.Type())
}

func isPointer(t types.Type) bool {
	_, ok := t.Underlying().(*types.Pointer)
	return ok
}

// root returns the variable that e is a part of, if any.
func (p *checked) root(e ast.Expr) types.Object {
	for {
		switch x := e.(type) {
		case *ast.ParenExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		case *ast.Ident:
			return p.info.Uses[x]
		default:
			return nil
		}
	}
}
