package mutate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cutthrough/internal/proctest"
)

// TestMutantsOfTheSimulator: the simulator judges the code, and these mutants judge the tests of the simulator. Each must fail
// the test that its patch names; without a mutant these tests pass. There is one build for each package that has such tests.
func TestMutantsOfTheSimulator(t *testing.T) {
	root, err := ModuleRoot(".", "cutthrough")
	if err != nil {
		t.Fatal(err)
	}
	watch(t, root, "sim", "shm")
	ms, err := Project{Root: root, Dir: "sim/mutants"}.List()
	if err != nil {
		t.Fatal(err)
	}
	byPackage := make(map[string][]*Mutant)
	var pkgs []string
	for _, m := range ms {
		pkg, _, ok := strings.Cut(m.Test, " ")
		if !ok {
			t.Errorf("%s: test %q, want a package and the name of a test", m.Name, m.Test)
			continue
		}
		if !slices.Contains(pkgs, pkg) {
			pkgs = append(pkgs, pkg)
		}
		byPackage[pkg] = append(byPackage[pkg], m)
	}
	if !proctest.Long() { // those of one package, the smallest: they show that the search for survivors works
		pkgs = []string{"sim/hb"}
	}
	for _, pkg := range pkgs {
		t.Run(pkg, func(t *testing.T) {
			t.Chdir(filepath.Join(root, pkg)) // where its tests expect to be run
			testMutants(t, Project{Root: root, Dir: "sim/mutants", Command: "./" + pkg, Tests: true}, byPackage[pkg])
		})
	}
}

// TestFieldTest: the field test is read like the others, and is no property.
func TestFieldTest(t *testing.T) {
	m := newMutant(t, "It says less.\n\ntest: sim/hb TestEdges/message\n\n"+swap)
	if m.Test != "sim/hb TestEdges/message" || m.Property != "" || m.Story != "It says less." {
		t.Errorf("%+v", m)
	}
}

// watch looks at the directories below root, which makes the go command run this test again when a
// file there has changed: it does not see what its children read.
func watch(t *testing.T, root string, dirs ...string) {
	t.Helper()
	for _, dir := range dirs {
		err := filepath.WalkDir(filepath.Join(root, dir), func(_ string, _ fs.DirEntry, err error) error { return err })
		if err != nil {
			t.Fatal(err)
		}
	}
}

// testMutants runs the tests of one package with its mutants.
func testMutants(t *testing.T, project Project, ms []*Mutant) {
	plan := project.Plan(t.Context(), ms)
	if plan.Shared() == 0 {
		t.Fatalf("%d mutants share no program: nothing runs without a mutant", len(ms))
	}
	var clean sync.Once
	errs := plan.Run(t.Context(), runtime.GOMAXPROCS(0), func(m *Mutant, program Program) error {
		clean.Do(func() {
			var names []string
			for _, m := range ms {
				top, _, _ := strings.Cut(testOf(m), "/")
				names = append(names, regexp.QuoteMeta(top))
			}
			program.mutant = ""
			if code, text, err := runTests(t.Context(), program, "^("+strings.Join(names, "|")+")$"); code != 0 || err != nil {
				t.Errorf("without a mutant: exit code %d, %v\n%s", code, err, text)
			}
		})
		program.mutant = m.Name
		var pattern []string
		for _, name := range strings.Split(testOf(m), "/") {
			pattern = append(pattern, "^"+regexp.QuoteMeta(name)+"$")
		}
		began := time.Now()
		code, text, err := runTests(t.Context(), program, strings.Join(pattern, "/"))
		switch how := death(code, text); {
		case err != nil:
			return err
		case how == "":
			return fmt.Errorf("it survives %s: exit code %d\n%s", m.Test, code, text)
		default:
			t.Logf("%s %s after %s", m.Name, how, time.Since(began).Round(time.Millisecond))
		}
		return nil
	})
	for i, err := range errs {
		if err != nil {
			t.Errorf("%s: %v", ms[i].Name, err)
		}
	}
	for i, err := range plan.Alone() {
		if err != nil {
			t.Errorf("%s needs a build of its own: %v", ms[i].Name, err)
		}
	}
}

func testOf(m *Mutant) string { _, name, _ := strings.Cut(m.Test, " "); return name }

func runTests(ctx context.Context, program Program, pattern string) (code int, text string, err error) {
	var out bytes.Buffer
	code, err = program.Run(ctx, &out, &out, "-test.run", pattern, "-test.timeout", "60s")
	if err == nil && code < 0 {
		err = errors.New("it did not run")
	}
	return code, out.String(), err
}

// death says how a test failed, or "" if it did not.
func death(code int, text string) string {
	switch {
	case code == 0:
		return ""
	case strings.Contains(text, "panic: test timed out"):
		return "does not come to an end"
	case strings.Contains(text, "--- FAIL: "):
		return "fails"
	case strings.Contains(text, "panic: ") || strings.Contains(text, "fatal error: "):
		return "panics"
	}
	return ""
}
