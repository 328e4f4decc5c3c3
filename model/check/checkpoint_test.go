package check_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"cutthrough/model/check"
)

// midway returns a checkpoint of the maze in the middle of its search.
func midway(t *testing.T, m maze, o check.Options) []byte {
	t.Helper()
	s, err := check.New(m, o)
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		s.Level(context.Background())
	}
	var saved bytes.Buffer
	if err := s.Save(&saved); err != nil {
		t.Fatal(err)
	}
	return saved.Bytes()
}

// TestDamage loads a checkpoint cut short at every byte, with every byte changed,
// and with something after it.
func TestDamage(t *testing.T) {
	m := maze{states: 3000, bad: 2999}
	whole := midway(t, m, check.Options{})
	if _, err := check.Load(bytes.NewReader(whole), m, check.Options{}); err != nil {
		t.Fatal(err)
	}
	load := func(what string, data []byte) {
		if _, err := check.Load(bytes.NewReader(data), m, check.Options{}); !errors.Is(err, check.ErrCheckpoint) {
			t.Fatalf("%s: error %v", what, err)
		}
	}
	for i := range whole {
		load("cut short", whole[:i])
		whole[i] ^= 1 << (i % 8)
		load("changed", whole)
		whole[i] ^= 1 << (i % 8)
	}
	load("something follows", append(whole[:len(whole):len(whole)], 0))
}

// TestForeign loads a checkpoint for a search that is not the one it is of.
func TestForeign(t *testing.T) {
	m := maze{states: 3000, bad: 2999}
	saved := midway(t, m, check.Options{})
	for _, test := range []struct {
		model   maze
		options check.Options
		want    string
	}{
		{maze{states: 3001}, check.Options{}, `it is of "model maze states=3000", not "model maze states=3001"`},
		{m, check.Options{Exact: true}, `it is of "exact false", not "exact true"`},
		{m, check.Options{Seed: 7}, `it is of "seed 0", not "seed 7"`},
	} {
		_, err := check.Load(bytes.NewReader(saved), test.model, test.options)
		if !errors.Is(err, check.ErrCheckpoint) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: error %v, want %q", test.options, err, test.want)
		}
	}
	if _, err := check.Load(bytes.NewReader(saved), otherDoor{m}, check.Options{}); !errors.Is(err, check.ErrCheckpoint) {
		t.Errorf("other initial states: error %v", err)
	}
	g := &graph{actions: 1, init: []int{0}, edges: [][]edge{{}}, badStep: [][]bool{{}}, bad: []bool{false},
		goal: []bool{true}, terminal: []bool{true}, trigger: []bool{false}, wanted: []bool{true}}
	if _, err := check.Load(bytes.NewReader(saved), g.model(), check.Options{}); !errors.Is(err, check.ErrCheckpoint) {
		t.Errorf("another type of state: error %v", err)
	}
}

// otherDoor is the maze with another entrance.
type otherDoor struct{ maze }

func (otherDoor) Init() []room { return []room{{7}} }

// TestFile saves to a file, over an older one, and leaves nothing else behind.
func TestFile(t *testing.T) {
	m := maze{states: 3000, bad: 2999}
	dir := t.TempDir()
	name := filepath.Join(dir, "maze.checkpoint")
	ctx := context.Background()
	s, err := check.New(m, check.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := s.SaveFile(name); err != nil {
			t.Fatal(err)
		}
		s.Level(ctx)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Fatalf("files %v, error %v", files, err)
	}
	loaded, err := check.LoadFile(name, m, check.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for loaded.Level(ctx) {
	}
	got, err := loaded.Result(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want, err := check.Run(ctx, m, check.Options{})
	if diff := cmp.Diff(want, got, memory); err != nil || diff != "" {
		t.Fatalf("error %v, results (-run +loaded):\n%s", err, diff)
	}
	if err := s.SaveFile(filepath.Join(dir, "no", "such")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no directory: error %v", err)
	}
	full := filepath.Join(dir, "full")
	if err := os.MkdirAll(filepath.Join(full, "of it"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveFile(full); err == nil {
		t.Errorf("a directory was replaced")
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 2 {
		t.Errorf("after failing: files %v, error %v", files, err)
	}
	if _, err := check.LoadFile(filepath.Join(dir, "none"), m, check.Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: error %v", err)
	}
	if err := os.Truncate(name, 1000); err != nil {
		t.Fatal(err)
	}
	if _, err := check.LoadFile(name, m, check.Options{}); !errors.Is(err, check.ErrCheckpoint) || !strings.Contains(err.Error(), name) {
		t.Errorf("truncated file: error %v", err)
	}
}

// TestBrokenStream reports the errors of readers and writers as theirs.
func TestBrokenStream(t *testing.T) {
	m := maze{states: 3000, bad: 2999}
	broken := errors.New("broken")
	saved := midway(t, m, check.Options{})
	for _, n := range []int{0, 100, len(saved)} {
		r := io.MultiReader(bytes.NewReader(saved[:n]), iotest.ErrReader(broken))
		if _, err := check.Load(r, m, check.Options{}); !errors.Is(err, broken) || errors.Is(err, check.ErrCheckpoint) {
			t.Errorf("reader that breaks after %d bytes: error %v", n, err)
		}
	}
	s, err := check.New(m, check.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		if err := s.Save(&brokenWriter{n, broken}); !errors.Is(err, broken) {
			t.Errorf("writer that breaks after %d writes: error %v", n, err)
		}
	}
}

type brokenWriter struct {
	writes int
	err    error
}

func (w *brokenWriter) Write(p []byte) (int, error) {
	if w.writes--; w.writes < 0 {
		return 0, w.err
	}
	return len(p), nil
}
