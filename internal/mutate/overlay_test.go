package mutate

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// overlaid returns the mutated sources, by path relative to root.
func overlaid(t *testing.T, root, overlay string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(overlay)
	if err != nil {
		t.Fatal(err)
	}
	var o struct{ Replace map[string]string }
	if err := json.Unmarshal(text, &o); err != nil {
		t.Fatal(err)
	}
	files := make(map[string]string)
	for from, to := range o.Replace {
		rel, err := filepath.Rel(root, from)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(to)
		if err != nil {
			t.Fatal(err)
		}
		files[rel] = string(text)
	}
	return files
}

func TestOverlay(t *testing.T) {
	insert := diffOf("shm/greet.go", "@@ -4,4 +4,5 @@", " func Greeting() string {", " \ttext := \"hello\"", "+\ttext += \"!\"", " \ttext += \", world\"", " \treturn text")
	moved := strings.Replace(greetSource, "// Greeting", strings.Repeat("// More.\n", 30)+"// Greeting", 1)
	neighbour := strings.Replace(greetSource, "says.", "prints.", 1)
	tests := []struct {
		name, source, patch string
		want                string // the mutated source
		wantErr             string // or the ErrStale
	}{
		{"as written", greetSource, swap, strings.Replace(greetSource, "hello", "hallo", 1), ""},
		{"lines have moved", moved, swap, strings.Replace(moved, "hello", "hallo", 1), ""},
		{"a neighbour has changed", neighbour, swap, strings.Replace(neighbour, "hello", "hallo", 1), ""},
		{"insertion", greetSource, insert, strings.Replace(greetSource, "hello\"\n", "hello\"\n\ttext += \"!\"\n", 1), ""},
		{"insertion where a neighbour has changed", strings.Replace(greetSource, "func Greeting()", "func Greeting(_ ...int)", 1), insert, "",
			"it does not fit the source:\nerror: patch failed: shm/greet.go:4"},
		{"the line has changed", strings.Replace(greetSource, "hello", "hi", 1), swap, "", "it does not fit the source:\nerror: patch failed: shm/greet.go:3"},
		{"no change", greetSource, strings.Replace(swap, "hallo", "hello", 1), "", "it does not change shm/greet.go"},
		{"no file", greetSource, strings.ReplaceAll(swap, "greet.go", "gone.go"), "", "shm/gone.go does not exist"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := newModule(t)
			source := writeFile(t, root, "shm/greet.go", tt.source)
			overlay, err := projectAt(root).Overlay(t.Context(), newMutant(t, tt.patch), t.TempDir())
			if tt.wantErr != "" {
				if !errors.Is(err, ErrStale) || !strings.Contains(err.Error(), tt.wantErr) {
					t.Fatalf("error %v, want ErrStale with %q", err, tt.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(map[string]string{"shm/greet.go": tt.want}, overlaid(t, root, overlay)); diff != "" {
				t.Error(diff)
			}
			if text, err := os.ReadFile(source); err != nil || string(text) != tt.source {
				t.Errorf("the source tree was written to: %v\n%s", err, text)
			}
		})
	}
}

func TestOverlayRefusesLinks(t *testing.T) {
	outside := t.TempDir()
	writeFile(t, outside, "greet.go", greetSource)
	for link, to := range map[string]string{
		"shm/linked.go": filepath.Join(outside, "greet.go"),
		"shm/alias.go":  "greet.go",
		"linked":        outside,
	} {
		root := newModule(t)
		if err := os.Symlink(to, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
		path := link
		if filepath.Ext(path) == "" {
			path += "/greet.go"
		}
		_, err := projectAt(root).Overlay(t.Context(), newMutant(t, strings.ReplaceAll(swap, "shm/greet.go", path)), t.TempDir())
		if !errors.Is(err, ErrPatch) || !strings.Contains(err.Error(), path+" is reached through a symbolic link") {
			t.Errorf("%s -> %s: error %v, want ErrPatch", link, to, err)
		}
	}

	// The root itself may be reached through one.
	root := newModule(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(root, link); err != nil {
		t.Fatal(err)
	}
	overlay, err := projectAt(link).Overlay(t.Context(), newMutant(t, swap), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if files := slices.Collect(maps.Keys(overlaid(t, root, overlay))); !slices.Equal(files, []string{"shm/greet.go"}) {
		t.Errorf("overlay of %v, want shm/greet.go below the real root", files)
	}
}

// git runs git in dir and returns what it printed.
func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %v: %v", args, err)
	}
	return string(out)
}

// TestOverlayInARepository: neither a repository around the scratch directory,
// nor the variables of a git hook, nor the user's configuration matter.
func TestOverlayInARepository(t *testing.T) {
	root := newModule(t)
	repository := t.TempDir()
	git(t, repository, "init", "-q")
	home := t.TempDir()
	writeFile(t, home, ".gitconfig", "[apply]\n\twhitespace = error-all\n\tignoreWhitespace = change\n")
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", home)
	trailing := newMutant(t, strings.Replace(swap, "\"hallo\"", "\"hallo\" ", 1))
	overlay := func(name string, m *Mutant) error {
		dir := filepath.Join(repository, name, "scratch")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		_, err := projectAt(root).Overlay(t.Context(), m, dir)
		return err
	}

	if err := overlay("around", trailing); err != nil {
		t.Errorf("repository around: %v", err)
	}
	blanks := newMutant(t, strings.Replace(swap, "\ttext := \"hello\"", "\ttext  :=  \"hello\"", 1))
	if err := overlay("config", blanks); !errors.Is(err, ErrStale) {
		t.Errorf("other white space than the source: %v, want ErrStale", err)
	}
	t.Setenv("GIT_DIR", filepath.Join(repository, ".git"))
	t.Setenv("GIT_WORK_TREE", repository)
	if err := overlay("hook", trailing); err != nil {
		t.Errorf("in a git hook: %v", err)
	}
}

// TestGitDiff is how the contributor's guide says to make a mutant.
func TestGitDiff(t *testing.T) {
	root := newModule(t)
	git(t, root, "init", "-q")
	git(t, root, "add", ".")
	mutated := strings.Replace(greetSource, "\ttext += \", world\"\n", "", 1)
	writeFile(t, root, "shm/greet.go", mutated)
	patch := git(t, root, "diff")
	writeFile(t, root, "shm/greet.go", greetSource)

	m := newMutant(t, "Nobody is greeted.\n\n"+patch)
	overlay, err := projectAt(root).Overlay(t.Context(), m, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"shm/greet.go": mutated}, overlaid(t, root, overlay)); diff != "" {
		t.Error(diff)
	}
	git(t, root, "apply", "--check", m.Path) // the header does not disturb git
}
