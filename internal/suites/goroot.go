package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The hooks of package net, and what sets them in every test binary.
var (
	//go:embed net.go.txt
	netHooks string
	//go:embed testdeps.go.txt
	testHooks string
)

// sessionsPackage and where it is in the tree of Go, which no other package of Go could import from below internal.
const sessionsPackage, sessionsInGo = "cutthrough/internal/suites/sessions", "cutthrough/sessions"

// An edit replaces text in a file of a suite or of Go.
type edit struct{ file, was, is string }

// hooked makes room for the hooks of package net.
var hooked = []edit{
	{"src/net/dial.go", "func (d *Dialer) DialContext(", "func (d *Dialer) dialSocket("},
	{"src/net/dial.go", "func (lc *ListenConfig) Listen(", "func (lc *ListenConfig) listenSocket("},
}

// A tree is a directory that looks like another one but for some files.
type tree struct{ dir, like string }

// newGo makes dir a GOROOT in which streams of package net are sessions in every test binary that finds a session
// layer. It has links to the files of the real GOROOT, and the packages of sessions as if they were Go's.
func newGo(ctx context.Context, dir string, edits []edit) (tree, error) {
	root, err := output(ctx, "", nil, "go", "env", "GOROOT")
	if err != nil {
		return tree{}, err
	}
	t := tree{dir, strings.TrimSpace(root)}
	err = errors.Join(
		t.put("src/net/sessions.go", netHooks),
		t.put("src/testing/internal/testdeps/sessions.go", testHooks),
		t.edit(hooked), t.edit(edits), t.addSessions(ctx))
	return t, err
}

// addSessions adds package sessions and what it imports.
func (t tree) addSessions(ctx context.Context) error {
	list, err := output(ctx, "", nil, "go", "list", "-deps", "-json=ImportPath,Standard,Dir,GoFiles,SFiles", sessionsPackage)
	if err != nil {
		return err
	}
	for d := json.NewDecoder(strings.NewReader(list)); ; {
		var pkg struct {
			ImportPath, Dir string
			Standard        bool
			GoFiles, SFiles []string
		}
		switch err := d.Decode(&pkg); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case pkg.Standard:
			continue
		}
		to := filepath.Join("src", strings.Replace(pkg.ImportPath, sessionsPackage, sessionsInGo, 1))
		if strings.HasPrefix(pkg.ImportPath, "golang.org/") {
			to = filepath.Join("src/vendor", pkg.ImportPath)
		}
		for _, name := range append(pkg.GoFiles, pkg.SFiles...) {
			text, err := os.ReadFile(filepath.Join(pkg.Dir, name))
			if err == nil {
				err = t.put(filepath.Join(to, name), string(text))
			}
			if err != nil {
				return err
			}
		}
	}
}

// edit makes edits. Each replaces all its occurrences, and there must be one.
func (t tree) edit(edits []edit) error {
	for _, e := range edits {
		text, err := os.ReadFile(filepath.Join(t.dir, e.file))
		if errors.Is(err, fs.ErrNotExist) {
			text, err = os.ReadFile(filepath.Join(t.like, e.file))
		}
		if err != nil {
			return err
		}
		if !strings.Contains(string(text), e.was) {
			return fmt.Errorf("%s has no %q any more", e.file, e.was)
		}
		if err := t.put(e.file, strings.ReplaceAll(string(text), e.was, e.is)); err != nil {
			return err
		}
	}
	return nil
}

// put writes a file.
func (t tree) put(name, text string) error {
	if err := t.open(filepath.Dir(name)); err != nil {
		return err
	}
	path := filepath.Join(t.dir, name)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o600)
}

// open makes a directory one of its own, with links to what the other one has.
func (t tree) open(name string) error {
	dir := filepath.Join(t.dir, name)
	if info, err := os.Lstat(dir); err == nil && info.IsDir() {
		return nil
	}
	if name != "." {
		if err := t.open(filepath.Dir(name)); err != nil {
			return err
		}
		if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // the link
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(filepath.Join(t.like, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if err := os.Symlink(filepath.Join(t.like, name, e.Name()), filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// output runs a command in dir and returns its output.
func output(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.Output()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		err = fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	return string(out), err
}
