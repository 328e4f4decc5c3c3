package mutate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"cutthrough/internal/proctest"

	"github.com/google/go-cmp/cmp"
)

// wordsSource has a function of each kind that a variant can have.
const wordsSource = `package shm

import "fmt"

type list[T any] struct{ items []T }

func (l *list[T]) add(x T) { l.items = append(l.items, x) }

func (list[_]) size(_ int, more ...int) (n int) {
	n = 2
	return
}

func name(string, ...int) (_ string) { return "list" }

func pick[_ any, T any](items []T, _ int) T { return items[0] }

type counter int

func (c counter) plus(n int) (sum counter) {
	defer func() { sum++ }()
	sum = c
	n, more := n+1, 0
	return sum + counter(n+more)
}

func (counter) nothing() {}

// Greeting is what simrun says.
func Greeting() string {
	var l list[string]
	l.add("one")
	l.add("two")
	counter(0).nothing()
	return fmt.Sprintf("%s%d %s %d %v", name("x", 1, 2), l.size(1, 2, 3), pick[bool](l.items, 1), counter(3).plus(4), l.items)
}
`

// newMutants returns a mutant of file for each pair of a text and what replaces it
// in source.
func newMutants(t *testing.T, file, source string, pairs ...string) []*Mutant {
	t.Helper()
	var ms []*Mutant
	dir := t.TempDir()
	for i := 0; i < len(pairs); i += 2 {
		mutated := strings.Replace(source, pairs[i], pairs[i+1], 1)
		if mutated == source {
			t.Fatalf("%q is not in the source", pairs[i])
		}
		// The first line stays, all others are replaced.
		first, before, _ := strings.Cut(strings.TrimSuffix(source, "\n"), "\n")
		_, after, _ := strings.Cut(strings.TrimSuffix(mutated, "\n"), "\n")
		m, err := Project{}.Find(writeFile(t, dir, fmt.Sprintf("m%d.patch", i/2), fmt.Sprintf(
			"diff --git a/%[1]s b/%[1]s\n--- a/%[1]s\n+++ b/%[1]s\n@@ -1,%[2]d +1,%[3]d @@\n %[4]s\n-%[5]s\n+%[6]s\n", file,
			strings.Count(source, "\n"), strings.Count(mutated, "\n"), first,
			strings.ReplaceAll(before, "\n", "\n-"), strings.ReplaceAll(after, "\n", "\n+"))))
		if err != nil {
			t.Fatal(err)
		}
		ms = append(ms, m)
	}
	return ms
}

// A listener notes what mutants say, and with which program.
type listener struct {
	mu       sync.Mutex
	said     map[string]string // by the name of the mutant
	programs []string
}

// greet runs the program.
func (l *listener) greet(m *Mutant, program Program) error {
	var stdout, stderr bytes.Buffer
	_, err := program.Run(context.Background(), &stdout, &stderr, "greet")
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.said == nil {
		l.said = make(map[string]string)
	}
	l.said[m.Name] = stdout.String() + stderr.String()
	if !slices.Contains(l.programs, program.path) {
		l.programs = append(l.programs, program.path)
	}
	return err
}

func TestPlan(t *testing.T) {
	root := newModule(t)
	writeFile(t, root, "shm/greet.go", wordsSource)
	scratch := scratchSpace(t)
	pairs := []string{ // and what the mutant says
		`"list"`, `"leaf"`, "leaf2 one 9 [one two]\n",
		"n = 2\n", "n = len(more)\n", "list2 one 9 [one two]\n",
		"n = 2\n", "n = len(more) + 7\n", "list9 one 9 [one two]\n", // the same function
		"append(l.items, x)", "append([]T{x}, l.items...)", "list2 two 9 [two one]\n",
		"items[0]", "items[len(items)-1]", "list2 two 9 [one two]\n",
		"sum = c\n", "sum = c\n\tn *= 2\n", "list2 one 13 [one two]\n",
		"sum + counter(n+more)", "counter(more)", "list2 one 1 [one two]\n",
		"nothing() {}", "nothing() { fmt.Print(\"some \") }", "some list2 one 9 [one two]\n",
		`return "list" }`, "return help(limit) }\n\nconst limit = 3\n\nfunc help(n int) string { return fmt.Sprint(n) }", "32 one 9 [one two]\n",
		"import \"fmt\"", "import (\n\t\"fmt\"\n\t\"os\"\n)\n\nfunc exit() { os.Stdout.WriteString(\"out \") }", "list2 one 9 [one two]\n",
	}
	want := make(map[string]string)
	var edits []string
	for i := 0; i < len(pairs); i += 3 {
		edits = append(edits, pairs[i], pairs[i+1])
		want[fmt.Sprintf("m%d", i/3)] = pairs[i+2]
	}
	ms := newMutants(t, "shm/greet.go", wordsSource, edits...)
	plan := projectAt(root).Plan(t.Context(), ms)
	if plan.Shared() != len(ms) || slices.ContainsFunc(plan.Alone(), func(err error) bool { return err != nil }) {
		t.Errorf("%d of %d mutants share a program, not the others: %v", plan.Shared(), len(ms), plan.Alone())
	}
	var l listener
	for i, err := range plan.Run(t.Context(), 2, l.greet) {
		if err != nil {
			t.Errorf("%s: %v", ms[i].Name, err)
		}
	}
	if diff := cmp.Diff(want, l.said); diff != "" {
		t.Errorf("the mutants did not say what they should: %s", diff)
	}
	if len(l.programs) != 1 {
		t.Errorf("programs %v, want one", l.programs)
	}
	wantEmpty(t, scratch)
}

