package tidy

import (
	"go/ast"
	"go/types"
	"path"
	"slices"
	"strings"
)

// maxExports is the number of names that a package may export at its top level.
const maxExports = 40

// uses are the names by which files mention what packages export.
type uses struct {
	top     map[string]bool            // "import/path.Name" -> whether another package uses it
	members map[string]map[string]bool // a method or field -> directories that use one of its name
	asked   map[string]bool            // methods of interfaces: a type may be asked for them anywhere
}

// wellKnown are methods that the standard library calls through interfaces of its own.
var wellKnown = []string{
	"Error", "Format", "GoString", "Is", "Len", "Less", "MarshalJSON", "MarshalText", "Read", "Set",
	"String", "Swap", "Temporary", "Timeout", "Type", "UnmarshalJSON", "UnmarshalText", "Unwrap", "Write",
}

// checkExports counts what a package exports, and looks for users of it in other packages, their
// tests, the package's own examples, and the modules below testdata.
func checkExports(t *Tree, report report) {
	used := t.uses()
	excused := make(map[string]bool)
	t.eachPackage(inProduction, report, func(p *checked) {
		if p.pkg.Name() == "main" {
			return
		}
		dir := p.files[0].dir
		names := p.exportedNames()
		if n := len(names); n > maxExports && exportsRow(dir, "", excused) == nil {
			report(dir, 0, "%d exported names, limit %d", n, maxExports)
		}
		alive := p.alive(names, used)
		for _, name := range names {
			obj := p.pkg.Scope().Lookup(name)
			if !alive[name] && exportsRow(dir, name, excused) == nil {
				at := t.fset.Position(obj.Pos())
				report(at.Filename, at.Line, "%s has no user outside its package", name)
			}
			for _, m := range members(obj) {
				if used.member(m, dir) || exportsRow(dir, name+"."+m.Name(), excused) != nil {
					continue
				}
				at := t.fset.Position(m.Pos())
				report(at.Filename, at.Line, "%s.%s has no user outside its package", name, m.Name())
			}
		}
	})
	if !t.paths[tablesOf] {
		return // the table is not about this tree
	}
	for _, row := range exports {
		if !excused[row.name] {
			report(tablesOf, 0, "the row of exports for %s excuses nothing", row.name)
		}
	}
}

// exportsRow returns the row of the table of exports that excuses a name, or, for no name, a
// package that exports many.
func exportsRow(dir, name string, excused map[string]bool) *export {
	for i := range exports {
		row := &exports[i]
		match := row.name == dir+"."+name || row.name == dir && name != "" || row.name == dir+" wide" && name == ""
		if typ, _, ok := strings.Cut(name, "."); ok {
			match = match || row.name == dir+"."+typ
		}
		if match {
			excused[row.name] = true
			return row
		}
	}
	return nil
}

func (p *checked) exportedNames() []string {
	return slices.DeleteFunc(p.pkg.Scope().Names(), func(s string) bool { return !ast.IsExported(s) })
}

// members returns the exported methods of a type, and its fields if it is a struct. Fields with
// a tag are for an encoder.
func members(obj types.Object) []types.Object {
	name, ok := obj.(*types.TypeName)
	if !ok || name.IsAlias() {
		return nil
	}
	var found []types.Object
	named := name.Type().(*types.Named)
	for m := range named.Methods() {
		found = append(found, m)
	}
	if s, ok := named.Underlying().(*types.Struct); ok {
		for i := range s.NumFields() {
			if f := s.Field(i); s.Tag(i) == "" && !f.Embedded() {
				found = append(found, f)
			}
		}
	}
	return slices.DeleteFunc(found, func(m types.Object) bool { return !m.Exported() })
}

// member says whether a file of another directory uses a method or field of that name.
func (u *uses) member(m types.Object, dir string) bool {
	if _, method := m.(*types.Func); method && (u.asked[m.Name()] || slices.Contains(wellKnown, m.Name())) {
		return true
	}
	for user := range u.members[m.Name()] {
		if user != dir {
			return true
		}
	}
	return false
}

