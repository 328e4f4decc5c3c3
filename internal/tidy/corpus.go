package tidy

import (
	"errors"
	"fmt"
	"go/ast"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cutthrough/sim/trace"
)

var corpusRules = []Rule{
	{
		Name:  "traces",
		Why:   "a trace is reviewed as text, so there is one way to write it, and what it guards and kills exists",
		check: checkTraces,
	},
	{
		Name:  "mutants",
		Why:   "a mutant that does not apply, or that no trace or test kills, guards nothing",
		check: checkMutants,
	},
}

const (
	traceDir     = "traces"
	mutantDir    = "properties/mutants"
	simMutantDir = "sim/mutants" // of the simulator itself: tests kill them
)

// traces returns every file of the corpus but its documents.
func (t *Tree) traces() []text {
	var found []text
	for _, x := range t.texts {
		if within(x.path, traceDir) && path.Ext(x.path) != ".md" {
			found = append(found, x)
		}
	}
	return found
}

// mutants returns the patches in a directory by the names of their mutants.
func (t *Tree) mutants(dir string) map[string]text {
	found := make(map[string]text)
	for _, x := range t.texts {
		if name, ok := strings.CutSuffix(path.Base(x.path), ".patch"); ok && path.Dir(x.path) == dir {
			found[name] = x
		}
	}
	return found
}

func checkTraces(t *Tree, report report) {
	mutants := t.mutants(mutantDir)
	for _, x := range t.traces() {
		if err := trace.CheckCanonical(x.path, x.data); err != nil {
			line, cause := 0, err
			if e, ok := errors.AsType[*trace.Error](err); ok {
				line, cause = e.Line, e.Err
			}
			report(x.path, line, "%v", cause)
			continue
		}
		parsed, err := trace.Parse(x.path, x.data)
		if err != nil {
			panic("tidy: a canonical trace does not parse: " + err.Error())
		}
		for _, k := range parsed.Kills {
			if _, ok := mutants[k.Mutant]; !ok {
				report(x.path, lineOf(x, "kills"), "kills %s, but there is no %s/%s.patch", k.Mutant, mutantDir, k.Mutant)
			}
		}
		for _, guarded := range parsed.Guards() {
			if !t.declares(guarded) {
				report(x.path, lineOf(x, "# guards"), "guards %s, which is not declared there", guarded)
			}
		}
	}
}

// declares says whether there is what a trace guards: "path/file.go, Func", "path/file.go,
// (*Type).Method", or a file alone.
func (t *Tree) declares(guarded string) bool {
	file, name, named := strings.Cut(guarded, ", ")
	if !named {
		return t.paths[file]
	}
	want := strings.Split(strings.NewReplacer("(", "", "*", "", ")", "").Replace(name), ".")
	for _, f := range t.files {
		if f.path != file {
			continue
		}
		for _, decl := range f.ast.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && slices.Equal(funcName(fn), want) {
				return true
			}
			if gen, ok := decl.(*ast.GenDecl); ok && slices.ContainsFunc(gen.Specs, func(s ast.Spec) bool {
				return slices.Contains(specNames(s), strings.Join(want, "."))
			}) {
				return true
			}
		}
	}
	return false
}

// lineOf returns the first line of the file that starts with the word.
func lineOf(x text, word string) int {
	for i, s := range x.lines() {
		if strings.HasPrefix(s, word+" ") {
			return i + 1
		}
	}
	return 0
}

func checkMutants(t *Tree, report report) {
	killers := make(map[string][]string) // mutant -> properties
	for _, x := range t.traces() {
		if parsed, err := trace.Parse(x.path, x.data); err == nil { // checkTraces reports the error
			for _, k := range parsed.Kills {
				killers[k.Mutant] = append(killers[k.Mutant], k.Property)
			}
		}
	}
	mutants, ofSim := t.mutants(mutantDir), t.mutants(simMutantDir)
	all := slices.Concat(slices.Collect(maps.Values(mutants)), slices.Collect(maps.Values(ofSim)))
	fit := t.apply(all...) == nil
	parse := func(x text) (patch, error) {
		p, err := parsePatch(x)
		if err == nil && !fit {
			err = t.apply(x)
		}
		return p, err
	}
	for name, x := range mutants {
		p, err := parse(x)
		switch {
		case err != nil:
			report(x.path, 0, "%v", err)
		case p.property == "":
			report(x.path, 0, "no line \"property: NAME\" before the patch: which property notices?")
		case !slices.Contains(killers[name], p.property):
			report(x.path, 0, "dead mutant: no trace claims that it violates %s", p.property)
		}
	}
	for _, x := range ofSim {
		p, err := parse(x)
		switch {
		case err != nil:
			report(x.path, 0, "%v", err)
		case !within(p.target, "sim"):
			report(x.path, 0, "changes %s, which is not the simulator", p.target)
		case !t.hasTest(p.pkg, p.test):
			report(x.path, 0, "no line \"test: PACKAGE TestName\" that names a test: which test fails?")
		}
	}
}