// TestPlanAlone: what cannot share a program has the same effect in one of its own.
func TestPlanAlone(t *testing.T) {
	root := newModule(t)
	source := "package shm\n\nconst text = \"hello\"\n\nvar last = \"world\"\n\n" +
		"// Greeting is what simrun says.\nfunc Greeting() string { return text + \", \" + last }\n"
	writeFile(t, root, "shm/greet.go", source)
	scratch := scratchSpace(t)
	ms := newMutants(t, "shm/greet.go", source,
		"return text", "return \"1\"",
		"hello", "2",
		"return text + \", \" + last }", "return help() }\n\nfunc help() string { return \"3\" }",
		"return text + \", \" + last }", "return help() }\n\nfunc help() string { return \"4\" }",
		"world", "5",
		"return text", "return \"6\"")
	ms = append(ms, ms[0]) // no name for two
	stale := newMutant(t, strings.Replace(swap, "text := \"hello\"", "gone := 1", 1))
	ms = append(ms, stale)
	plan := projectAt(root).Plan(t.Context(), ms)
	var reasons []string
	for i, err := range plan.Alone() {
		if err != nil {
			reasons = append(reasons, fmt.Sprintf("%d: %v", i, err))
		}
	}
	if diff := cmp.Diff([]string{
		"1: shm/greet.go: it changes the declaration in line 3",
		"3: shm/help is also of mutant m2",
		"4: shm/greet.go: it changes the declaration in line 5",
		"6: mutant m0 is also of mutant m0",
	}, reasons); diff != "" || plan.Shared() != 3 {
		t.Errorf("%d mutants share a program: %s", plan.Shared(), diff)
	}
	var l listener
	errs := plan.Run(t.Context(), 2, l.greet)
	for i, err := range errs {
		if ms[i] == stale != errors.Is(err, ErrStale) || ms[i] != stale && err != nil {
			t.Errorf("%s: %v", ms[i].Name, err)
		}
	}
	if diff := cmp.Diff(map[string]string{
		"m0": "1, world\n", "m1": "2, world\n", "m2": "3\n", "m3": "4\n", "m4": "hello, 5\n", "m5": "6, world\n",
	}, l.said); diff != "" {
		t.Error(diff)
	}
	if len(l.programs) != 5 {
		t.Errorf("programs %v, want the common one and four", l.programs)
	}
	wantEmpty(t, scratch)
}

