package mutate

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// A change is what a mutant does to one file, in terms of its declarations.
type change struct {
	mutant   *Mutant
	file     string // relative to the module root
	was, is  *source
	variants []string   // the functions whose body alone is another, by the keys of source.funcs
	added    []ast.Decl // declarations of is that was has not
	names    []string   // what they declare
	imports  []string   // that was has not
}

// compare finds out what m does to a file. The error says why it needs a program of
// its own: the change would be felt by the code of other mutants, or a second
// function with the new body would not do the same as the original with that body.
func compare(m *Mutant, e edit) (c *change, err error) {
	c = &change{mutant: m, file: e.file}
	if c.was, err = parseSource(e.file, e.was); err != nil {
		return nil, err
	}
	if c.is, err = parseSource(e.file, e.is); err != nil {
		return nil, err
	}
	switch {
	case c.was.ast.Name.Name != c.is.ast.Name.Name:
		return nil, errors.New("it changes the name of the package")
	case !slices.Equal(c.was.directives(), c.is.directives()):
		return nil, errors.New("it changes a directive")
	case len(c.was.directives()) > 0 && slices.ContainsFunc(c.was.directives(), isLine):
		return nil, errors.New("the file has line directives")
	}
	for _, find := range []func() error{c.findImports, c.findOthers, c.findFuncs} {
		if err := find(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func isLine(directive string) bool { return directive[2:6] == "line" }

// findImports looks for new imports. One that is gone stays for the others.
func (c *change) findImports() error {
	before := c.was.imports()
	for _, spec := range c.is.ast.Imports {
		text := importText(spec)
		if slices.Contains(before, text) {
			continue
		}
		if spec.Name != nil && (spec.Name.Name == "." || spec.Name.Name == "_") || spec.Path.Value == `"C"` {
			return fmt.Errorf("it adds import %s", text)
		}
		c.imports = append(c.imports, text)
	}
	return nil
}

// findOthers compares constants, variables, types and functions without a name of
// their own: those of the original must be there as they were, in their order.
func (c *change) findOthers() error {
	before := c.was.others()
	var added []ast.Decl
	for _, d := range c.is.others() {
		if len(before) > 0 && c.is.node(d) == c.was.node(before[0]) {
			before = before[1:]
		} else {
			added = append(added, d)
		}
	}
	if len(before) > 0 {
		return fmt.Errorf("it changes the declaration in line %d", c.was.line(before[0].Pos()))
	}
	for _, d := range added {
		if err := c.add(d); err != nil {
			return err
		}
	}
	return nil
}

// findFuncs compares the functions. Those of the original must be there, with the
// parameters they had.
func (c *change) findFuncs() error {
	before, after := c.was.funcs(), c.is.funcs()
	for _, d := range c.was.ast.Decls {
		was, ok := d.(*ast.FuncDecl)
		if !ok || !named(was) {
			continue
		}
		name := funcName(was)
		is := after[name]
		if is == nil {
			return fmt.Errorf("it removes %s", name)
		}
		if c.was.node(was) == c.is.node(is) {
			continue
		}
		switch {
		case was.Body == nil || is.Body == nil || c.was.slice(was.Pos(), was.Body.Pos()) != c.is.slice(is.Pos(), is.Body.Pos()):
			return fmt.Errorf("it changes the signature of %s", name)
		case len(directivesOf(was.Doc)) > 0:
			return fmt.Errorf("%s has a directive", name)
		case recovers(is) || recovers(was):
			return fmt.Errorf("%s calls recover, which works in a deferred function alone, not in one that it calls", name)
		}
		c.variants = append(c.variants, name)
	}
	for _, d := range c.is.ast.Decls {
		fn, ok := d.(*ast.FuncDecl)
		switch {
		case !ok || !named(fn):
		case after[funcName(fn)] != fn:
			return fmt.Errorf("it declares %s twice", funcName(fn))
		case before[funcName(fn)] == nil:
			if err := c.add(fn); err != nil {
				return err
			}
		}
	}
	return nil
}

// recovers says whether the function itself mentions recover, function literals in it
// apart.
func recovers(fn *ast.FuncDecl) bool {
	found := false
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Name == "recover" {
			found = true
		}
		_, literal := n.(*ast.FuncLit)
		return !literal
	})
	return found
}

// add notes a declaration that the original has not. It must mean nothing to code
// that does not mention it.
func (c *change) add(d ast.Decl) error {
	var names []*ast.Ident
	switch d := d.(type) {
	case *ast.FuncDecl:
		// A method can make a type implement an interface.
		if !named(d) || d.Recv != nil && !slices.Contains(c.names, receiverType(d)) {
			return fmt.Errorf("it adds %s", funcName(d))
		}
		if d.Recv == nil {
			names = append(names, d.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				names = append(names, spec.Name)
			case *ast.ValueSpec:
				if d.Tok == token.VAR && len(spec.Values) > 0 {
					return errors.New("it adds a variable with a value, which is computed when any program starts")
				}
				names = append(names, spec.Names...)
			}
		}
	}
	for _, name := range names {
		if types.Universe.Lookup(name.Name) != nil {
			return fmt.Errorf("it redefines %s", name.Name)
		}
		c.names = append(c.names, name.Name)
	}
	c.added = append(c.added, d)
	return nil
}
