// Package mutate runs the simulator on deliberately wrong code, to show that
// the checkers notice. A mutant is a patch file, such as
// properties/mutants/NAME.patch in this module; production code has no switch
// for it. The patch is applied to copies of the files it touches, and the go
// command is told to read those instead (go build -overlay): the source tree is
// never written to.
//
// There are two ways to such a program. [Project.Build] compiles the mutated files
// as they are, one program for each mutant. A [Plan] compiles one program for many
// mutants and selects one of them by an environment variable when it runs: each
// function that a mutant changes is there several times, and the original calls
// the one that is selected. A build costs more than most searches, so that is
// what makes it cheap to try all mutants.
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
// A mutant of the simulator itself has the field test instead of property, scenario and strategy, such
// as "test: sim/hb TestEdges/message": the test that must fail, and the directory of its package. A [Project] with Tests
// builds the tests of a package with mutants in place of a program.
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
// Ideas: pebble's smoke-test patch, the -overlay flag made for editors, and for the
// common program Untch, Offutt and Harrold, Mutation analysis using mutant schemata,
// ISSTA 1993.
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

// maxPatch bounds the size of a patch file in bytes: a mutant is one idea.
const maxPatch = 1 << 20

const suffix = ".patch"

// Errors of this package. Match them with errors.Is.
var (
	// ErrNoModule: not inside the source tree of the module, which mutants are built from.
	ErrNoModule = errors.New("no source tree")
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
	Test     string // of a mutant of the simulator: directory of a package and name of the test that must fail
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
// or ends in .patch, otherwise NAME.patch in the directory of the mutants. Safe for
// concurrent use. Errors: ErrUnknown, ErrPatch, or that of the file system.
func (p Project) Find(nameOrFile string) (*Mutant, error) {
	if strings.ContainsRune(nameOrFile, filepath.Separator) || strings.HasSuffix(nameOrFile, suffix) {
		return load(nameOrFile)
	}
	if !validName.MatchString(nameOrFile) {
		return nil, fmt.Errorf("mutate: %w %q: a name is lower-case words joined by dashes", ErrUnknown, nameOrFile)
	}
	m, err := load(filepath.Join(p.Root, p.Dir, nameOrFile+suffix))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("mutate: %w %q: no file %s/%s%s below %s", ErrUnknown, nameOrFile, p.Dir, nameOrFile, suffix, p.Root)
	}
	return m, err
}

// List returns all mutants of the project, sorted by name. Files without the
// suffix .patch are not mutants. If any is bad, the error names every bad one
// (ErrPatch). Safe for concurrent use.
func (p Project) List() ([]*Mutant, error) {
	dir := filepath.Join(p.Root, p.Dir)
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