// TestPlanBuildErrors: what does not compile does not take the others down, and it is
// known which that is.
func TestPlanBuildErrors(t *testing.T) {
	root := newModule(t)
	scratch := scratchSpace(t)
	ms := newMutants(t, "shm/greet.go", greetSource,
		`"hello"`, `"hallo"`,
		`"hello"`, `hallo`,
		`", world"`, "`, world`",
		"// Greeting is", "func help() int { return \"\" }\n\n// Greeting is",
		"package shm\n", "package shm\n\nimport \"cutthrough/no/such\"\n",
		"package shm\n", "package shm\n\nimport \"os\"\n")
	ms = append(ms, newMutants(t, "shm/other.go", "package shm\n\n// Other is not called.\nfunc Other() {}\n", "{}", "{ _ = 1 }")[0])
	ms[len(ms)-1].Name = "other"
	writeFile(t, root, "shm/other.go", "package shm\n\n// Other is not called.\nfunc Other() {}\n")
	plan := projectAt(root).Plan(t.Context(), ms)
	if plan.Shared() != len(ms) {
		t.Fatalf("%d mutants share a program, others do not: %v", plan.Shared(), plan.Alone())
	}
	var l listener
	errs := plan.Run(t.Context(), 2, l.greet)
	for i, want := range []string{"", "shm/greet.go:5:10: undefined: hallo", "", "shm/greet.go:3:26: cannot use", "cutthrough/no/such", `shm/greet.go:3:8: "os" imported and not used`, ""} {
		if err := errs[i]; want == "" && err != nil || want != "" && (!errors.Is(err, ErrBuild) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), ms[i].Path)) {
			t.Errorf("mutant %d: error %v, want %q", i, err, want)
		}
	}
	if diff := cmp.Diff(map[string]string{"m0": "hallo, world\n", "m2": "hello, world\n", "other": "hello, world\n"}, l.said); diff != "" {
		t.Error(diff)
	}

	// If it is the source that does not compile, each mutant says so.
	writeFile(t, root, "shm/other.go", "package shm\n\nvar x int = \"\"\n")
	for i, err := range projectAt(root).Plan(t.Context(), []*Mutant{ms[0], ms[2]}).Run(t.Context(), 2, l.greet) {
		if !errors.Is(err, ErrBuild) || !strings.Contains(err.Error(), "shm/other.go:3:13: ") {
			t.Errorf("mutant %d of broken source: %v", i, err)
		}
	}
	wantEmpty(t, scratch)
}

