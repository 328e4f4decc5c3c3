package mutate

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// liveness bounds what must happen at some time; nothing is measured against it.
const liveness = 20 * time.Second

// scratchSpace makes temporary directories appear in a new directory.
func scratchSpace(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	t.Setenv("TMPDIR", dir)
	return dir
}

func TestBuild(t *testing.T) {
	root, elsewhere := newModule(t), newModule(t)
	bin := t.TempDir()
	scratch := scratchSpace(t)
	m := newMutant(t, swap)
	first, second := filepath.Join(bin, "first"), filepath.Join(bin, "second")
	if err := projectAt(root).Build(t.Context(), m, first); err != nil {
		t.Fatal(err)
	}
	// Another checkout, another patch file, another scratch directory.
	scratchSpace(t)
	t.Chdir(bin)
	if err := projectAt(elsewhere).Build(t.Context(), newMutant(t, documented), "second"); err != nil {
		t.Fatal(err)
	}
	wantEmpty(t, scratch)

	if out, err := exec.Command(first, "greet").Output(); err != nil || string(out) != "hallo, world\n" {
		t.Errorf("the mutant says %q, %v", out, err)
	}
	a, errA := os.ReadFile(first)
	b, errB := os.ReadFile(second)
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		t.Errorf("two builds of one mutant differ (%v, %v)", errA, errB)
	}
}

func TestBuildErrors(t *testing.T) {
	root := newModule(t)
	broken := newMutant(t, strings.Replace(swap, `+	text := "hallo"`, `+	text := hallo`, 1))
	for _, tt := range []struct {
		name string
		m    *Mutant
		pkg  string
		want error
		text string
	}{
		{"does not compile", broken, "./cmd/simrun", ErrBuild, "\nshm/greet.go:5:10: undefined: hallo"},
		{"no such package", newMutant(t, swap), "./cmd/gone", ErrBuild, "cmd/gone"},
		{"package is no flag", newMutant(t, swap), "-h", ErrBuild, "no go files listed"},
		{"stale", newMutant(t, strings.ReplaceAll(swap, "greet.go", "gone.go")), "./cmd/simrun", ErrStale, "gone.go"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := writeFile(t, t.TempDir(), "out", "of an earlier build")
			scratch := scratchSpace(t)
			err := Project{Root: root, Dir: mutants, Command: tt.pkg}.Build(t.Context(), tt.m, out)
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) || !strings.Contains(err.Error(), tt.m.Path) {
				t.Errorf("error %v\nwant %v with %q and the patch's path", err, tt.want, tt.text)
			}
			if strings.Contains(err.Error(), "/"+patched+"/") {
				t.Errorf("error %v names the copy", err)
			}
			if _, err := os.Stat(out); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("program after a failed build: %v", err)
			}
			wantEmpty(t, scratch)
		})
	}

	// The go command shows the copies by a relative path if that is shorter.
	t.Setenv("TMPDIR", filepath.Join(root, "shm"))
	err := projectAt(root).Build(t.Context(), broken, filepath.Join(t.TempDir(), "out"))
	if !errors.Is(err, ErrBuild) || !strings.Contains(err.Error(), "\nshm/greet.go:5:10: undefined: hallo") {
		t.Errorf("scratch directory inside the module: %v", err)
	}
}

func TestBuildWithoutTools(t *testing.T) {
	root := newModule(t)
	t.Setenv("PATH", filepath.Dir(gitPath(t)))
	if err := projectAt(root).Build(t.Context(), newMutant(t, swap), filepath.Join(t.TempDir(), "out")); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("no go command: %v, want exec.ErrNotFound", err)
	}
	t.Setenv("PATH", "")
	if err := projectAt(root).Build(t.Context(), newMutant(t, swap), filepath.Join(t.TempDir(), "out")); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("no git: %v, want exec.ErrNotFound", err)
	}
}

// gitPath returns a directory entry for git where there is no go command.
func gitPath(t *testing.T) string {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "git")
	if err := os.Symlink(git, link); err != nil {
		t.Fatal(err)
	}
	return link
}

// TestBuildInterrupted cuts a build short while a compiler runs: nothing stays
// behind, neither files nor the compiler.
func TestBuildInterrupted(t *testing.T) {
	root := newModule(t)
	out := filepath.Join(t.TempDir(), "out")
	compiling := stallCompilers(t)
	scratch := scratchSpace(t)
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() { done <- projectAt(root).Build(ctx, newMutant(t, swap), out) }()
	compiling.begun(t)
	cancel(cause)
	if err := <-done; !errors.Is(err, cause) || errors.Is(err, ErrBuild) {
		t.Errorf("error %v, want %v", err, cause)
	}
	compiling.ended(t)
	wantEmpty(t, scratch)
	if _, err := os.Stat(out); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("program of an interrupted build: %v", err)
	}
}
