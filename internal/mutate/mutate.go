// Package mutate runs the simulator on deliberately wrong code, to show that
// the checkers notice. A mutant is a patch file, properties/mutants/NAME.patch;
// production code has no switch for it. The patch is applied to copies of the
// files it touches, and the go command is told to read those instead
// (go build -overlay): the source tree is never written to.
//
// A patch file is a header and the output of git diff:
//
//	The consumer goes to sleep without looking at the tail once more after it
//	asked to be woken: an enqueue in between wakes nobody.
//
//	property: NoDeadlock
//	scenario: fifo-wakeup
//	strategy: dfs:2
//	row: F01
//
//	diff --git a/shm/fifo_signal.go b/shm/fifo_signal.go
//	--- a/shm/fifo_signal.go
//	+++ b/shm/fifo_signal.go
//	@@ -10,7 +10,6 @@ func (f *Fifo) ArmDequeue() {
//	...
//
// The story is prose in paragraphs. After it come the fields, one "key: value" a
// line, each at most once; blank lines may separate them. A line that starts
// with a word and a colon is a field, and an unknown field is an error, so that a
// typo cannot turn one into prose. Both parts may be missing: the output of
// git diff alone is a mutant, good enough for an experiment.
//
// The diff edits existing Go files of the module, tests excepted. It does
// not create, delete, rename or chmod. This keeps the patch from writing anywhere
// but its scratch directory; what the mutated program does when it runs is
// up to its code, so a patch deserves the same trust as any other commit.
//
// Idea: pebble's smoke-test patch, and the -overlay flag made for editors.
package mutate

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Dir is the directory of the mutants below the module root.
const Dir = "properties/mutants"

// maxPatch bounds the size of a patch file in bytes: a mutant is one idea.
const maxPatch = 1 << 20

const suffix = ".patch"

// Errors of this package. Match them with errors.Is.
var (
	// ErrNoModule: not inside the source tree, which mutants are built from.
	ErrNoModule = errors.New("no source tree of module cutthrough")
	// ErrUnknown: no such mutant.
	ErrUnknown = errors.New("unknown mutant")
	// ErrPatch: the patch file is malformed or does something forbidden.
	ErrPatch = errors.New("bad patch")
	// ErrStale: the patch does not fit the source, or no longer changes it.
	ErrStale = errors.New("stale patch")
	// ErrBuild: the mutated code does not compile.
	ErrBuild = errors.New("mutant does not build")
)

// A Mutant is a parsed patch file. It is read-only and may be shared.
type Mutant struct {
	Name  string // the base name of the file, without .patch
	Path  string // of the patch file
	Story string // why the change is wrong; paragraphs separated by blank lines

	// The fields of the header, empty where there is none. This package
	// does not interpret them.
	Property string // the property that must fail
	Scenario string // the scenario to explore
	Strategy string // the strategy that finds it, with its bound
	Row      string // the row of the bug bank

	Files []string // touched, relative to the module root, in patch order
	Hunks int

	diff       string // the patch without its header
	insertOnly bool   // some hunk removes nothing
}

var validName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Find returns the mutant called nameOrFile: a patch file if it contains a slash
// or ends in .patch, otherwise properties/mutants/NAME.patch below root. Safe for
// concurrent use. Errors: ErrUnknown, ErrPatch, or that of the file system.
func Find(root, nameOrFile string) (*Mutant, error) {
	if strings.ContainsRune(nameOrFile, filepath.Separator) || strings.HasSuffix(nameOrFile, suffix) {
		return load(nameOrFile)
	}
	if !validName.MatchString(nameOrFile) {
		return nil, fmt.Errorf("mutate: %w %q: a name is lower-case words joined by dashes", ErrUnknown, nameOrFile)
	}
	m, err := load(filepath.Join(root, Dir, nameOrFile+suffix))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("mutate: %w %q: no file %s/%s%s below %s", ErrUnknown, nameOrFile, Dir, nameOrFile, suffix, root)
	}
	return m, err
}

// List returns all mutants below root, sorted by name. Files without the
// suffix .patch are not mutants. If any is bad, the error names every bad one
// (ErrPatch). Safe for concurrent use.
func List(root string) ([]*Mutant, error) {
	dir := filepath.Join(root, Dir)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("mutate: list mutants: %w", err)
	}
	var ms []*Mutant
	var errs []error
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), suffix) {
			continue
		}
		m, err := load(filepath.Join(dir, e.Name()))
		ms, errs = append(ms, m), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	slices.SortFunc(ms, func(a, b *Mutant) int { return cmp.Compare(a.Name, b.Name) })
	return ms, nil
}

func load(path string) (*Mutant, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("mutate: %w", err)
	}
	name := strings.TrimSuffix(filepath.Base(path), suffix)
	switch {
	case !info.Mode().IsRegular(): // reading a pipe could block for ever
		return nil, fmt.Errorf("mutate: %w: %s is not a regular file", ErrPatch, path)
	case info.Size() > maxPatch:
		return nil, fmt.Errorf("mutate: %w: %s has %d bytes, at most %d make sense", ErrPatch, path, info.Size(), maxPatch)
	case !validName.MatchString(name):
		return nil, fmt.Errorf("mutate: %w: %s: a mutant's file is called NAME.patch, with lower-case words joined by dashes", ErrPatch, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("mutate: %w", err)
	}
	m, err := parse(path, string(text))
	if err != nil {
		return nil, err
	}
	m.Name, m.Path = name, path
	return m, nil
}

// ModuleRoot returns the directory at or above dir that holds the go.mod of
// module cutthrough, absolute and free of symbolic links. ErrNoModule outside.
// Safe for concurrent use.
func ModuleRoot(dir string) (string, error) {
	start, err := resolve(dir)
	if err != nil {
		return "", err
	}
	for at := start; ; at = filepath.Dir(at) {
		text, err := os.ReadFile(filepath.Join(at, "go.mod"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("mutate: find the module: %w", err)
		}
		if moduleLine.Match(text) {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("mutate: %w at or above %s: mutants are built from source, run this inside a checkout", ErrNoModule, start)
		}
	}
}

var moduleLine = regexp.MustCompile(`(?m)^module[ \t]+cutthrough[ \t]*(//.*)?$`)

// resolve makes a directory absolute and free of symbolic links: the go command
// compares overlay paths as text.
func resolve(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if err != nil {
		return "", fmt.Errorf("mutate: %w", err)
	}
	return abs, nil
}
