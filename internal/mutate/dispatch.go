package mutate

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// A splice replaces a part of a text.
type splice struct {
	from, to int
	text     string
}

// insert returns the splice that puts text before what is at p.
func (s *source) insert(p token.Pos, text string) splice {
	return splice{s.offset(p), s.offset(p), text}
}

// spliced returns text with all splices, which do not overlap.
func spliced(text string, splices []splice) string {
	slices.SortStableFunc(splices, func(x, y splice) int { return cmp.Compare(x.from, y.from) })
	var b strings.Builder
	at := 0
	for _, p := range splices {
		b.WriteString(text[at:p.from] + p.text)
		at = p.to
	}
	return b.String() + text[at:]
}

// A variant is what a function calls instead of going on when mutant number is
// selected: a function, or a method of the same receiver.
type variant struct {
	number int
	name   string
}

// dispatch returns the splices that make fn call its variants. They keep to the lines
// there are. The arguments need names for that, so blank ones and missing ones get some.
func (s *source) dispatch(fn *ast.FuncDecl, variants []variant) []splice {
	n := &namer{s: s}
	callee, types := "", ""
	if fn.Recv != nil {
		callee = n.names(fn.Recv)[0] + "."
	}
	if fn.Type.TypeParams != nil {
		types = "[" + strings.Join(n.names(fn.Type.TypeParams), ", ") + "]"
	}
	args := strings.Join(n.names(fn.Type.Params), ", ")
	var b strings.Builder
	fmt.Fprintf(&b, " switch %s {", active)
	for _, v := range variants {
		call := callee + v.name + types + "(" + args + ")"
		if fn.Type.Results.NumFields() == 0 {
			fmt.Fprintf(&b, " case %d: %s; return;", v.number, call)
		} else {
			fmt.Fprintf(&b, " case %d: return %s;", v.number, call)
		}
	}
	b.WriteString(" }; ")
	return append(n.splices, s.insert(fn.Body.Lbrace+1, b.String()))
}

// A namer gives names to parameters.
type namer struct {
	s       *source
	given   int
	splices []splice
}

// names returns the names of parameters, ready to be passed on.
func (n *namer) names(list *ast.FieldList) []string {
	var names []string
	for _, field := range list.List {
		if len(field.Names) == 0 {
			name := n.fresh()
			names = append(names, name)
			n.splices = append(n.splices, n.s.insert(field.Type.Pos(), name+" "))
		}
		for _, id := range field.Names {
			name := id.Name
			if name == "_" {
				name = n.fresh()
				n.splices = append(n.splices, splice{n.s.offset(id.Pos()), n.s.offset(id.End()), name})
			}
			names = append(names, name)
		}
		if _, ok := field.Type.(*ast.Ellipsis); ok {
			names[len(names)-1] += "..."
		}
	}
	return names
}

func (n *namer) fresh() string {
	n.given++
	return fmt.Sprintf("mutant__arg%d", n.given)
}
