package cli

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"cutthrough/internal/mutate"
)

// source says which package the program was built from.
type source struct {
	pkg    string // path of the main package
	module string // path of its module
}

// fromFiles is the path of a main package that was given to the go command as a list of files.
const fromFiles = "command-line-arguments"

// ownSource returns the source of this program. Of a test it is the package that is tested.
func ownSource() source {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return source{pkg: fromFiles}
	}
	return source{pkg: strings.TrimSuffix(info.Path, ".test"), module: info.Main.Path}
}

// relative returns the main package as the go command names it from the root of the module.
func (s source) relative() string {
	if s.pkg == s.module {
		return "."
	}
	return "./" + strings.TrimPrefix(s.pkg, s.module+"/")
}

// root returns the root of the checkout around the current directory.
func (s source) root() (string, error) {
	if s.pkg == fromFiles {
		return "", Errorf(ExitUsage, "this program was built from files: name its package to the go command instead, and mutants can be built from that")
	}
	return mutate.ModuleRoot(".", s.module)
}

// called returns how the user calls this program, so that commands we print can be copied as they are. A program that go run
// built is gone afterwards.
func (s source) called(name string) string {
	if path, err := os.Executable(); err != nil || !strings.Contains(path, "go-build") || filepath.Base(name) == name {
		return shellQuote(name) // a bare name is found through PATH
	}
	if root, err := s.root(); err == nil {
		if here, err := filepath.EvalSymlinks(workingDirectory()); err == nil && here == root {
			return "go run " + s.relative()
		}
	}
	return "go run " + s.pkg
}

func workingDirectory() string {
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	return dir
}

// project returns the source tree around the current directory with its mutants.
func (a *Invocation) project() (mutate.Project, error) {
	root, err := a.source.root()
	return mutate.Project{Root: root, Dir: a.app.Mutants, Command: a.source.relative()}, err
}
