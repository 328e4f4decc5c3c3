package mutate

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// mutants is the directory of the mutants of newModule.
const mutants = "properties/mutants"

// projectAt returns the project of newModule.
func projectAt(root string) Project {
	return Project{Root: root, Dir: mutants, Command: "./cmd/simrun"}
}

// newModule returns the root of a small module with the shape of the real one.
func newModule(t *testing.T) (root string) {
	t.Helper()
	root, err := resolve(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, root, "go.mod", "module cutthrough\n\ngo 1.26.0\n")
	writeFile(t, root, "shm/greet.go", greetSource)
	program, err := os.ReadFile("testdata/simrun.go")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, root, "cmd/simrun/main.go", string(program))
	return root
}

const greetSource = `package shm

// Greeting is what simrun says.
func Greeting() string {
	text := "hello"
	text += ", world"
	return text
}
`

func writeFile(t *testing.T, root, name, text string) (path string) {
	t.Helper()
	path = filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// newMutant writes a patch file next to nothing else and reads it.
func newMutant(t *testing.T, text string) *Mutant {
	t.Helper()
	m, err := Project{}.Find(writeFile(t, t.TempDir(), "test.patch", text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// wantEmpty checks that nothing was left behind in dir.
func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Errorf("left behind: %s", e.Name())
	}
}

func TestFind(t *testing.T) {
	root := newModule(t)
	inside := writeFile(t, root, mutants+"/wrong-language.patch", documented)
	outside := writeFile(t, t.TempDir(), "mine.patch", swap)
	anyName := writeFile(t, filepath.Dir(outside), "My second_try.v2.diff", swap)
	t.Chdir(filepath.Dir(outside))

	for _, tt := range []struct{ arg, name, path string }{
		{"wrong-language", "wrong-language", inside},
		{inside, "wrong-language", inside},
		{outside, "mine", outside},
		{"mine.patch", "mine", "mine.patch"},
		{"./mine.patch", "mine", "./mine.patch"},
		{anyName, "my-second-try-v2-diff", anyName},
		{"My second_try.v2.diff", "my-second-try-v2-diff", "My second_try.v2.diff"},
	} {
		m, err := projectAt(root).Find(tt.arg)
		if err != nil {
			t.Errorf("Find(%q): %v", tt.arg, err)
			continue
		}
		if m.Name != tt.name || m.Path != tt.path || m.Hunks != 1 {
			t.Errorf("Find(%q) = %+v, want name %q, path %q, one hunk", tt.arg, m, tt.name, tt.path)
		}
	}
}

func TestFindRejects(t *testing.T) {
	root := newModule(t)
	pipe := filepath.Join(root, "pipe.patch")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	huge := writeFile(t, root, "huge.patch", strings.Repeat("\n", maxPatch)+swap)
	writeFile(t, root, mutants+"/broken.patch", "nothing\n")

	for _, tt := range []struct {
		arg, text string
		want      error
	}{
		{"no-such", "no file properties/mutants/no-such.patch", ErrUnknown},
		{"", "a name is lower-case words", ErrUnknown},
		{"..", "a name is lower-case words", ErrUnknown},
		{"Up", "a name is lower-case words", ErrUnknown},
		{"a--b", "a name is lower-case words", ErrUnknown},
		{"gone.patch", "gone.patch", fs.ErrNotExist},
		{"broken", mutants + "/broken.patch:2: no \"diff --git \" line", ErrPatch},
		{pipe, "not a regular file", ErrPatch},
		{root, "not a regular file", ErrPatch},
		{huge, "at most 1048576", ErrPatch},
	} {
		m, err := projectAt(root).Find(tt.arg)
		if m != nil || !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("Find(%q) = %v, %v; want %v with %q", tt.arg, m, err, tt.want, tt.text)
		}
	}
}

func TestList(t *testing.T) {
	root := newModule(t)
	if _, err := projectAt(root).List(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("List without mutants directory: %v, want fs.ErrNotExist", err)
	}
	// In the order of file names, a-b.patch comes before a.patch.
	for _, name := range []string{"b", "a-b", "a"} {
		writeFile(t, root, mutants+"/"+name+".patch", swap)
	}
	writeFile(t, root, mutants+"/README.md", "not a mutant")
	ms, err := projectAt(root).List()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range ms {
		names = append(names, m.Name)
	}
	if diff := cmp.Diff([]string{"a", "a-b", "b"}, names); diff != "" {
		t.Error(diff)
	}

	writeFile(t, root, mutants+"/bad1.patch", "one: two\n")
	writeFile(t, root, mutants+"/bad2.patch", "")
	ms, err = projectAt(root).List()
	if ms != nil || !errors.Is(err, ErrPatch) || !strings.Contains(err.Error(), "bad1.patch:1: ") || !strings.Contains(err.Error(), "bad2.patch:1: ") {
		t.Errorf("List with bad patches = %v, %v; want both named", ms, err)
	}
}

func TestModuleRoot(t *testing.T) {
	root := newModule(t)
	nested := filepath.Dir(writeFile(t, root, "tools/go.mod", "module example.com/cutthrough\n"))
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(root, link); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{root, filepath.Join(root, "cmd", "simrun"), nested, link, filepath.Join(link, "shm")} {
		if got, err := ModuleRoot(dir, "cutthrough"); err != nil || got != root {
			t.Errorf("ModuleRoot(%s) = %q, %v; want %q", dir, got, err, root)
		}
	}
	if got, err := ModuleRoot(nested, "example.com/cutthrough"); err != nil || got != nested {
		t.Errorf("ModuleRoot of another module = %q, %v; want %q", got, err, nested)
	}
	t.Chdir(filepath.Join(root, "shm"))
	if got, err := ModuleRoot(".", "cutthrough"); err != nil || got != root {
		t.Errorf("ModuleRoot(.) = %q, %v; want %q", got, err, root)
	}

	if _, err := ModuleRoot(t.TempDir(), "cutthrough"); !errors.Is(err, ErrNoModule) || !strings.Contains(err.Error(), "inside a checkout") {
		t.Errorf("outside: %v, want ErrNoModule", err)
	}
	if _, err := ModuleRoot(filepath.Join(root, "gone"), "cutthrough"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing directory: %v, want fs.ErrNotExist", err)
	}
	if err := os.Mkdir(filepath.Join(nested, "odd"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(nested, "odd", "go.mod"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := ModuleRoot(filepath.Join(nested, "odd"), "cutthrough"); err == nil || errors.Is(err, ErrNoModule) {
		t.Errorf("unreadable go.mod: %v, want the error of reading it", err)
	}
}
