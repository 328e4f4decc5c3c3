package mutate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// patched is the directory of the mutated copies below the scratch directory.
const patched = "patched"

// Overlay applies m to copies of the files it touches and returns the path
// of the file that makes the go command use them (go build -overlay). Everything
// it writes is below dir, which must exist and serve this call alone; nothing
// below p.Root changes. ErrStale when the source has moved on, ErrPatch when the
// patch reaches through a symbolic link; when ctx ends, an error that wraps its
// cause. Calls with different dirs may run concurrently.
func (p Project) Overlay(ctx context.Context, m *Mutant, dir string) (overlay string, err error) {
	root, err := resolve(p.Root)
	if err != nil {
		return "", err
	}
	edits, err := apply(ctx, root, m)
	if err != nil {
		return "", err
	}
	return writeOverlay(root, dir, mutated(edits))
}

// An edit is what a mutant makes of one file.
type edit struct {
	file    string // relative to the module root
	was, is string // the text
}

// mutated returns the texts after the edits, by file.
func mutated(edits []edit) map[string]string {
	files := make(map[string]string)
	for _, e := range edits {
		files[e.file] = e.is
	}
	return files
}

// apply applies m to copies of the files it touches, which are below root, and
// returns the edits in the order of the patch.
func apply(ctx context.Context, root string, m *Mutant) (edits []edit, err error) {
	err = scratch(func(tree string) error {
		for _, file := range m.Files {
			text, err := copyFile(root, tree, file)
			if err != nil {
				return fmt.Errorf("mutate: %s: %w", m.Path, err)
			}
			edits = append(edits, edit{file: file, was: text})
		}
		if err := applyPatch(ctx, tree, m); err != nil {
			return fmt.Errorf("mutate: %s: %w", m.Path, err)
		}
		for i := range edits {
			e := &edits[i]
			text, err := os.ReadFile(filepath.Join(tree, e.file))
			if err != nil {
				return fmt.Errorf("mutate: read what git wrote: %w", err)
			}
			if e.is = string(text); e.is == e.was {
				return fmt.Errorf("mutate: %s: %w: it does not change %s", m.Path, ErrStale, e.file)
			}
		}
		return nil
	})
	return edits, err
}

// writeOverlay writes files, named relative to root, and the file that makes the go
// command use them in place of those below root, or in addition to them. It returns
// the path of the latter.
func writeOverlay(root, dir string, files map[string]string) (overlay string, err error) {
	if dir, err = resolve(dir); err != nil {
		return "", err
	}
	replace := make(map[string]string)
	for file, text := range files {
		to := filepath.Join(dir, patched, file)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return "", fmt.Errorf("mutate: %w", err)
		}
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			return "", fmt.Errorf("mutate: %w", err)
		}
		replace[filepath.Join(root, file)] = to
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		panic(err) // a map of strings
	}
	overlay = filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, text, 0o600); err != nil {
		return "", fmt.Errorf("mutate: %w", err)
	}
	return overlay, nil
}

// copyFile copies a source file to the same place below tree and returns its
// content.
func copyFile(root, tree, file string) (string, error) {
	from, to := filepath.Join(root, file), filepath.Join(tree, file)
	// A link could lead out of the module, and the go command would not see the
	// overlay of a file that it knows by another name.
	switch real, err := filepath.EvalSymlinks(from); {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("%w: %s does not exist", ErrStale, file)
	case err != nil:
		return "", err
	case real != from:
		return "", fmt.Errorf("%w: %s is reached through a symbolic link", ErrPatch, file)
	}
	text, err := os.ReadFile(from)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return "", err
	}
	return string(text), os.WriteFile(to, text, 0o600)
}

// applyPatch changes the copies in tree.
//
// It runs git apply: git wrote the patch and knows best how to read it, it finds
// hunks whose lines have moved, it is there wherever there is a checkout, and it
// refuses by itself to write outside its directory. The Go libraries that parse
// diffs apply them to the exact line only.
//
// If a neighbouring line was edited, the patch does not apply as it is; then one
// line of context on each side has to do. That is safe only where each hunk
// also has to find the lines it removes: a pure insertion between, say, two
// closing braces could end up anywhere, so it counts as stale.
func applyPatch(ctx context.Context, tree string, m *Mutant) error {
	message, err := gitApply(ctx, tree, m.diff)
	if err != nil && !m.insertOnly {
		if _, err := gitApply(ctx, tree, m.diff, "-C1"); err == nil {
			return nil
		}
	}
	var refused *exec.ExitError
	switch {
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &refused) && refused.Exited():
		return fmt.Errorf("%w: it does not fit the source:\n%s", ErrStale, message)
	case err != nil:
		return fmt.Errorf("run git: %w", err)
	}
	return nil
}

// gitApply runs git apply in tree and returns what it said. It is all or nothing.
func gitApply(ctx context.Context, tree, diff string, flags ...string) (message string, err error) {
	cmd := exec.CommandContext(ctx, "git", slices.Concat([]string{"apply", "--whitespace=nowarn"}, flags, []string{"-"})...)
	cmd.Dir = tree
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // ctx interrupts it, no terminal
	cmd.Stdin = strings.NewReader(diff)
	// Inside a repository git apply takes paths to be relative to the top, and
	// silently skips those elsewhere. So it must find none: not above the
	// directory, not through the variables that git sets for a hook. Nor do the
	// user's settings about white space matter here.
	cmd.Env = slices.DeleteFunc(cmd.Environ(), func(kv string) bool { return strings.HasPrefix(kv, "GIT_") })
	cmd.Env = append(cmd.Env, "GIT_CEILING_DIRECTORIES="+filepath.Dir(tree),
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C")
	text, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(text)), err
}
