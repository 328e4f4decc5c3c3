package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// An edit replaces text in a file of a suite or of Go.
type edit struct{ file, was, is string }

// A tree is a directory that looks like another one but for some files.
type tree struct {
	dir  string
	own  *os.Root // dir: writes through a link to the other directory fail
	like string
}

// copyTree makes the directory dir, a copy of another one: the go command follows no links to directories when it
// looks for packages.
func copyTree(dir, like string) (tree, error) {
	if err := os.CopyFS(dir, os.DirFS(like)); err != nil {
		return tree{}, err
	}
	own, err := os.OpenRoot(dir)
	return tree{dir, own, like}, err
}

// newTree makes the directory dir, with links to what another one has.
func newTree(dir, like string) (tree, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return tree{}, err
	}
	own, err := os.OpenRoot(dir)
	if err != nil {
		return tree{}, err
	}
	t := tree{dir, own, like}
	return t, t.link(".")
}

// edit makes edits. Each replaces all its occurrences, and there must be one.
func (t tree) edit(edits []edit) error {
	for _, e := range edits {
		text, err := t.own.ReadFile(e.file)
		if err != nil {
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

// put writes a file, in place of the link to one.
func (t tree) put(name, text string) error {
	if err := t.open(filepath.Dir(name)); err != nil {
		return err
	}
	if err := t.own.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return t.own.WriteFile(name, []byte(text), 0o600)
}

// open makes a directory, in place of the link to one and with links to what is there.
func (t tree) open(name string) error {
	if info, err := t.own.Lstat(name); err == nil && info.IsDir() {
		return nil
	}
	if err := t.open(filepath.Dir(name)); err != nil {
		return err
	}
	if err := t.own.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := t.own.Mkdir(name, 0o700); err != nil {
		return err
	}
	return t.link(name)
}

// link makes links in a directory to what the other one has there.
func (t tree) link(name string) error {
	entries, err := os.ReadDir(filepath.Join(t.like, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if err := t.own.Symlink(filepath.Join(t.like, name, e.Name()), filepath.Join(name, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
