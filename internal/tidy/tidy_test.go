package tidy

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// TestProject holds the project to its rules.
func TestProject(t *testing.T) {
	tree, err := Load(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.files) < 10 {
		t.Fatalf("only %d Go files found: the rules look at the wrong tree", len(tree.files))
	}
	for _, rule := range Rules() {
		t.Run(rule.Name, func(t *testing.T) {
			for _, f := range rule.Check(tree) {
				t.Error(f)
			}
			if t.Failed() {
				t.Log("why:", rule.Why)
			}
		})
	}
}

// TestCounts: README says how many mutants and traces there are.
func TestCounts(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	want := count(t, "../../properties/mutants/*.patch") + " mutants, " + count(t, "../../traces/*.trace", "../../traces/*/*.trace") + " traces"
	if !strings.Contains(string(readme), want) {
		t.Errorf("README does not say %q", want)
	}
}

// count returns how many files there are, as a number in the text.
func count(t *testing.T, patterns ...string) string {
	t.Helper()
	n := 0
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no files like %s: %v", pattern, err)
		}
		n += len(files)
	}
	return strconv.Itoa(n)
}

// TestRules shows that every rule fails: testdata/NAME.txtar is a tree that
// breaks the rule NAME, and its file "want" lists the findings.
//
// In these archives a line "%%lines N" stands for N empty lines, and any other %%
// for nothing: it breaks up words that the rules forbid in every file, the
// archives included.
func TestRules(t *testing.T) {
	for _, rule := range Rules() {
		t.Run(rule.Name, func(t *testing.T) {
			file := filepath.Join("testdata", rule.Name+".txtar")
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			files := expand(t, archive.Files)
			last := len(files) - 1
			if files[last].Name != "want" {
				t.Fatalf("%s: the last file is %q, not \"want\"", file, files[last].Name)
			}
			var got strings.Builder
			for _, f := range rule.Check(load(t, files[:last])) {
				got.WriteString(f.String() + "\n")
			}
			if got.Len() == 0 {
				t.Error("no findings: nothing shows that this rule can fail")
			}
			if diff := cmp.Diff(string(files[last].Data), got.String()); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestNoRuleIsMissing catches a sample whose rule has been lost.
func TestNoRuleIsMissing(t *testing.T) {
	names := make(map[string]bool)
	for _, rule := range Rules() {
		if names[rule.Name] {
			t.Errorf("two rules are named %s", rule.Name)
		}
		names[rule.Name] = true
	}
	samples, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range samples {
		if !names[strings.TrimSuffix(filepath.Base(s), ".txtar")] {
			t.Errorf("%s belongs to no rule", s)
		}
	}
}

var emptyLines = regexp.MustCompile(`(?m)^%%lines (\d+)\n`)

// expand resolves what the comment of TestRules describes.
func expand(t *testing.T, files []txtar.File) []txtar.File {
	t.Helper()
	for i, f := range files {
		data := emptyLines.ReplaceAllStringFunc(string(f.Data), func(m string) string {
			n, err := strconv.Atoi(emptyLines.FindStringSubmatch(m)[1])
			if err != nil {
				t.Fatal(err)
			}
			return strings.Repeat("\n", n)
		})
		files[i].Data = []byte(strings.ReplaceAll(data, "%%", ""))
	}
	return files
}

func load(t *testing.T, files []txtar.File) *Tree {
	t.Helper()
	fsys, err := txtar.FS(&txtar.Archive{Files: files})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

var (
	namedTest   = regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Za-z0-9]+)`")
	definedTest = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)[A-Za-z0-9]+)\(`)
	guardMutant = regexp.MustCompile("`([a-z0-9]+(?:-[a-z0-9]+)+)`")
)

// TestNamesInDocuments: the tests that documents name exist, and so do the mutants and scenarios that docs/THREATS.md names.
func TestNamesInDocuments(t *testing.T) {
	defined := map[string]bool{}
	for _, f := range files(t, "../..", "_test.go") {
		for _, m := range definedTest.FindAllStringSubmatch(f.text, -1) {
			defined[m[1]] = true
		}
	}
	for _, f := range files(t, "../..", ".md") {
		for _, m := range namedTest.FindAllStringSubmatch(f.text, -1) {
			if !defined[m[1]] {
				t.Errorf("%s names %s, which does not exist", f.path, m[1])
			}
		}
		if filepath.Base(f.path) != "THREATS.md" {
			continue
		}
		for _, m := range guardMutant.FindAllStringSubmatch(f.text, -1) {
			traces, err := filepath.Glob("../../traces/*" + m[1] + "*.trace")
			if err != nil || len(traces) == 0 {
				t.Errorf("%s names %s, which no trace has", f.path, m[1])
			}
		}
	}
}

type file struct{ path, text string }

// files returns the files below root whose names end in suffix.
func files(t *testing.T, root, suffix string) (all []file) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, suffix) && !strings.Contains(path, "testdata") {
			var text []byte
			text, err = os.ReadFile(path)
			all = append(all, file{path, string(text)})
		}
		return err
	})
	if err != nil || len(all) == 0 {
		t.Fatalf("files *%s: %v", suffix, err)
	}
	return all
}