// TestPlanPanics: a panic names the line of the mutant's file.
func TestPlanPanics(t *testing.T) {
	ms := newMutants(t, "shm/greet.go", greetSource,
		"\ttext += ", "\n\n\tpanic(1)\n\ttext += ",
		"// Greeting is what simrun says.\nfunc Greeting() string {\n", "\nfunc die() {\n\tpanic(3)\n}\n\nfunc Greeting() string {\n\tdie()\n")
	wants := map[*Mutant][]string{
		ms[0]: {"cutthrough/shm.Greeting__m0(", "/shm/greet.go:8"},
		ms[1]: {"cutthrough/shm.die(", "/shm/greet.go:5", "cutthrough/shm.Greeting__m1(", "/shm/greet.go:9"},
	}
	plan := projectAt(newModule(t)).Plan(t.Context(), ms)
	for _, err := range plan.Run(t.Context(), 1, func(m *Mutant, program Program) error {
		var stderr bytes.Buffer
		_, err := program.Run(t.Context(), nil, &stderr, "greet")
		rest := stderr.String()
		for _, want := range wants[m] {
			_, after, ok := strings.Cut(rest, want)
			if !ok {
				t.Errorf("%s: no %q in the rest of\n%s", m.Name, want, stderr.String())
			}
			rest = after
		}
		return err
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	if plan.Shared() != len(ms) {
		t.Errorf("%d mutants share a program", plan.Shared())
	}
}

// TestPlanOneAlone: one mutant has its exact source, without a switch.
func TestPlanOneAlone(t *testing.T) {
	plan := projectAt(newModule(t)).Plan(t.Context(), []*Mutant{newMutant(t, swap)})
	var l listener
	errs := plan.Run(t.Context(), 1, func(m *Mutant, program Program) error {
		text, err := os.ReadFile(program.path)
		if bytes.Contains(text, []byte(variable)) {
			t.Error("the program has a switch")
		}
		return errors.Join(err, l.greet(m, program))
	})
	if errs[0] != nil || plan.Shared() != 0 || l.said["test"] != "hallo, world\n" {
		t.Errorf("error %v, %d share a program, said %v", errs[0], plan.Shared(), l.said)
	}
}

// TestPlanUnknown: a program that is told to be a mutant it has not must not
// pass for the code as it is.
func TestPlanUnknown(t *testing.T) {
	ms := newMutants(t, "shm/greet.go", greetSource, "hello", "hallo", "hello", "salut")
	for _, err := range projectAt(newModule(t)).Plan(t.Context(), ms).Run(t.Context(), 1, func(m *Mutant, program Program) error {
		var stdout, stderr bytes.Buffer
		program.mutant = ""
		if code, err := program.Run(t.Context(), &stdout, &stderr, "greet"); code != 0 || err != nil || stdout.String() != "hello, world\n" {
			t.Errorf("without a mutant: %d, %v, %q", code, err, stdout.String())
		}
		program.mutant = "m7"
		stdout.Reset()
		code, err := program.Run(t.Context(), &stdout, &stderr, "greet")
		if code != 2 || stdout.Len() > 0 || !strings.Contains(stderr.String(), "this program has no mutant m7") {
			t.Errorf("unknown mutant: %d, %q, %s", code, stdout.String(), stderr.String())
		}
		return err
	}) {
		if err != nil {
			t.Error(err)
		}
	}
}

func TestPlanUse(t *testing.T) {
	ms := newMutants(t, "shm/greet.go", greetSource, "hello", "a", "hello", "b", "hello", "c")
	plan := projectAt(newModule(t)).Plan(t.Context(), ms)
	scratch := scratchSpace(t)
	refused := errors.New("refused")
	both := make(chan struct{}) // the first and the second use meet
	errs := plan.Run(t.Context(), 2, func(m *Mutant, _ Program) error {
		switch m {
		case ms[0]:
			<-both
		case ms[1]:
			close(both)
		case ms[2]:
			return refused
		}
		return nil
	})
	if errs[0] != nil || errs[1] != nil || !errors.Is(errs[2], refused) {
		t.Errorf("errors %v, want that of the third use", errs)
	}
	used := 0
	for _, err := range plan.Run(t.Context(), 0, func(*Mutant, Program) error {
		used++ // no lock: one at a time
		return nil
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	if used != len(ms) {
		t.Errorf("%d mutants used, want %d", used, len(ms))
	}
	wantEmpty(t, scratch)
}

func TestPlanInterrupted(t *testing.T) {
	ms := newMutants(t, "shm/greet.go", greetSource, "hello", "a", "hello", "b", "hello", "c")
	project := projectAt(newModule(t))
	scratch := scratchSpace(t)
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	errs := project.Plan(ctx, ms).Run(ctx, 1, func(*Mutant, Program) error {
		cancel(cause)
		return nil
	})
	if errs[0] != nil || !errors.Is(errs[1], cause) || !errors.Is(errs[2], cause) {
		t.Errorf("errors %v, want %v but for the first mutant", errs, cause)
	}
	wantEmpty(t, scratch)

	ctx, cancel = context.WithCancelCause(t.Context())
	compiling := stallCompilers(t)
	done := make(chan []error, 1)
	go func() { done <- project.Plan(ctx, ms).Run(ctx, 2, nil) }()
	compiling.begun(t)
	cancel(cause)
	for _, err := range <-done {
		if !errors.Is(err, cause) || errors.Is(err, ErrBuild) {
			t.Errorf("error %v, want %v", err, cause)
		}
	}
	compiling.ended(t)
	wantEmpty(t, scratch)
}

// TestPlanOfAnotherModule: a command line of another module has its own mutants.
func TestPlanOfAnotherModule(t *testing.T) {
	root := t.TempDir()
	writeFile(t, root, "go.mod", "module example.com/own\n\ngo 1.26.0\n")
	source := "package main\n\nfunc text() string { return \"own\" }\n\nfunc main() { print(text()) }\n"
	writeFile(t, root, "check/main.go", source)
	for i, m := range newMutants(t, "check/main.go", source, "own\" }", "a\" }", "own\" }", "b\" }") {
		text, err := os.ReadFile(m.Path)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, root, filepath.Join("mutants", fmt.Sprintf("m%d.patch", i)), string(text))
	}
	at, err := ModuleRoot(filepath.Join(root, "check"), "example.com/own")
	if err != nil {
		t.Fatal(err)
	}
	project := Project{Root: at, Dir: "mutants", Command: "./check"}
	ms, err := project.List()
	if err != nil {
		t.Fatal(err)
	}
	var l listener
	for _, err := range project.Plan(t.Context(), ms).Run(t.Context(), 2, l.greet) {
		if err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff(map[string]string{"m0": "a", "m1": "b"}, l.said); diff != "" || len(l.programs) != 1 {
		t.Errorf("%d programs: %s", len(l.programs), diff)
	}
}

// TestPlanOfThisModule: nearly all mutants of this module must share a program, or to try
// them all takes minutes.
func TestPlanOfThisModule(t *testing.T) {
	project := projectAt("../..")
	ms, err := project.List()
	if err != nil {
		t.Fatal(err)
	}
	if !proctest.Long() {
		ms = everyEighth(ms)
	}
	plan := project.Plan(t.Context(), ms)
	for i, err := range plan.Alone() {
		if err != nil {
			t.Logf("%s: %v", ms[i].Name, err)
		}
	}
	if 10*plan.Shared() < 9*len(ms) {
		t.Errorf("%d of %d mutants share a program, want 90 %%", plan.Shared(), len(ms))
	}
}

func everyEighth(all []*Mutant) (some []*Mutant) {
	for i := 0; i < len(all); i += 8 {
		some = append(some, all[i])
	}
	return some
}
