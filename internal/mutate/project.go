package mutate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// A Project says where the mutants of a module are and what is built with them. It
// is a plain value.
type Project struct {
	Root    string // the root of the module, as ModuleRoot returns it
	Dir     string // the directory of the patch files, relative to Root
	Command string // the package of the program, as the go command names it, seen from Root
	Tests   bool   // the program is the tests of that package, as go test -c builds them
}

// ErrNoModule means that a directory is not inside the source tree of the module, which mutants are built from.
var ErrNoModule = errors.New("no source tree")

// ModuleRoot returns the directory at or above dir that holds the go.mod of the
// module with that path, absolute and free of symbolic links. ErrNoModule outside.
// Safe for concurrent use.
func ModuleRoot(dir, module string) (string, error) {
	moduleLine := regexp.MustCompile(`(?m)^module[ \t]+"?` + regexp.QuoteMeta(module) + `"?[ \t]*(//.*)?$`)
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
			return "", fmt.Errorf("mutate: %w of module %s at or above %s: mutants are built from source, run this inside a checkout", ErrNoModule, module, start)
		}
	}
}

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
