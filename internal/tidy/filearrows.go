package tidy

import (
	"go/ast"
	"go/types"
	"maps"
	"path"
	"slices"
	"strings"
)

// maxCycle is the number of files of one package that may use each other without a reason: two,
// such as those of a type and of its helper.
const maxCycle = 2

// checkFileArrows draws an arrow from a file to another of its package if it uses a function, a
// method, a type, a constant or a variable declared there, and reports circles.
func checkFileArrows(t *Tree, report report) {
	left := make(map[string]cycle)
	for _, c := range cycles {
		left[c.dir] = c
	}
	t.eachPackage(inProduction, report, func(p *checked) {
		dir := p.files[0].dir
		allowed := max(left[dir].files, maxCycle)
		largest := maxCycle
		for _, circle := range circles(p.fileArrows(t)) {
			largest = max(largest, len(circle))
			if len(circle) > allowed {
				report(path.Join(dir, circle[0]), 0, "%d files use each other in a circle, at most %d may: %s",
					len(circle), allowed, strings.Join(circle, ", "))
			}
		}
		if largest < allowed {
			report(dir, 0, "the largest circle has %d files, the table of cycles says %d", largest, allowed)
		}
		delete(left, dir)
	})
	for _, c := range cycles {
		if _, ok := left[c.dir]; ok && t.paths[tablesOf] {
			report(c.dir, 0, "no package, but in the table of cycles")
		}
	}
}

// tablesOf is the file with the tables. In a tree without it their rows are not about this tree.
const tablesOf = "internal/tidy/arrows.go"

func inProduction(f *goFile) bool { return !f.test }

// fileArrows returns the files of the package and those that each of them uses, by base names.
func (p *checked) fileArrows(t *Tree) map[string][]string {
	arrows := make(map[string][]string)
	home := make(map[types.Object]string) // top-level names and methods
	for id, obj := range p.info.Defs {
		if obj == nil {
			continue
		}
		_, isFunc := obj.(*types.Func)
		if isFunc || obj.Parent() == p.pkg.Scope() {
			home[obj] = path.Base(t.fset.Position(id.Pos()).Filename)
		}
	}
	for _, f := range p.files {
		from := path.Base(f.path)
		used := make(map[string]bool)
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				if to := home[origin(p.info.Uses[id])]; to != "" && to != from {
					used[to] = true
				}
			}
			return true
		})
		arrows[from] = slices.Sorted(maps.Keys(used))
	}
	return arrows
}

// origin returns the generic method that obj is an instance of, or obj.
func origin(obj types.Object) types.Object {
	if fn, ok := obj.(*types.Func); ok {
		return fn.Origin()
	}
	return obj
}

// circles returns the strongly connected components with more than one node, each sorted, in the
// order of their first nodes. The graph is small, so reachability is computed from every node.
func circles(arrows map[string][]string) [][]string {
	reach := make(map[string]map[string]bool)
	for node := range arrows {
		seen := make(map[string]bool)
		todo := slices.Clone(arrows[node])
		for len(todo) > 0 {
			next := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			if !seen[next] {
				seen[next] = true
				todo = append(todo, arrows[next]...)
			}
		}
		reach[node] = seen
	}
	var found [][]string
	placed := make(map[string]bool)
	for _, node := range slices.Sorted(maps.Keys(arrows)) {
		if placed[node] || !reach[node][node] {
			continue
		}
		var circle []string
		for _, other := range slices.Sorted(maps.Keys(arrows)) {
			if reach[node][other] && reach[other][node] {
				circle = append(circle, other)
				placed[other] = true
			}
		}
		found = append(found, circle)
	}
	return found
}
