package tidy

import (
	"go/ast"
	"path"
	"regexp"
	"strings"
)

var textRules = []Rule{
	{
		Name:  "unfinished",
		Why:   "work that is left is left out, not left lying about",
		check: checkUnfinished,
	},
	{
		Name:  "places",
		Why:   "what names a directory or a server of one machine works on that machine",
		check: checkPlaces,
	},
	{
		Name:  "links",
		Why:   "a document that points nowhere was not read by its author",
		check: checkLinks,
	},
	{
		Name:  "identifiers",
		Why:   "a document or comment that names code which is gone misleads",
		check: checkIdentifiers,
	},
	{
		Name:  "prose",
		Why:   "a sentence whose subject is a person says less than one whose subject is a task, a process or a word",
		check: checkProse,
	},
}

// The forbidden words are put together from halves, so that this file obeys
// the rules it states.
var (
	unfinished = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b|(?i:not ` + `implemented)`)
	// directory matches where an absolute path starts, not where a relative one goes on.
	directory = regexp.MustCompile(`(?:^|[^\w./~}-])(/(?:wo` + `rk|ho` + `me|ro` + `ot|Us` + `ers|fa` + `rm)/)`)
	registry  = regexp.MustCompile(`(?:proxy|sum|index)\.go` + `lang|gopr` + `oxy\.|registry\.[a-z]|GO(?:PR` + `OXY|SU` + `MDB|PRIV` + `ATE)=`)
)

func checkUnfinished(t *Tree, report report) {
	t.eachLine(func(x text, line int, s string) {
		if m := unfinished.FindString(s); m != "" {
			report(x.path, line, "%q: do it, or say in the documents why not", m)
		}
	})
}

func checkPlaces(t *Tree, report report) {
	t.eachLine(func(x text, line int, s string) {
		for _, m := range directory.FindAllStringSubmatch(s, -1) {
			report(x.path, line, "%q: a directory of one machine", m[1])
		}
		if m := registry.FindString(s); m != "" {
			report(x.path, line, "%q: where modules come from is the user's business", m)
		}
	})
}

// eachLine calls visit for every line of every text file.
func (t *Tree) eachLine(visit func(x text, line int, s string)) {
	for _, x := range t.texts {
		for i, s := range x.lines() {
			visit(x, i+1, s)
		}
	}
}

// eachProse calls visit for every line of every document that is not part of a
// code block.
func (t *Tree) eachProse(visit func(x text, line int, s string)) {
	for _, x := range t.texts {
		if path.Ext(x.path) != ".md" {
			continue
		}
		fenced := false
		for i, s := range x.lines() {
			if strings.HasPrefix(strings.TrimSpace(s), "```") {
				fenced = !fenced
			} else if !fenced {
				visit(x, i+1, s)
			}
		}
	}
}

var (
	code   = regexp.MustCompile("`[^`]+`")
	link   = regexp.MustCompile(`\]\(([^)\s]+)[^)]*\)|^\[[^\]]+\]:\s+(\S+)`)
	scheme = regexp.MustCompile(`^[a-z]+:`)
)

func checkLinks(t *Tree, report report) {
	t.eachProse(func(x text, line int, s string) {
		for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(s, ""), -1) {
			target, _, _ := strings.Cut(m[1]+m[2], "#")
			if !scheme.MatchString(target) && !t.paths[path.Join(path.Dir(x.path), target)] {
				report(x.path, line, "link to %s, which does not exist", target)
			}
		}
	})
}

// qualifiedName matches code like shm.Segment or sim.World.Step in prose.
var qualifiedName = regexp.MustCompile("`\\*?([a-z]+)\\.([A-Z]\\w*)(?:\\.([A-Z]\\w*))?")

func checkIdentifiers(t *Tree, report report) {
	names := t.declared()
	t.eachProse(func(x text, line int, s string) {
		for _, m := range qualifiedName.FindAllStringSubmatch(s, -1) {
			full := m[1] + "." + m[2]
			if m[3] != "" {
				full += "." + m[3]
			}
			if pkg := m[1]; names[pkg] && !names[full] {
				report(x.path, line, "%s is not declared", full)
			}
		}
	})
	for _, f := range t.files {
		if f.test {
			continue // there a link may name a test
		}
		for _, p := range t.comments(f.text) {
			for _, m := range docLink.FindAllStringSubmatchIndex(p.text, -1) {
				full := f.fullName(p.text[m[2]:m[3]])
				if pkg, _, _ := strings.Cut(full, "."); names[pkg] && !names[full] {
					report(f.path, p.line+strings.Count(p.text[:m[0]], "\n"), "%s is not declared", full)
				}
			}
		}
	}
}

// docLink matches a link to a declaration in a comment, such as that to [Tree].
var docLink = regexp.MustCompile(`(?:^|\s|\()\[\*?((?:[a-z]\w*\.)?[A-Z]\w*(?:\.[A-Z]\w*)?)\](?:$|[^\w(\[])`)

// fullName completes a name in a doc link with the package of the file.
func (f *goFile) fullName(name string) string {
	if 'a' <= name[0] && name[0] <= 'z' {
		return name
	}
	return strings.TrimSuffix(f.ast.Name.Name, "_test") + "." + name
}

// declared returns the packages of the project and what they export, as
// "pkg", "pkg.Name", "pkg.Type.Method" and "pkg.Type.Field".
func (t *Tree) declared() map[string]bool {
	names := make(map[string]bool)
	for _, f := range t.files {
		if f.test {
			continue
		}
		pkg := f.ast.Name.Name
		names[pkg] = true
		for _, decl := range f.ast.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				names[strings.Join(append([]string{pkg}, funcName(d)...), ".")] = true
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					for _, n := range specNames(spec) {
						names[pkg+"."+n] = true
					}
				}
			}
		}
	}
	return names
}

// funcName returns the name of a function after that of its receiver's type.
func funcName(d *ast.FuncDecl) []string {
	if d.Recv == nil {
		return []string{d.Name.Name}
	}
	return []string{receiver(d).Name, d.Name.Name}
}

// specNames returns what a declaration other than of a function declares.
func specNames(spec ast.Spec) []string {
	var names []string
	switch s := spec.(type) {
	case *ast.ValueSpec:
		for _, n := range s.Names {
			names = append(names, n.Name)
		}
	case *ast.TypeSpec:
		names = append(names, s.Name.Name)
		var members *ast.FieldList
		switch x := s.Type.(type) {
		case *ast.StructType:
			members = x.Fields
		case *ast.InterfaceType:
			members = x.Methods
		default:
			return names
		}
		for _, field := range members.List {
			for _, n := range field.Names {
				names = append(names, s.Name.Name+"."+n.Name)
			}
		}
	}
	return names
}
