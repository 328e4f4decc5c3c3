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

// notInName is what separates the words of a file's name.
var notInName = regexp.MustCompile(`[^a-z0-9]+`)

// nameOf returns the name of the mutant in a file, which may be called anything.
func nameOf(path string) string {
	words := strings.ToLower(strings.TrimSuffix(filepath.Base(path), suffix))
	return cmp.Or(strings.Trim(notInName.ReplaceAllString(words, "-"), "-"), "patch")
}

// Find returns the mutant called nameOrFile: a patch file if it contains a slash, ends in .patch, or is a file whose name no
// mutant can have; otherwise NAME.patch in the directory of the mutants. Safe for
// concurrent use. Errors: ErrUnknown, ErrPatch, or that of the file system.
func (p Project) Find(nameOrFile string) (*Mutant, error) {
	valid := validName.MatchString(nameOrFile)
	info, err := os.Stat(nameOrFile)
	found := !valid && err == nil && info.Mode().IsRegular()
	if found || strings.ContainsRune(nameOrFile, filepath.Separator) || strings.HasSuffix(nameOrFile, suffix) {
		return load(nameOrFile, nameOf(nameOrFile))
	}
	if !valid {
		return nil, fmt.Errorf("mutate: %w %q: a name is lower-case words joined by dashes", ErrUnknown, nameOrFile)
	}
	m, err := load(filepath.Join(p.Root, p.Dir, nameOrFile+suffix), nameOrFile)
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
		m, err := load(filepath.Join(dir, e.Name()), strings.TrimSuffix(e.Name(), suffix))
		ms, errs = append(ms, m), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	slices.SortFunc(ms, func(a, b *Mutant) int { return cmp.Compare(a.Name, b.Name) })
	return ms, nil
}

// load reads the patch of the mutant called name.
func load(path, name string) (*Mutant, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("mutate: %w", err)
	}
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
