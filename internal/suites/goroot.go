package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// hooked makes room for the hooks of package net.
var hooked = []edit{
	{"src/net/dial.go", "func (d *Dialer) DialContext(", "func (d *Dialer) dialSocket("},
	{"src/net/dial.go", "func (lc *ListenConfig) Listen(", "func (lc *ListenConfig) listenSocket("},
}

// newGo makes dir a GOROOT in which streams of package net are sessions in every test binary that finds a session
// layer. It has links to the files of the real GOROOT, and the packages of sessions as if they were Go's.
func newGo(ctx context.Context, dir string, edits []edit) (tree, error) {
	root, err := output(ctx, "", nil, "go", "env", "GOROOT")
	if err != nil {
		return tree{}, err
	}
	t, err := newTree(dir, strings.TrimSpace(root))
	if err != nil {
		return tree{}, err
	}
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

// output runs a command in dir and returns its output.
func output(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), env...)
	out, err := cmd.Output()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		err = fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	return string(out), err
}