// alive returns the names with users, and those that come with them: the types in the signature
// of a name that is used, in its fields and in those of its methods, and the constants of a type.
func (p *checked) alive(names []string, used *uses) map[string]bool {
	alive := make(map[string]bool)
	var mark func(types.Type)
	wake := func(obj types.Object) {
		if alive[obj.Name()] || obj.Parent() != p.pkg.Scope() {
			return
		}
		alive[obj.Name()] = true
		mark(obj.Type())
		if named, ok := obj.Type().(*types.Named); ok {
			for param := range named.TypeParams().TypeParams() {
				mark(param)
			}
		}
		if name, ok := obj.(*types.TypeName); ok {
			mark(name.Type().Underlying())
		}
		for _, m := range members(obj) {
			mark(m.Type())
		}
	}
	mark = func(typ types.Type) {
		eachNamed(typ, func(n *types.TypeName) { wake(n) })
	}
	for _, name := range names {
		if used.top[p.pkg.Path()+"."+name] {
			wake(p.pkg.Scope().Lookup(name))
		}
	}
	for _, name := range names {
		if c, ok := p.pkg.Scope().Lookup(name).(*types.Const); ok {
			if n, ok := c.Type().(*types.Named); ok && n.Obj().Pkg() == p.pkg && alive[n.Obj().Name()] {
				alive[name] = true
			}
		}
	}
	return alive
}

// eachNamed calls visit for the named types that a type is written with.
func eachNamed(typ types.Type, visit func(*types.TypeName)) {
	tuple := func(vars *types.Tuple) {
		for v := range vars.Variables() {
			eachNamed(v.Type(), visit)
		}
	}
	switch x := typ.(type) {
	case *types.Named:
		for arg := range x.TypeArgs().Types() {
			eachNamed(arg, visit)
		}
		visit(x.Origin().Obj())
	case *types.Alias:
		visit(x.Obj())
	case *types.TypeParam:
		eachNamed(x.Constraint(), visit)
	case *types.Signature:
		for param := range x.TypeParams().TypeParams() {
			eachNamed(param, visit)
		}
		tuple(x.Params())
		tuple(x.Results())
	case *types.Struct:
		for f := range x.Fields() {
			if f.Exported() {
				eachNamed(f.Type(), visit)
			}
		}
	case *types.Interface:
		for m := range x.Methods() {
			eachNamed(m.Type(), visit)
		}
	case *types.Map:
		eachNamed(x.Key(), visit)
		eachNamed(x.Elem(), visit)
	case interface{ Elem() types.Type }: // array, channel, pointer, slice
		eachNamed(x.Elem(), visit)
	}
}

// uses collects names from every Go file, without types, so that files of every system count.
func (t *Tree) uses() *uses {
	u := &uses{make(map[string]bool), make(map[string]map[string]bool), make(map[string]bool)}
	files := slices.Clone(t.files)
	for _, x := range t.texts {
		if path.Ext(x.path) == ".go" && slices.Contains(strings.Split(x.path, "/"), "testdata") {
			if f, err := t.parse(x); err == nil { // what does not parse uses nothing
				files = append(files, f)
			}
		}
	}
	for _, f := range files {
		dir := f.dir
		if f.test && strings.HasPrefix(path.Base(f.path), "example") {
			dir += " example"
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			u.add(f, dir, n)
			return true
		})
	}
	return u
}

// add notes what a node of a file mentions.
func (u *uses) add(f *goFile, dir string, n ast.Node) {
	member := func(name string) {
		if u.members[name] == nil {
			u.members[name] = make(map[string]bool)
		}
		u.members[name][dir] = true
	}
	switch n := n.(type) {
	case *ast.SelectorExpr:
		if pkg, name := f.qualified(n); pkg != "" && pkg != path.Join(module, dir) {
			u.top[pkg+"."+name] = true
		}
		member(n.Sel.Name)
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok {
			member(key.Name)
		}
	case *ast.InterfaceType:
		for _, m := range n.Methods.List {
			for _, name := range m.Names {
				u.asked[name.Name] = true
			}
		}
	}
}