var (
	fieldLine    = regexp.MustCompile(`^\S+: `)
	propertyLine = regexp.MustCompile(`^property: (\S+)$`)
	testLine     = regexp.MustCompile(`^test: (\S+) (\w+)(/\S+)?$`)
	targetLine   = regexp.MustCompile(`(?m)^\+\+\+ b/([^\t\n]+)`) // a file after the change
)

// A patch is what the rules ask of one: the property or the test that notices the mutant, and the
// one file that it changes in the one place it changes.
type patch struct{ property, pkg, test, target string }

// parsePatch returns the parts of a patch. Before the change the patch must tell a story.
func parsePatch(x text) (p patch, err error) {
	lines := x.lines()
	if first := lines[0]; !strings.Contains(first, " ") || fieldLine.MatchString(first) || strings.HasPrefix(first, "diff ") || strings.HasPrefix(first, "--- ") {
		return p, errors.New("no story before the patch: say what the mutant does wrong and what comes of it")
	}
	hunks := 0
	for _, s := range lines {
		if m := propertyLine.FindStringSubmatch(s); m != nil {
			p.property = m[1]
		}
		if m := testLine.FindStringSubmatch(s); m != nil {
			p.pkg, p.test = m[1], m[2]
		}
		if m := targetLine.FindStringSubmatch(s); m != nil {
			p.target = m[1]
		}
		if strings.HasPrefix(s, "@@ ") {
			hunks++
		}
	}
	switch {
	case hunks != 1:
		return p, fmt.Errorf("%d hunks: a mutant is one idea in one place", hunks)
	case path.Ext(p.target) != ".go" || strings.HasSuffix(p.target, "_test.go"):
		return p, fmt.Errorf("changes %s, which is not the code under test", p.target)
	}
	return p, nil
}

// hasTest says whether a test file of the package declares the function.
func (t *Tree) hasTest(pkg, name string) bool {
	for _, f := range t.files {
		if f.dir != pkg || !f.test {
			continue
		}
		for _, decl := range f.ast.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == name {
				return true
			}
		}
	}
	return false
}

// apply returns an error when not each of the patches, taken alone, applies to the tree as it is. One process of git for all
// takes a fiftieth of the time of one for each, but tells of the first that does not apply only.
func (t *Tree) apply(patches ...text) error {
	dir, err := os.MkdirTemp("", "tidy-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	tree, args := filepath.Join(dir, "tree"), []string{"apply", "--check", "--"}
	targets := make(map[string]bool)
	for i, p := range patches {
		for _, m := range targetLine.FindAllSubmatch(p.data, -1) {
			targets[string(m[1])] = true
		}
		file := filepath.Join(dir, strconv.Itoa(i))
		if err := os.WriteFile(file, p.data, 0o600); err != nil {
			return err
		}
		args = append(args, file)
	}
	if err := t.write(tree, targets); err != nil {
		return err
	}
	git := exec.Command("git", args...)
	git.Dir = tree
	// A repository around the temporary directory must not matter.
	git.Env = append(git.Environ(), "GIT_CEILING_DIRECTORIES="+dir, "LC_ALL=C")
	if out, err := git.CombinedOutput(); err != nil {
		first, _, _ := strings.Cut(string(out), "\n")
		return fmt.Errorf("does not apply to the tree: %s (%w)", first, err)
	}
	return nil
}

// write makes copies of text files below the directory.
func (t *Tree) write(dir string, paths map[string]bool) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	for _, x := range t.texts {
		if !paths[x.path] {
			continue
		}
		file := filepath.Join(dir, filepath.FromSlash(x.path))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(file, x.data, 0o600); err != nil {
			return err
		}
	}
	return nil
}
