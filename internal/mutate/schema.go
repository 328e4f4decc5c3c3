package mutate

import (
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// variable is the environment variable that selects a mutant of a common program.
const variable = "CUTTHROUGH_MUTANT"

// Names that the common program has besides those of its source.
const (
	active     = "mutant__active" // the number of the selected mutant, 0 without one
	activeFile = active + ".go"
)

// A member is a mutant of a common program.
type member struct {
	mutant  *Mutant
	changes []*change
}

// compose returns the files of a program that contains all members: those that they
// touch, and in each of their packages one that selects.
func compose(members []*member) map[string]string {
	var names []string
	changes := make(map[string][]*change)
	numbers := make(map[*Mutant]int)
	for i, m := range members {
		names, numbers[m.mutant] = append(names, m.mutant.Name), i+1
		for _, c := range m.changes {
			changes[c.file] = append(changes[c.file], c)
		}
	}
	files := make(map[string]string)
	for file, cs := range changes {
		files[file] = rewrite(cs, numbers)
		files[path.Join(path.Dir(file), activeFile)] = selector(cs[0].was.ast.Name.Name, names)
	}
	return files
}

// selector returns the file that reads, before any function of the package runs, which mutant
// is selected. An unknown name must not pass for the code as it is.
func selector(pkg string, names []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "package %s\n\nimport \"os\"\n\nvar %s = func() int {\n\tswitch name := os.Getenv(%q); name {\n\tcase \"\":\n\t\treturn 0\n", pkg, active, variable)
	for i, name := range names {
		fmt.Fprintf(&b, "\tcase %q:\n\t\treturn %d\n", name, i+1)
	}
	fmt.Fprintf(&b, "\tdefault:\n\t\tpanic(%q + name)\n\t}\n}()\n", variable+": this program has no mutant ")
	return b.String()
}

// rewrite returns the text of a file with all changes in it. Every line of the original
// stays where it is. The variants and the new declarations follow at the end, with directives
// that give them the lines they have in the file of their mutant.
func rewrite(changes []*change, numbers map[*Mutant]int) string {
	was := changes[0].was
	var imports, tail string
	cases := make(map[string][]variant) // by the name of the function
	for _, c := range changes {
		for _, spec := range c.imports {
			if text := "; import " + spec; !strings.Contains(imports+";", text+";") {
				imports += text
			}
		}
		after := c.is.funcs()
		for _, name := range c.variants {
			fn := after[name]
			v := variant{numbers[c.mutant], fn.Name.Name + "__" + strings.ReplaceAll(c.mutant.Name, "-", "_")}
			cases[name] = append(cases[name], v)
			tail += atLine(c.is.line(fn.Pos()), c.is.slice(fn.Pos(), fn.Name.Pos())+v.name+c.is.slice(fn.Name.End(), fn.End()))
		}
		for _, d := range c.added {
			tail += atLine(c.is.line(d.Pos()), c.is.node(d))
		}
	}
	splices := []splice{was.insert(was.afterImports(), imports)}
	for _, d := range was.ast.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && len(cases[funcName(fn)]) > 0 {
			splices = append(splices, was.dispatch(fn, cases[funcName(fn)])...)
		}
	}
	return spliced(was.text, splices) + tail
}

// atLine returns text to be appended to a file, as if it were in that line.
func atLine(line int, text string) string { return fmt.Sprintf("\n//line :%d:1\n%s\n", line, text) }

// blamed says whether messages of the compiler, which name files as they are named
// in the module, may be about what the member put into the common program: then they
// are about one of its lines. They may be about another mutant that changes them, too.
func (m *member) blamed(messages string) bool {
	for _, at := range position.FindAllStringSubmatch(messages, -1) {
		line, err := strconv.Atoi(at[2])
		if err != nil {
			continue // no line is that long
		}
		for _, c := range m.changes {
			if c.file == path.Clean(at[1]) && c.puts(line) {
				return true
			}
		}
	}
	return false
}

var position = regexp.MustCompile(`(?m)^\s*([^\s:]+\.go):(\d+)`)

// puts says whether the line is one that the change puts into the common program.
func (c *change) puts(line int) bool {
	if len(c.imports) > 0 && line == c.was.line(c.was.afterImports()) {
		return true
	}
	nodes := slices.Clone(c.added)
	after := c.is.funcs()
	for _, name := range c.variants {
		nodes = append(nodes, after[name])
	}
	return slices.ContainsFunc(nodes, func(d ast.Decl) bool {
		return c.is.line(d.Pos()) <= line && line <= c.is.line(d.End())
	})
}
